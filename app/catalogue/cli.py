"""flask catalogue: load and check editions of the catalogue."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.catalogue.commands import LoadCatalogue
from app.catalogue.files import read_edition, versions
from app.errors import AppError
from app.run import SYSTEM, run

cli = AppGroup("catalogue", help="Load and check editions of the catalogue.")


@cli.command("load")
@click.argument("version", required=False)
def load(version: str | None) -> None:
    """Load an edition, or all there are files of."""
    for name in [version] if version else versions():
        try:
            run(LoadCatalogue(name), actor=SYSTEM)
        except AppError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{name}: in force from its day on.")


@cli.command("check")
@click.argument("version")
def check(version: str) -> None:
    """Name every fault of an edition's file."""
    try:
        edition = read_edition(version)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    conditions = sum(len(entry.conditions) for entry in edition.classes)
    click.echo(
        f"{version}: {len(edition.classes)} classes, {conditions} filing conditions, no fault."
    )
