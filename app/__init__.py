"""Jingwei: a platform for running a city, built around a workflow engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.clock import Clock
    from app.db.session import Database
    from app.settings import Settings


def create_app(
    settings: Settings | None = None,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
) -> Flask:
    """Build the web application and make its runtime the one that run() uses."""
    from app.house import build_app  # noqa: PLC0415 because importing one room must not load the web

    return build_app(settings, database=database, clock=clock)
