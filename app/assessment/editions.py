"""Editions of a month: its counts kept as they were, the ranking made from them again, and what changed between two."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.queries import Basis
from app.assessment.ranking import RANKED_BY, Ranking, UnitRow, ranked_groups
from app.assessment.scored import (
    Counted,
    SchemeInForce,
    ScoredRanking,
    ScoredUnit,
    UnitFigures,
    as_plain,
    figures_of,
    scored_by,
)
from app.assessment.tables import Confirmation, Run
from app.errors import NotFound
from sla.counting_rules import CountingRules, Ratio
from sla.figures import POPULATIONS, Value
from sla.indicators import Period, Tally, every_indicator, indicators
from sla.scheme_files import stored_scheme

CONFIRMING: Final = "confirming"
RULING: Final = "ruling"
SIGNING: Final = "signing"
PUBLISHED: Final = "published"
ABANDONED: Final = "abandoned"
OPEN: Final = (CONFIRMING, RULING, SIGNING)

_UNIT_COLUMNS: Final = (
    "id", "code", "name", "name_en", "level", "parent_id", "path", "rank_group", "district_code",
    "active",
)  # fmt: skip


def plain_rules(rules: CountingRules) -> dict[str, Any]:
    """Return counting rules as JSON."""
    plain = asdict(rules)
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()
    }


def rules_from(plain: Mapping[str, Any]) -> CountingRules:
    """Return the counting rules that a run kept."""
    usual = CountingRules()
    values: dict[str, Any] = {}
    for entry in fields(CountingRules):
        # A rule that there was not yet was as it usually is.
        usually = getattr(usual, entry.name)
        value, kind = plain.get(entry.name, usually), type(usually)
        if entry.name == "rates":
            value = {
                code: ratio if isinstance(ratio, Ratio) else Ratio(**ratio)
                for code, ratio in value.items()
            }
        values[entry.name] = value if entry.name == "rates" else kind(value)
    return CountingRules(**values)


def plain_counts(counted: Counted) -> dict[str, Any]:
    """Return what was counted as JSON, from which all figures can be made again."""
    return {
        "start": counted.period.start.isoformat(),
        "end": counted.period.end.isoformat(),
        "as_of": counted.basis.as_of.isoformat(),
        "units": [
            {
                **{name: getattr(one.unit, name) for name in _UNIT_COLUMNS},
                "tallies": {
                    population: {name: count for name, count in asdict(tally).items() if count}
                    for population, tally in one.tallies.items()
                },
                "entered": {key: str(value) for key, value in one.entered.items()},
            }
            for one in counted.units
        ],
    }


def counted_from(plain: Mapping[str, Any], rules: CountingRules, tz: Any) -> Counted:
    """Return what a run counted. tz: the city's zone, in which its period is said."""
    start, end = (datetime.fromisoformat(plain[name]).astimezone(tz) for name in ("start", "end"))
    period = Period(start, end)
    basis = Basis.of(period, datetime.fromisoformat(plain["as_of"]), rules)
    known = every_indicator(rules)
    units = []
    for one in plain["units"]:
        # Of no session: it is the unit as it was then.
        unit = Unit(**{name: one[name] for name in _UNIT_COLUMNS}, duties=[])
        # An edition of before a population was thought of counts nothing of it.
        tallies = {name: Tally(**one["tallies"].get(name, {})) for name in POPULATIONS}
        entered: dict[str, Value] = {key: Decimal(value) for key, value in one["entered"].items()}
        units.append(UnitFigures(unit, tallies, figures_of(tallies, known) | entered, entered))
    return Counted(period, basis, known, tuple(units))


def ranking_of_run(run: Run, tz: Any) -> ScoredRanking:
    """Return the ranking of an edition, from the counts it kept."""
    rules = rules_from(run.rules)
    return scored_by(counted_from(run.counted, rules, tz), scheme_of_run(run))


def scheme_of_run(run: Run) -> SchemeInForce:
    """Return the scheme that an edition was scored by."""
    return SchemeInForce(run.scheme_id, 0, stored_scheme(run.scheme), None)


