"""Reads of the facts: what a period sees of them, counted and listed.

SQL decides nothing about what counts. It finds the facts that a period may see and tells them apart by all that
sla.counting looks at (their shape); sla.counting is then asked once for each shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.clock import require_aware
from app.errors import InvalidInput
from sla.counting_rules import Count
from sla.indicators import VOICED, CountingRules, Fact, Membership, Period, counts_as

# PostgreSQL's and Python's smallest step of time.
TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Basis:
    """What figures are drawn from: a period, the last moment that is known of, and the rules of counting."""

    period: Period
    as_of: datetime
    rules: CountingRules

    @classmethod
    def of(cls, period: Period, as_of: datetime | None, rules: CountingRules) -> Basis:
        """Return the basis as of a moment, by default the last of the period; a period that still runs ends there.

        Raises InvalidInput for a moment before the period.
        """
        # Half-open like the period: what happens at the very moment of its end is the next one's.
        seen = require_aware(period.end - TICK if as_of is None else as_of)
        if seen < period.start:
            raise InvalidInput({"as_of": "统计期还没有开始"})
        return cls(Period(period.start, min(period.end, seen + TICK)), seen, rules)


@dataclass(frozen=True, slots=True)
class Alike:
    """So many facts of one unit that count alike, and one of them. worked_minutes: of all of them together.

    part: what they have in common of the grouping that was asked for; "" for none.
    """

    unit_id: int | None
    shape: Shape
    number: int
    fact: Fact
    worked_minutes: int = 0
    part: str = ""

    def membership(self, basis: Basis) -> Membership:
        """Tell which counts each of them enters."""
        return counts_as(self.fact, basis.period, basis.rules)

    @property
    def looked_for(self) -> bool:
        """Tell whether a reader looks for them in the period: not those that were only dispatched in it."""
        return bool(self.shape[0] & 1 << _LOOKED_FOR_BIT)


@dataclass(frozen=True, slots=True)
class CountedCase:
    """One dispatch of a case as a list shows it, and how it counts."""

    fact: Fact
    membership: Membership
    dispatch_no: int
    number: str
    title: str
    class_code: str | None
    unit_name: str | None
    unit_name_en: str | None


Shape = tuple[int, int, int, int]

Place = tuple[int, int]
"""Where a page of a list begins: after this case and this dispatch of it."""

FIRST: Final[Place] = (0, -1)

AHEAD: Final = "ahead"
HANDED_IN: Final = "handed_in"
PAST: Final = "past"
# What facts can be told apart by besides -> the columns of a dispatch and of what was put right on the spot.
GROUPINGS: Final[Mapping[str, tuple[str, str]]] = {
    "class": ("f.class_code", "c.class_code"),
    "grid": ("f.grid_code", "c.grid_code"),
    "responsibility": ("f.responsibility_code", "c.responsibility_code"),
    "channel": ("f.channel", "c.channel"),
    # A fact knows no person: it is who handles the case now, also for an earlier dispatch of it.
    "person": ("(SELECT p.handler_id FROM cases p WHERE p.id = f.case_id)", "c.handler_id"),
    # Where an open case stands, for what may still become of it.
    "openness": (
        f"""CASE WHEN f.closed_at IS NOT NULL THEN NULL WHEN f.handed_in_at IS NOT NULL THEN '{HANDED_IN}'
            WHEN f.due_at >= :as_of THEN '{AHEAD}' ELSE '{PAST}' END""",
        "NULL",
    ),
}

# The version at the period's end tells what was on hold then and how often the unit had been charged; it is the
# one looked at, unless more is known by now.
_AS_SEEN: Final = """
CROSS JOIN LATERAL (
    SELECT f.on_hold, f.unfounded_returns, f.media_supervisions, f.supervisions) AS ending
