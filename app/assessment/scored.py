"""A period's ranking by score: every unit's figures, what a scheme makes of them, and the places.

    ranking = scored(session, month.period(zone))

Whoever prints, publishes or explains a score builds on this one function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import RANK_GROUPS, Unit
from app.assessment.queries import (
    Alike,
    Basis,
    alike_facts,
    rankable_units,
    unit_parents,
    voiced_counts,
)
from app.assessment.ranking import GROUP_NAMES, counting_rules, had_cases, tallies_by_population
from app.assessment.tables import AssessmentMark, AssessmentScheme
from sla.figures import ALL, POPULATIONS, Value, figure_key
from sla.indicators import CountingRules, Indicator, Period, Tally, every_indicator, roll_up
from sla.scheme_files import parse_scheme, shipped_schemes
from sla.schemes import Kind, Scheme
from sla.scoring import Scored, entered_key, rank_key, rank_scored, score

UNTIL_ADOPTED: Final = "taiyuan"
"""The shipped scheme that holds until a city adopts one: columns only, no points."""


@dataclass(frozen=True, slots=True)
class SchemeInForce:
    """A scheme and where it comes from; id and valid_from are None for a shipped one."""

    id: int | None
    edition: int
    scheme: Scheme
    valid_from: date | None

    @property
    def hash(self) -> str:
        """Return the scheme's content hash, by which a published month names it."""
        plain = orjson.dumps(self.scheme.as_plain(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(plain).hexdigest()


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """One unit's counts by population of cases, its figures by key, and the points entered for it by hand."""

    unit: Unit
    tallies: Mapping[str, Tally]
    figures: Mapping[str, Value]
    entered: Mapping[str, Value] = field(default_factory=dict)

    @property
    def tally(self) -> Tally:
        """Return the counts of all its cases."""
        return self.tallies[ALL]


@dataclass(frozen=True, slots=True)
class Counted:
    """A period's figures of every ranked unit, before any scheme; one count serves several schemes."""

    period: Period
    basis: Basis
    indicators: Mapping[str, Indicator]
    units: tuple[UnitFigures, ...]

    @property
    def is_final(self) -> bool:
        """Tell whether the period was over when the figures were drawn."""
        return self.basis.period.end == self.period.end


@dataclass(frozen=True, slots=True)
class ScoredUnit:
    """One unit's line; no rank where there is no data."""

    figures: UnitFigures
    scored: Scored
    rank: int | None

    @property
    def unit(self) -> Unit:
        """Return the unit."""
        return self.figures.unit

    @property
    def total(self) -> Decimal | None:
        """Return the score; None where there is no data."""
        return self.scored.total

    def value(self, key: str) -> Value:
        """Return a figure by its key, such as "closing_rate@urgent"."""
        return self.figures.figures.get(key)


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """Units that are ranked against each other, best first; units without data stand last."""

    code: str
    rows: tuple[ScoredUnit, ...]

    def name(self, locale: str) -> str:
        """Return the group's name in the reader's language."""
        return GROUP_NAMES[self.code][0 if locale.startswith("zh") else 1]


@dataclass(frozen=True, slots=True)
class ScoredRanking:
    """A period's ranking under a scheme, as of a moment."""

    counted: Counted
    scheme: SchemeInForce
    groups: tuple[ScoredGroup, ...]

    @property
    def rows(self) -> tuple[ScoredUnit, ...]:
        """Return every unit's line."""
        return tuple(row for group in self.groups for row in group.rows)

    def row_of(self, unit_id: int) -> ScoredUnit | None:
        """Return one unit's line."""
        return next((row for row in self.rows if row.unit.id == unit_id), None)


def scored(
    session: Session,
    period: Period,
    scheme: SchemeInForce | Scheme | None = None,
    as_of: datetime | None = None,
    policy: CountingRules | None = None,
) -> ScoredRanking:
    """Score and rank the units of every group, as of the period's end or of a moment.

    scheme: by default the one in force in the month that the period begins in. The points entered by hand are
    those known at the moment, or by now where none is given: they are entered after a month's end.
    Raises InvalidInput for a moment before the period.
    """
    wanted = scheme or scheme_in_force(session, month_of(period))
    return scored_by(counted(session, period, as_of, policy), wanted)


def counted(
    session: Session,
    period: Period,
    as_of: datetime | None = None,
    policy: CountingRules | None = None,
) -> Counted:
    """Return the figures of every ranked unit in a period."""
    basis = Basis.of(period, as_of, policy or counting_rules())
    return counted_alike(session, period, basis, alike_facts(session, basis), as_of)


def counted_alike(
    session: Session,
    period: Period,
    basis: Basis,
    alike: Iterable[Alike],
    as_of: datetime | None = None,
) -> Counted:
    """Return the figures of every ranked unit from what a basis sees. as_of: of points entered by hand; None: now."""
    rules = basis.rules
    own = tallies_by_population(alike, basis)
    for unit_id, counts in voiced_counts(session, basis).items():
        own[ALL][unit_id] = replace(own[ALL].get(unit_id, Tally()), **counts)
    parents = unit_parents(session)
    totals = {population: roll_up(own[population], parents, rules) for population in POPULATIONS}
    marks = marks_of(session, month_of(period), as_of)
    known = every_indicator(rules)
    units = []
    for unit in rankable_units(session):
        tallies = {population: totals[population][unit.id] for population in POPULATIONS}
        # A unit closed down since was ranked while it had cases.
        if unit.active or had_cases(tallies[ALL]):
            entered = marks.get(unit.id, {})
            units.append(UnitFigures(unit, tallies, figures_of(tallies, known) | entered, entered))
    return Counted(period, basis, known, tuple(units))


def figures_of(tallies: Mapping[str, Tally], known: Mapping[str, Indicator]) -> dict[str, Value]:
    """Return every figure of a unit by key, from its counts by population."""
    return {
        figure_key(code, population): indicator.value(tally)
        for population, tally in tallies.items()
        for code, indicator in known.items()
    }


def scored_by(counted: Counted, scheme: SchemeInForce | Scheme) -> ScoredRanking:
    """Score what was counted by a scheme, and rank it."""
    used = SchemeInForce(None, 0, scheme, None) if isinstance(scheme, Scheme) else scheme
    rows = [(figures, score(used.scheme, figures.figures)) for figures in counted.units]
    ranked = rank_scored(
        used.scheme,
        rows,
        lambda row: rank_key(used.scheme, row[1], row[0].figures),
        lambda row: row[0].unit.rank_group,
    )
    placed = sorted(
        (ScoredUnit(*entry.row, entry.rank) for entry in ranked),
        key=lambda row: (row.rank is None, row.rank or 0, row.unit.code),
    )
    groups = (
        ScoredGroup(code, tuple(row for row in placed if row.unit.rank_group == code))
        for code in RANK_GROUPS
    )
    return ScoredRanking(counted, used, tuple(group for group in groups if group.rows))


def scheme_in_force(session: Session, month: date) -> SchemeInForce:
    """Return the scheme that holds in a month: the one adopted last for it or before, else the shipped one."""
    row = session.scalar(
        select(AssessmentScheme)
        .where(AssessmentScheme.state == "in_force", AssessmentScheme.valid_from <= month)
        .order_by(AssessmentScheme.valid_from.desc())
        .limit(1)
    )
    return as_in_force(row) if row is not None else shipped_until_adopted()


def as_in_force(row: AssessmentScheme) -> SchemeInForce:
    """Return a stored scheme with what it says."""
    return SchemeInForce(row.id, row.edition, parse_scheme(row.data), row.valid_from)


def shipped_until_adopted() -> SchemeInForce:
    """Return the shipped scheme that holds until one is adopted."""
    return SchemeInForce(None, 0, shipped_schemes()[UNTIL_ADOPTED], None)


def marks_of(
    session: Session, month: date, as_of: datetime | None = None
) -> dict[int, dict[str, Value]]:
    """Return the points entered by hand for a month, by unit and key, as of a moment or by now."""
    mark = AssessmentMark
    query = select(mark).where(mark.month == month)
    if as_of is None:
        query = query.where(mark.replaced_at.is_(None))
    else:
        later = or_(mark.replaced_at.is_(None), mark.replaced_at > as_of)
        query = query.where(mark.entered_at <= as_of, later)
    found: dict[int, dict[str, Value]] = {}
    for row in session.scalars(query):
        found.setdefault(row.unit_id, {})[entered_key(row.line)] = row.points
    return found


def month_of(period: Period) -> date:
    """Return the first day of the month that a period begins in, by the clock its start is written in."""
    return period.start.date().replace(day=1)


def entered_codes(scheme: Scheme) -> Sequence[str]:
    """Return the codes of the lines whose points are entered by hand."""
    return [line.code for line in scheme.lines if line.kind is Kind.ENTERED]


def as_plain(ranking: ScoredRanking) -> dict[str, Any]:
    """Return a ranking as JSON: totals and points are texts such as "93.72", null where there is no data."""
    return {
        "start": ranking.counted.period.start.isoformat(),
        "end": ranking.counted.period.end.isoformat(),
        "as_of": ranking.counted.basis.as_of.isoformat(),
        "scheme": {
            "id": ranking.scheme.id,
            "name": ranking.scheme.scheme.name,
            "hash": ranking.scheme.hash,
        },
        "groups": [
            {"group": group.code, "units": [_plain_unit(row) for row in group.rows]}
            for group in ranking.groups
        ],
    }


def _plain_unit(row: ScoredUnit) -> dict[str, Any]:
    every = [one for part in row.scored.parts for one in (part, *part.parts)]
    return {
        "unit": row.unit.code,
        "name": row.unit.name,
        "rank": row.rank,
        "total": None if row.total is None else str(row.total),
        "lines": {
            part.line.code: {
                "value": part.value if isinstance(part.value, int | None) else str(part.value),
                "points": None if part.points is None else str(part.points),
            }
            for part in every
        },
    }