def figures_of_run(run: Run, tz: Any) -> Ranking:
    """Return the plain ranking of an edition, from the counts it kept."""
    rules = rules_from(run.rules)
    counts, figures = counted_from(run.counted, rules, tz), indicators(rules)
    rows = (UnitRow(one.unit, one.tally) for one in counts.units)
    groups = ranked_groups(rows, figures[RANKED_BY].value)
    return Ranking(counts.period, counts.basis, figures, RANKED_BY, groups)


def hash_of_result(ranking: ScoredRanking) -> str:
    """Return the hash of all that an edition says of the units: their counts, points and places."""
    said = {"ranking": as_plain(ranking), "counts": plain_counts(ranking.counted)}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def changes_between(before: ScoredRanking | None, after: ScoredRanking) -> list[dict[str, Any]]:
    """Return each unit whose score, place or counts differ between two editions, in order of the later one.

    shape: [{"unit", "name", "total": [old, new], "rank": [old, new], "counts": {count: [old, new]}}].
    """
    if before is None:
        return []
    found = []
    still = {row.unit.id for row in after.rows}
    for row in before.rows:
        if row.unit.id not in still:
            counts = {
                name: [count, 0] for name, count in asdict(row.figures.tally).items() if count
            }
            found.append(
                {
                    "unit": row.unit.code,
                    "name": row.unit.name,
                    "name_en": row.unit.name_en,
                    "total": [_text(row.total), None],
                    "rank": [row.rank, None],
                    "counts": counts,
                }
            )
    for row in after.rows:
        old = before.row_of(row.unit.id)
        counts = _changed_counts(old, row)
        total = [_text(None if old is None else old.total), _text(row.total)]
        rank = [None if old is None else old.rank, row.rank]
        if counts or total[0] != total[1] or rank[0] != rank[1]:
            found.append(
                {
                    "unit": row.unit.code,
                    "name": row.unit.name,
                    "name_en": row.unit.name_en,
                    "total": total,
                    "rank": rank,
                    "counts": counts,
                }
            )
    return found


def _changed_counts(old: ScoredUnit | None, new: ScoredUnit) -> dict[str, list[int]]:
    ours = asdict(new.figures.tally)
    theirs = asdict(old.figures.tally) if old is not None else dict.fromkeys(ours, 0)
    return {name: [theirs[name], ours[name]] for name in ours if theirs[name] != ours[name]}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def run_of(session: Session, run_id: int) -> Run:
    """Return a run. Raises NotFound."""
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound("没有这一期考核。")
    return run


def run_of_process(session: Session, process_id: int) -> Run:
    """Return the run that a process carries."""
    return session.scalars(select(Run).where(Run.process_id == process_id)).one()


def editions_of(session: Session, month: date) -> Sequence[Run]:
    """Return every edition of a month, the newest first, abandoned ones too."""
    query = select(Run).where(Run.month == month)
    return session.scalars(query.order_by(Run.id.desc())).all()


def published_edition(session: Session, month: date, edition: int | None = None) -> Run | None:
    """Return the edition that holds: the one asked for, or the last published."""
    query = select(Run).where(Run.month == month, Run.state == PUBLISHED)
    if edition is not None:
        query = query.where(Run.edition == edition)
    return session.scalar(query.order_by(Run.edition.desc()).limit(1))


def shown_edition(session: Session, month: date) -> Run | None:
    """Return the edition whose figures a month shows: the last published, else the one being made."""
    return published_edition(session, month) or open_run(session, month)


def open_run(session: Session, month: date) -> Run | None:
    """Return the edition that is being made."""
    return session.scalar(select(Run).where(Run.month == month, Run.state.in_(OPEN)))


def confirmations_of(session: Session, run_id: int) -> dict[int, Confirmation]:
    """Return the confirmations of a run by unit."""
    query = select(Confirmation).where(Confirmation.run_id == run_id)
    return {one.unit_id: one for one in session.scalars(query)}


def count_published(session: Session, month: date) -> int:
    """Return how many editions of a month were published."""
    query = select(func.count()).where(Run.month == month, Run.state == PUBLISHED)
    return session.scalar(query) or 0
