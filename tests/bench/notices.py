"""The notice of a large city's month: how long its workbook takes, and how much memory, against reading its cases."""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, text
from sqlalchemy.orm import Session

from app.assessment.notice.cases import Ranked, cases_of
from app.assessment.notice.workbook import notice_workbook
from app.assessment.scored import scored
from app.db.session import engine_for
from sla.indicators import ALL_COUNTS
from sla.scheme_files import shipped_schemes
from tests.bench.scratch import Scratch, as_text
from tests.ranking_facts import OCTOBER, SHANGHAI, UNITS

RANKED: Final = 77
_UNITS: Final = """
INSERT INTO units (id, code, name, name_en, level, parent_id, path, rank_group)
SELECT 1000 + i, 'R' || i, '第' || i || '街道办事处', '', 2, 1, '/1/' || (1000 + i) || '/',
       (ARRAY['district', 'department', 'enterprise'])[1 + i % 3]
FROM generate_series(1, :ranked - 5) AS i
"""
_BELOW: Final = """
INSERT INTO units (id, code, name, name_en, level, parent_id, path)
SELECT 2000 + i, 'S' || i, '第' || i || '中队', '', 3, 1001 + i % 71,
       '/1/' || (1001 + i % 71) || '/' || (2000 + i) || '/'
FROM generate_series(1, 300) AS i
"""
_CASES: Final = """
INSERT INTO cases (number, channel, title, description, address, stage, reported_at, log_hash)
SELECT '2025100' || lpad(i::text, 8, '0'), 'collector', '道路破损，需要处置', '', '', 'closed',
       '2025-10-01+08', ''
FROM generate_series(1, :cases) AS i
"""
# One in ten is open, one in three of the others late, one in eleven reworked; a third lies in units below.
_FACTS: Final = """
INSERT INTO facts (case_id, unit_id, dispatch_no, valid_from, class_code, channel, dispatched_at,
    due_at, handed_in_at, on_time, closed_at, closed_as, extensions, reworks, on_hold, void, exempt,
    unfounded_returns, media_supervisions, overdue_flag, worked_minutes, supervisions, urgent)
SELECT id, CASE WHEN id % 3 = 0 THEN 2001 + id * 7 % 300 ELSE 1001 + id % 71 END, 1, at, 'E-01-02',
    (ARRAY['collector', 'hotline', 'public', 'leader'])[1 + id % 4], at, at + interval '1 day',
    CASE WHEN id % 10 > 0 THEN at + interval '10 hours' * (1 + id % 3) END,
    CASE WHEN id % 10 > 0 THEN id % 3 < 2 END,
    CASE WHEN id % 10 > 0 THEN at + interval '2 days' END, CASE WHEN id % 10 > 0 THEN 'closed' END,
    (id % 20 = 0)::int, CASE WHEN id % 11 = 0 THEN id % 4 ELSE 0 END, FALSE, FALSE, FALSE,
    (id % 50 = 0)::int, (id % 200 = 0)::int, FALSE, 300, (id % 100 = 0)::int, id % 9 = 0
FROM (SELECT id, timestamptz '2025-10-01+08' + id * 20 % 40000 * interval '1 minute' AS at
      FROM cases) AS one
"""


@dataclass(frozen=True)
class NoticeCost:
    """What one workbook cost a process of its own, and what reading its cases alone costs."""

    seconds: float
    reading_s: float
    peak_mb: float
    before_mb: float
    size_mb: float


def notice_cost(scratch: Scratch, cases: int) -> NoticeCost:
    """Draw the notice of a month with so many cases."""
    url = scratch.migrated("notices")
    engine = engine_for(as_text(url))
    with engine.begin() as connection:
        connection.execute(text(UNITS))
        connection.execute(text(_UNITS), {"ranked": RANKED})
        connection.execute(text(_BELOW))
        connection.execute(text(_CASES), {"cases": cases})
        connection.execute(text(_FACTS))
        connection.execute(text("ANALYZE"))
    engine.dispose()
    # Memory is counted for the whole life of a process: this one has done other things.
    with multiprocessing.get_context("spawn").Pool(1) as alone:
        return alone.apply(_drawn_alone, (url,))


def _drawn_alone(url: URL) -> NoticeCost:
    with Session(engine_for(as_text(url))) as session:
        period, scheme = OCTOBER.period(SHANGHAI), shipped_schemes()["jinhua"]
        ranking = scored(session, period, scheme)
        begun = time.monotonic()
        for _ in cases_of(session, ranking, Ranked.of(session, ranking), ALL_COUNTS):
            pass
        reading, before = time.monotonic() - begun, _peak_mb()
        begun = time.monotonic()
        content = notice_workbook(
            session, ranking, OCTOBER, SHANGHAI, earlier=[ranking] * 5, address="https://city"
        )
        seconds = time.monotonic() - begun
    return NoticeCost(seconds, reading, _peak_mb(), before, len(content) / 2**20)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
