"""flask db-server: start, stop and look at the embedded PostgreSQL."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from app.db.embedded import EmbeddedServer
from app.run import Runtime

cli = AppGroup("db-server", help="Start, stop and look at the embedded PostgreSQL.")


@cli.command("start")
def start() -> None:
    """Start the server unless it runs already."""
    _server().ensure_running()
    _report()


@cli.command("stop")
def stop() -> None:
    """Stop the server; the next command that needs it starts it again."""
    click.echo("PostgreSQL stopped." if _server().stop() else "PostgreSQL was not running.")


@cli.command("status")
def status() -> None:
    """Print where the server lives and whether it answers."""
    _report()


@cli.command("url")
def url() -> None:
    """Print the URL, password included, for psql and other tools."""
    _server().ensure_running()
    click.echo(_server().url.replace("+psycopg", ""))


def _report() -> None:
    server = _server()
    if not server.is_running():
        click.echo("PostgreSQL is not running.")
        return
    place = server.place()
    click.echo(
        f"PostgreSQL answers on 127.0.0.1:{place.port}, data in {place.data}, log {place.log}"
    )


def _server() -> EmbeddedServer:
    runtime: Runtime = current_app.extensions["jingwei"]
    settings = runtime.services.settings
    if settings.database_url:
        raise click.ClickException("DATABASE_URL is set: the embedded PostgreSQL is not used.")
    return EmbeddedServer(settings.var_dir)
