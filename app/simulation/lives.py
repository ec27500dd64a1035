"""One case being lived: what is known of it, what people will answer, what they will ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

from app.errors import CalendarMissing
from app.simulation.fates import Fate
from app.simulation.habits import weighted, words
from app.simulation.people_at_work import Staff
from app.simulation.virtual import CaseNow
from sla.calendar import WorkingCalendar
from sla.limits import Limit, LimitUnit, due_at

URGENT: Final = (LimitUnit.URGENT_HOUR, LimitUnit.URGENT_DAY)


@dataclass(frozen=True, slots=True)
class Condition:
    """A filing condition of a class."""

    seq: int
    limit: Limit

    def can_be_kept(self, at: datetime, calendar: WorkingCalendar) -> bool:
        """Tell whether the calendar knows of all the days that an extended, long overdue case runs into."""
        try:
            due = due_at(at, self.limit.times(Decimal(2)), calendar)
            due_at(due, Limit.of(5, LimitUnit.WORKING_DAY), calendar)
        except CalendarMissing:
            return False
        return True


@dataclass
class Life:
    """A case on its way.

    times: how often each element was done. asked: how often each thing was asked for, or will be.
    planned: when somebody gets to each open work item; None when nobody does for the time being.
    """

    class_code: str
    fate: Fate
    random: Random
    conditions: list[Condition]
    now: CaseNow
    condition: Condition | None = None
    suggested_unit: int | None = None
    times: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    planned: dict[int, datetime | None] = field(default_factory=dict)
    timer_at: datetime | None = None

    @property
    def is_urgent(self) -> bool:
        """Tell whether its limit runs day and night."""
        return self.condition is not None and self.condition.limit.unit in URGENT

    @property
    def counts_on_more_time(self) -> bool:
        """Tell whether an extension was asked for, or will be, that nobody has decided on."""
        return self.asked["extension"] > self.times["T_approve_extension"]

    @property
    def is_misdispatched(self) -> bool:
        """Tell whether the unit that has it is the wrong one."""
        return self.fate.returned == "founded" and self.times["T_dispatch"] == 1

    def choose_condition(self, at: datetime, calendar: WorkingCalendar) -> Condition:
        """Choose the filing condition, the first ones most often, so that its limit can be counted."""
        if self.condition is None:
            shares = {n: 1 / (n + 1) for n in range(len(self.conditions))}
            first = weighted(self.random, shares)
            order = [*self.conditions[first:], *self.conditions[:first]]
            able = [one for one in order if one.can_be_kept(at, calendar)]
            self.condition = (able or order)[0]
        return self.condition


@dataclass(frozen=True)
class Surroundings:
    """What people know when they answer: who there is, the time, the number of a case this may double."""

    staff: Staff
    at: datetime
    double_of: str | None


Answering = Callable[[Life, Surroundings], dict[str, Any]]


def answers_to(element: str, life: Life, around: Surroundings) -> dict[str, Any]:
    """Return what is answered to the form of an element."""
    given = _ANSWERS[element](life, around)
    life.times[element] += 1
    return {name: value for name, value in given.items() if value is not None}


def _verify(life: Life, around: Surroundings) -> dict[str, Any]:
    outcome = life.fate.verified if life.times["T_verify"] == 0 else "exists"
    opinion = None if outcome == "exists" else words(life.random, outcome)
    return {"outcome": outcome, "opinion": opinion}


def _accept(life: Life, around: Surroundings) -> dict[str, Any]:
    outcome = life.fate.acceptance if life.times["T_accept"] == 0 else "accept"
    if outcome == "merge" and around.double_of is None:
        outcome = "accept"
    return {
        "outcome": outcome,
        "merged_into": around.double_of if outcome == "merge" else None,
        "opinion": words(life.random, "reject") if outcome == "reject" else None,
    }


def _file(life: Life, around: Surroundings) -> dict[str, Any]:
    if life.fate.filing == "void":
        return {"outcome": "void", "opinion": words(life.random, "void")}
    condition = life.choose_condition(around.at, around.staff.calendar)
    return {"outcome": "file", "class_code": life.class_code, "condition_seq": condition.seq}


def _dispatch(life: Life, around: Surroundings) -> dict[str, Any]:
    if life.fate.is_sent_back and life.times["sent_back"] == 0:
        life.times["sent_back"] += 1
        # The dispatch itself has not happened: it is counted when it does.
        life.times["T_dispatch"] -= 1
        return {"outcome": "back", "opinion": words(life.random, "sent_back")}
    ranked = around.staff.ranked_units
    right = life.suggested_unit or life.random.choice(ranked)
    wrong = [unit for unit in ranked if unit != right]
    mistaken = life.fate.returned == "founded" and life.times["T_dispatch"] == 0 and wrong
    return {"outcome": "dispatch", "unit_id": life.random.choice(wrong) if mistaken else right}


def _assign(life: Life, around: Surroundings) -> dict[str, Any]:
    handlers = around.staff.handlers.get(life.now.unit_id or 0, ())
    if not handlers or (life.fate.direct and not life.fate.account):
        return {"outcome": "direct", "opinion": words(life.random, "direct")}
    own = around.staff.by_login.get(life.fate.account or "")
    chosen = own if own is not None and own in handlers else life.random.choice(handlers)
    return {"outcome": "assign", "handler_id": chosen.person_id}


def _handle(life: Life, around: Surroundings) -> dict[str, Any]:
    return {"outcome": "done", "opinion": words(life.random, "done")}


def _confirm(life: Life, around: Surroundings) -> dict[str, Any]:
    if life.fate.redo and life.times["T_confirm"] == 0:
        return {"outcome": "redo", "opinion": words(life.random, "redo")}
    return {"outcome": "hand_in"}


def _review(life: Life, around: Surroundings) -> dict[str, Any]:
    if life.fate.reworked and life.times["T_review"] == 0:
        return {"outcome": "rework", "opinion": words(life.random, "rework")}
    return {"outcome": "pass_by_photo" if life.fate.by_photo else "pass"}


def _check(life: Life, around: Surroundings) -> dict[str, Any]:
    outcome = life.fate.checked if life.times["T_check"] == 0 else "pass"
    about = {"fail": "failed", "unclear": "unclear"}.get(outcome)
    return {"outcome": outcome, "opinion": words(life.random, about) if about else None}


def _close(life: Life, around: Surroundings) -> dict[str, Any]:
    if life.fate.close_rework and life.times["T_close"] == 0:
        return {"outcome": "rework", "opinion": words(life.random, "rework")}
    return {"outcome": "close"}


def _approve_extension(life: Life, around: Surroundings) -> dict[str, Any]:
    return _granted(life, granted=not life.fate.extension_refused)


def _approve_hold(life: Life, around: Surroundings) -> dict[str, Any]:
    return _granted(life, granted=life.fate.held == "granted")


def _granted(life: Life, *, granted: bool) -> dict[str, Any]:
    outcome = "grant" if granted else "refuse"
    return {"outcome": outcome, "opinion": words(life.random, "granted" if granted else "refused")}


def _rule_return(life: Life, around: Surroundings) -> dict[str, Any]:
    outcome = "founded" if life.is_misdispatched else "unfounded"
    return {"outcome": outcome, "opinion": words(life.random, outcome)}


def _answer_supervision(life: Life, around: Surroundings) -> dict[str, Any]:
    return {"outcome": "answered", "opinion": words(life.random, "answer")}


_ANSWERS: Final[Mapping[str, Answering]] = {
    "T_verify": _verify,
    "T_accept": _accept,
    "T_file": _file,
    "T_dispatch": _dispatch,
    "T_assign": _assign,
    "T_handle": _handle,
    "T_confirm": _confirm,
    "T_review": _review,
    "T_check": _check,
    "T_close": _close,
    "T_approve_extension": _approve_extension,
    "T_approve_hold": _approve_hold,
    "T_rule_return": _rule_return,
    "T_answer_supervision": _answer_supervision,
}