"""
_AT_END: Final = """
LEFT JOIN LATERAL (
    SELECT e.on_hold, e.unfounded_returns, e.media_supervisions, e.supervisions FROM facts e
    WHERE e.case_id = f.case_id AND e.dispatch_no = f.dispatch_no
      AND e.valid_from < :end AND (e.valid_to IS NULL OR e.valid_to >= :end)
) AS ending ON TRUE
"""
# `before`: what the unit had been charged with when the period began, in this dispatch or in one to it just before.
# The conditions joined by OR are one to an index each; where there is none, the whole table is read. Some say more
# than they must, in the words of an index: what was due before the period and closed in it was closed late, and what
# stood open after it outlasted its time.
_LOOKED_FOR: Final = """
f.due_at >= :start AND f.due_at < :end
       OR f.closed_at >= :start AND f.due_at < :start AND f.closed_at > f.due_at
       OR f.closed_at IS NULL AND f.valid_to IS NULL AND f.due_at < :start
       OR f.closed_at IS NULL AND f.valid_to IS NULL AND f.due_at IS NULL
       OR f.closed_at IS NULL AND f.valid_to > :as_of AND f.valid_to > f.due_at
          AND f.due_at < :start
       OR f.closed_at IS NULL AND f.valid_to > :as_of AND f.due_at IS NULL
       OR f.valid_from >= :start AND f.valid_from <= :as_of
          AND (f.unfounded_returns > 0 OR f.media_supervisions > 0)
"""
# What an appeal won takes back, in the period in which it had happened, whenever the ruling came.
_WITHDRAWN: Final = """
(coalesce(f.withdrawn = '{ground}' AND f.withdrawn_of >= :start AND f.withdrawn_of < :end, FALSE))::int
"""
_FACTS: Final = f"""
SELECT f.id AS fact_id, f.case_id, f.dispatch_no, f.unit_id, f.class_code, f.due_at, f.handed_in_at,
       f.on_time, f.closed_at, f.extensions, f.reworks, f.void, f.exempt,
       f.taken_back_at IS NOT NULL AS taken_back, FALSE AS self_handled,
       coalesce(ending.on_hold, FALSE) AS held,
       greatest(coalesce(ending.unfounded_returns, 0) - coalesce(before.unfounded_returns, 0)
                - {_WITHDRAWN.format(ground="unfounded_return")}, 0) AS returns,
       greatest(coalesce(ending.media_supervisions, 0) - coalesce(before.media_supervisions, 0)
                - {_WITHDRAWN.format(ground="media_supervision")}, 0) AS supervisions,
       greatest(coalesce(ending.supervisions, 0) - coalesce(before.supervisions, 0), 0)
           AS all_supervisions,
       f.supervisions > 0 AS supervised, f.urgent, f.channel, f.worked_minutes, f.dispatched_at,
       coalesce({_LOOKED_FOR}, FALSE) AS looked_for, {{part}} AS part
FROM facts f {{ending}}
LEFT JOIN LATERAL (
    SELECT b.unfounded_returns, b.media_supervisions, b.supervisions FROM facts b
    WHERE (f.unfounded_returns > 0 OR f.supervisions > 0 OR f.media_supervisions > 0)
      AND b.case_id = f.case_id AND b.unit_id = f.unit_id
      AND b.dispatch_no BETWEEN f.dispatch_no - 1 AND f.dispatch_no
      AND b.valid_from < :start AND (b.valid_to IS NULL OR b.valid_to >= :start)
    ORDER BY b.dispatch_no DESC LIMIT 1
) AS before ON TRUE
WHERE f.valid_from <= :as_of AND (f.valid_to IS NULL OR f.valid_to > :as_of)
  AND ({_LOOKED_FOR}
       OR f.dispatched_at >= :start AND f.dispatched_at < :end
       OR f.valid_from >= :start AND f.valid_from <= :as_of AND f.supervisions > 0)
  {{conditions}}
