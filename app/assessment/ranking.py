"""The monthly ranking: what each ranked unit had to close, what it closed, and its place in its group."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.accounts.tables import RANK_GROUPS, Unit
from app.assessment.queries import (
    Alike,
    Basis,
    Shape,
    alike_facts,
    rankable_units,
    unit_parents,
    units_counted_for,
)
from app.errors import InvalidInput
from sla.figures import ALL, POPULATIONS
from sla.indicators import (
    ALL_COUNTS,
    COUNTS,
    CountingRules,
    Indicator,
    Membership,
    Period,
    Reason,
    Tally,
    in_population,
    indicators,
    load_counting_rules,
    rank,
    roll_up,
)

GROUP_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "district": ("区县", "Districts"),
    "department": ("市直部门", "City departments"),
    "enterprise": ("社会责任单位", "Enterprises"),
}
# Units that publish the same figure share a rank, whatever lies behind its two places.
RANKED_BY: Final = "on_time_closing_rate"
LEFT_OUT: Final = frozenset(
    {
        Reason.VOID,
        Reason.TAKEN_BACK,
        Reason.HELD,
        Reason.EXEMPT,
        Reason.NO_DEADLINE,
        Reason.LEFT_OUT,
    }
)
"""Why a case that a reader would look for in a period is not among the due ones."""

LEFT_OUT_CODE: Final = "left_out"

Key = TypeVar("Key", int, str)

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEARS: Final = range(1970, 9999)


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the city."""

    year: int
    month: int

    @classmethod
    def parse(cls, written: str) -> Month:
        """Read a month as it is written: 2025-10. Raises InvalidInput."""
        match = _MONTH.fullmatch(written)
        year, month = (int(part) for part in match.groups()) if match else (0, 0)
        if year not in _YEARS or not 1 <= month <= 12:
            raise InvalidInput({"month": "月份应写作 2025-10 的样子"})
        return cls(year, month)

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> Month:
        """Return the month that a moment lies in."""
        local = moment.astimezone(zone)
        return cls(local.year, local.month)

    @classmethod
    def beginning(cls, first_on: date) -> Month:
        """Return the month that begins on a day."""
        return cls(first_on.year, first_on.month)

    @property
    def first_on(self) -> date:
        """Return its first day."""
        return date(self.year, self.month, 1)

    @property
    def last_on(self) -> date:
        """Return its last day."""
        return self.plus(1).first_on - timedelta(days=1)

    def plus(self, months: int) -> Month:
        """Return the month so many months later."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    def period(self, zone: ZoneInfo) -> Period:
        """Return its time: from midnight to midnight by the city's clock."""
        following = self.plus(1)
        return Period(
            datetime(self.year, self.month, 1, tzinfo=zone),
            datetime(following.year, following.month, 1, tzinfo=zone),
        )

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit's line; no rank where nothing was due."""

    unit: Unit
    tally: Tally
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class RankedGroup:
    """Units that are ranked against each other, best first; units without data stand last."""

    code: str
    rows: tuple[UnitRow, ...]

    @property
    def total(self) -> Tally:
        """Return the counts of the whole group."""
        return sum((row.tally for row in self.rows), Tally())

    def name(self, locale: str) -> str:
        """Return the group's name in the reader's language."""
        return GROUP_NAMES[self.code][0 if locale.startswith("zh") else 1]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The figures of a period as of a moment. period: the whole of it, also while it runs."""

    period: Period
    basis: Basis
    figures: Mapping[str, Indicator]
    ranked_by: str
    groups: tuple[RankedGroup, ...]

    @property
    def rows(self) -> tuple[UnitRow, ...]:
        """Return every unit's line."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def is_final(self) -> bool:
        """Tell whether the period was over when the figures were drawn."""
        return self.basis.period.end == self.period.end

    def as_plain(self) -> dict[str, Any]:
        """Return the figures as JSON; a rate is a text such as "93.72", null where there is no data."""
        return {
            "start": self.period.start.isoformat(),
            "end": self.period.end.isoformat(),
            "as_of": self.basis.as_of.astimezone(self.period.start.tzinfo).isoformat(),
            "ranked_by": self.ranked_by,
            "groups": [
                {
                    "group": group.code,
                    "name": group.name("zh"),
                    "units": [self._plain_row(row) for row in group.rows],
                }
                for group in self.groups
            ],
        }

    def _plain_row(self, row: UnitRow) -> dict[str, Any]:
        values = {code: figure.value(row.tally) for code, figure in self.figures.items()}
        return {
            "unit": row.unit.code,
            "name": row.unit.name,
            "rank": row.rank,
            **{
                code: str(value) if isinstance(value, Decimal) else value
                for code, value in values.items()
            },
        }


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What one unit's figures are counted from: its own and, by the rules, of the units below it."""

    basis: Basis
    unit_ids: tuple[int, ...]
    alike: tuple[Alike, ...]

    @property
    def tally(self) -> Tally:
        """Return the unit's counts: the same as in the ranking."""
        return sum(tallies_by_unit(self.alike, self.basis).values(), Tally())

    def entering(self, code: str, population: str = ALL) -> list[Alike]:
        """Return what a figure opens to. code: a count, or left_out for what a reader might miss."""
        return [
            one
            for one in self.alike
            if _enters(one.membership(self.basis), code)
            and (code != LEFT_OUT_CODE or one.looked_for)
            and in_population(one.fact, population, self.basis.rules)
        ]


