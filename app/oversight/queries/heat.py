"""The heat of a month: at each step of the diagrams, how many stand, how many passed, how long it took, how many late.

Working time is counted in SQL: `worked` holds, for each quarter of an hour since `base_s`, how many
minutes of working time lie before it, so a moment's place in working time is one look into an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.queries import within
from app.errors import CalendarMissing
from sla.calendar import WorkingCalendar
from sla.instants import MINUTE, to_us

SLOT_S: Final = 900
# Work begun earlier counts from here on: nothing is late by so much that it matters.
_BACK: Final = (timedelta(days=400), timedelta(days=120), timedelta(days=40))


@dataclass(frozen=True, slots=True)
class ElementHeat:
    """What a month did at one step. median, p90: minutes, of working time where the calendar is known."""

    element: str
    standing: int
    standing_late: int
    passed: int
    late: int
    median: int | None
    p90: int | None

    @property
    def late_share(self) -> float | None:
        """Return the share finished after their time."""
        return self.late / self.passed if self.passed else None


@dataclass(frozen=True, slots=True)
class WorkedTime:
    """Working time slot by slot from base_s (seconds since 1970) on.

    slots: the minutes worked before a slot times 16, plus those worked in it, which are at most 15.
    """

    base_s: int
    slots: list[int]
    by_calendar: bool


def worked_time(calendar: WorkingCalendar, start: datetime, end: datetime) -> WorkedTime:
    """Return the working time of a period and of as much before it as the calendar knows.

    Without a calendar every minute counts, and `by_calendar` says so.
    """
    return _worked_time(calendar, start.astimezone(UTC), end.astimezone(UTC))


@lru_cache(maxsize=16)
def _worked_time(calendar: WorkingCalendar, start: datetime, end: datetime) -> WorkedTime:
    last = end + timedelta(days=1)
    for back in (*_BACK, timedelta()):
        first = start - back
        try:
            parts = calendar.working_intervals(to_us(first), to_us(last))
        except CalendarMissing:
            continue
        return WorkedTime(
            int(first.timestamp()), _with_own(_before_slots(parts, first, last)), by_calendar=True
        )
    first = start - _BACK[0]
    slots = int((last - first).total_seconds()) // SLOT_S
    minutes = [slot * SLOT_S // 60 for slot in range(slots + 2)]
    return WorkedTime(int(first.timestamp()), _with_own(minutes), by_calendar=False)


def _with_own(before: Sequence[int]) -> list[int]:
    """Return for each slot what lies before it and what it holds itself, as one number."""
    return [at * 16 + following - at for at, following in pairwise(before)]


def _before_slots(parts: Sequence[tuple[int, int]], first: datetime, last: datetime) -> list[int]:
    """Return the worked minutes before each slot, from those parts of time that are worked."""
    found, done, index = [], 0, 0
    start, slot = to_us(first), SLOT_S * 1_000_000
    for number in range(int((last - first).total_seconds()) // SLOT_S + 2):
        at = start + number * slot
        while index < len(parts) and parts[index][1] <= at:
            done += parts[index][1] - parts[index][0]
            index += 1
        begun = at - parts[index][0] if index < len(parts) and parts[index][0] < at else 0
        found.append((done + begun) // MINUTE)
    return found


def heat_of(
    session: Session,
    worked: WorkedTime,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    unit_path: str | None = None,
) -> dict[str, ElementHeat]:
    """Return the heat of each element. unit_path: only the work of this unit and those below it."""
    of_units = "" if unit_path is None else "AND w.unit_id = ANY(CAST(:units AS bigint[]))"
    values: dict[str, object] = {
        "from": start,
        "until": end,
        "now": now,
        "worked": worked.slots,
        "base": worked.base_s,
    }
    if unit_path is not None:
        values["units"] = [unit.id for unit in session.scalars(within(unit_path))]
    rows = session.execute(text(_HEAT.format(of_units=of_units)), values)
    return {row.element: ElementHeat(*row) for row in rows}


# A moment's place in working time: what lies before its slot, and its share of the slot's own minutes.
# OFFSET 0 keeps the planner from looking a slot up once for each time it is named. A moment before
# base_s has no slot and counts from there.
_HEAT: Final = """
WITH spans AS (
  SELECT w.element, w.finished_at > w.due_at AS late,
         (date_part('epoch', w.created_at) - :base) / 900 AS a,
         (date_part('epoch', w.finished_at) - :base) / 900 AS b
  FROM work_items w
  WHERE w.status = 'done' AND w.finished_at >= :from AND w.finished_at < :until {of_units}
), slots AS (
  SELECT element, late, a - floor(a) AS into_a, b - floor(b) AS into_b,
         (CAST(:worked AS int[]))[1 + floor(a)::int] AS slot_a,
         (CAST(:worked AS int[]))[1 + floor(b)::int] AS slot_b
  FROM spans OFFSET 0
), heaps AS (
  SELECT s.element, s.minutes, count(*) AS n, count(*) FILTER (WHERE s.late) AS late
  FROM (
    SELECT element, late, CAST((slot_b >> 4) + (slot_b & 15) * into_b
      - coalesce((slot_a >> 4) + (slot_a & 15) * into_a, 0) AS int) AS minutes
    FROM slots
  ) AS s GROUP BY s.element, s.minutes
), ranks AS (
  SELECT element, minutes, n, late, sum(n) OVER (PARTITION BY element ORDER BY minutes) AS upto,
         sum(n) OVER (PARTITION BY element) AS whole
  FROM heaps
), passed AS (
  SELECT element, sum(n)::bigint AS passed, sum(late)::bigint AS late,
         min(minutes) FILTER (WHERE upto >= whole * 0.5) AS median,
         min(minutes) FILTER (WHERE upto >= whole * 0.9) AS p90
  FROM ranks GROUP BY element
), standing AS (
  SELECT w.element, count(*) AS standing, count(*) FILTER (WHERE w.due_at < :now) AS late
  FROM work_items w WHERE w.status = 'open' {of_units} GROUP BY w.element
)
SELECT coalesce(p.element, s.element) AS element, coalesce(s.standing, 0), coalesce(s.late, 0),
       coalesce(p.passed, 0), coalesce(p.late, 0), p.median, p.p90
FROM passed p FULL JOIN standing s ON s.element = p.element
ORDER BY 1
"""
