"""Run the loops in threads until told to stop; a step that has begun is finished."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final, Protocol

from app.errors import DatabaseLost
from app.run import Runtime
from app.worker.alerts import AlertLoop
from app.worker.assessing import AssessingLoop
from app.worker.flood import FloodLoop
from app.worker.schedules import ScheduleLoop
from app.worker.sender import SenderLoop
from app.worker.timers import OF_PROCESSES, TimerLoop
from connectors.mqtt_command import Broker
from connectors.registry import load_connectors

log = logging.getLogger(__name__)

# The longest that a timer waits for the loop to look again: its latency when nothing else is due.
TIMER_PAUSE_S: Final = 0.1
SENDER_PAUSE_S: Final = 0.5
# These wait for days.
PROCESS_PAUSE_S: Final = 1.0
ASSESSING_PAUSE_S: Final = 5.0
# Somebody may stand in the water.
ALERT_PAUSE_S: Final = 0.5
FLOOD_PAUSE_S: Final = 5.0
SCHEDULE_PAUSE_S: Final = 5.0
AFTER_ERROR_S: Final = 1.0


class Loop(Protocol):
    """Something to be done again and again."""

    def step(self) -> bool:
        """Do some of it; return whether there may be more at once."""
        ...


@dataclass
class Worker:
    """Loops, each with the pause it makes when it finds nothing to do."""

    loops: Mapping[str, tuple[Loop, float]]
    stopping: Event = field(default_factory=Event)

    def stop(self) -> None:
        """Let every loop end after its present step."""
        self.stopping.set()

    def run(self) -> None:
        """Run until stopped."""
        threads = [
            Thread(target=self._repeat, args=(name, loop, pause_s), name=name)
            for name, (loop, pause_s) in self.loops.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, name: str, loop: Loop, pause_s: float) -> None:
        while not self.stopping.is_set():
            try:
                pause = 0 if loop.step() else pause_s
            except DatabaseLost:
                log.warning("%s: the database does not answer, trying again", name)
                pause = AFTER_ERROR_S
            except Exception:  # because a worker outlives whatever goes wrong in a step
                log.exception("%s: a step failed", name)
                pause = AFTER_ERROR_S
            if pause:
                self.stopping.wait(pause)


def worker_of(runtime: Runtime) -> Worker:
    """Return the worker of an installation."""
    database, clock, settings = runtime.database, runtime.clock, runtime.services.settings
    broker = None
    if settings.mqtt_url:
        broker = Broker(settings.mqtt_url, settings.mqtt_topic, settings.mqtt_ca_file)
    connectors = load_connectors(settings.var_dir, broker=broker)
    return Worker(
        {
            "timers": (TimerLoop(database, clock), TIMER_PAUSE_S),
            "processes": (TimerLoop(database, clock, OF_PROCESSES), PROCESS_PAUSE_S),
            "alerts": (AlertLoop(database, clock), ALERT_PAUSE_S),
            "flood": (FloodLoop(database, clock), FLOOD_PAUSE_S),
            "assessing": (AssessingLoop(database, clock), ASSESSING_PAUSE_S),
            "sender": (SenderLoop(database, clock, connectors), SENDER_PAUSE_S),
            "schedules": (
                ScheduleLoop(database, clock, settings.timezone),
                SCHEDULE_PAUSE_S,
            ),
        }
    )


def run_until_told(worker: Worker) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    log.info("worker started")
    worker.run()
    log.info("worker stopped")
