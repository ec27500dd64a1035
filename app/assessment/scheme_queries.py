"""Reads of schemes: the list, one of them, and the months they are tried on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import case, select
from sqlalchemy.orm import Session, aliased

from app.accounts.tables import Person, Unit
from app.assessment.editions import counted_from, rules_from, shown_edition
from app.assessment.ranking import Month
from app.assessment.scored import (
    Counted,
    ScoredRanking,
    ScoredUnit,
    counted,
    scheme_in_force,
    scored_by,
)
from app.assessment.tables import AssessmentScheme
from app.errors import NotFound
from sla.schemes import Scheme
from sla.scoring import Part

MONTHS_TRIED = 6


@dataclass(frozen=True, slots=True)
class SchemeLine:
    """One scheme as the list shows it."""

    row: AssessmentScheme
    maker: str
    adopter: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """One unit of a month under two schemes. now: under the present one; then: under the draft."""

    now: ScoredUnit
    then: ScoredUnit

    @property
    def unit(self) -> Unit:
        """Return the unit."""
        return self.then.unit

    @property
    def steps(self) -> int:
        """Return how many places the unit goes up; below nought: down. Nought where either has no rank."""
        if self.now.rank is None or self.then.rank is None:
            return 0
        return self.now.rank - self.then.rank


@dataclass(frozen=True, slots=True)
class Tried:
    """A month under the present scheme and under a draft, group by group."""

    month: Month
    now: ScoredRanking
    then: ScoredRanking

    def moves(self, group: str) -> list[Move]:
        """Return the units of a group, as the draft ranks them."""
        now = {row.unit.id: row for row in self.now.rows}
        rows = next((one.rows for one in self.then.groups if one.code == group), ())
        return [Move(now[row.unit.id], row) for row in rows]

    @property
    def moved(self) -> int:
        """Return how many units change their place."""
        groups = (group.code for group in self.then.groups)
        return sum(1 for code in groups for move in self.moves(code) if move.steps)


def schemes(session: Session) -> Sequence[SchemeLine]:
    """Return every scheme that is not dropped: the drafts first, then by the month they hold from, latest first."""
    maker, adopter = aliased(Person), aliased(Person)
    row = AssessmentScheme
    found = session.execute(
        select(row, maker.name, adopter.name)
        .join(maker, maker.id == row.created_by)
        .outerjoin(adopter, adopter.id == row.adopted_by)
        .where(row.state != "dropped")
        .order_by(case((row.state == "draft", 0), else_=1), row.valid_from.desc(), row.id.desc())
    )
    return [SchemeLine(*one) for one in found]


def scheme_of(session: Session, scheme_id: int) -> AssessmentScheme:
    """Return a scheme. Raises NotFound."""
    row = session.get(AssessmentScheme, scheme_id)
    if row is None:
        raise NotFound("没有这份考核方案。")
    return row


def counted_month(session: Session, month: Month, zone: ZoneInfo) -> Counted:
    """Return the counts of a month that is over: of its edition, where it has one."""
    run = shown_edition(session, month.first_on)
    if run is not None:
        return counted_from(run.counted, rules_from(run.rules), zone)
    return counted(session, month.period(zone))


def tried(
    session: Session,
    scheme: Scheme,
    now: datetime,
    zone: ZoneInfo,
    count: Callable[[Month], Counted] | None = None,
) -> list[Tried]:
    """Score the last months that are over by a draft and by the scheme of each month, the latest first.

    count: how a month is counted, for who keeps the answers for a while.
    """
    found = []
    for back in range(1, MONTHS_TRIED + 1):
        month = Month.of(now, zone).plus(-back)
        figures = count(month) if count else counted_month(session, month, zone)
        present = scheme_in_force(session, month.first_on)
        found.append(Tried(month, scored_by(figures, present), scored_by(figures, scheme)))
    return found


def lost(row: ScoredUnit, most: int = 3) -> list[tuple[Part, str]]:
    """Return the lines that cost a unit most, with what they cost; none that cost nothing."""
    costs = [
        (part, part.line.most - part.points)
        for part in row.scored.parts
        if part.points is not None and not part.line.bonus and part.line.most > part.points
    ]
    costs.sort(key=lambda one: -one[1])
    return [(part, str(cost)) for part, cost in costs[:most]]


def first_month(session: Session) -> date | None:
    """Return the month from which the first adopted scheme holds."""
    row = AssessmentScheme
    found = select(row.valid_from).where(row.state == "in_force").order_by(row.valid_from).limit(1)
    return session.scalar(found)
