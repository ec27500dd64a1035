"""python -m app.launch: what `make run` does once the virtual environment stands.

Start the database, migrate it, deploy the shipped definitions, seed the demo city into an empty
database, then run web and worker together until Ctrl-C, and stop the embedded database again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import click
from flask import Flask
from flask.cli import ScriptInfo

from app import create_app
from app.db.embedded import EmbeddedServer, ensure_running
from app.errors import AppError
from app.run import Runtime
from app.settings import REPOSITORY, Settings

PREPARATION = (
    ("正在准备数据库 Preparing the database", ("db", "upgrade")),
    ("正在部署流程 Deploying the definitions", ("definitions", "deploy-shipped")),
    ("正在准备示例城市 Preparing the demo city", ("demo", "seed", "--if-empty")),
)
READY_LIMIT_S = 60


def main() -> int:
    """Run the product until it is interrupted; return the exit status."""
    settings = Settings.from_env()
    host, port = os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000)
    try:
        _refuse_busy_port(host, port)
        ensure_running(settings)
        app = create_app(settings)
        for title, arguments in PREPARATION:
            click.echo(f"{title} …")
            _command(app, *arguments)
        runtime: Runtime = app.extensions["jingwei"]
        runtime.database.drop_connections()
        return _serve(app, host, port)
    except AppError as error:
        click.echo(str(error), err=True)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if not settings.database_url:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if EmbeddedServer(settings.var_dir).stop():
                click.echo("数据库已停止 The database has stopped.")


def _serve(app: Flask, host: str, port: int) -> int:
    """Run the Procfile until it ends or we are told to end; both signals reach honcho."""
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOST": host,
        "PORT": str(port),
        "FLASK_APP": "wsgi",
        "PYTHONUNBUFFERED": "1",
    }
    processes = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start"], cwd=REPOSITORY, env=environment
    )

    def pass_on(number: int, frame: FrameType | None) -> None:
        processes.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    # Ctrl-C reaches honcho too: the terminal sends it to the whole group.
    signal.signal(signal.SIGINT, pass_on)
    if _wait_until_ready(processes, host, port):
        click.echo(f"\n  经纬 Jingwei: http://{host}:{port}/    (Ctrl-C: 停止 stop)\n")
        _command(app, "demo", "accounts")
    status = processes.wait()
    # honcho reports the signal it was ended by; being told to stop is no failure.
    return 0 if status in (0, 130, 143, -signal.SIGTERM, -signal.SIGINT) else status


def _wait_until_ready(processes: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Wait for the web server to accept connections; False when it ended or takes too long."""
    deadline = time.monotonic() + READY_LIMIT_S
    while processes.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=1):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _command(app: Flask, *arguments: str) -> None:
    """Run a command of the command line inside this process."""
    if arguments[0] not in app.cli.commands and arguments[0] != "db":
        return
    app.cli.main(
        args=list(arguments), obj=ScriptInfo(create_app=lambda: app), standalone_mode=False
    )


def _refuse_busy_port(host: str, port: int) -> None:
    """Say at once that the port is taken, before minutes of preparation."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise AppError(
                "%(host)s:%(port)s 已被占用或不可用：请另选端口，例如 make run PORT=8001。"
                " The port is taken: choose another, for example make run PORT=8001.",
                host=host,
                port=port,
            ) from exc


if __name__ == "__main__":
    sys.exit(main())
