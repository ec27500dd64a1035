"""flask definitions: check and deploy diagrams, decisions and forms."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.errors import DefinitionError
from app.modeling.bundles import find_faults, forms_of, read_files, shipped_files, surrounding
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run

CASE_KEY = "case"

cli = AppGroup("definitions", help="Check and deploy diagrams, decisions and forms.")


@cli.command("check")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def check(files: tuple[Path, ...]) -> None:
    """Print a line for each fault, `file:element: reason; remedy`; exit with 1 if there is one."""
    given = read_files(files)
    shipped = shipped_files()
    # A diagram alone calls others and asks by their forms: it is checked among those it would run with.
    whole = {**surrounding(given, shipped), **given}
    found = find_faults(whole, topics=_topics(), form_keys=forms_of(shipped))
    faults = [fault for fault in found if fault.file in given or not fault.file]
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise SystemExit(1)
    click.echo(f"{len(given)} files, no fault.")


@cli.command("deploy-shipped")
def deploy_shipped() -> None:
    """Deploy the definitions shipped with the product and let new cases start on them."""
    command = DeployBundle(CASE_KEY, shipped_files(), _topics(), "随产品提供")
    try:
        click.echo(run(command, actor=SYSTEM))
    except DefinitionError as exc:
        click.echo("\n".join(map(str, exc.faults)), err=True)
        raise SystemExit(1) from exc


def _topics() -> frozenset[str]:
    # The topics are effects of cases, and cases stands on modeling: only the command line knows both.
    from app.cases.effects import topics  # noqa: PLC0415 because modeling must not import cases

    return topics()
