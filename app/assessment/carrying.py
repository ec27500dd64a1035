"""Points put right in the next month: what appeals won after a month was published would have added to it.

Only the rulings count: they are put into the snapshot of the edition that was published, and it is scored once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from app.assessment.appeals import UPHELD, appeal_rules
from app.assessment.editions import counted_from, published_edition, ranking_of_run, rules_from
from app.assessment.ranking import Month
from app.assessment.scored import Counted, UnitFigures, counted, scored_by
from app.assessment.snapshots import in_place_of_tables, kept_snapshot
from app.assessment.tables import Appeal, Run
from app.cases.commands.rulings import LATE
from sla.appeal_rules import AfterPublishing
from sla.figures import Value
from sla.scheme_files import stored_scheme
from sla.schemes import Kind, Line, Scheme
from sla.scoring import entered_key

CARRIED: Final = "carried"
"""The line of points that earlier months still owe."""

_RULE: Final = """
UPDATE facts SET exempt = exempt OR :late, withdrawn = :ground, withdrawn_of = :of
WHERE case_id = :case_id AND dispatch_no = :dispatch_no AND valid_to IS NULL
"""


def carries_later(run: Run) -> bool:
    """Tell whether what was won after a month was frozen goes into the next one."""
    return (
        appeal_rules().after_publishing is AfterPublishing.NEXT_MONTH
        and stored_scheme(run.scheme).has_score
    )


def carried_points(
    session: Session, run: Run, as_of: datetime, zone: ZoneInfo
) -> dict[int, Decimal]:
    """Return by unit what earlier months owe it as of a moment, if policy puts it into this one."""
    if appeal_rules().after_publishing is not AfterPublishing.NEXT_MONTH:
        return {}
    owed: dict[int, Decimal] = defaultdict(Decimal)
    for month, appeals in _won_later(session, run, as_of, zone).items():
        edition = published_edition(session, month)
        assert edition is not None, "only published months are looked at"
        for unit_id, points in _gained(session, edition, appeals, zone).items():
            owed[unit_id] += points
    return {unit_id: points for unit_id, points in owed.items() if points > 0}


def mark_carried(session: Session, run: Run, zone: ZoneInfo) -> None:
    """Note which appeals the edition that is published carries, so that no later month does so again."""
    if appeal_rules().after_publishing is AfterPublishing.NEXT_MONTH:
        found = _won_later(session, run, run.as_of, zone)
        ids = [appeal.id for appeals in found.values() for appeal in appeals]
        session.execute(update(Appeal).where(Appeal.id.in_(ids)).values(carried_run_id=run.id))


def with_carried_line(scheme: Scheme, carried: Mapping[int, Decimal]) -> Scheme:
    """Return the scheme with a line for what earlier months still owe."""
    most = max(carried.values())
    line = Line(
        Kind.ENTERED, CARRIED, "上月更正", "Put right from last month", points=most, bonus=True
    )
    return replace(scheme, lines=(*without_carried(scheme).lines, line))


def without_carried(scheme: Scheme) -> Scheme:
    """Return the scheme as it was adopted."""
    return replace(scheme, lines=tuple(one for one in scheme.lines if one.code != CARRIED))


def with_carried_points(figures: Counted, carried: Mapping[int, Decimal]) -> Counted:
    """Return the figures with the points of that line; nought where nothing is owed."""
    points = {one.unit.id: carried.get(one.unit.id, Decimal(0)) for one in figures.units}
    return _entered(figures, {key: {entered_key(CARRIED): value} for key, value in points.items()})


def _entered(figures: Counted, entered: Mapping[int, Mapping[str, Value]]) -> Counted:
    units: list[UnitFigures] = []
    for one in figures.units:
        points = dict(entered.get(one.unit.id, {}))
        units.append(
            replace(one, figures={**one.figures, **points}, entered={**one.entered, **points})
        )
    return replace(figures, units=tuple(units))


def _won_later(
    session: Session, run: Run, as_of: datetime, zone: ZoneInfo
) -> dict[date, Sequence[Appeal]]:
    """Return by month the appeals that were won after its edition was frozen, and that no other month has carried."""
    same_month = select(Run.id).where(Run.month == run.month)
    query = select(Appeal).where(
        Appeal.decision == UPHELD,
        Appeal.decided_at <= as_of,
        or_(Appeal.carried_run_id.is_(None), Appeal.carried_run_id.in_(same_month)),
    )
    found: dict[date, list[Appeal]] = defaultdict(list)
    month_of = partial(Month.of, zone=zone)
    editions: dict[date, Run | None] = {}
    for appeal in session.scalars(query.order_by(Appeal.id)):
        month = month_of(appeal.contested_at).first_on
        if month >= run.month:
            continue
        if month not in editions:
            editions[month] = published_edition(session, month)
        edition = editions[month]
        assert appeal.decided_at is not None, "it was won"
        if edition is not None and appeal.decided_at > edition.as_of:
            found[month].append(appeal)
    return {month: tuple(appeals) for month, appeals in found.items()}


def _gained(
    session: Session, edition: Run, appeals: Iterable[Appeal], zone: ZoneInfo
) -> dict[int, Decimal]:
    """Score an edition once more with rulings put into its snapshot; return what each unit gains."""
    printed = ranking_of_run(edition, zone)
    assert edition.facts_hash is not None, "a published edition has its facts"
    rules = rules_from(edition.rules)
    with in_place_of_tables(
        session.get_bind(), kept_snapshot(session, edition.facts_hash)
    ) as frozen:
        for appeal in appeals:
            frozen.execute(
                text(_RULE),
                {
                    "late": appeal.ground == LATE,
                    "ground": appeal.ground,
                    "of": appeal.contested_at,
                    "case_id": appeal.case_id,
                    "dispatch_no": appeal.dispatch_no,
                },
            )
        again = counted(frozen, printed.counted.period, edition.as_of, rules)
    kept = counted_from(edition.counted, rules, zone)
    entered = {one.unit.id: one.entered for one in kept.units}
    ranking = scored_by(_entered(again, entered), printed.scheme)
    gains = {}
    for row in ranking.rows:
        old = printed.row_of(row.unit.id)
        if old is not None and old.total is not None and row.total is not None:
            gains[row.unit.id] = row.total - old.total
    return gains
