"""Report a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row

from app.cases.answers import clean_text
from app.cases.channels import channel_of
from app.cases.commands.authority import REPORTERS
from app.cases.context import StepContext
from app.cases.log import FIRST_HASH
from app.cases.reference import class_on
from app.cases.steps import StepResult, collect, context_of, finish, moment_of, result_of
from app.cases.store import CHANGING_COLUMNS, Loaded, case_insert, next_ids
from app.clock import require_aware
from app.engine import instance
from app.errors import InvalidInput, StateChanged, Text
from app.modeling.queries import active_hash, deployed
from app.places.locate import OUTSIDE, Place, known_locator, locator_of
from app.run import Tx, handles

CASE_KEY: Final = "case"
REPORTED_STAGE: Final = "reported"
# Two reports with one key at once: the second waits for the first, and then sees its case.
_LOCK_SOURCE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_OF_SOURCE: Final = "SELECT number FROM cases WHERE source_key = %s"
_COUNTS: Final = (
    "extensions", "reworks", "unfounded_returns", "media_supervisions",
    "unit_supervisions", "dispatches", "returns", "supervisions", "log_seq",
)  # fmt: skip


@dataclass(frozen=True)
class ReportCase:
    """Report a problem: it becomes a case and its process begins.

    lon, lat: degrees, WGS 84; both or neither. A place outside the city is accepted and marked.
    source_key: what the system it comes from calls it; the same key twice is refused.
    """

    channel: str
    title: str
    description: str = ""
    class_code: str | None = None
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    reporter_name: str | None = None
    reporter_phone: str | None = None
    self_handled: bool = False
    reported_at: datetime | None = None
    source_key: str | None = None


@handles(ReportCase, *REPORTERS)
def report_case(command: ReportCase, tx: Tx) -> StepResult:
    """Open a case, locate it and start its process."""
    connection, now = tx.connection, tx.clock.now()
    case = checked_report(command, now)
    _refuse_known(connection, case["source_key"])
    day = now.astimezone(tx.services.settings.timezone).date()
    duty = ""
    if command.class_code:
        found = class_on(connection, command.class_code, day)
        case["class_code"], case["kind"], duty = found.code, found.kind, found.duty
    place = _locate(tx, command)
    case |= placed(place, command)
    case["reported_by"] = tx.actor.person_id
    case["id"], instance_id, case["number"], version = next_ids(connection, day)
    version = version or active_hash(connection, CASE_KEY)
    loaded = Loaded(
        connection, instance_id, 0, version, CASE_KEY, b"", None, None, [], [], [], case, [],
    )  # fmt: skip
    context = context_of(tx, loaded)
    log_report(context)
    data = first_data(case, duty, self_handled=command.self_handled)
    definition = deployed(connection, version).definition
    step = instance.start(definition, CASE_KEY, data, moment_of(context))
    collect(context, instance_id, step)
    rows = context.rows
    rows.insert_case = case_insert(context.case)
    rows.insert_instance = (
        instance_id, case["id"], CASE_KEY, version, CASE_KEY, step.state, now,
        now if step.ended else None,
    )  # fmt: skip
    finish(context, loaded.case)
    return result_of(context, instance_id, step)


def checked_report(command: ReportCase, now: datetime) -> dict[str, Any]:
    """Return the case's first columns. Raises InvalidInput naming a field."""
    channel_of(command.channel)
    reported_at = now if command.reported_at is None else require_aware(command.reported_at)
    if reported_at > now:
        raise InvalidInput({"reported_at": "上报时间不能晚于现在"})
    return blank_case() | {
        "channel": command.channel,
        "title": clean_text("title", command.title, longest=200, required=True),
        "description": clean_text("description", command.description, longest=10_000),
        "address": clean_text("address", command.address, longest=500),
        "reporter_name": _optional("reporter_name", command.reporter_name),
        "reporter_phone": _optional("reporter_phone", command.reporter_phone),
        "source_key": _optional("source_key", command.source_key),
        "reported_at": reported_at,
    }


def log_report(context: StepContext) -> None:
    """Write the first row of a case's log."""
    case = context.case
    told = {name: case[name] for name in ("channel", "title", "grid_code", "outside_city")}
    context.log("reported", **told)


def blank_case() -> dict[str, Any]:
    """Return the changing columns of a case to which nothing has happened yet."""
    case: dict[str, Any] = dict.fromkeys(CHANGING_COLUMNS)
    case |= dict.fromkeys(_COUNTS, 0)
    case |= {
        "stage": REPORTED_STAGE,
        "log_hash": FIRST_HASH,
        "overdue": False,
        "near_due": False,
        "long_overdue": False,
        "on_hold": False,
        "exempt": False,
    }
    return case


def _refuse_known(connection: Connection[Any], source_key: str | None) -> None:
    """Raise StateChanged for a report that is a case already."""
    if source_key is None:
        return
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_LOCK_SOURCE, (source_key,), prepare=True)
        found = cursor.execute(_OF_SOURCE, (source_key,), prepare=True).fetchone()
    if found is not None:
        raise StateChanged(
            "来源编号为“%(key)s”的上报已经登记为案件 %(number)s。", key=source_key, number=found[0]
        )


def _optional(field: str, value: str | None) -> str | None:
    return clean_text(field, value, longest=100) or None if value is not None else None


def _locate(tx: Tx, command: ReportCase) -> Place:
    lon, lat = command.lon, command.lat
    if lon is None and lat is None:
        return OUTSIDE
    for field, value, limit in (("lon", lon, 180), ("lat", lat, 90)):
        if value is None:
            raise InvalidInput({field: "经度和纬度须同时填写"})
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput({field: Text("应为数字，现为“%(value)s”", value=value)})
        if not math.isfinite(value) or abs(value) > limit:
            fault = Text("应在 -%(most)s 至 %(most)s 之间，现为 %(value)s", most=limit, value=value)
            raise InvalidInput({field: fault})
    assert lon is not None
    assert lat is not None
    locator = known_locator(tx.connection) or locator_of(tx.session)
    return locator.locate(lon, lat)


def placed(place: Place, command: ReportCase) -> dict[str, Any]:
    """Return the columns that say where a case lies."""
    return {
        "lon": command.lon,
        "lat": command.lat,
        "grid_code": place.unit_grid,
        "responsibility_code": place.responsibility_grid,
        "street_code": place.street,
        "district_code": place.district,
        # Without coordinates nobody knows: only a point that lies outside is marked.
        "outside_city": command.lon is not None and place.outside_city,
    }


def first_data(case: Mapping[str, Any], duty: str, *, self_handled: bool) -> dict[str, Any]:
    """Return what the diagrams know of a new case. A person looks at what lies outside the city."""
    verify = channel_of(case["channel"]).verify or case["outside_city"]
    return {
        "channel": case["channel"],
        "self_handled": self_handled,
        "needs_verification": verify and not self_handled,
        "class_code": case["class_code"],
        "kind": case["kind"],
        "duty": duty,
        "district_code": case["district_code"],
        "unit_id": None,
        "handler_known": False,
        "outcome": None,
    }