@lru_cache(maxsize=1)
def counting_rules() -> CountingRules:
    """Return the counting rules of this installation, read once a process."""
    return load_counting_rules()


def ranking_of(
    session: Session,
    period: Period,
    as_of: datetime | None = None,
    policy: CountingRules | None = None,
    *,
    ranked_by: str = RANKED_BY,
) -> Ranking:
    """Count and rank the units of every group, as of the period's end or of a moment.

    The same period as of the same moment gives the same figures, whatever has happened since.
    Raises InvalidInput for a moment before the period.
    """
    rules = policy or counting_rules()
    basis = Basis.of(period, as_of, rules)
    tallies = tallies_by_unit(alike_facts(session, basis), basis)
    totals = roll_up(tallies, unit_parents(session), rules)
    rows = [UnitRow(unit, totals[unit.id]) for unit in rankable_units(session)]
    figures = indicators(rules)
    # A unit closed down since was ranked while it had cases.
    rows = [row for row in rows if row.unit.active or had_cases(row.tally)]
    return Ranking(period, basis, figures, ranked_by, ranked_groups(rows, figures[ranked_by].value))


def had_cases(tally: Tally) -> bool:
    """Tell whether a unit has anything in the published table."""
    return any(tally.count(name) for name in COUNTS)


def tallies_by_unit(alike: Iterable[Alike], basis: Basis) -> dict[int, Tally]:
    """Count what is alike for each unit by itself."""
    return tallies_by_population(alike, basis, (ALL,))[ALL]


def tallies_by_population(
    alike: Iterable[Alike], basis: Basis, populations: Iterable[str] = POPULATIONS
) -> dict[str, dict[int, Tally]]:
    """Count what is alike for each unit by itself, for each population of cases."""
    return _tallies(alike, basis, populations, lambda one: one.unit_id or 0)


def tallies_by_key(
    alike: Iterable[Alike], basis: Basis, key: Callable[[Alike], str]
) -> dict[str, Tally]:
    """Count what is alike for each key by itself: they add up to the counts of all."""
    return _tallies(alike, basis, (ALL,), key)[ALL]


def _tallies(
    alike: Iterable[Alike],
    basis: Basis,
    populations: Iterable[str],
    key: Callable[[Alike], Key],
) -> dict[str, dict[Key, Tally]]:
    counts: dict[str, dict[Key, dict[str, int]]] = {name: {} for name in populations}
    # What is alike in different units has the same shape, and counts in the same way.
    known: dict[tuple[Shape, str], tuple[dict[str, int], list[str]]] = {}
    for one in alike:
        # Nobody's: put right on the spot where no district is ranked.
        if one.unit_id is None:
            continue
        if (one.shape, one.part) not in known:
            known[one.shape, one.part] = _entered(one, basis, counts)
        entered, among = known[one.shape, one.part]
        for population in among:
            unit = counts[population].setdefault(key(one), dict.fromkeys(ALL_COUNTS, 0))
            for name, times in entered.items():
                unit[name] += one.number * times
            if entered.get("handled"):
                unit["worked_minutes"] += one.worked_minutes
    return {
        population: {place: Tally(**unit) for place, unit in units.items()}
        for population, units in counts.items()
    }


def _entered(
    one: Alike, basis: Basis, populations: Iterable[str]
) -> tuple[dict[str, int], list[str]]:
    """Return what one of the alike adds to each count but the minutes, and the populations it is of."""
    membership = one.membership(basis)
    names = (name for name in ALL_COUNTS if name != "worked_minutes")
    entered = {name: int(getattr(membership, name)) for name in names if getattr(membership, name)}
    return entered, [name for name in populations if in_population(one.fact, name, basis.rules)]


def facts_of(session: Session, unit: Unit, basis: Basis) -> UnitFacts:
    """Return what one unit's figures are counted from."""
    unit_ids = units_counted_for(session, unit, basis.rules)
    return UnitFacts(basis, tuple(unit_ids), tuple(alike_facts(session, basis, unit_ids)))


def _enters(membership: Membership, code: str) -> bool:
    if code == LEFT_OUT_CODE:
        return membership.reason in LEFT_OUT
    return bool(getattr(membership, code))


def ranked_groups(
    rows: Iterable[UnitRow], value: Callable[[Tally], Decimal | int | None]
) -> tuple[RankedGroup, ...]:
    """Rank units within their groups, the best first; those without data stand last."""
    ranked = rank(rows, lambda row: value(row.tally), lambda row: row.unit.rank_group)
    placed = sorted(
        (UnitRow(entry.row.unit, entry.row.tally, entry.rank) for entry in ranked),
        key=lambda row: (row.rank is None, row.rank or 0, row.unit.code),
    )
    groups = (
        RankedGroup(code, tuple(row for row in placed if row.unit.rank_group == code))
        for code in RANK_GROUPS
    )
    return tuple(group for group in groups if group.rows)
