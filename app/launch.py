"""python -m app.launch: what `make run` does once the virtual environment stands.

Start the database, migrate it, deploy the shipped definitions, seed the demo city into an empty
database, then run web and worker together until Ctrl-C, and stop the embedded database again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from types import FrameType

import click
from flask import Flask
from flask.cli import ScriptInfo

from app import create_app
from app.accounts.production import refuse_demo_accounts
from app.db.embedded import EmbeddedServer, ensure_running
from app.errors import AppError
from app.run import Runtime
from app.sensing.trial_broker import TrialBroker, trial_broker
from app.settings import REPOSITORY, Settings
from app.web.build import ensure_built

READY_LIMIT_S = 60


def main() -> int:
    """Run the product until it is interrupted; return the exit status."""
    _on_stopping(_interrupt)
    host, port = os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000)
    try:
        settings = Settings.from_env()
        _refuse_busy_port(host, port)
        with _database_running(settings):
            app = create_app(settings)
            _prepare(app)
            return _serve(app, host, port)
    except (AppError, click.ClickException) as error:
        click.echo(str(error), err=True)
        return 1
    except PermissionError as error:
        click.echo(f"{error.filename} 属于另一个用户 belongs to another user.", err=True)
        return 1
    except (KeyboardInterrupt, click.Abort):
        return 0


@contextmanager
def _database_running(settings: Settings) -> Iterator[None]:
    """Keep the embedded server running inside the block; a server of DATABASE_URL runs by itself."""
    if settings.database_url:
        yield
        return
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with (settings.var_dir / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            # Whoever ended first would stop the server of the other.
            raise AppError(
                "%(path)s 中的数据正由另一个 make run 使用：请先停止它，或用 JINGWEI_VAR 另指一个目录。"
                " Another make run uses these data: stop it, or name another folder with JINGWEI_VAR.",
                path=settings.var_dir,
            ) from exc
        try:
            click.echo("正在启动数据库 Starting the database …")
            ensure_running(settings)
            yield
        finally:
            _on_stopping(lambda number, frame: None)
            if EmbeddedServer(settings.var_dir).stop():
                click.echo("数据库已停止 The database has stopped.")


def _prepare(app: Flask) -> None:
    """Bring the database to today's shape and contents."""
    runtime: Runtime = app.extensions["jingwei"]
    click.echo("正在构建页面脚本 Building the pages' scripts …")
    ensure_built()
    click.echo("正在更新数据库结构 Migrating the database …")
    _command(app, "db", "upgrade")
    click.echo("正在部署流程 Deploying the definitions …")
    _command(app, "definitions", "deploy-shipped")
    if not runtime.services.settings.production:
        click.echo("正在准备示例城市 Preparing the demo city …")
        _command(app, "demo", "seed", "--if-empty")
    refuse_demo_accounts(runtime)
    runtime.database.drop_connections()


def _serve(app: Flask, host: str, port: int) -> int:
    """Run the Procfile until it ends or we are told to end."""
    programs = Path(sys.executable).parent
    runtime: Runtime = app.extensions["jingwei"]
    settings = runtime.services.settings
    broker = None if settings.mqtt_url or settings.production else trial_broker(settings.var_dir)
    environment = {
        **os.environ,
        **_broker_environment(broker),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOST": host,
        "PORT": str(port),
        "JINGWEI_ADDRESS": os.environ.get("JINGWEI_ADDRESS") or f"http://{host}:{port}/",
        "FLASK_APP": "wsgi",
        "PYTHONUNBUFFERED": "1",
    }
    processes = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", *_processes(settings, broker)],
        cwd=REPOSITORY,
        env=environment,
        # Away from the terminal: its signals would end honcho before its processes, and so would
        # a line that can no longer be written when it closes.
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    Thread(target=_show, args=(processes,), daemon=True).start()
    _on_stopping(lambda number, frame: processes.terminate())
    if _wait_until_ready(processes, host, port):
        click.echo(f"\n  经纬 Jingwei: http://{host}:{port}/    (Ctrl-C: 停止 stop)\n")
        if broker is not None:
            click.echo(f"  监测数据 Readings: {broker.url}  jingwei/json/…\n")
        if not runtime.services.settings.production:
            _command(app, "demo", "accounts")
    status = processes.wait()
    # honcho reports the signal it was ended by; being told to stop is no failure.
    return 0 if status in (0, 128 + signal.SIGTERM, -signal.SIGTERM) else status


def _processes(settings: Settings, broker: TrialBroker | None = None) -> tuple[str, ...]:
    """Return the lines of the Procfile to run: readings are taken in where they come from, made up in a demo."""
    own = ("broker",) if broker else ()
    ingest = ("ingest",) if settings.mqtt_url or broker else ()
    stations = ("stations",) if settings.sl651_port else ()
    sensors = () if settings.production else ("sensors",)
    return ("web", "worker", *own, *ingest, *stations, *sensors)


def _broker_environment(broker: TrialBroker | None) -> dict[str, str]:
    if broker is None:
        return {}
    return {
        "JINGWEI_MQTT_URL": broker.url,
        "JINGWEI_BROKER": broker.program,
        "JINGWEI_BROKER_CONFIG": str(broker.config),
    }


def _show(processes: subprocess.Popen[bytes]) -> None:
    """Write what the processes say to our terminal, as long as there is one."""
    assert processes.stdout is not None
    for line in processes.stdout:
        with suppress(OSError):
            os.write(sys.stdout.fileno(), line)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _on_stopping(react: Callable[[int, FrameType | None], None]) -> None:
    """React to Ctrl-C, to being told to end, and to the terminal's end, after which nobody reads us."""

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
        react(number, frame)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def _wait_until_ready(processes: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Wait for pages to be served; False when the processes ended or take too long."""
    deadline = time.monotonic() + READY_LIMIT_S
    while processes.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection(host, port, timeout=READY_LIMIT_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except OSError:
            time.sleep(0.1)  # until it listens: nothing else tells
        finally:
            connection.close()
    return False


def _command(app: Flask, *arguments: str) -> None:
    """Run a command of the command line inside this process."""
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