"""  # noqa: S608 because only our own text is put in
# Taken back in an earlier period: left out then and since, and no longer worth a line.
_TAKEN_BACK_LATELY: Final = "AND (f.taken_back_at IS NULL OR f.taken_back_at >= :start)"
# Nobody dispatches what is put right on the spot: it goes to the credit of the district it lay in.
_SELF_HANDLED: Final = """
SELECT NULL::bigint, c.id, 0, d.id, c.class_code, NULL::timestamptz, NULL::timestamptz,
       NULL::boolean, c.closed_at, 0, 0, FALSE, FALSE, FALSE, TRUE, FALSE, 0, 0, 0,
       FALSE, c.limit_unit IN ('urgent_hour', 'urgent_day'), c.channel, NULL::bigint,
       NULL::timestamptz, TRUE, {part}
FROM cases c LEFT JOIN LATERAL (
    SELECT u.id FROM units u WHERE u.rank_group = 'district' AND u.district_code = c.district_code
    ORDER BY u.level, u.id LIMIT 1
) AS d ON TRUE
WHERE c.closed_as = 'self_handled' AND c.closed_at >= :start AND c.closed_at < :end {conditions}
"""
_HELD_BIT: Final = 10
_LOOKED_FOR_BIT: Final = 15
_SHAPE: Final = f"""
  (CASE WHEN due_at IS NULL THEN 0 WHEN due_at < :start THEN 1 WHEN due_at < :end THEN 2 ELSE 3 END)
+ (CASE WHEN closed_at IS NULL THEN 0 WHEN closed_at < :start THEN 1 WHEN closed_at < :end THEN 2
   ELSE 3 END << 2)
+ (CASE WHEN on_time IS NULL THEN 0 WHEN on_time THEN 1 ELSE 2 END << 4)
+ (coalesce(handed_in_at <= due_at, FALSE)::int << 6)
+ (coalesce(closed_at <= due_at, FALSE)::int << 7)
+ ((extensions > 0)::int << 8) + ((reworks > 0)::int << 9) + (held::int << {_HELD_BIT})
+ (void::int << 11) + (exempt::int << 12) + (taken_back::int << 13) + (self_handled::int << 14)
+ (looked_for::int << {_LOOKED_FOR_BIT}) + (coalesce(urgent, FALSE)::int << 16)
+ (supervised::int << 17) + ((channel = ANY(CAST(:public AS text[])))::int << 18)
+ ((channel = ANY(CAST(:attention AS text[])))::int << 19) + ((reworks >= :many_reworks)::int << 20)
+ ((worked_minutes IS NOT NULL)::int << 21)
+ (coalesce(dispatched_at >= :start AND dispatched_at < :end, FALSE)::int << 22)
+ ((channel = ANY(CAST(:sensed AS text[])))::int << 23)
"""
_SEEN: Final = """
WITH seen AS (SELECT *, ({shape})::int AS shape FROM ({facts} UNION ALL {self_handled}) AS one)
"""
_ALIKE: Final = """
, alike AS (
    SELECT {unit} AS unit_id, shape, returns, supervisions, all_supervisions, part, count(*) AS number,
           min(fact_id) AS fact_id, min(case_id) AS case_id, min(closed_at) AS a_closing,
           min(channel) AS channel, bool_or(urgent) AS urgent, bool_or(supervised) AS supervised,
           coalesce(sum(worked_minutes), 0)::bigint AS all_minutes
    FROM seen GROUP BY {units} shape, returns, supervisions, all_supervisions, part)
SELECT a.*, f.due_at, f.handed_in_at, f.on_time, coalesce(f.closed_at, a.a_closing) AS closed_at,
       coalesce(f.extensions, 0) AS extensions, coalesce(f.reworks, 0) AS reworks,
       coalesce(f.void, FALSE) AS void, coalesce(f.exempt, FALSE) AS exempt,
       f.taken_back_at IS NOT NULL AS taken_back, a.fact_id IS NULL AS self_handled,
       f.dispatched_at, f.worked_minutes,
       a.shape & (1 << {held_bit}) > 0 AS held
