"""A small city of ranked units, and facts made by hand: what counted of a case, and from when on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.assessment.ranking import Month, Ranking, ranking_of
from app.assessment.tables import Fact
from app.cases.tables import Case
from sla.indicators import CountingRules, Tally

SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = Month(2025, 10)

UNITS = """
INSERT INTO units (id, code, name, name_en, level, parent_id, path, rank_group, district_code) VALUES
  (1, 'CITY', '市平台', 'City', 1, NULL, '/1/', NULL, NULL),
  (11, 'D1', '东区', 'East', 2, 1, '/1/11/', 'district', '140106'),
  (12, 'D2', '西区', 'West', 2, 1, '/1/12/', 'district', '140107'),
  (13, 'D3', '南区', 'South', 2, 1, '/1/13/', 'district', '140108'),
  (21, 'P1', '市园林局', 'Parks', 2, 1, '/1/21/', 'department', NULL),
  (31, 'E1', '供水集团', 'Water', 2, 1, '/1/31/', 'enterprise', NULL),
  (41, 'C1', '指挥中心', 'Command', 2, 1, '/1/41/', NULL, NULL),
  (111, 'D1S1', '东一街道', 'East one', 3, 11, '/1/11/111/', NULL, '140106'),
  (1111, 'D1S1T1', '东一班组', 'East crew', 4, 111, '/1/11/111/1111/', NULL, '140106')
"""


def october(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of October 2025 by Shanghai's clock."""
    return datetime(2025, 10, day, hour, minute, tzinfo=SHANGHAI)


def september(day: int, hour: int = 9) -> datetime:
    """A moment of September 2025 by Shanghai's clock."""
    return datetime(2025, 9, day, hour, tzinfo=SHANGHAI)


def november(day: int, hour: int = 9) -> datetime:
    """A moment of November 2025 by Shanghai's clock."""
    return datetime(2025, 11, day, hour, tzinfo=SHANGHAI)


@dataclass
class Facts:
    """Facts made by hand, and the ranking drawn from them."""

    session: Session
    last: int = 0

    def case(self, **columns: Any) -> int:
        """Add a case without any fact."""
        self.last += 1
        values = {
            "number": f"2025100100{self.last:04}",
            "channel": "collector",
            "title": "路边垃圾",
            "description": "",
            "address": "",
            "stage": "handling",
            "reported_at": september(1),
            "log_hash": b"",
        }
        result = self.session.execute(insert(Case).values(values | columns).returning(Case.id))
        return int(result.scalar_one())

    def dispatch(
        self,
        unit_id: int,
        *changes: tuple[datetime, dict[str, Any]],
        case_id: int | None = None,
        dispatch_no: int = 1,
    ) -> int:
        """Add a dispatch: its first change begins it, each later one ends the version before."""
        case_id = case_id or self.case()
        values: dict[str, Any] = {
            "case_id": case_id,
            "unit_id": unit_id,
            "dispatch_no": dispatch_no,
            "class_code": "E-01-02",
            "channel": "collector",
            "dispatched_at": changes[0][0],
            **dict.fromkeys(
                ("extensions", "reworks", "unfounded_returns", "media_supervisions"), 0
            ),
            **dict.fromkeys(("on_hold", "void", "exempt", "overdue_flag"), False),
        }
        ends = [at for at, _ in changes[1:]] + [None]
        for (at, change), valid_to in zip(changes, ends, strict=True):
            values |= change
            row = values | {"valid_from": at, "valid_to": valid_to}
            self.session.execute(insert(Fact).values(row))
        return case_id

    def closed(
        self, unit_id: int, *, due: datetime, done: datetime, closed: datetime, **more: Any
    ) -> int:
        """Add a case that was handed in and closed; dispatched a day before the earlier of both."""
        on_time = done <= due
        return self.dispatch(
            unit_id,
            (min(due, done) - _DAY, {"due_at": due}),
            (done, {"handed_in_at": done, "on_time": on_time}),
            (closed, {"closed_at": closed, "closed_as": "closed", **more}),
        )

    def open(self, unit_id: int, *, due: datetime | None, **more: Any) -> int:
        """Add a case that was dispatched a day before it is due, and nothing since."""
        return self.dispatch(unit_id, ((due or october(5)) - _DAY, {"due_at": due, **more}))

    def ranking(
        self,
        month: Month = OCTOBER,
        as_of: datetime | None = None,
        policy: CountingRules | None = None,
    ) -> Ranking:
        """Draw the ranking of a month."""
        self.session.flush()
        return ranking_of(self.session, month.period(SHANGHAI), as_of, policy)

    def tally(self, code: str, month: Month = OCTOBER, as_of: datetime | None = None) -> Tally:
        """Return one unit's counts."""
        return next(row.tally for row in self.ranking(month, as_of).rows if row.unit.code == code)


_DAY = october(2) - october(1)


def small_city(session: Session) -> Facts:
    """Fill an empty database with the units."""
    session.execute(text(UNITS))
    return Facts(session)
