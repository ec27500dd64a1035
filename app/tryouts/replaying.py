"""One ended case run again in virtual time, on any version: what its people did, they do again.

Each step is answered as it was, so long after it opened as then; requests come so long after the same step
opened as then; timers come when they are due. A step that the case never answered takes the length assumed and
the first answers its form allows. The same case on the same version ends the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from psycopg.pq import TransactionStatus

from app.cases.answers import holds, is_required
from app.cases.commands.report import blank_case
from app.cases.reference import class_on
from app.errors import AppError, EngineError, InvalidInput, StateChanged, Text
from app.modeling.bundles import forms_of
from app.modeling.forms import Field, Form
from app.modeling.queries import Deployed
from app.tryouts.dry import DryCase, DryItem, World
from app.tryouts.lives import Asked, Life
from sla.limits import AnyLimit, due_at

MOST_EVENTS: Final = 500
USER_TASK: Final = "UserTask"
# In what order come the things of one moment: time, then requests, then people at their work.
_TIMER, _ASKED, _ANSWERED = range(3)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case went on one version.

    tasks: the user tasks completed, in order. passed: how often each element was passed. due_at: of the handling.
    limits: of each clock by name. assumed: user tasks answered as assumed. unheard: messages nothing waited for.
    """

    closed_as: str | None
    tasks: Sequence[str]
    passed: Mapping[str, int]
    late: bool
    seconds: int
    due_at: str | None
    limits: Mapping[str, str]
    assumed: Sequence[str]
    unheard: Sequence[str]

    def plain(self) -> dict[str, Any]:
        """Return the outcome as JSON holds it."""
        return asdict(self)


@dataclass(slots=True)
class _Replay:
    """The plan of one run: what is to come, and when."""

    dry: DryCase
    life: Life
    assumed_length: AnyLimit
    opened: dict[str, int] = field(default_factory=dict)
    planned: dict[int, tuple[datetime, Mapping[str, Any]]] = field(default_factory=dict)
    withdrawn: dict[int, DryItem] = field(default_factory=dict)
    asked: list[tuple[datetime, int, Asked]] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)
    known: set[int] = field(default_factory=set)

    def run(self) -> None:
        self._await(None, self.dry.now)
        for _ in range(MOST_EVENTS):
            self._plan()
            if self.dry.ended:
                return
            self._next()
        raise EngineError("回放了 %(most)s 步还没有走到结束。", most=MOST_EVENTS)

    def _await(self, since: tuple[str, int] | None, at: datetime) -> None:
        """Expect what was asked after a step opened, now that it has opened again."""
        self.asked += [
            (at + one.after, number, one)
            for number, one in enumerate(self.life.asked)
            if one.since == since
        ]

    def _plan(self) -> None:
        """Plan the answers of the items that have just opened; forget those that have closed."""
        items = self.dry.items
        self.planned = {one: plan for one, plan in self.planned.items() if one in items}
        self.withdrawn = {one: item for one, item in self.withdrawn.items() if one in items}
        for token in sorted(items.keys() - self.known):
            self.known.add(token)
            self._plan_item(items[token])

    def _plan_item(self, item: DryItem) -> None:
        number = self.opened[item.element] = self.opened.get(item.element, 0) + 1
        self._await((item.element, number), item.opened_at)
        happened = self.life.occurrences.get(item.element, ())
        if number > len(happened):
            self._assume(item)
        elif (answers := happened[number - 1].answers) is None:
            # Something withdrew it then; it waits for that to come again.
            self.withdrawn[item.token] = item
        else:
            fitting = {
                one.key: answers.get(one.key)
                for one in self.dry.version.form(item.form_key).fields
                if not one.readonly
            }
            took = happened[number - 1].took
            self.planned[item.token] = (item.opened_at + took, self._whole(item, fitting))

    def _assume(self, item: DryItem) -> None:
        self.assumed.append(item.element)
        at = due_at(self.dry.now, self.assumed_length, self.dry.world.calendar)
        self.planned[item.token] = (at, self._whole(item, {}))

    def _whole(self, item: DryItem, given: Mapping[str, Any]) -> dict[str, Any]:
        """Add the first answers that a form allows to those given, where it insists on one."""
        version, case = self.dry.version, self.dry.case
        form = version.form(item.form_key)
        first = _first_answers(forms_of(version.files)[item.form_key])
        known = {
            "units": case["unit_id"] or item.defaults.get("unit_id"),
            "handlers": case["handler_id"] or _handler(self.life),
            "classes": case["class_code"],
            "conditions": 1,
        }
        return _filled(form, given, {**first, **item.defaults}, known, self.dry.now)

    def _next(self) -> None:
        """Let the next thing happen."""
        dry = self.dry
        coming = [(max(one.due_at, dry.now), _TIMER, one.token) for one in dry.timers[:1]]
        coming += [(max(at, dry.now), _ASKED, number) for at, number, _ in self.asked]
        coming += [(max(at, dry.now), _ANSWERED, token) for token, (at, _) in self.planned.items()]
        if not coming:
            self._unstick()
            return
        dry.now, what, which = min(coming)
        if what == _TIMER:
            dry.fire([timer.token for timer in dry.timers if timer.due_at <= dry.now])
        elif what == _ASKED:
            self._ask(which)
        else:
            dry.complete(which, self.planned[which][1])

    def _ask(self, which: int) -> None:
        """Ask again; what this version does not take, or would not grant, is noted and left."""
        asked = next(one for _, number, one in self.asked if number == which)
        self.asked = [one for one in self.asked if one[1] != which]
        try:
            self.dry.send(asked.message, asked.given)
        except (StateChanged, InvalidInput):
            self.unheard.append(asked.message)

    def _unstick(self) -> None:
        """Answer what nothing withdraws this time; else the case would stand still for ever."""
        if not self.withdrawn:
            raise EngineError("流程停住了：没有等待人的环节，也没有等待时间的环节。")
        token = min(self.withdrawn)
        self._assume(self.withdrawn.pop(token))


