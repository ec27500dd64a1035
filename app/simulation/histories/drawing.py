"""Draw what happens to a case from its report on, each time with an eye on how its clocks stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from app.accounts.roles import COLLECTOR, DISPATCHER, DUTY_CHIEF, INTAKE_OFFICER, SUPERVISOR
from app.run import Actor
from app.simulation.arrivals import Arrival
from app.simulation.fates import Fate
from app.simulation.habits import about, happens, on_duty, on_the_second, weighted, words
from app.simulation.histories.beside import Beside
from app.simulation.histories.course import Course, Happening
from app.simulation.histories.crowd import Crowd, oddities, oddity
from app.simulation.lives import URGENT, Condition

_SOON: Final = timedelta(minutes=10)
_ROLES: Final = {
    "T_verify": COLLECTOR,
    "T_check": COLLECTOR,
    "T_accept": INTAKE_OFFICER,
    "T_file": INTAKE_OFFICER,
    "T_dispatch": DISPATCHER,
    "T_review": DISPATCHER,
    "T_close": DUTY_CHIEF,
    "T_rule_return": DUTY_CHIEF,
    "T_approve_hold": DUTY_CHIEF,
    "T_approve_extension": DUTY_CHIEF,
}
# However bad the work, it is let pass at last.
MOST_REWORKS: Final = 6


def is_dispatched(arrival: Arrival, fate: Fate, *, looked_at: bool) -> bool:
    """Tell whether a report comes to be dispatched. looked_at: somebody verifies it first."""
    return (
        not arrival.report.self_handled
        and not (looked_at and fate.verified == "absent")
        and fate.acceptance != "reject"
        and fate.filing == "file"
    )


def live(course: Course, drawn: Drawn, until: datetime) -> None:
    """Let everything happen in a case that happens before a moment, timers and supervisions in their turn."""
    for happening in drawn.happenings():
        _catch_up(course, drawn.beside, min(happening.at, until))
        if happening.at >= until:
            return
        course.play(happening)
    if course.case["closed_at"] is None:
        _catch_up(course, drawn.beside, until)


def _catch_up(course: Course, beside: Beside, until: datetime) -> None:
    """Let the timers fire that are due before a moment, and happen what lies beside."""
    while True:
        timers, beside_at = course.next_timers(), beside.next_at
        if timers is not None and timers.at < min(until, beside_at):
            course.play(timers)
        elif beside_at < until:
            happening = beside.take(course.case)
            if happening is not None:
                course.play(happening)
        else:
            return


class Drawn:
    """One case as chance will have it: its main thread, and what lies beside it."""

    def __init__(
        self, crowd: Crowd, course: Course, arrival: Arrival, fate: Fate, random: Random
    ) -> None:
        self.beside = Beside(crowd.staff, random)
        self._crowd, self._staff = crowd, crowd.staff
        self._course, self._arrival = course, arrival
        self._fate, self._random = fate, random
        self._at = arrival.at
        self._condition: Condition | None = None
        self._extensions = fate.extensions
        self._sent_back = 0
        self._has_held = self._has_redone = False

    def happenings(self) -> Iterator[Happening]:
        """Yield what happens on the main thread; what is yielded is played before the next is drawn."""
        if self._case["closed_at"] is None:
            yield from self._until_filed()
        if self._case["filed_at"] is None:
            return
        if self._fate.is_sent_back:
            yield self._office("T_dispatch", "back", "sent_back")
            yield self._office("T_accept", "accept")
            yield self._filing()
        yield from self._until_dispatched()
        while self._case["closed_at"] is None:
            yield from self._worked()
            yield from self._judged()

    @property
    def _case(self) -> Mapping[str, Any]:
        return self._course.case

    @property
    def _is_urgent(self) -> bool:
        return self._condition is not None and self._condition.limit.unit in URGENT

    def _until_filed(self) -> Iterator[Happening]:
        fate = self._fate
        if self._case["stage"] == "verifying":
            absent = fate.verified == "absent"
            yield self._office("T_verify", fate.verified, None if not absent else "absent")
            if absent:
                return
        if fate.acceptance == "verify":
            yield self._office("T_accept", "verify")
            yield self._office("T_verify", "exists")
        if fate.acceptance == "reject":
            yield self._office("T_accept", "reject", "reject")
            return
        yield self._office("T_accept", "accept")
        yield self._filing() if fate.filing == "file" else self._office("T_file", "void", "void")

    def _filing(self) -> Happening:
        self._at = self._gets_to("T_file")
        given: dict[str, Any] = {"outcome": "file", "class_code": self._arrival.class_code}
        if happens(self._random, oddity("unlimited")):
            given["limit"] = "none"
        elif happens(self._random, oddity("agreed")):
            given["limit"] = self._random.choice(oddities()["agreed"])
        else:
            self._condition = self._condition or self._chosen_condition()
            given["condition_seq"] = self._condition.seq
        return Happening(self._at, "T_file", self._of_role("T_file"), given)

    def _chosen_condition(self) -> Condition:
        conditions = self._crowd.conditions[self._arrival.class_code]
        first = weighted(self._random, {n: 1 / (n + 1) for n in range(len(conditions))})
        order = [*conditions[first:], *conditions[:first]]
        calendar = self._staff.calendar
        return next((one for one in order if one.can_be_kept(self._at, calendar)), order[0])

    def _until_dispatched(self) -> Iterator[Happening]:
        returned, right = self._fate.returned, self._right_unit()
        wrong = returned == "founded"
        unit_id = self._another_than(right) if wrong else self._or_branch(right)
        yield self._office("T_dispatch", "dispatch", unit_id=unit_id)
        if self._fate.supervised is not None:
            self.beside.expect_supervision(self._fate.supervised, self._case, self._at)
        if returned is None:
            return
        self._at = self._asked(about(self._random, 40))
        said = words(self._random, f"return_{returned}")
        yield Happening(self._at, "return", self._head(), {"reason": said})
        yield self._office("T_rule_return", returned, returned)
        if wrong:
            again = unit_id if happens(self._random, oddity("to_the_same")) else right
            yield self._office("T_dispatch", "dispatch", unit_id=again)

    def _worked(self) -> Iterator[Happening]:
        """Let the unit do its work, with all that it asks for meanwhile."""
        handlers = [] if self._fate.direct else self._handlers()
        if handlers and self._case["handler_id"] is None:
            handler = self._random.choice(handlers)
            self._at = self._gets_to("T_assign")
            given = {"outcome": "assign", "handler_id": handler.person_id}
            yield Happening(self._at, "T_assign", self._head(), given)
        if self._fate.held is not None and not self._has_held and not self._is_urgent:
            yield from self._holding()
        yield from self._extending()
        self._at = self._finishes()
        if self._case["handler_id"] is None:
            said = {"outcome": "direct", "opinion": words(self._random, "direct")}
            yield Happening(self._at, "T_assign", self._head(), said)
            return
        yield self._handling()
        if self._fate.redo and not self._has_redone:
            self._has_redone = True
            yield self._confirming("redo", opinion=words(self._random, "redo"))
            self._at = self._outdoors(self._at + about(self._random, 30))
            yield self._handling()
        yield self._confirming("hand_in")

    def _handling(self) -> Happening:
        handler = self._staff.by_id[self._case["handler_id"]]
        said = {"outcome": "done", "opinion": words(self._random, "done")}
        return Happening(self._at, "T_handle", handler, said)

    def _confirming(self, outcome: str, **said: Any) -> Happening:
        self._at = self._gets_to("T_confirm")
        return Happening(self._at, "T_confirm", self._head(), {"outcome": outcome, **said})

    def _judged(self) -> Iterator[Happening]:
        """Let the result be looked at: the case is closed then, or goes back to its unit."""
        fate = self._fate
        if self._fails(fate.reworked, again=True):
            yield self._office("T_review", "rework", "rework")
            return
        yield self._office("T_review", "pass_by_photo" if fate.by_photo else "pass")
        if not fate.by_photo:
            if self._fails(fate.checked == "fail"):
                yield self._office("T_check", "fail", "failed")
                return
            unclear = fate.checked == "unclear"
            yield self._office("T_check", *(("unclear", "unclear") if unclear else ("pass",)))
        if self._fails(fate.close_rework):
            yield self._office("T_close", "rework", "rework")
            return
        yield self._office("T_close", "close")

    def _fails(self, at_first: bool, *, again: bool = False) -> bool:
        if self._sent_back == 0:
            fails = at_first
        else:
            may_fail = again and self._sent_back < MOST_REWORKS
            fails = may_fail and happens(self._random, oddity("rework_again"))
        self._sent_back += fails
        return fails

    def _holding(self) -> Iterator[Happening]:
        random, self._has_held = self._random, True
        self._at = self._asked(self._left() * 0.2)
        long = happens(random, oddity("long_hold"))
        length = timedelta(
            days=random.randint(*oddities()["days"]["long_hold" if long else "hold"])
        )
        until = self._at + length
        said = {"until": until, "reason": words(random, "hold")}
        yield Happening(self._at, "hold", self._head(), said)
        granted = self._fate.held == "granted"
        yield self._decision("T_approve_hold", granted=granted)
        if granted and happens(random, oddity("released_early")) and until > self._at + length / 2:
            self._at = on_the_second(self._at + length * random.uniform(0.1, 0.45))
            yield Happening(self._at, "release", self._of_role("T_approve_hold"))
        elif granted:
            self._at = max(self._at, until) + _SOON

    def _extending(self) -> Iterator[Happening]:
        random = self._random
        while self._extensions and not self._is_urgent and self._may_ask():
            self._extensions -= 1
            self._at = self._asked(self._left() * random.uniform(0.4, 0.75))
            if not self._may_ask():
                return
            said = {"reason": words(random, "extension"), "amount": self._amount()}
            yield Happening(self._at, "extension", self._head(), said)
            if happens(random, oddity("asked_late")):
                # Nobody decides on it before the work is done.
                return
            refused = self._fate.extension_refused
            # The first one, if it is no longer than the limit, is for the duty chief to decide on.
            role = SUPERVISOR if said["amount"] or self._case["extensions"] else DUTY_CHIEF
            yield self._decision("T_approve_extension", granted=not refused, role=role)

    def _may_ask(self) -> bool:
        due_at = self._case["due_at"]
        return due_at is not None and self._at < due_at and self._case["extensions"] < 2

    def _amount(self) -> str | None:
        if not self._fate.longer or self._condition is None:
            return None
        return str(self._condition.limit.times(Decimal(2)))

    def _finishes(self) -> datetime:
        """Return when the handling is finished: within the time there is, late, or when it comes to light again."""
        random, due_at, urgent = self._random, self._case["due_at"], self._is_urgent
        if due_at is None or self._sent_back:
            return self._outdoors(self._at + about(random, 30 if urgent else 90))
        if happens(random, oddity("neglected")):
            days = random.expovariate(1 / oddities()["days"]["neglected"])
            return self._outdoors(max(due_at, self._at) + timedelta(days=days))
        if self._fate.lateness < self._lateness():
            over = timedelta(hours=random.expovariate(1 / (3 if urgent else 16)))
            return self._outdoors(max(due_at, self._at) + over)
        left = self._left()
        when = self._outdoors(self._at + max(left * self._fate.diligence, _SOON))
        # Leaves the head of the unit some time to hand it in.
        latest = due_at - min(timedelta(minutes=40), left / 4)
        return on_the_second(min(when, max(latest, self._at + _SOON)))

    def _left(self) -> timedelta:
        due_at = self._case["due_at"]
        return max(due_at - self._at, _SOON) if due_at is not None else timedelta(days=2)

    def _lateness(self) -> float:
        return self._crowd.lateness.get(self._crowd.platform(self._case["unit_id"]), 0)

    def _office(
        self, element: str, outcome: str, about_it: str | None = None, **given: Any
    ) -> Happening:
        """Let somebody of the centre do an element; `about_it` names the words of the opinion."""
        self._at = self._gets_to(element)
        answers = {"outcome": outcome, **given}
        if about_it is not None:
            answers["opinion"] = words(self._random, about_it)
        elif outcome == "unclear":
            answers["opinion"] = words(self._random, "unclear")
        return Happening(self._at, element, self._of_role(element), answers)

    def _decision(self, element: str, *, granted: bool, role: str = DUTY_CHIEF) -> Happening:
        about_it = "granted" if granted else "refused"
        made = self._office(element, "grant" if granted else "refuse", about_it)
        return made if role == DUTY_CHIEF else replace(made, by=self._of_role(element, role))

    def _of_role(self, element: str, role: str | None = None) -> Actor:
        someone = self._staff.anyone(self._random, role or _ROLES[element], self._at)
        assert someone is not None, f"a city has somebody for {element}"
        return someone

    def _gets_to(self, element: str) -> datetime:
        return on_the_second(
            self._staff.gets_to(self._random, element, self._at, urgent=self._is_urgent)
        )

    def _asked(self, after: timedelta) -> datetime:
        if self._is_urgent:
            return on_the_second(self._at + min(after, timedelta(hours=1)))
        calendar = self._staff.calendar
        return on_the_second(on_duty(self._random, self._at + after, "office", calendar))

    def _outdoors(self, at: datetime) -> datetime:
        if self._is_urgent:
            return on_the_second(at)
        return on_the_second(on_duty(self._random, at, "outdoors", self._staff.calendar))

    def _head(self) -> Actor:
        return self._staff.managers[self._case["unit_id"]]

    def _handlers(self) -> list[Actor]:
        return self._crowd.handlers_of(self._case["unit_id"])

    def _right_unit(self) -> int:
        found = self._crowd.responsible(self._course.duty, self._case["district_code"])
        return found if found is not None else self._random.choice(self._staff.ranked_units)

    def _another_than(self, right: int) -> int:
        wrong = self._random.choice(self._staff.ranked_units)
        if wrong == right:
            place = self._staff.ranked_units.index(right)
            wrong = self._staff.ranked_units[place - 1]
        return wrong

    def _or_branch(self, unit_id: int) -> int:
        branches = self._crowd.branches.get(unit_id)
        if branches and happens(self._random, oddity("to_a_branch")):
            return self._random.choice(branches)
        return unit_id
