"""The slow truth: walk minute by minute and count. Shares no arithmetic with the room it judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR_RANGE = tuple[time, time]

# One step of a clock's life: what happens, at which moment, and the time granted (measure, minutes) if any.
Step = tuple[str, datetime, tuple[str, int] | None]


@dataclass
class MinuteOracle:
    """Count minutes as worked when the local clock at their beginning lies in working hours of a working day."""

    zone: ZoneInfo
    hours: tuple[HOUR_RANGE, ...]
    is_working_day: Callable[[date], bool]
    _known: dict[datetime, bool] = field(default_factory=dict)
    _walls: dict[datetime, datetime] = field(default_factory=dict)

    def is_worked(self, minute: datetime) -> bool:
        known = self._known.get(minute)
        if known is None:
            local = minute.astimezone(self.zone)
            known = self._known[minute] = self.is_working_day(local.date()) and any(
                begin <= local.time() < end for begin, end in self.hours
            )
        return known

    def wall(self, minute: datetime) -> datetime:
        """The highest the wall clock has come to up to a moment; it is turned back by an hour at most.

        The minute before ends one minute higher than it began, even where the clock is then turned back.
        """
        known = self._walls.get(minute)
        if known is None:
            before = self._walls.get(minute - MINUTE)
            ended = [before] if before else []
            ended += [
                self._reading(minute - back * MINUTE) + MINUTE
                for back in range(1, 2 if before else 62)
            ]
            known = self._walls[minute] = max(self._reading(minute), *ended)
        return known

    def _reading(self, minute: datetime) -> datetime:
        return minute.astimezone(self.zone).replace(tzinfo=None)

    def minutes_of(self, measure: str, minute: datetime) -> int:
        """What one minute of real time counts for."""
        if measure == "elapsed":
            return 1
        if measure == "working":
            return int(self.is_worked(minute))
        before, after = self.wall(minute), self.wall(minute + MINUTE)
        return (after - before) // MINUTE

    def due(self, start: datetime, measure: str, minutes: int) -> datetime:
        """The end of the minute with which the time is used up."""
        at = start
        while minutes > 0:
            minutes -= self.minutes_of(measure, at)
            at += MINUTE
        return self.shown(measure, at)

    def shown(self, measure: str, at: datetime) -> datetime:
        """When the clock shows what was counted up to: where it is turned back at that very moment, an hour later."""
        while measure == "wall" and self._reading(at) < self.wall(at):
            at += MINUTE
        return at

    def worked_minutes(self, start: datetime, end: datetime) -> int:
        count, at = 0, start
        while at < end:
            count += self.is_worked(at)
            at += MINUTE
        return count

    def due_of_clock(self, steps: list[Step]) -> datetime:
        """The moment a clock's time is used up, counting on from where it stands after its last step."""
        begin = max(n for n, step in enumerate(steps) if step[0] in ("start", "restart"))
        owed: list[tuple[str, int]] = []
        for measure, minutes in (step[2] for step in steps[begin:] if step[2] is not None):
            # Time of one measure is one sum: a day and a day are two days, wherever the first would end.
            same = owed and owed[-1][0] == measure
            owed.append((measure, minutes + owed.pop()[1] if same else minutes))
        going = {
            step[1]: step[0] for step in steps[begin:] if step[0] in ("pause", "resume", "stop")
        }
        at, counting, last = steps[begin][1], True, steps[-1][1]
        while True:
            if at in going:
                counting = going[at] == "resume"
            if counting or at >= last:
                measure, left = owed.pop(0)
                left -= self.minutes_of(measure, at)
                if left > 0:
                    owed.insert(0, (measure, left))
            at += MINUTE
            if not owed:
                return self.shown(measure, at)


def floor_to_minute(at: datetime) -> datetime:
    """The minute a moment lies in."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)
