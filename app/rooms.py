"""The rooms of the product and what each of them offers to the house."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import flask_smorest
from flask import Flask

from app.web.navigation import add_items
from app.web.rest import rest

ROOMS = (
    "accounts", "catalogue", "places", "modeling", "cases", "assessment", "exchange", "simulation",
    "worker",
)  # fmt: skip


def import_tables() -> None:
    """Import every room's tables, so that Base.metadata is whole."""
    for room in ROOMS:
        _offered(room, "tables")


def register_rooms(app: Flask) -> None:
    """Register each room's pages (with their navigation entries), API and commands."""
    for room in ROOMS:
        if pages := _offered(room, "pages"):
            app.register_blueprint(pages.blueprint)
            add_items(app, getattr(pages, "navigation", ()))
        if api := _offered(room, "api"):
            if isinstance(api.blueprint, flask_smorest.Blueprint):
                rest.register_blueprint(api.blueprint)
            else:
                app.register_blueprint(api.blueprint)
    for room in (*ROOMS, "db"):
        if module := _offered(room, "cli"):
            for command in getattr(module, "commands", None) or [module.cli]:
                app.cli.add_command(command)


def _offered(room: str, part: str) -> ModuleType | None:
    """Import one part of a room; None when the room has no such part."""
    name = f"app.{room}.{part}"
    if find_spec(f"app.{room}") is None or find_spec(name) is None:
        return None
    return import_module(name)
