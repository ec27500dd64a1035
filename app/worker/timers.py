"""The timer loop: find instances with due timers and fire them, a few in each transaction.

Cases and the processes that are no case's keep their timers apart; a loop fires one kind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from app.cases.commands import FindDueTimers, FireTimers, FireTimersOfMany, PutOffTimers
from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost
from app.processes.commands import FindDueProcesses, FireProcess, FireProcesses, PutOffProcess
from app.run import SYSTEM, run

log = logging.getLogger(__name__)

BATCH: Final = 100
# So many instances share a commit: it costs more than firing one. Whoever waits for one of them waits a little longer.
TOGETHER: Final = 10


@dataclass(frozen=True)
class Firing:
    """The commands that fire timers of one kind."""

    find: Callable[[int], object]
    many: Callable[[tuple[int, ...]], object]
    one: Callable[[int], object]
    put_off: Callable[[int, str], object]


OF_CASES: Final = Firing(FindDueTimers, FireTimersOfMany, FireTimers, PutOffTimers)
OF_PROCESSES: Final = Firing(FindDueProcesses, FireProcesses, FireProcess, PutOffProcess)


@dataclass
class TimerLoop:
    """Fire due timers. Any number of these may run, in any number of processes."""

    database: Database
    clock: Clock
    firing: Firing = OF_CASES
    batch: int = BATCH
    # Workers that find the same batch begin at different places, so that they seldom meet.
    random: Random = field(default_factory=Random)

    def step(self) -> bool:
        """Fire one batch; return whether anything fired."""
        instances = self._due_instances()
        self.random.shuffle(instances)
        together = [instances[i : i + TOGETHER] for i in range(0, len(instances), TOGETHER)]
        return sum(self._fire_together(ids) for ids in together) > 0

    def _due_instances(self) -> list[int]:
        found: list[int] = self._run(self.firing.find(self.batch))
        return found

    def _fire_together(self, instances: list[int]) -> int:
        try:
            return int(self._run(self.firing.many(tuple(instances))))
        except DatabaseLost:
            raise
        except Exception:  # because one of them is broken: each alone, to find out which
            log.warning("instances %s do not fire together", instances, exc_info=True)
            return sum(self._fire(instance_id) for instance_id in instances)

    def _fire(self, instance_id: int) -> int:
        try:
            return int(self._run(self.firing.one(instance_id)))
        except DatabaseLost:
            raise
        except Exception as exc:  # because one broken instance must not hold up the others
            log.exception("timers of instance %s did not fire", instance_id)
            self._run(self.firing.put_off(instance_id, f"{type(exc).__name__}: {exc}"[:1000]))
            return 0

    def _run(self, command: object) -> Any:
        # run() and not a session of our own: a rolled back one would forget the connection's prepared statements.
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
