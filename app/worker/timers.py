"""The timer loop: find instances with due timers and fire them, a few in each transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from app.cases.commands import FindDueTimers, FireTimers, FireTimersOfMany, PutOffTimers
from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost
from app.run import SYSTEM, run

log = logging.getLogger(__name__)

BATCH: Final = 100
# So many instances share a commit: it costs more than firing one. Whoever waits for one of them waits a little longer.
TOGETHER: Final = 10


@dataclass
class TimerLoop:
    """Fire due timers. Any number of these may run, in any number of processes."""

    database: Database
    clock: Clock
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
        found: list[int] = self._run(FindDueTimers(self.batch))
        return found

    def _fire_together(self, instances: list[int]) -> int:
        try:
            return int(self._run(FireTimersOfMany(tuple(instances))))
        except DatabaseLost:
            raise
        except Exception:  # because one of them is broken: each alone, to find out which
            log.warning("instances %s do not fire together", instances, exc_info=True)
            return sum(self._fire(instance_id) for instance_id in instances)

    def _fire(self, instance_id: int) -> int:
        try:
            return int(self._run(FireTimers(instance_id)))
        except DatabaseLost:
            raise
        except Exception as exc:  # because one broken instance must not hold up the others
            log.exception("timers of instance %s did not fire", instance_id)
            self._run(PutOffTimers(instance_id, f"{type(exc).__name__}: {exc}"[:1000]))
            return 0

    def _run(self, command: object) -> Any:
        # run() and not a session of our own: a rolled back one would forget the connection's prepared statements.
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
