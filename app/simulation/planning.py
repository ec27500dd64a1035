"""When people get to things, and what is asked for on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.simulation.habits import about, on_duty
from app.simulation.lives import Life
from app.simulation.people_at_work import Staff

# Where the unit sees that the case is not its own, and where it finds that it needs more time.
RECEIVED: Final = "T_assign"
HANDLED: Final = "T_handle"

_PROMPTLY: Final = timedelta(minutes=4)
_SOON: Final = timedelta(minutes=10)
_FROM_ABOVE: Final = ("media", "leader")


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that will be asked for: return, hold, extension, or a supervision by duty, leader or media.

    holds_up: nothing else is done about the work item until it was asked for.
    """

    what: str
    at: datetime
    holds_up: bool = False


@dataclass(frozen=True)
class Planner:
    """Plans by the habits of the city and the tempers of its units. lateness: by unit."""

    staff: Staff
    lateness: Mapping[int, float]

    def wishes(self, life: Life, element: str, at: datetime) -> list[Wish]:
        """Return what will be asked for now that an element waits."""
        found = []
        if element == RECEIVED:
            found = self._wishes_on_receipt(life, at)
        elif element == HANDLED and not life.is_urgent and life.now.due_at is not None:
            found = self._wishes_while_handling(life, max(life.now.due_at - at, _SOON), at)
        return [wish for wish in found if self._is_new(life, wish.what)]

    def supervision(self, life: Life, at: datetime) -> Wish | None:
        """Return the supervision that an overdue case may meet with."""
        due_at = life.now.due_at
        in_hand = life.now.item(RECEIVED) or life.now.item(HANDLED)
        if life.fate.supervised != "duty" or in_hand is None or due_at is None or due_at > at:
            return None
        hours = life.random.uniform(2, 20)
        wish = Wish("duty", self._asked(life, at, timedelta(hours=hours)))
        return wish if self._is_new(life, wish.what) else None

    def stops(self, life: Life, element: str) -> bool:
        """Tell whether nobody does anything more about this case here."""
        # What is to be seen of a rework is its second round.
        first_of_two = life.fate.reworked and life.times[element] == 0
        return element in life.fate.stops_at and not first_of_two

    def gets_to(self, life: Life, element: str, at: datetime) -> datetime:
        """Return when somebody gets to an element that waits from now on."""
        if life.fate.prompt:
            return at + _PROMPTLY
        if element == HANDLED or (element == RECEIVED and life.fate.direct):
            return self._finishes(life, at)
        return self.staff.gets_to(life.random, element, at, urgent=life.is_urgent)

    def _wishes_on_receipt(self, life: Life, at: datetime) -> list[Wish]:
        found = []
        if life.fate.supervised in _FROM_ABOVE:
            after = timedelta(hours=life.random.uniform(2, 30))
            found.append(Wish(life.fate.supervised or "", self._asked(life, at, after)))
        if life.fate.returned == "unfounded" or life.is_misdispatched:
            after = about(life.random, 40)
            found.append(Wish("return", self._asked(life, at, after), holds_up=True))
        return found

    def _wishes_while_handling(self, life: Life, left: timedelta, at: datetime) -> list[Wish]:
        if life.fate.held is not None and not life.asked["hold"]:
            return [Wish("hold", self._asked(life, at, left * 0.2), holds_up=True)]
        after = left * life.random.uniform(0.4, 0.75)
        return [Wish("extension", self._asked(life, at, after))]

    def _is_new(self, life: Life, what: str) -> bool:
        """Tell whether this is asked for, or asked for once more."""
        return life.asked[what] < (life.fate.extensions if what == "extension" else 1)

    def _asked(self, life: Life, at: datetime, after: timedelta) -> datetime:
        if life.fate.prompt:
            return at + _SOON
        if life.is_urgent:
            return at + min(after, timedelta(hours=1))
        return on_duty(life.random, at + after, "office", self.staff.calendar)

    def _finishes(self, life: Life, at: datetime) -> datetime:
        """Return when the handling is finished: within the time there is, or late, as the unit is used to."""
        random, due_at, urgent = life.random, life.now.due_at, life.is_urgent
        if due_at is None or life.times[HANDLED] > 0:
            return self._outdoors(life, at + about(random, 30 if urgent else 90))
        left = max(due_at - at, _SOON)
        if life.counts_on_more_time:
            return self._outdoors(life, due_at + left * 0.3)
        if life.fate.lateness < self.lateness.get(life.now.unit_id or 0, 0):
            over = timedelta(hours=random.expovariate(1 / (3 if urgent else 16)))
            return self._outdoors(life, max(due_at, at) + over)
        when = self._outdoors(life, at + max(left * life.fate.diligence, _SOON))
        # Leaves the head of the unit some time to hand it in.
        latest = due_at - min(timedelta(minutes=40), left / 4)
        return min(when, max(latest, at + _SOON))

    def _outdoors(self, life: Life, at: datetime) -> datetime:
        if life.is_urgent:
            return at
        return on_duty(life.random, at, "outdoors", self.staff.calendar)
