"""Reads of duty: the roster, who has come, who is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.accounts.roles import FLOOD_STAFF
from app.accounts.tables import Person, PersonRole, Unit
from app.flood.tables import DutyNote, DutyShift, DutySignOn, RollCall
from app.sensing.tables import Site

PRESENT: Final = "present"
OFF_PLACE: Final = "off_place"
EXPECTED: Final = "expected"
MISSING: Final = "missing"
# Whom a commander looks for first.
GRAVEST_FIRST: Final = (MISSING, OFF_PLACE, PRESENT, EXPECTED)

# A person with a shift at a point is there while signed on at that very point.
_ROSTER: Final = """
SELECT sh.id AS shift_id, p.id AS person_id, p.name, p.phone, sh.unit_id, u.name AS unit_name, u.name_en AS unit_name_en,
    sh.site_id, s.name AS site_name, s.name_en AS site_name_en, sh.starts_at, sh.ends_at, so.on_at, so.distance_m,
    so.position_at, so.lon, so.lat,
    CASE WHEN so.id IS NULL THEN
        CASE WHEN sh.starts_at + make_interval(secs => :grace_s) <= :at THEN 'missing' ELSE 'expected' END
    WHEN so.in_place IS FALSE THEN 'off_place' ELSE 'present' END AS state,
    CASE WHEN so.id IS NULL THEN greatest(sh.starts_at, gone.off_at) ELSE so.on_at END AS since
FROM duty_shifts sh
JOIN people p ON p.id = sh.person_id JOIN units u ON u.id = sh.unit_id
LEFT JOIN sites s ON s.id = sh.site_id
LEFT JOIN LATERAL (
    SELECT o.* FROM duty_sign_ons o WHERE o.person_id = sh.person_id AND o.on_at <= :at
        AND (o.off_at IS NULL OR o.off_at > :at) AND (sh.site_id IS NULL OR o.site_id = sh.site_id)
    ORDER BY o.id DESC LIMIT 1
) so ON true
LEFT JOIN LATERAL (
    SELECT max(o.off_at) AS off_at FROM duty_sign_ons o
    WHERE o.person_id = sh.person_id AND o.off_at <= :at AND o.off_at > sh.starts_at
) gone ON true
WHERE sh.starts_at <= :until AND sh.ends_at > :at AND (:path = '' OR u.path LIKE :path || '%')
    AND (CAST(:site AS bigint) IS NULL OR sh.site_id = :site)
    AND (CAST(:unit AS bigint) IS NULL OR u.path LIKE (SELECT path FROM units WHERE id = :unit) || '%')
ORDER BY u.path, s.code, p.name, p.id
"""


@dataclass(frozen=True, slots=True)
class RosterLine:
    """A person who is to be somewhere, and whether they are. since: on duty, or missing, since when."""

    shift_id: int
    person_id: int
    name: str
    phone: str | None
    unit_id: int
    unit_name: str
    unit_name_en: str
    site_id: int | None
    site_name: str | None
    site_name_en: str | None
    starts_at: datetime
    ends_at: datetime
    on_at: datetime | None
    distance_m: float | None
    position_at: datetime | None
    lon: float | None
    lat: float | None
    state: str
    since: datetime


def roster(
    session: Session,
    at: datetime,
    grace: timedelta,
    *,
    ahead: timedelta = timedelta(0),
    path: str = "",
    unit_id: int | None = None,
    site_id: int | None = None,
) -> Sequence[RosterLine]:
    """Return the shifts that hold at a moment, or begin so long after it, each with whether its person is there."""
    parameters = {
        "at": at,
        "until": at + ahead,
        "grace_s": grace.total_seconds(),
        "path": path,
        "unit": unit_id,
        "site": site_id,
    }
    return [RosterLine(*row) for row in session.execute(text(_ROSTER), parameters)]


def by_state(lines: Sequence[RosterLine]) -> dict[str, int]:
    """Return how many people there are in each state: one with two shifts is one."""
    found = {(line.state, line.person_id) for line in lines}
    return Counter(state for state, _ in found)


def on_duty_beside(
    session: Session, lines: Sequence[RosterLine], path: str
) -> Sequence[tuple[DutySignOn, Person, Site | None]]:
    """Return who is on duty without a shift among these: sent by an order, or called in."""
    query = (
        select(DutySignOn, Person, Site)
        .join(Person, Person.id == DutySignOn.person_id)
        .join(Unit, Unit.id == Person.unit_id)
        .outerjoin(Site, Site.id == DutySignOn.site_id)
        .where(DutySignOn.off_at.is_(None), Unit.path.startswith(path))
        .where(Person.id.not_in({line.person_id for line in lines if line.on_at is not None}))
        .order_by(DutySignOn.on_at, DutySignOn.id)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def signed_on(session: Session, person_id: int) -> DutySignOn | None:
    """Return the sign-on that a person is on duty by."""
    query = select(DutySignOn).where(DutySignOn.person_id == person_id, DutySignOn.off_at.is_(None))
    return session.scalar(query)


def last_sign_on(session: Session, person_id: int) -> DutySignOn | None:
    """Return the newest sign-on of a person, ended or not."""
    query = select(DutySignOn).where(DutySignOn.person_id == person_id)
    return session.scalar(query.order_by(DutySignOn.id.desc()).limit(1))


def shifts_of(
    session: Session, person_id: int, at: datetime, until: datetime
) -> Sequence[tuple[DutyShift, Site | None]]:
    """Return a person's shifts that have not ended, up to a moment, each with its point."""
    query = (
        select(DutyShift, Site)
        .outerjoin(Site, Site.id == DutyShift.site_id)
        .where(
            DutyShift.person_id == person_id, DutyShift.ends_at > at, DutyShift.starts_at <= until
        )
        .order_by(DutyShift.starts_at, DutyShift.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def staff_called(session: Session, given: str) -> Sequence[tuple[Person, Unit]]:
    """Return the flood staff whom a login, or else a name or a phone number, may mean, each with the unit."""
    staff = select(PersonRole.person_id).where(PersonRole.role == FLOOD_STAFF)
    query = (
        select(Person, Unit)
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.active, Person.id.in_(staff))
        .order_by(Unit.path, Person.id)
    )
    for meant in (Person.login == given.lower(), or_(Person.name == given, Person.phone == given)):
        found = session.execute(query.where(meant)).all()
        if found:
            return [(row[0], row[1]) for row in found]
    return []


def roll_calls(session: Session, units: Sequence[int] | None, size: int) -> Sequence[RollCall]:
    """Return roll calls, the newest first. units: of these alone."""
    query = select(RollCall).order_by(RollCall.at.desc(), RollCall.id.desc()).limit(size)
    if units is not None:
        query = query.where(RollCall.unit_id.in_(units))
    return session.scalars(query).all()


def notes_at(session: Session, site_id: int, size: int) -> Sequence[DutyNote]:
    """Return what people at a point wrote, the newest first."""
    query = select(DutyNote).where(DutyNote.site_id == site_id)
    return session.scalars(query.order_by(DutyNote.at.desc(), DutyNote.id.desc()).limit(size)).all()


def notes_by(session: Session, person_id: int, size: int) -> Sequence[DutyNote]:
    """Return what a person wrote, the newest first."""
    query = select(DutyNote).where(DutyNote.person_id == person_id)
    return session.scalars(query.order_by(DutyNote.at.desc(), DutyNote.id.desc()).limit(size)).all()
