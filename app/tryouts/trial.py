"""A try-out: the choices made so far, carried out from the start at every request, so that nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from app.cases.channels import channel_of
from app.cases.commands.report import blank_case
from app.cases.reference import class_on
from app.cases.store import FIXED_COLUMNS
from app.clock import require_aware
from app.errors import InvalidInput, StateChanged
from app.modeling.queries import Deployed
from app.tryouts.dry import DryCase, World

MOST_CHOICES: Final = 150
LONGEST: Final = 200_000
"""Of the choices as text: an analyst's page carries them along, and anything may come in."""

Doing = Literal["complete", "fire", "send"]
_DOINGS: Final = frozenset({"complete", "fire", "send"})


@dataclass(frozen=True, slots=True)
class Beginning:
    """The report that a try-out begins with."""

    channel: str
    begun_at: datetime
    class_code: str = ""
    district_code: str = ""
    self_handled: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing the analyst did. which: a token, or a message's name. given: answers, or what a message says."""

    do: Doing
    which: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that makes a try-out: the same twice is the same twice."""

    beginning: Beginning
    choices: tuple[Choice, ...] = ()

    def then(self, choice: Choice) -> Trial:
        """Return the try-out with one more choice."""
        if len(self.choices) >= MOST_CHOICES:
            raise StateChanged("试运行最多 %(most)s 步，请从头再来。", most=MOST_CHOICES)
        return replace(self, choices=(*self.choices, choice))

    def back(self) -> Trial:
        """Return the try-out without its last choice."""
        return replace(self, choices=self.choices[:-1])


def written(choices: tuple[Choice, ...]) -> str:
    """Write choices as the page carries them."""
    return orjson.dumps([[one.do, one.which, one.given] for one in choices]).decode()


def read_choices(text: str) -> tuple[Choice, ...]:
    """Read what the page carried. Raises InvalidInput for anything a page of ours would not carry."""
    refused = InvalidInput({"": "试运行的步骤无法读出，请从头再来。"})
    if len(text) > LONGEST:
        raise refused
    try:
        rows = orjson.loads(text or "[]")
    except orjson.JSONDecodeError as exc:
        raise refused from exc
    if not isinstance(rows, list) or len(rows) > MOST_CHOICES:
        raise refused
    return tuple(_choice(row, refused) for row in rows)


def _choice(row: Any, refused: InvalidInput) -> Choice:
    if not (isinstance(row, list) and len(row) == 3):
        raise refused
    do, which, given = row
    if not (isinstance(do, str) and do in _DOINGS and isinstance(which, str)):
        raise refused
    if not isinstance(given, dict):
        raise refused
    return Choice(do, which, given)  # type: ignore[arg-type]  # held against _DOINGS above


def carried_out(version: Deployed, world: World, trial: Trial) -> DryCase:
    """Run a try-out from its start. Raises what the last step raises that the version does not take."""
    dry = begun(version, world, trial.beginning)
    for choice in trial.choices:
        take(dry, choice)
    return dry


def begun(version: Deployed, world: World, beginning: Beginning) -> DryCase:
    """Report the case of a try-out."""
    channel_of(beginning.channel)
    now = require_aware(beginning.begun_at)
    case = dict.fromkeys(FIXED_COLUMNS) | blank_case()
    case |= {
        "id": 0,
        "number": "—",
        "channel": beginning.channel,
        "title": "",
        "district_code": beginning.district_code or None,
        "outside_city": False,
        "reported_at": now,
    }
    duty = ""
    if beginning.class_code:
        day = now.astimezone(world.calendar.zone).date()
        found = class_on(world.connection, beginning.class_code, day)
        case["class_code"], case["kind"], duty = found.code, found.kind, found.duty
    dry = DryCase(version, world, case, now)
    dry.start(duty, self_handled=beginning.self_handled)
    return dry


def take(dry: DryCase, choice: Choice) -> None:
    """Carry out one choice; time moves only where a timer's time is let come."""
    if choice.do == "complete":
        dry.complete(_token(choice.which), choice.given)
    elif choice.do == "send":
        dry.send(choice.which, choice.given)
    else:
        token = _token(choice.which)
        due_at = next((one.due_at for one in dry.timers if one.token == token), None)
        if due_at is None:
            raise StateChanged("这个计时器已经不在等候。")
        dry.now = max(dry.now, due_at)
        # What is due before it, or with it, comes with it: as the platform's worker would fire them.
        dry.fire([one.token for one in dry.timers if one.due_at <= dry.now])


def _token(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise StateChanged("这一步已经不在了。")
    return int(text)
