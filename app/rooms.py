"""The rooms of the product and what each of them offers to the house."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from flask import Flask

from app.web.navigation import add_items
from app.web.rest import rest

TABLES: Final = (
    "accounts", "catalogue", "places", "modeling", "cases", "processes", "assessment", "exchange",
    "sensing", "flood", "utilities", "worker", "simulation", "tryouts",
)  # fmt: skip
PAGES: Final = (
    "accounts", "catalogue", "places", "modeling", "cases", "oversight", "assessment", "sensing",
    "flood", "utilities", "tryouts",
)  # fmt: skip
APIS: Final = ("cases", "sensing", "flood")
COMMANDS: Final = (
    "accounts", "catalogue", "modeling", "assessment", "sensing", "simulation", "worker", "db",
)  # fmt: skip


def import_tables() -> None:
    """Import every room's tables, so that Base.metadata is whole."""
    for room in TABLES:
        import_module(f"app.{room}.tables")


def register_rooms(app: Flask) -> None:
    """Register each room's pages (with their navigation entries), API and commands."""
    # Modeling stands below cases, whose effects the diagrams name.
    app.extensions["jingwei.topics"] = import_module("app.cases.effects").topics
    # Sensing stands below flood, whose sirens answer through the same broker.
    import_module("app.flood.answering").join()
    import_module("app.flood.pages.photos").join()
    for room in PAGES:
        pages = import_module(f"app.{room}.pages")
        app.register_blueprint(pages.blueprint)
        add_items(app, getattr(pages, "navigation", ()))
    app.register_blueprint(import_module("app.accounts.oidc").blueprint)
    for room in APIS:
        rest.register_blueprint(import_module(f"app.{room}.api").blueprint)
    for room in COMMANDS:
        module = import_module(f"app.{room}.cli")
        for command in getattr(module, "commands", None) or [module.cli]:
            app.cli.add_command(command)