FROM alike a LEFT JOIN facts f ON f.id = a.fact_id
"""
_CASES: Final = """
, page AS (
    SELECT * FROM seen
    WHERE (shape, returns, supervisions, all_supervisions, part) IN (
        SELECT * FROM unnest(CAST(:shapes AS int[]), CAST(:returns AS bigint[]),
                             CAST(:supervisions AS bigint[]), CAST(:all_supervisions AS bigint[]),
                             CAST(:parts_of_shapes AS text[])))
      AND (case_id, dispatch_no) > (:after_case, :after_dispatch)
    ORDER BY case_id, dispatch_no LIMIT :size)
SELECT page.*, c.number, c.title, u.name AS unit_name, u.name_en AS unit_name_en
FROM page JOIN cases c ON c.id = page.case_id LEFT JOIN units u ON u.id = page.unit_id
ORDER BY page.case_id, page.dispatch_no
"""
_DEPARTMENTS: Final = """
SELECT u.name AS department, count(*) AS n,
       count(*) FILTER (WHERE done) AS closed,
       count(*) FILTER (WHERE done AND f.handed_in_at <= f.due_at) AS on_time,
       count(*) FILTER (WHERE done AND f.handed_in_at > f.due_at) AS late,
       count(*) FILTER (WHERE NOT done AND f.due_at < :as_of) AS overdue_open
FROM facts f JOIN units u ON u.id = f.unit_id
CROSS JOIN LATERAL (
    SELECT coalesce(f.closed_at <= :as_of AND f.handed_in_at <= :as_of, FALSE) AS done) AS state
WHERE f.valid_from <= :as_of AND (f.valid_to IS NULL OR f.valid_to > :as_of)
  AND f.taken_back_at IS NULL AND f.due_at IS NOT NULL {conditions}
GROUP BY u.id, u.name ORDER BY u.name, u.id
"""

# What units and citizens have to say, counted in the period in which they say it.
_VOICED: Final = """
WITH said AS (
    SELECT DISTINCT ON (b.case_id) b.case_id, b.satisfied FROM case_feedback b
    WHERE b.at >= :start AND b.at < :end AND b.at <= :as_of ORDER BY b.case_id, b.at DESC, b.id DESC)
SELECT unit_id, sum(appeals)::bigint, sum(appeals_upheld)::bigint, sum(rated)::bigint,
       sum(satisfied)::bigint
FROM (
    SELECT a.unit_id, 1 AS appeals, 0 AS appeals_upheld, 0 AS rated, 0 AS satisfied FROM appeals a
    WHERE a.filed_at >= :start AND a.filed_at < :end AND a.filed_at <= :as_of
    UNION ALL
    SELECT a.unit_id, 0, 1, 0, 0 FROM appeals a
    WHERE a.decision = 'upheld' AND a.decided_at >= :start AND a.decided_at < :end
      AND a.decided_at <= :as_of
    UNION ALL
    SELECT c.unit_id, 0, 0, 1, s.satisfied::int FROM said s JOIN cases c ON c.id = s.case_id
    WHERE c.unit_id IS NOT NULL) AS voiced
GROUP BY unit_id
"""

_OF_SOURCES: Final = """
AND f.case_id IN (
    SELECT c.id FROM cases c WHERE c.source_key = ANY(CAST(:source_keys AS text[])))
