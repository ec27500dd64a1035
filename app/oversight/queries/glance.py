"""The city at a glance: what came in and went out, what is open, how punctual the last days were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.visibility import Sight

# What of the flow a list shows -> its condition, the moment it is ordered by, and its direction.
FLOWS: Final[Mapping[str, tuple[str, str]]] = {
    "in": ("c.reported_at >= :from AND c.reported_at < :until", "reported_at"),
    "out": ("c.closed_at >= :from AND c.closed_at < :until", "closed_at"),
    "open": ("c.closed_at IS NULL", "reported_at"),
}


@dataclass(frozen=True, slots=True)
class Glance:
    """Cases reported and ended today, and those open now."""

    reported: int
    ended: int
    open: int


@dataclass(frozen=True, slots=True)
class DayShare:
    """The cases closed on a day, and how many of them within their time."""

    on: date
    closed: int
    on_time: int

    @property
    def share(self) -> float | None:
        """Return the share closed within their time; None for a day without."""
        return self.on_time / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class FlowCase:
    """A case in the list behind a figure."""

    id: int
    number: str
    title: str
    class_code: str | None
    stage: str
    reported_at: datetime
    closed_at: datetime | None
    closed_as: str | None
    late: bool
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None


def glance_of(session: Session, sight: Sight, start: datetime, end: datetime) -> Glance:
    """Return the figures of a day."""
    counts = [
        f"(SELECT count(*) FROM cases c WHERE {which}{_seen(sight)})"  # noqa: S608 because only our own names are put in
        for which, _moment in FLOWS.values()
    ]
    values = {"from": start, "until": end, **sight.values}
    return Glance(*session.execute(text(f"SELECT {', '.join(counts)}"), values).one())


def punctual_days(
    session: Session, sight: Sight, start: datetime, end: datetime, zone: str
) -> list[DayShare]:
    """Return each day's closed cases and how many were within their time."""
    statement = _DAYS.format(seen=_seen(sight))
    values = {"from": start, "until": end, "zone": zone, **sight.values}
    return [DayShare(*row) for row in session.execute(text(statement), values)]


# Days without a closed case are there too. An appeal that was granted takes lateness away.
_DAYS: Final = """
SELECT d.day::date, count(c.day), count(c.day) FILTER (WHERE c.on_time)
FROM generate_series((CAST(:from AS timestamptz) AT TIME ZONE :zone)::date,
                     ((CAST(:until AS timestamptz) AT TIME ZONE :zone) - interval '1 second')::date,
                     interval '1 day') AS d(day)
LEFT JOIN (
  SELECT (c.closed_at AT TIME ZONE :zone)::date AS day, NOT c.overdue OR c.exempt AS on_time
  FROM cases c
  WHERE c.closed_at >= :from AND c.closed_at < :until AND c.closed_as = 'closed'{seen}
) AS c ON c.day = d.day
GROUP BY d.day ORDER BY d.day
"""


def flow_cases(
    session: Session,
    sight: Sight,
    flow: str,
    span: tuple[datetime, datetime],
    *,
    before: Place | None,
    size: int,
) -> Page[FlowCase]:
    """Return the cases behind a figure, the newest first."""
    which, moment = FLOWS[flow]
    which += _seen(sight)
    values: dict[str, object] = {
        "from": span[0],
        "until": span[1],
        "size": size + 1,
        **sight.values,
    }
    if before is not None:
        which += f" AND (c.{moment}, c.id) < (:before_at, :before_id)"
        values |= {"before_at": before.at, "before_id": before.id}
    rows = session.execute(text(_FLOW.format(which=which, moment=moment)), values).mappings()
    lines = [FlowCase(**row) for row in rows]
    return page_of(lines, size, lambda line: Place(getattr(line, moment), line.id))


_FLOW: Final = """
SELECT c.id, c.number, c.title, c.class_code, c.stage, c.reported_at, c.closed_at, c.closed_as,
       c.overdue AND NOT c.exempt AS late, c.unit_id, u.name AS unit_name, u.name_en AS unit_name_en
FROM (SELECT c.* FROM cases c WHERE {which} ORDER BY c.{moment} DESC, c.id DESC LIMIT :size) AS c
LEFT JOIN units u ON u.id = c.unit_id
ORDER BY c.{moment} DESC, c.id DESC
"""


def _seen(sight: Sight) -> str:
    return "" if sight.whole else f" AND {sight.condition}"
