"""Hold the text of a timer or due date against what it may say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from app.engine.expressions import FUNCTIONS, ExpressionRefused, call_in
from app.engine.timers import TimerRefused, is_iso_literal, repeating

# At most some hundred years: a longer one runs out of the calendar when it is added to a date.
_DURATION = re.compile(
    r"P(?!$)(\d{1,2}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,4}D)?(T(?=\d)(\d{1,5}H)?(\d{1,6}M)?(\d{1,8}S)?)?"
)
_REPEATING = re.compile(r"R(\d{0,4})/(?:(\d{4}-[^/]+)/)?(P[^/]+)")
_YEARS = range(1970, 2200)
_SHORTEST_REPEAT = timedelta(minutes=1)
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

Problem = tuple[str, str]


def time_problem(text: str, kind: str) -> Problem | None:
    """Return (reason, remedy) for a text that gives no time.

    kind: the BPMN element it stands in, timeDate, timeDuration or timeCycle.
    """
    stripped = text.strip()
    if is_iso_literal(stripped):
        return _LITERALS[kind](stripped)
    if kind == "timeCycle":
        return f"{stripped[:60]!r} is not a repeating interval", "write R3/PT1H"
    try:
        call = call_in(stripped)
    except ExpressionRefused as exc:
        return f"{exc.reason} in {stripped[:60]!r}", exc.remedy
    if call is None or call[0] not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        return f"{stripped[:60]!r} is not a duration", f"write PT15M or call one of {known}"
    return None


def _duration_problem(text: str) -> Problem | None:
    if _DURATION.fullmatch(text) and re.search("[1-9]", text):
        return None
    return f"{text[:60]!r} is not a duration", "write PT15M, PT2H or P1D"


def _date_problem(text: str) -> Problem | None:
    if text.startswith("P"):
        return (
            f"{text[:60]!r} is a duration, a point in time is wanted",
            "make it a duration timer",
        )
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return f"{text[:60]!r} is not a time", "write 2026-01-31T08:00:00+08:00"
    if at.tzinfo is None:
        return f"{text[:60]!r} has no zone", "add the zone, such as +08:00"
    if at.year not in _YEARS:
        return f"the year of {text[:60]!r} is out of range", "write 2026-01-31T08:00:00+08:00"
    return None


def _cycle_problem(text: str) -> Problem | None:
    match = _REPEATING.fullmatch(text)
    if match is None or match.group(1) in {"0", "00", "000", "0000"}:
        return f"{text[:60]!r} is not a repeating interval", "write R3/PT1H"
    _, first, length = match.groups()
    problem = (_date_problem(first) if first else None) or _duration_problem(length)
    if problem is not None:
        return problem
    try:
        _, _, interval = repeating(text, _ANY_TIME)
    except TimerRefused:
        return f"{text[:60]!r} is not a repeating interval", "write R3/PT1H"
    if interval < _SHORTEST_REPEAT:
        return f"{text[:60]!r} repeats too fast", "repeat once a minute at most"
    return None


_LITERALS = {
    "timeDuration": _duration_problem,
    "timeDate": _date_problem,
    "timeCycle": _cycle_problem,
}
