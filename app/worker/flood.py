"""The flood loop: open, judge and close rain events by rule, and note which devices did not answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.clock import Clock
from app.db.session import Database
from app.flood.commands.devices import GiveUpWaiting
from app.flood.commands.events import FindRainWork, JudgeRainEvent, OpenRainEvent, RainWork
from app.run import SYSTEM, run


@dataclass
class FloodLoop:
    """Look at the sky. Any number of these may run: the database keeps at most one event open."""

    database: Database
    clock: Clock

    def step(self) -> bool:
        """Do what there is to do; rain is in no hurry, so nothing is said to be left."""
        self._run(GiveUpWaiting())
        found: RainWork = self._run(FindRainWork())
        if found.to_open:
            self._run(OpenRainEvent())
        elif found.to_judge is not None:
            self._run(JudgeRainEvent(found.to_judge))
        return False

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
