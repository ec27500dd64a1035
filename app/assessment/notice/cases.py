"""The cases that a notice lists: every counted one once, and the units that it counts for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.notice.items import Items
from app.assessment.queries import CountedCase, alike_facts, counted_cases, units_above
from app.assessment.scored import ScoredRanking
from sla.counting_rules import Count
from sla.figures import ALL, Figure
from sla.indicators import ALL_COUNTS, COUNTS, VOICED, Membership

LATE: Final = "超期案卷"
REWORKED: Final = "返工案卷"
RETURNED: Final = "推诿案卷"
SUPERVISED: Final = "督办案卷"
LISTS: Final = (LATE, REWORKED, RETURNED, SUPERVISED)
# What the lists of a unit's sheet look at, whatever the scheme counts.
_LISTED: Final = ("supervisions",)


@dataclass(frozen=True, slots=True)
class Ranked:
    """The ranked units around each unit, from the outermost in."""

    around: Mapping[int, tuple[Unit, ...]]
    inner: Mapping[int, tuple[int, ...]]
    """Of a ranked unit, the ids of the ranked units that lie directly in it."""

    @classmethod
    def of(cls, session: Session, ranking: ScoredRanking) -> Ranked:
        """Return which ranked units a case of each unit counts for, by the rules of counting."""
        ranked = {row.unit.id: row.unit for row in ranking.rows}
        alone = ranking.counted.basis.rules.descendants is Count.LEAVE_OUT
        above = units_above(session)
        around = {
            unit_id: tuple(ranked[one] for one in ((unit_id,) if alone else path) if one in ranked)
            for unit_id, path in above.items()
        }
        inner: dict[int, list[int]] = {unit_id: [] for unit_id in ranked}
        for unit_id in ranked:
            if len(around[unit_id]) > 1:
                inner[around[unit_id][-2].id].append(unit_id)
        return cls(
            {unit_id: units for unit_id, units in around.items() if units},
            {unit_id: tuple(sorted(units)) for unit_id, units in inner.items()},
        )


@dataclass(slots=True)
class UnitLists:
    """A unit's cases that cost it something, by the list they stand in."""

    lists: dict[str, list[CountedCase]] = field(
        default_factory=lambda: {name: [] for name in LISTS}
    )

    def take(self, case: CountedCase) -> None:
        """Put a case in every list it belongs to."""
        member, fact = case.membership, case.fact
        belongs = {
            LATE: member.late or member.overdue_open,
            REWORKED: member.reworked,
            RETURNED: member.unfounded_returns > 0,
            SUPERVISED: member.supervisions > 0 or member.media_supervisions > 0,
        }
        for name, is_so in belongs.items():
            if is_so and fact.unit_id is not None:
                self.lists[name].append(case)


def listed_counts(items: Items) -> tuple[str, ...]:
    """Return the counts that the list of cases has a column for: those of the published table and of the scheme."""
    needed = {Figure.of(item.key).indicator for item in items.counts} | {*COUNTS, *_LISTED}
    return tuple(code for code in ALL_COUNTS if code in needed and code not in VOICED)


def listed_populations(items: Items) -> tuple[str, ...]:
    """Return the populations of cases that the scheme looks at."""
    found = [Figure.of(item.key).population for item in items.counts]
    return tuple(name for name in dict.fromkeys(found) if name != ALL)


def cases_of(
    session: Session, ranking: ScoredRanking, ranked: Ranked, counts: Sequence[str]
) -> Iterator[CountedCase]:
    """Yield every case that enters one of the counts of a ranked unit, once, in their order."""
    basis, concerned = ranking.counted.basis, list(ranked.around)
    alike = [
        one
        for one in alike_facts(session, basis, concerned)
        if enters(one.membership(basis), counts)
    ]
    yield from counted_cases(session, basis, concerned, alike)


def enters(membership: Membership, counts: Sequence[str]) -> bool:
    """Tell whether a case enters one of the counts."""
    return any(getattr(membership, code) for code in counts)
