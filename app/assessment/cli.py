"""flask ranking, flask facts: the month on the command line, and its facts against the log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app.assessment.notice.months import earlier_rankings
from app.assessment.notice.workbook import notice_workbook
from app.assessment.ranking import Month, Ranking, ranking_of
from app.assessment.rebuild import differences
from app.assessment.scored import scored
from app.errors import AppError
from app.run import installed_runtime

# Of a table for people; a narrower terminal wraps it.
_WIDTH = 160


@click.command("ranking")
@click.argument("month")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the workbook here."
)
@click.option(
    "--as-of",
    help="As of this moment, such as 2025-11-05T00:00+08:00; else the month's end, or now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def ranking(month: str, out: Path | None, as_of: str | None, *, as_json: bool) -> None:
    """Rank the units of a MONTH such as 2025-10."""
    runtime = installed_runtime()
    zone, now = runtime.services.settings.timezone, runtime.clock.now()
    try:
        chosen = Month.parse(month)
        period = chosen.period(zone)
        moment = _moment(as_of) if as_of else (now if now < period.end else None)
        with runtime.database.sessions() as session:
            made = ranking_of(session, period, moment)
            content = _notice(session, chosen, zone, moment) if out else b""
    except AppError as error:
        raise click.ClickException(str(error)) from error
    if out:
        out.write_bytes(content)
        click.echo(f"{out}: {len(made.rows)} units in {len(made.groups)} groups.", err=as_json)
    if as_json:
        click.echo(orjson.dumps(made.as_plain(), option=orjson.OPT_INDENT_2).decode())
    elif not out:
        _print(made)


facts = AppGroup("facts", help="The facts that the ranking is counted from.")


@facts.command("check")
@click.option("--month", help="Only the cases that were open in this month, such as 2025-10.")
def check(month: str | None) -> None:
    """Rebuild the facts from the case log and name every difference; exit 1 when there is one."""
    runtime = installed_runtime()
    try:
        zone = runtime.services.settings.timezone
        period = Month.parse(month).period(zone) if month else None
        with runtime.database.sessions() as session:
            checked, found = 0, 0
            for case in differences(session, period):
                checked += 1
                found += len(case.differences)
                for difference in case.differences:
                    click.echo(f"{case.number}: {difference}")
    except AppError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{checked} cases checked, {found} differences.", err=bool(found))
    if found:
        raise SystemExit(1)


commands = [ranking, facts]


def _notice(session: Session, month: Month, zone: ZoneInfo, moment: datetime | None) -> bytes:
    """Return the month's workbook by the scheme in force, without links: no address is known here."""
    ranking = scored(session, month.period(zone), as_of=moment)
    earlier = earlier_rankings(session, month, zone)
    return notice_workbook(session, ranking, month, zone, earlier=earlier)


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise click.BadParameter(
            f"{written!r} is no ISO 8601 moment", param_hint="--as-of"
        ) from error
    if moment.tzinfo is None:
        raise click.BadParameter("a time zone is wanted, such as +08:00", param_hint="--as-of")
    return moment


def _print(made: Ranking) -> None:
    console = Console(width=_WIDTH, highlight=False)
    for group in made.groups:
        table = Table(title=group.name("zh"), title_justify="left")
        table.add_column("名次", justify="right")
        table.add_column("单位")
        for figure in made.figures.values():
            table.add_column(figure.name, justify="right")
        for row in group.rows:
            values = (figure.value(row.tally) for figure in made.figures.values())
            rank = "" if row.rank is None else str(row.rank)
            table.add_row(
                rank, row.unit.name, *("无数据" if one is None else str(one) for one in values)
            )
        console.print(table)
    if not made.groups:
        console.print("No unit has a rank group.")