"""


def alike_facts(
    session: Session,
    basis: Basis,
    unit_ids: Sequence[int] | None = None,
    by: str | None = None,
    *,
    parts: Sequence[str] | None = None,
    units_apart: bool = True,
) -> list[Alike]:
    """Return what a period sees, put together where it counts alike; of these units or of all.

    by: one of GROUPINGS, to tell apart by as well. parts: of these alone. units_apart: else the unit is any of them.
    """
    grouped = ("unit_id", "unit_id,") if units_apart else ("min(unit_id)", "")
    alike = _ALIKE.format(held_bit=_HELD_BIT, unit=grouped[0], units=grouped[1])
    rows = session.execute(
        text(_seen(basis, unit_ids, by, parts) + alike), _bound(basis, unit_ids, parts)
    )
    found: list[Alike] = []
    # One fact stands for all of its shape: a city has a hundred thousand groups and some hundred shapes.
    facts: dict[tuple[Shape, str], Fact] = {}
    for row in rows.mappings():
        shape, part = _shape_of(row), row["part"]
        like = (shape, part if by == "openness" else "")
        if by is None or like not in facts:
            facts[like] = _fact_of(row)
        found.append(
            Alike(row["unit_id"], shape, row["number"], facts[like], row["all_minutes"], part)
        )
    return found


def voiced_counts(session: Session, basis: Basis) -> dict[int, dict[str, int]]:
    """Return for each unit by itself how many appeals it filed and won, and what citizens said of its cases."""
    rows = session.execute(text(_VOICED), _bound(basis, None))
    return {unit_id: dict(zip(VOICED, counts, strict=True)) for unit_id, *counts in rows}


def seen_case_ids(basis: Basis) -> tuple[str, dict[str, Any]]:
    """Return a query for the ids of the cases that a period sees, and what is bound in it."""
    query = f"{_seen(basis, None)} SELECT DISTINCT case_id FROM seen"  # noqa: S608 because only our own text is put in
    return query, _bound(basis, None)


def counted_cases(
    session: Session,
    basis: Basis,
    unit_ids: Sequence[int],
    alike: Iterable[Alike],
    *,
    by: str | None = None,
    parts: Sequence[str] | None = None,
    after: Place = FIRST,
    size: int | None = None,
) -> Iterator[CountedCase]:
    """Yield the cases of units that are like these, by case and dispatch, from a place on.

    by, parts: the grouping that `alike` was told apart by, and what of it is looked at.
    """
    shapes = sorted({(*one.shape, one.part) for one in alike})
    bound = _bound(basis, unit_ids, parts) | {
        "shapes": [one[0] for one in shapes],
        "returns": [one[1] for one in shapes],
        "supervisions": [one[2] for one in shapes],
        "all_supervisions": [one[3] for one in shapes],
        "parts_of_shapes": [one[4] for one in shapes],
        "after_case": after[0],
        "after_dispatch": after[1],
        "size": size,
    }
    rows = session.execute(
        text(_seen(basis, unit_ids, by, parts) + _CASES),
        bound,
        execution_options={"yield_per": 2000},
    )
    for row in rows.mappings():
        fact = _fact_of(row)
        yield CountedCase(
            fact,
            counts_as(fact, basis.period, basis.rules),
            row["dispatch_no"],
            row["number"],
            row["title"],
            row["class_code"],
            row["unit_name"],
            row["unit_name_en"],
        )


def rankable_units(session: Session) -> Sequence[Unit]:
    """Return the units with a rank group, also those no longer active: they were when the month ran."""
    return session.scalars(
        select(Unit).where(Unit.rank_group.is_not(None)).order_by(Unit.code)
    ).all()


def units_counted_for(session: Session, unit: Unit, rules: CountingRules) -> list[int]:
    """Return the ids of the units whose cases count for a unit: its own and, by the rules, those below it."""
    if rules.descendants is Count.LEAVE_OUT:
        return [unit.id]
    below = select(Unit.id).where(Unit.path.startswith(unit.path, autoescape=True))
    return list(session.scalars(below.order_by(Unit.id)))


def ranked_unit_ids(session: Session, rules: CountingRules) -> list[int]:
    """Return the ids of the units whose cases count for a ranked one: all that the ranking is made of."""
    found: set[int] = set()
    for unit in rankable_units(session):
        found.update(units_counted_for(session, unit, rules))
    return sorted(found)


def unit_parents(session: Session) -> dict[int, int | None]:
    """Return the unit above each unit."""
    rows = session.execute(select(Unit.id, Unit.parent_id))
    return {row.id: row.parent_id for row in rows}


def units_above(session: Session) -> dict[int, tuple[int, ...]]:
    """Return the units that each unit lies in, from the root down to itself."""
    rows = session.execute(select(Unit.id, Unit.path))
    return {
        unit_id: tuple(int(part) for part in path.strip("/").split("/")) for unit_id, path in rows
    }


def department_report(
    session: Session, as_of: datetime, source_keys: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return what became of each unit's own dispatches that have a due time, as of a moment.

    source_keys: of the cases to look at; None for all there are.
    shape: [{"department": name, "n", "closed", "on_time", "late", "overdue_open"}], by name.
    """
    bound: dict[str, Any] = {"as_of": require_aware(as_of)}
    if source_keys is not None:
        bound["source_keys"] = list(source_keys)
    conditions = "" if source_keys is None else _OF_SOURCES
    rows = session.execute(text(_DEPARTMENTS.format(conditions=conditions)), bound)
    return [dict(row) for row in rows.mappings()]