def replayed(version: Deployed, world: World, life: Life, assumed: AnyLimit) -> Outcome:
    """Run a case again on a version. Raises AppError saying why it cannot be."""
    row = life.case
    case = blank_case() | dict(row)
    duty = ""
    if row["class_code"]:
        day = life.begun_at.astimezone(world.calendar.zone).date()
        duty = class_on(world.connection, row["class_code"], day).duty
    dry = DryCase(version, world, case, life.begun_at)
    dry.start(duty, self_handled=life.self_handled)
    replay = _Replay(dry, life, assumed)
    replay.run()
    return _outcome(replay)


def why(world: World, error: AppError) -> dict[str, Any]:
    """Return why a case could not be replayed, as JSON that can be said in any language.

    Raises the error itself when the database is what failed: then nothing of the slice counts.
    """
    if world.connection.info.transaction_status == TransactionStatus.INERROR:
        raise error
    said = [(error.message, error.facts)]
    if isinstance(error, InvalidInput):
        said += [
            (fault.message, fault.facts) if isinstance(fault, Text) else (fault, {})
            for fault in error.fields.values()
        ]
    texts = [[message, {key: str(fact) for key, fact in facts.items()}] for message, facts in said]
    fields = list(error.fields) if isinstance(error, InvalidInput) else []
    return {"texts": texts, "fields": fields}


def _outcome(replay: _Replay) -> Outcome:
    dry = replay.dry
    passed: dict[str, int] = {}
    for one in dry.passed:
        passed[one.element] = passed.get(one.element, 0) + 1
    due = dry.case["due_at"]
    return Outcome(
        closed_as=dry.case["closed_as"],
        tasks=[one.element for one in dry.passed if one.kind == USER_TASK],
        passed=dict(sorted(passed.items())),
        late=bool(dry.case["overdue"]),
        seconds=int((dry.now - replay.life.begun_at).total_seconds()),
        due_at=None if due is None else due.isoformat(),
        limits=dict(sorted(dry.limits().items())),
        assumed=replay.assumed,
        unheard=[*replay.unheard, *(asked.message for _, _, asked in replay.asked)],
    )


def _handler(life: Life) -> Any:
    """Return who handled the case, by the answers given then."""
    for happened in life.occurrences.values():
        for one in happened:
            if one.answers and one.answers.get("handler_id"):
                return one.answers["handler_id"]
    return None


@lru_cache(maxsize=512)
def _first_answers(schema: bytes) -> dict[str, Any]:
    """Return what each field of a form begins with, or the first of its options."""
    found: dict[str, Any] = {}
    pending = list(orjson.loads(schema)["components"])
    while pending:
        component = pending.pop(0)
        pending += component.get("components", [])
        values = component.get("values") or [{}]
        value = component.get("defaultValue", values[0].get("value"))
        if component.get("key") and value is not None:
            found[component["key"]] = value
    return found


def _filled(
    form: Form,
    given: Mapping[str, Any],
    first: Mapping[str, Any],
    known: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Return the given answers with one for each field that must have one and is not hidden."""
    answers = {one.key: given.get(one.key) for one in form.fields if not one.readonly}
    for one in form.fields:
        hidden = one.hidden_when is not None and holds(one.hidden_when, answers)
        if answers.get(one.key) is None and not hidden and is_required(one, answers):
            answers[one.key] = _any_answer(one, first, known, now)
    return {key: value for key, value in answers.items() if value is not None}


def _any_answer(
    asked: Field, first: Mapping[str, Any], known: Mapping[str, Any], now: datetime
) -> Any:
    if asked.source is not None and asked.options is None:
        return known.get(asked.source)
    if asked.key in first:
        value = first[asked.key]
        return [value] if asked.type in ("checklist", "taglist") else value
    return {
        "checkbox": True,
        "number": asked.rules.get("min", 0),
        "datetime": now.isoformat(),
    }.get(asked.type, "—" * max(1, asked.rules.get("minLength", 1)))
