"""What happens beside the main thread of a case: supervisions and their answers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

from app.engine.moment import NEVER
from app.run import Actor
from app.simulation.days import SUPERVISORS
from app.simulation.habits import on_the_second, words
from app.simulation.histories.course import Happening
from app.simulation.people_at_work import Staff

Row = Mapping[str, Any]
Making = Callable[[Row, datetime], Happening | None]

_ABOUT: Final = {"duty": "supervision", "leader": "leader", "media": "media"}


class Beside:
    """What is still to come beside the main thread, in order of time."""

    def __init__(self, staff: Staff, random: Random) -> None:
        self._staff, self._random = staff, random
        self._coming: list[tuple[datetime, int, Making]] = []
        self._number = count()

    @property
    def next_at(self) -> datetime:
        """Return when the next thing happens; NEVER when nothing does."""
        return self._coming[0][0] if self._coming else NEVER

    def take(self, case: Row) -> Happening | None:
        """Return the next thing; None when it has no object any more."""
        at, _, make = heapq.heappop(self._coming)
        return make(case, at)

    def expect_supervision(self, source: str, case: Row, dispatched_at: datetime) -> None:
        """Expect a supervision: by the duty chief once the case is late, by others within a day or so."""
        hours = self._random.uniform(2, 20 if source == "duty" else 30)
        since = case["due_at"] if source == "duty" else dispatched_at
        if since is None:
            return
        self._expect(
            on_the_second(since + timedelta(hours=hours)),
            lambda row, at: self._supervision(source, row, at),
        )

    def _expect(self, at: datetime, make: Making) -> None:
        heapq.heappush(self._coming, (at, next(self._number), make))

    def _supervision(self, source: str, case: Row, at: datetime) -> Happening | None:
        if case["unit_id"] is None or (source == "duty" and not case["overdue"]):
            return None
        by = self._staff.anyone(self._random, SUPERVISORS[source], at)
        head = self._staff.managers.get(case["unit_id"])
        if by is None or head is None:
            return None
        answered_at = self._staff.gets_to(self._random, "T_answer_supervision", at)
        self._expect(on_the_second(answered_at), lambda row, at: self._answer(head, at))
        said = {"source": source, "reason": words(self._random, _ABOUT[source])}
        return Happening(at, "supervision", by, said)

    def _answer(self, head: Actor, at: datetime) -> Happening:
        said = {"outcome": "answered", "opinion": words(self._random, "answer")}
        return Happening(at, "T_answer_supervision", head, said)
