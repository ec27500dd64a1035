"""Live through days: reports arrive, people do what comes to them, timers fire, all on a virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from app.accounts.roles import DUTY_CHIEF, LEADER, SUPERVISOR
from app.cases.commands import (
    CompleteWork,
    RaiseSupervision,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.errors import AppError, DatabaseLost
from app.run import Actor
from app.simulation.arrivals import Arrival
from app.simulation.fates import Fate
from app.simulation.habits import on_the_second, words
from app.simulation.known import Known, catch_up
from app.simulation.lives import Condition, Life, Surroundings, answers_to
from app.simulation.planning import HANDLED, RECEIVED, Planner, Wish
from app.simulation.virtual import Agenda, OpenWork, VirtualTime

SUPERVISORS: Final = {"duty": SUPERVISOR, "leader": LEADER, "media": DUTY_CHIEF}


@dataclass(frozen=True, slots=True)
class Arriving:
    """A report arrives."""

    arrival: Arrival
    fate: Fate


@dataclass(frozen=True, slots=True)
class Doing:
    """Somebody gets to an open work item."""

    life: Life
    item: OpenWork


@dataclass(frozen=True, slots=True)
class Asking:
    """Something is asked for."""

    life: Life
    what: str


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer of a case is due."""

    life: Life


Happening = Arriving | Doing | Asking | TimerDue


