"""The roster: put shifts on it, load it from a file; call the roll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, FLOOD_STAFF, UNIT_MANAGER
from app.accounts.tables import Person, PersonRole, Unit
from app.clock import require_aware
from app.errors import Forbidden, InvalidInput, NotFound, Text
from app.flood.duty import MISSING, OFF_PLACE, PRESENT, RosterLine, roster
from app.flood.figures import plain
from app.flood.sheets import Faults, FileRow, moment_in, rows_of_file
from app.flood.tables import RollCall
from app.run import Tx, handles
from app.sensing.tables import Site
from sla.flood_files import TRADE, shipped_flood_policy

COLUMNS: Final = {
    "login": "登录名",
    "site": "点位编码",
    "from_at": "开始时间",
    "to_at": "结束时间",
}
LONGEST_SHIFT: Final = timedelta(days=7)
# Two clicks on one button come within this.
_SECOND_CLICK: Final = timedelta(seconds=10)
_ADD: Final = """
INSERT INTO duty_shifts (person_id, unit_id, site_id, starts_at, ends_at, added_at, added_by)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class NewShift:
    """A shift as it is put on the roster."""

    person_id: int
    unit_id: int
    site_id: int | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class AddShifts:
    """Put shifts on the roster; one that stands there changes nothing."""

    shifts: Sequence[NewShift]


@dataclass(frozen=True)
class LoadRoster:
    """Put the shifts of a workbook or CSV file on the roster."""

    content: bytes


@dataclass(frozen=True)
class CallRoll:
    """Call the roll of a unit and those below it, of a point, or of everybody."""

    unit_id: int | None = None
    site_id: int | None = None


@dataclass(frozen=True)
class _Known:
    people: Mapping[str, Person]
    staff: frozenset[int]
    sites: Mapping[str, int]
    paths: Mapping[int, str]


@handles(AddShifts)
def add_shifts(command: AddShifts, tx: Tx) -> int:
    """Add the shifts and return how many are new."""
    now, added = tx.clock.now(), 0
    with tx.connection.cursor() as cursor:
        for one in command.shifts:
            moments = (require_aware(one.starts_at), require_aware(one.ends_at))
            row = (one.person_id, one.unit_id, one.site_id, *moments, now, tx.actor.person_id)
            added += cursor.execute(_ADD, row).rowcount
    return added


@handles(LoadRoster, FLOOD_COMMANDER, UNIT_MANAGER)
def load_roster(command: LoadRoster, tx: Tx) -> int:
    """Add the shifts of a file and return how many are new. Raises InvalidInput naming the rows that are wrong."""
    known, faults, shifts = _known(tx), Faults(), []
    for row in rows_of_file(command.content, COLUMNS):
        try:
            shifts.append(_shift(row, known, tx))
        except InvalidInput as fault:
            faults.add(row.number, next(iter(fault.fields.values())))
    faults.refuse()
    return int(add_shifts(AddShifts(shifts), tx))


@handles(CallRoll, FLOOD_COMMANDER, UNIT_MANAGER)
def call_roll(command: CallRoll, tx: Tx) -> int:
    """Keep who is there and who is missing now, and return the roll call."""
    unit_id = command.unit_id
    if unit_id is not None and tx.session.get(Unit, unit_id) is None:
        raise NotFound("没有这个单位。")
    if not tx.actor.has(FLOOD_COMMANDER):
        unit_id = unit_id or tx.actor.unit_id
        path = "" if unit_id is None else tx.session.get_one(Unit, unit_id).path
        if not path.startswith(tx.actor.unit_path):
            raise Forbidden("只能对本单位点名。")
    if command.site_id is not None and tx.session.get(Site, command.site_id) is None:
        raise NotFound("没有这个点位。")
    grace = shipped_flood_policy().duty.grace
    now = tx.clock.now()
    found = roster(tx.session, now, grace, unit_id=unit_id, site_id=command.site_id)
    states = [line.state for line in found]
    again = _called_just_now(tx, unit_id, command.site_id)
    if again is not None:
        return again
    call = RollCall(
        at=now,
        called_by=tx.actor.person_id,
        unit_id=unit_id,
        site_id=command.site_id,
        present=states.count(PRESENT),
        missing=states.count(MISSING) + states.count(OFF_PLACE),
        data={"lines": [_called(line) for line in found]},
    )
    tx.session.add(call)
    tx.session.flush()
    return call.id


def _called_just_now(tx: Tx, unit_id: int | None, site_id: int | None) -> int | None:
    """Return the roll call that a second click means."""
    tx.session.scalar(select(Person.id).where(Person.id == tx.actor.person_id).with_for_update())
    return tx.session.scalar(
        select(RollCall.id).where(
            RollCall.called_by == tx.actor.person_id,
            RollCall.at > tx.clock.now() - _SECOND_CLICK,
            RollCall.unit_id.is_not_distinct_from(unit_id),
            RollCall.site_id.is_not_distinct_from(site_id),
        )
    )


def _known(tx: Tx) -> _Known:
    session = tx.session
    staff = select(PersonRole.person_id).where(PersonRole.role == FLOOD_STAFF)
    flood = select(Site.code, Site.id).where(Site.trade == TRADE)
    return _Known(
        {person.login: person for person in session.scalars(select(Person))},
        frozenset(session.scalars(staff)),
        {row.code: row.id for row in session.execute(flood)},
        {unit.id: unit.path for unit in session.scalars(select(Unit))},
    )


def _shift(row: FileRow, known: _Known, tx: Tx) -> NewShift:
    person = known.people.get(row.cells["login"].lower())
    if person is None or not person.active:
        raise InvalidInput({"login": Text("没有用户“%(login)s”", login=row.cells["login"][:60])})
    if person.id not in known.staff:
        raise InvalidInput({"login": Text("“%(login)s”不是防汛人员", login=person.login)})
    of_all = tx.actor.has(FLOOD_COMMANDER)
    if not of_all and not known.paths[person.unit_id].startswith(tx.actor.unit_path):
        raise InvalidInput({"login": Text("“%(login)s”不是本单位的人员", login=person.login)})
    site = row.cells["site"]
    if site and site not in known.sites:
        raise InvalidInput({"site": Text("没有防汛点位“%(code)s”", code=site[:60])})
    zone = tx.services.settings.timezone
    starts_at, ends_at = (moment_in(row.cells[key], zone) for key in ("from_at", "to_at"))
    if not timedelta(0) < ends_at - starts_at <= LONGEST_SHIFT:
        raise InvalidInput({"to_at": "结束时间应晚于开始时间，一班不超过 7 天"})
    return NewShift(person.id, person.unit_id, known.sites.get(site), starts_at, ends_at)


def _called(line: RosterLine) -> dict[str, Any]:
    names = (
        "person_id", "name", "phone", "unit_id", "unit_name", "unit_name_en", "site_id", "site_name",
        "site_name_en", "starts_at", "on_at", "distance_m", "state", "since",
    )  # fmt: skip
    return {name: plain(getattr(line, name)) for name in names}
