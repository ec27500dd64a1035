"""flask replay, simulate, demo: histories lived through again, days of a city, a city to try."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import chain
from pathlib import Path
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select
from tqdm import tqdm

from app.accounts.production import refuse_in_production
from app.accounts.queries import demo_accounts as people_to_try
from app.accounts.tables import Unit
from app.cases.calendars import working_calendar
from app.clock import require_aware
from app.errors import AppError
from app.run import SYSTEM, Runtime, run
from app.simulation.assessed import assess_last_month
from app.simulation.bars import Bars
from app.simulation.builders.plan import plan
from app.simulation.city import demo_accounts
from app.simulation.commands import BeginRun
from app.simulation.demo import SEED as DEMO_SEED
from app.simulation.demo import SIZE as DEMO_SIZE
from app.simulation.demo import demo_span, staged_cases
from app.simulation.equipping import deploy_where_none_is, equip
from app.simulation.flooding import EquipForFlood
from app.simulation.habits import habits
from app.simulation.histories.year import load_year, settle
from app.simulation.living import last_run, live_through
from app.simulation.measuring import (
    BeginScenario,
    MeasuringLoop,
    complain,
    measure_day_before,
)
from app.simulation.replay import boston311
from app.simulation.replay.history import moment_of
from app.simulation.replay.report import COLUMNS
from app.simulation.replay.whole import Replayed, replay
from app.simulation.sensors import HEAT_FAILURE, STORM
from app.simulation.tables import SimulationRun
from app.simulation.watching import WatchCity

replay_group = AppGroup("replay", help="Live through a real history again.")


@replay_group.command("boston311")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--as-of", required=True, help="Until when: 2016-01-12T23:59:59, in the zone.")
@click.option("--zone", "zone_name", default=boston311.ZONE, show_default=True)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="JSON to write.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
def replay_boston311(
    files: tuple[Path, ...], as_of: str, zone_name: str, report: Path | None, processes: int
) -> None:
    """Take each request of the files (CSV, plain or gzipped) through the diagram at its own times.

    Rows that cannot be read or played are named; the exit status is 1 if there are any.
    """
    zone = _zone(zone_name)
    until = _moment(as_of, zone)
    rows = list(chain.from_iterable(boston311.read_requests(path, zone) for path in files))
    bar = tqdm(total=len(rows), desc=boston311.NAME, unit=" requests", disable=None)
    with _refusals_told(), bar:
        refuse_in_production(_runtime())
        deploy_where_none_is(_runtime())
        replayed = replay(
            _runtime(), boston311.NAME, rows, until, processes=processes, tick=bar.update
        )
    if report is not None:
        report.write_text(json.dumps(replayed.report, indent=1, ensure_ascii=False) + "\n")
    _tell(replayed)
    if replayed.played.problems:
        raise SystemExit(1)


def _tell(replayed: Replayed) -> None:
    """Print the problems, the figures of each department, and how fast it went."""
    played = replayed.played
    for problem in played.problems:
        click.echo(str(problem), err=True)
    width = max([len(row["department"]) for row in replayed.report] + [len(COLUMNS[0])])
    click.echo("  ".join([COLUMNS[0].ljust(width), *COLUMNS[1:]]))
    for row in replayed.report:
        figures = (str(row[column]).rjust(len(column)) for column in COLUMNS[1:])
        click.echo("  ".join([row["department"].ljust(width), *figures]))
    click.echo(
        f"{played.played} requests and {played.timers} timers in {replayed.seconds:.1f} s:"
        f" {played.played / max(replayed.seconds, 0.001):.1f} requests a second;"
        f" {played.already} stood already, {played.later} come later,"
        f" {len(played.problems)} with a problem"
    )


@click.command("simulate")
@click.option("--size", type=click.Choice(list(plan()["sizes"])), default="full", show_default=True)
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 3660))
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--per-day", type=click.FloatRange(0.1), help="Reports a day; by size if not given.")
@with_appcontext
def simulate(
    size: str, days: int, seed: int, start: datetime | None, per_day: float | None
) -> None:
    """Build a city if the database is empty, and live through days of it on a virtual clock.

    Without --from it goes on where the city stands, or lives through the days before today. A span
    that was interrupted is lived to its end first.
    """
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        equip(runtime)
        before = _last_run(runtime)
        if before is not None and before.finished_at is None:
            _live(runtime, before)
            return
        from_at = _begin_of(runtime, start, days, before)
        size = size if before is None else before.size
        command = BeginRun(
            size,
            seed,
            per_day or habits()["per_day"][size],
            False,
            from_at,
            from_at + timedelta(days=days),
        )
        _live(runtime, _begun(runtime, command))


demo = AppGroup("demo", help="A city to try.")


@demo.command("seed")
@click.option("--if-empty", is_flag=True, help="Do nothing in a database that has units already.")
def seed(if_empty: bool) -> None:
    """Build the demo city, live through a month of it and measure a day; go on if that was interrupted."""
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        span = _last_run(runtime)
        if span is None or span.finished_at is not None:
            if _has_units(runtime):
                if not if_empty:
                    raise click.ClickException("There are units already: nothing was done.")
                if span is not None and span.is_demo:
                    _watch(runtime)
                return
            equip(runtime)
            calendar = working_calendar(runtime.services.settings)
            from_at, until_at = demo_span(runtime.clock.now(), calendar)
            per_day = habits()["per_day"][DEMO_SIZE]
            command = BeginRun(DEMO_SIZE, DEMO_SEED, per_day, True, from_at, until_at)
            span = _begun(runtime, command)
        _live(runtime, span)
        assess_last_month(runtime, span.until_at)
        _watch(runtime)


def _watch(runtime: Runtime) -> None:
    """Give the demo city its sensors and a day of what they measured; each is done once."""
    run(WatchCity(DEMO_SIZE, DEMO_SEED), actor=SYSTEM, database=runtime.database)
    run(EquipForFlood(DEMO_SIZE, DEMO_SEED), actor=SYSTEM, database=runtime.database)
    measure_day_before(runtime.database, runtime.clock)


@demo.command("sensors")
def sensors() -> None:
    """Let the sensors of the demo city measure once a minute until stopped."""
    runtime = _runtime()
    refuse_in_production(runtime)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    loop = MeasuringLoop(runtime.database, runtime.clock)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stopping.set())
    loop.run()


@demo.command("storm")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(5, 24 * 60))
def storm(minutes: int) -> None:
    """Let a storm begin over the city; its water rises, stands and runs off."""
    _begin_scenario(STORM, timedelta(minutes=minutes))
    click.echo(
        f"暴雨开始，历时 {minutes} 分钟，三分之一处雨最大；几分钟后低洼处积水。可看 /flood/cockpit 和 /sensing/alerts。\n"
        f"A storm of {minutes} minutes has begun, at its height after a third; water stands within minutes."
        " See /flood/cockpit and /sensing/alerts."
    )


@demo.command("heat-failure")
@click.argument("station")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(5, 24 * 60))
@click.option("--complaints", default=6, show_default=True, type=click.IntRange(0, 200))
def heat_failure(station: str, minutes: int, complaints: int) -> None:
    """Let a heat station (such as HS-0001) fail, and homes behind it complain."""
    runtime = _runtime()
    _begin_scenario(HEAT_FAILURE, timedelta(minutes=minutes), station)
    with _refusals_told():
        numbers = complain(runtime.database, runtime.clock, station, "S-01-02", complaints)
    click.echo(
        f"{station} 停供 {minutes} 分钟；可看 /utilities/heat。投诉案件：\n"
        f"{station} fails for {minutes} minutes; see /utilities/heat. Complaints:"
    )
    click.echo("\n".join(numbers))


def _begin_scenario(kind: str, lasts: timedelta, *sites: str) -> None:
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        command = BeginScenario(kind, runtime.clock.now(), lasts, sites)
        run(command, actor=SYSTEM, database=runtime.database)


@demo.command("accounts")
def accounts() -> None:
    """Print the accounts to try things with: login, password, role."""
    with _runtime().database.sessions() as session:
        here = {account.login for account in people_to_try(session)}
    rows = [
        (login, password, f"{zh} {en}")
        for login, password, zh, en in demo_accounts()
        if login in here
    ]
    if not rows:
        click.echo("这里没有演示账号。There are no demo accounts here.")
        return
    rows.insert(0, ("账号 Login", "密码 Password", "角色 Role"))
    widths = [max(_width(row[n]) for row in rows) for n in range(2)]
    for row in rows:
        padded = (row[n] + " " * (widths[n] - _width(row[n])) for n in range(2))
        click.echo(f"  {'  '.join(padded)}  {row[2]}")


city = AppGroup("city", help="A city of full size, and what happened in it.")


@city.command("flood")
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--size", type=click.Choice(list(plan()["sizes"])), default="full", show_default=True)
def equip_city_for_flood(seed: int, size: str) -> None:
    """Give a simulated city its flood points, gauges, pump trucks and flood staff with their roster."""
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        n = run(EquipForFlood(size, seed), actor=SYSTEM, database=runtime.database)
    click.echo(f"{n} flood points")


@city.command("utilities")
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--size", type=click.Choice(list(plan()["sizes"])), default="full", show_default=True)
def equip_city_with_utilities(seed: int, size: str) -> None:
    """Give a simulated city its sites of heat, water and gas, their devices and rules."""
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        n = run(WatchCity(size, seed), actor=SYSTEM, database=runtime.database)
    click.echo(f"{n} sites")


@city.command("year")
@click.option("--cases", default=1_200_000, show_default=True, type=click.IntRange(1))
@click.option("--year", required=True, type=click.IntRange(1970, 9000), help="Such as 2025.")
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--size", type=click.Choice(list(plan()["sizes"])), default="full", show_default=True)
@click.option("--processes", default=os.cpu_count() or 1, type=click.IntRange(1, 64))
@click.option("--anyway", is_flag=True, help="Also into a database that has cases already.")
def load_year_of_cases(
    cases: int, year: int, seed: int, size: str, processes: int, *, anyway: bool
) -> None:
    """Load a year in which so many cases are dispatched, as if it had been lived through.

    An empty database gets a city first. What is still open when the year ends can be read and counted, not
    worked on: no process waits behind it.
    """
    runtime = _runtime()
    with _refusals_told():
        refuse_in_production(runtime)
        with Bars() as bars:
            settle(runtime, size, seed, bars.show)
        with tqdm(desc="载入案卷 Cases loaded", unit=" cases", disable=None) as bar:
            loaded = load_year(
                runtime, year, cases, seed, processes=processes, tick=bar.update, anyway=anyway
            )
    click.echo(
        f"{loaded.cases} cases in {loaded.seconds:.1f} s:"
        f" {loaded.cases / max(loaded.seconds, 0.001):.0f} cases a second"
    )


def _begun(runtime: Runtime, command: BeginRun) -> SimulationRun:
    """Begin a span, with a bar for each part of a city that is built."""
    with Bars() as bars:
        command = replace(command, progress=bars.show)
        run(command, actor=SYSTEM, database=runtime.database)
    span = _last_run(runtime)
    assert span is not None, "it was begun just now"
    return span


def _live(runtime: Runtime, span: SimulationRun) -> None:
    """Live through a span under a bar, and tell how it went."""
    hours = (span.until_at - span.from_at) / timedelta(hours=1)
    bar = tqdm(
        total=round(hours),
        desc="模拟办案 Days lived",
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {postfix}[{elapsed}<{remaining}]",
        disable=None,
    )
    zone = runtime.services.settings.timezone

    def tick(at: datetime) -> None:
        bar.set_postfix_str(f"{at.astimezone(zone):%m-%d %H:%M} ", refresh=False)
        bar.update(int((at - span.from_at) / timedelta(hours=1)) - bar.n)

    with bar:
        staged = staged_cases if span.is_demo else lambda world, until: []
        lived = live_through(runtime, span, staged=staged, tick=tick)
    for words, times in lived.refused.most_common():
        click.echo(f"{times} x {words}", err=True)
    counted = lived.counted
    click.echo(
        f"{counted['cases']} cases, {counted['steps']} steps and {counted['timers']} timers"
        f" in {lived.seconds:.1f} s"
    )


def _begin_of(
    runtime: Runtime, start: datetime | None, days: int, before: SimulationRun | None
) -> datetime:
    """Return when a new span begins. Raises ClickException when that was lived already."""
    zone = runtime.services.settings.timezone
    if start is not None:
        begin = require_aware(start.replace(tzinfo=zone))
    elif before is not None:
        begin = before.until_at
    else:
        today = runtime.clock.now().astimezone(zone).date()
        begin = require_aware(datetime.combine(today - timedelta(days=days), time(), zone))
    if before is not None and begin < before.until_at:
        lived = before.until_at.astimezone(zone)
        raise click.ClickException(f"The city has lived until {lived:%Y-%m-%d %H:%M}.")
    return begin


def _last_run(runtime: Runtime) -> SimulationRun | None:
    with runtime.database.sessions() as session:
        return last_run(session)


def _has_units(runtime: Runtime) -> bool:
    with runtime.database.sessions() as session:
        return session.scalar(select(Unit.id).limit(1)) is not None


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _runtime() -> Runtime:
    runtime: Runtime = current_app.extensions["jingwei"]
    return runtime


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise click.BadParameter(f"no time zone {name!r}", param_hint="--zone") from exc


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        return moment_of(datetime.fromisoformat(text), zone)
    except ValueError as exc:
        raise click.BadParameter(f"no time: {text!r}", param_hint="--as-of") from exc


@contextmanager
def _refusals_told() -> Iterator[None]:
    """Say what the product refuses as a command line does."""
    try:
        yield
    except AppError as error:
        raise click.ClickException(str(error)) from error


commands = [replay_group, simulate, demo, city]