@dataclass
class Days:
    """A city that lives.

    known: the cases that stand already. counted: what was done. refused: what people wanted and the
    product refused them, by the words it said.
    """

    time: VirtualTime
    planner: Planner
    conditions: Mapping[str, list[Condition]]
    known: Mapping[str, Known]
    agenda: Agenda[Happening] = field(default_factory=Agenda)
    counted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    # The case filed last of each class: what a double of it is merged into.
    recent: dict[str, str] = field(default_factory=dict)

    def expect(self, arrivals: Iterable[tuple[Arrival, Fate]]) -> None:
        """Put reports on the agenda."""
        for arrival, fate in arrivals:
            self.agenda.add(arrival.at, Arriving(arrival, fate))

    def live(self, until: datetime, tick: Callable[[datetime], object] = lambda at: None) -> None:
        """Let everything happen that happens until a moment, in order of time."""
        while (event := self.agenda.next_until(until)) is not None:
            at, happening = event
            try:
                self._happen(at, happening)
            except DatabaseLost:
                raise
            except AppError as error:
                self.refused[f"{type(happening).__name__}: {error}"] += 1
            tick(at)

    def adopt(self, key: str, class_code: str, fate: Fate, known: Known) -> None:
        """Go on with a case that stands already, from where it stands."""
        if known.closed_as is not None:
            return
        life = self._life(key, class_code, fate, known.case_id)
        catch_up(self.time.connection, known, life)
        self._plan(life, known.last_at)

    def _happen(self, at: datetime, happening: Happening) -> None:
        match happening:
            case Arriving(arrival, fate):
                self._arrive(arrival, fate, at)
            case Doing(life, item) if life.planned.get(item.id) == at:
                self._do(life, item, at)
            case Asking(life, what):
                self._ask(life, what, at)
            case TimerDue(life) if life.timer_at == at:
                self.counted["timers"] += self.time.fire(life.now.instance_id, at)
                self._look(life, at)

    def _arrive(self, arrival: Arrival, fate: Fate, at: datetime) -> None:
        known = self.known.get(arrival.key)
        if known is not None:
            self.adopt(arrival.key, arrival.class_code, fate, known)
            return
        random = Random(f"{arrival.key}/report")  # noqa: S311 (a city, not a secret)
        actor = self.planner.staff.anyone(random, arrival.by, at)
        if actor is not None:
            result = self.time.run(arrival.report, actor, at)
            self.counted["cases"] += 1
            self._plan(self._life(arrival.key, arrival.class_code, fate, result.case_id), at)

    def _life(self, key: str, class_code: str, fate: Fate, case_id: int) -> Life:
        random = Random(f"{key}/life")  # noqa: S311 (a city, not a secret)
        conditions = self.conditions.get(class_code, [])
        return Life(class_code, fate, random, conditions, self.time.look(case_id))

    def _do(self, life: Life, item: OpenWork, at: datetime) -> None:
        actor = self.planner.staff.doer(life.random, item, at)
        if actor is None:
            return
        around = Surroundings(self.planner.staff, at, self.recent.get(life.class_code))
        answers = answers_to(item.element, life, around)
        self._run(CompleteWork(item.id, answers), actor, at)
        if item.element == "T_file" and answers["outcome"] == "file":
            self.recent[life.class_code] = life.now.number
        if item.element == "T_approve_extension":
            # There is more time now, or there will be no more: the handling is planned anew.
            self._forget(life, HANDLED)
        self._look(life, at)

    def _ask(self, life: Life, what: str, at: datetime) -> None:
        now = life.now
        in_hand = now.item(HANDLED) or now.item(RECEIVED)
        manager = self.planner.staff.managers.get(now.unit_id or 0)
        was_asked = False
        try:
            if in_hand is not None and manager is not None:
                self._run(self._request(life, what, at), self._asker(life, what, manager, at), at)
                was_asked = True
        finally:
            if what == "extension" and not was_asked:
                # Nobody will decide on it: the handling is planned without it.
                life.times["T_approve_extension"] += 1
                self._forget(life, HANDLED)
            # Whatever came of it: what was held up by it goes on, if it is still there.
            self._forget(life, HANDLED, RECEIVED, held_up=True)
            self._look(life, at)

    def _asker(self, life: Life, what: str, manager: Actor, at: datetime) -> Actor:
        if what not in SUPERVISORS:
            return manager
        return self.planner.staff.anyone(life.random, SUPERVISORS[what], at) or manager

    def _request(self, life: Life, what: str, at: datetime) -> object:
        random, case_id = life.random, life.now.id
        if what in SUPERVISORS:
            reason = words(random, "supervision" if what == "duty" else what)
            return RaiseSupervision(case_id, what, reason)
        if what == "return":
            is_founded = life.is_misdispatched
            about = "return_founded" if is_founded else "return_unfounded"
            return RequestReturn(case_id, words(random, about))
        if what == "hold":
            until = at + timedelta(days=random.randint(5, 25))
            return RequestHold(case_id, until, words(random, "hold"))
        limit = life.condition.limit if life.condition is not None and life.fate.longer else None
        amount = None if limit is None else str(limit.times(Decimal(2)))
        return RequestExtension(case_id, words(random, "extension"), amount)

    def _run(self, command: object, actor: Actor, at: datetime) -> None:
        self.time.run(command, actor, at)
        self.counted["steps"] += 1

    def _look(self, life: Life, at: datetime) -> None:
        """See where the case stands, and plan what people will do about it."""
        life.now = self.time.look(life.now.id)
        self._plan(life, at)

    def _plan(self, life: Life, at: datetime) -> None:
        open_now = {item.id for item in life.now.items}
        life.planned = {n: when for n, when in life.planned.items() if n in open_now}
        for item in life.now.items:
            if item.id not in life.planned:
                self._plan_item(life, item, at)
        supervision = self.planner.supervision(life, at)
        if supervision is not None:
            self._expect_wish(life, supervision)
        timer_at = None if life.now.timer_at is None else max(life.now.timer_at, at)
        if timer_at is not None and timer_at != life.timer_at:
            self.agenda.add(timer_at, TimerDue(life))
        life.timer_at = timer_at

    def _plan_item(self, life: Life, item: OpenWork, at: datetime) -> None:
        """Decide when somebody gets to an open item, unless something is asked for first."""
        if item.element == "T_dispatch" and life.suggested_unit is None:
            life.suggested_unit = (item.defaults or {}).get("unit_id")
        wishes = self.planner.wishes(life, item.element, at)
        for wish in wishes:
            self._expect_wish(life, wish)
        life.planned[item.id] = None
        held_up = any(wish.holds_up for wish in wishes)
        if not held_up and not self.planner.stops(life, item.element):
            when = on_the_second(self.planner.gets_to(life, item.element, at))
            life.planned[item.id] = when
            self.agenda.add(when, Doing(life, item))

    def _expect_wish(self, life: Life, wish: Wish) -> None:
        life.asked[wish.what] += 1
        self.agenda.add(on_the_second(wish.at), Asking(life, wish.what))

    def _forget(self, life: Life, *elements: str, held_up: bool = False) -> None:
        """Forget what was planned for the items of some elements, or only that they were held up."""
        for item in life.now.items:
            if item.element in elements and not (held_up and life.planned.get(item.id)):
                life.planned.pop(item.id, None)
