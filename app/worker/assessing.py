"""The assessing loop: let months go on that waited for rulings, correct published ones, make the files of new editions."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.assessment.commands import CorrectAfterRuling, FindWhatFollows, GoOn, PrintEdition
from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost
from app.run import SYSTEM, run

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass
class AssessingLoop:
    """Do what follows from decisions. Any number of these may run: who comes second finds nothing to do.

    failed: what did not succeed, until when it rests and for how long: counting a whole city in vain costs minutes.
    """

    database: Database
    clock: Clock
    failed: dict[object, tuple[datetime, timedelta]] = field(default_factory=dict)

    def step(self) -> bool:
        """Do all of it once; it is no hurry, so nothing is said to be left."""
        found = self._run(FindWhatFollows())
        commands: list[object] = [
            *map(GoOn, found.settled),
            *map(CorrectAfterRuling, found.to_correct),
            *map(PrintEdition, found.to_print),
        ]
        for command in commands:
            if command not in self.failed or self.failed[command][0] <= self.clock.now():
                self._try(command)
        return False

    def _try(self, command: object) -> None:
        try:
            self._run(command)
        except DatabaseLost:
            raise
        except Exception:  # because one month that cannot go on must not hold up the others
            log.exception("%s failed", command)
            _, before = self.failed.get(command, (None, FIRST_PAUSE / 2))
            pause = min(2 * before, LONGEST_PAUSE)
            self.failed[command] = self.clock.now() + pause, pause
        else:
            self.failed.pop(command, None)

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
