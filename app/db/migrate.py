"""Bring a database to the newest revision without the command line."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from app.settings import REPOSITORY


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(REPOSITORY / "migrations"))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)
