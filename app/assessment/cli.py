"""flask ranking, flask assessment: the month on the command line, and its facts against the log."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session
from tqdm import tqdm

from app.assessment.notice.months import earlier_rankings
from app.assessment.notice.workbook import notice_workbook
from app.assessment.periods import parse_period
from app.assessment.published import faults_of, published_runs
from app.assessment.ranking import Month, Ranking, ranking_of
from app.assessment.rebuilding import check_all
from app.assessment.rewriting import RewriteFacts
from app.assessment.scored import scored
from app.errors import AppError
from app.run import SYSTEM, installed_runtime, run

# Of a table for people; a narrower terminal wraps it.
_WIDTH = 160
# One transaction each; the cases in it stand still until it ends.
_REWRITTEN_AT_ONCE = 200


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


assessment = AppGroup("assessment", help="What the assessment is counted from.")


@assessment.command("rebuild")
@click.argument("written", metavar="PERIOD")
@click.option("--write", is_flag=True, help="Replace facts that differ by those of the log.")
@click.option("--processes", default=os.cpu_count() or 1, type=click.IntRange(1, 64))
def rebuild(written: str, processes: int, *, write: bool) -> None:
    """Rebuild the facts of a PERIOD from the case log alone, and name every difference to what the steps wrote.

    PERIOD: 2025-10, 2025, or 2025-07..2025-12; of the cases that were open in it every fact is looked at. The exit
    status is 1 if there is a difference that was not put right.
    """
    runtime = installed_runtime()
    try:
        period = parse_period(written, runtime.services.settings.timezone)
        checked, found, wrong = 0, 0, []
        with tqdm(desc="核对事实 Facts checked", unit=" cases", disable=None) as bar:
            for number, cases in check_all(
                runtime.database,
                runtime.services.settings,
                period,
                processes=processes,
                begun=lambda whole: bar.reset(total=whole),
            ):
                bar.update(number)
                checked += number
                for case in cases:
                    found += len(case.differences)
                    wrong.append(case.case_id)
                    for difference in case.differences:
                        click.echo(f"{case.number}: {difference}")
        click.echo(f"{checked} cases checked, {found} differences.", err=bool(found))
        if write:
            _rewrite(wrong)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    if found and not write:
        raise SystemExit(1)


@assessment.command("verify")
@click.argument("written", metavar="MONTH")
def verify(written: str) -> None:
    """Make every published edition of a MONTH again from its snapshot, and name what does not come out the same."""
    runtime = installed_runtime()
    zone, found = runtime.services.settings.timezone, 0
    try:
        month = Month.parse(written)
        with runtime.database.sessions() as session:
            runs = published_runs(session, month.first_on)
            for one in runs:
                for what, how in faults_of(session, one, zone):
                    click.echo(f"{month} edition {one.edition}, {what}: {how}")
                    found += 1
    except AppError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(runs)} editions made again, {found} differences.", err=bool(found))
    if found:
        raise SystemExit(1)


def _rewrite(case_ids: list[int]) -> None:
    """Replace the facts of these cases, and say what was written."""
    number = 0
    for batch in range(0, len(case_ids), _REWRITTEN_AT_ONCE):
        command = RewriteFacts(tuple(case_ids[batch : batch + _REWRITTEN_AT_ONCE]))
        for case in run(command, actor=SYSTEM):
            click.echo(f"{case.number}: {case.after} versions written, {case.before} replaced")
            number += 1
    click.echo(f"The facts of {number} cases were written anew.")


commands = [ranking, assessment]


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
