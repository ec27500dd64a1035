"""The assessing loop: let months go on that waited for rulings, correct published ones, make the files of new editions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from app.assessment.commands import CorrectAfterRuling, FindWhatFollows, GoOn, PrintEdition
from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost
from app.run import SYSTEM, run

log = logging.getLogger(__name__)


@dataclass
class AssessingLoop:
    """Do what follows from decisions. Any number of these may run: who comes second finds nothing to do."""

    database: Database
    clock: Clock

    def step(self) -> bool:
        """Do all of it once; it is no hurry, so nothing is said to be left."""
        found = self._run(FindWhatFollows())
        commands: list[object] = [
            *map(GoOn, found.settled),
            *map(CorrectAfterRuling, found.to_correct),
            *map(PrintEdition, found.to_print),
        ]
        for command in commands:
            self._try(command)
        return False

    def _try(self, command: object) -> None:
        try:
            self._run(command)
        except DatabaseLost:
            raise
        except Exception:  # because one month that cannot go on must not hold up the others
            log.exception("%s failed", command)

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
