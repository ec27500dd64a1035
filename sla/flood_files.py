"""Read sla/policies/flood.yml and say by name what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Final

from sla.flood import (
    Close,
    DutyRules,
    FloodPolicy,
    History,
    Opening,
    Origin,
    RainColour,
    SceneLines,
)
from sla.policy_files import POLICIES, Section, read_policy
from sla.sensing import Level
from sla.sites import shipped_trades

FLOOD_FILE: Final = POLICIES / "flood.yml"
LEVELS: Final = {level.name.lower(): level for level in Level if level}
TRADE: Final = "flood"
GAUGE: Final = "rain_gauge"
_DURATION: Final = re.compile(r"PT(?=\d)(\d{1,3}H)?(\d{1,4}M)?")
# A forecast is kept by the hour, and nobody plans for more than two weeks.
_MOST_HOURS: Final = 336


def scenes() -> tuple[str, ...]:
    """Return the kinds of site that are flood points: all of the trade but what only measures rain."""
    return tuple(kind for kind in shipped_trades()[TRADE].kinds if kind != GAUGE)


def load_flood_policy(path: Path = FLOOD_FILE) -> FloodPolicy:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(("rain", "event", "reports", "likely", "water", "duty", "devices"))
    rain, event, reports = file.section("rain"), file.section("event"), file.section("reports")
    likely, devices = file.section("likely"), file.section("devices")
    rain.refuse_unknown(("colours",))
    event.refuse_unknown(("ahead_hours", "open", "close"))
    reports.refuse_unknown(("forecast_hours", "during_every"))
    likely.refuse_unknown(("history", "scenes"))
    devices.refuse_unknown(("answer_within_s", "actions"))
    return FloodPolicy(
        tuple(_colour(one) for one in _listed(rain, "colours")),
        _hours(event, "ahead_hours"),
        tuple(_opening(one) for one in _listed(event, "open")),
        _close(event.section("close")),
        _hours(reports, "forecast_hours"),
        _every(reports),
        _history(likely.section("history")),
        _scenes(likely.section("scenes")),
        _duty(file.section("duty")),
        timedelta(seconds=_positive(devices, "answer_within_s")),
        _actions(devices.section("actions")),
        _wet(file.section("water")),
    )


@cache
def shipped_flood_policy() -> FloodPolicy:
    """Return the policy of the shipped file; read once in a process."""
    return load_flood_policy()


def _listed(given: Section, key: str) -> Iterator[Section]:
    entries = given.get(key)
    if not isinstance(entries, list) or not entries:
        raise given.refusal(key, "is no list", "write one entry a line, each beginning with -")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            remedy = "write keys and values in braces"
            raise given.refusal(f"{key}[{number}]", f"is {entry!r}", remedy)
        named = {str(name): value for name, value in entry.items()}
        yield Section(given.path, named, f"{given.where}{key}[{number}].")


def _colour(given: Section) -> RainColour:
    given.refuse_unknown(("level", "hours", "mm"))
    return RainColour(_level(given, "level"), _hours(given, "hours"), _number(given, "mm"))


def _opening(given: Section) -> Opening:
    given.refuse_unknown(("from", "hours", "mm"))
    if "from" not in given.content:
        raise given.refusal("from", "is missing", "write measured or forecast")
    origin = given.choice("from", Origin, Origin.MEASURED)
    return Opening(origin, _hours(given, "hours"), _number(given, "mm"))


def _close(given: Section) -> Close:
    given.refuse_unknown(("dry_hours", "dry_mm"))
    return Close(_hours(given, "dry_hours"), _number(given, "dry_mm"))


def _every(given: Section) -> str:
    text = given.text("during_every", "PT30M")
    if not _DURATION.fullmatch(text) or not re.search("[1-9]", text):
        raise given.refusal("during_every", f"is {text!r}", "write PT30M or PT1H")
    return text


def _history(given: Section) -> History:
    given.refuse_unknown(("days", "per_alert", "most"))
    return History(
        given.whole_number("days", 0), _number(given, "per_alert"), _number(given, "most")
    )


def _scenes(given: Section) -> dict[str, SceneLines]:
    given.refuse_unknown(scenes())
    return {scene: _scene(given.section(scene)) for scene in given.content}


def _scene(given: Section) -> SceneLines:
    given.refuse_unknown(("hours_1", "hours_3"))
    return SceneLines(_lines(given.section("hours_1")), _lines(given.section("hours_3")))


def _lines(given: Section) -> dict[Level, float]:
    given.refuse_unknown(LEVELS)
    lines: dict[Level, float] = {}
    for name, level in LEVELS.items():
        if name in given.content:
            mm = _number(given, name)
            if lines and mm <= max(lines.values()):
                raise given.refusal(name, f"is {mm:g}", "write more mm than for the level below")
            lines[level] = mm
    return lines


def _duty(given: Section) -> DutyRules:
    given.refuse_unknown(("radius_m", "accuracy_m", "grace_minutes"))
    return DutyRules(
        _positive(given, "radius_m"),
        given.whole_number("accuracy_m", 0),
        timedelta(minutes=given.whole_number("grace_minutes", 0)),
    )


def _actions(given: Section) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind, actions in given.content.items():
        if not isinstance(actions, list) or not actions:
            raise given.refusal(kind, f"is {actions!r}", "write its actions as [sound, silence]")
        found[kind] = tuple(str(action) for action in actions)
    return found


def _wet(given: Section) -> float:
    given.refuse_unknown(("wet_cm",))
    wet_cm = _number(given, "wet_cm")
    if not wet_cm:
        raise given.refusal(
            "wet_cm", "is 0", "write a number above 0: every dry point would be wet"
        )
    return wet_cm


def _level(given: Section, key: str) -> Level:
    value = given.get(key)
    if value not in LEVELS:
        raise given.refusal(key, f"is {value!r}", f"choose one of {', '.join(LEVELS)}")
    return LEVELS[str(value)]


def _hours(given: Section, key: str) -> int:
    hours = _positive(given, key)
    if hours > _MOST_HOURS:
        raise given.refusal(key, f"is {hours}", f"write {_MOST_HOURS} at most")
    return hours


def _positive(given: Section, key: str) -> int:
    value = given.whole_number(key, 0)
    if value == 0:
        raise given.refusal(key, f"is {given.get(key)!r}", "write a whole number, 1 or more")
    return value


def _number(given: Section, key: str) -> float:
    value = given.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or value < 0:  # type: ignore[arg-type,operator]  # it is a number
        raise given.refusal(key, f"is {value!r}", "write a number, 0 or more")
    return float(value)  # type: ignore[arg-type]  # it is a number