def _seen(
    basis: Basis,
    unit_ids: Sequence[int] | None,
    by: str | None = None,
    parts: Sequence[str] | None = None,
) -> str:
    columns = [f"coalesce(({column})::text, '')" for column in GROUPINGS[by]] if by else ["''"] * 2
    of_units = "" if unit_ids is None else "AND {unit} = ANY(CAST(:unit_ids AS bigint[]))"
    of_parts = "" if parts is None else "AND {part} = ANY(CAST(:parts AS text[]))"
    narrowed = f"{of_units} {of_parts}"
    lately = "" if basis.rules.taken_back is Count.COUNT else _TAKEN_BACK_LATELY
    more_is_known = basis.as_of >= basis.period.end
    return _SEEN.format(
        shape=_SHAPE,
        facts=_FACTS.format(
            ending=_AT_END if more_is_known else _AS_SEEN,
            conditions=f"{lately} {narrowed.format(unit='f.unit_id', part=columns[0])}",
            part=columns[0],
        ),
        self_handled=_SELF_HANDLED.format(
            conditions=narrowed.format(unit="d.id", part=columns[1]), part=columns[1]
        ),
    )


def _bound(
    basis: Basis, unit_ids: Sequence[int] | None, parts: Sequence[str] | None = None
) -> dict[str, Any]:
    bound: dict[str, Any] = {
        "start": basis.period.start,
        "end": basis.period.end,
        "as_of": basis.as_of,
        "public": list(basis.rules.public_channels),
        "attention": list(basis.rules.attention_channels),
        "sensed": list(basis.rules.sensed_channels),
        "many_reworks": basis.rules.many_reworks,
    }
    if unit_ids is not None:
        bound["unit_ids"] = list(unit_ids)
    if parts is not None:
        bound["parts"] = list(parts)
    return bound


def _shape_of(row: Mapping[Any, Any]) -> Shape:
    return row["shape"], row["returns"], row["supervisions"], row["all_supervisions"]


def _fact_of(row: Mapping[Any, Any]) -> Fact:
    return Fact(
        case_id=row["case_id"],
        unit_id=row["unit_id"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        stopped_at=row["handed_in_at"],
        on_time=row["on_time"],
        extensions=row["extensions"],
        reworks=row["reworks"],
        unfounded_returns=row["returns"],
        media_supervisions=row["supervisions"],
        held_at_end=row["held"],
        void=row["void"],
        exempt=row["exempt"],
        taken_back=row["taken_back"],
        self_handled=row["self_handled"],
        dispatched_at=row["dispatched_at"],
        worked_minutes=row["worked_minutes"],
        supervisions=row["all_supervisions"],
        supervised=row["supervised"],
        urgent=bool(row["urgent"]),
        channel=row["channel"],
    )
