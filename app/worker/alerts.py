"""The alert loop: begin the processes of new alerts, tell them of levels, look for silence and for complaints."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost
from app.run import SYSTEM, run
from app.sensing.following import FindAlertsToFollow, FollowAlert
from app.sensing.silence import SweepSilent
from app.utilities.commands import LinkComplaints

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
SWEEP_EVERY: Final = timedelta(seconds=20)
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)


@dataclass
class AlertLoop:
    """Follow alerts, one transaction each. Any number of these may run: a locked alert is another's.

    failed: what did not succeed, until when it rests and for how long.
    """

    database: Database
    clock: Clock
    failed: dict[int, tuple[datetime, timedelta]] = field(default_factory=dict)
    swept_at: datetime | None = None

    def step(self) -> bool:
        """Follow what waits; tell whether there may be more at once."""
        now = self.clock.now()
        if self.swept_at is None or now - self.swept_at >= SWEEP_EVERY:
            self.swept_at = now
            self._run(SweepSilent())
            self._run(LinkComplaints())
        resting = {alert for alert, (until, _) in self.failed.items() if until > now}
        found = self._run(FindAlertsToFollow(AT_ONCE + len(resting)))
        followed = [self._follow(alert_id) for alert_id in found if alert_id not in resting]
        return any(followed)

    def _follow(self, alert_id: int) -> bool:
        try:
            done: bool = self._run(FollowAlert(alert_id))
        except DatabaseLost:
            raise
        except Exception:  # because one alert that cannot go on must not hold up the others
            log.exception("alert %s could not be followed", alert_id)
            _, before = self.failed.get(alert_id, (None, FIRST_PAUSE / 2))
            pause = min(2 * before, LONGEST_PAUSE)
            self.failed[alert_id] = self.clock.now() + pause, pause
            return False
        self.failed.pop(alert_id, None)
        return done

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
