"""A figure's frozen lines as a table: which columns, and each cell as people read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext as _

from app.flood import wording
from app.flood.pages import words
from app.web.formats import local_at

_NUMBERS: Final = frozenset({
    "mm", "mean_mm", "hour_mm", "three_hours_mm", "depth", "peak", "confirmed_after_minutes",
    "closed_after_minutes", "distance_m", "people", "hours", "capacity_m3h", "m3", "alerts", "gauges",
    "confirmed", "closed", "withdrawn",
})  # fmt: skip
_LEVELS: Final = frozenset({"level", "top_level"})


@dataclass(frozen=True)
class Column:
    """A column of such a table."""

    key: str
    title: str
    is_number: bool


def columns_of(figure: Mapping[str, Any]) -> list[Column]:
    """Return the columns that people read, in order."""
    return [
        Column(key, words.word(words.COLUMNS, key), key in _NUMBERS)
        for key in wording.columns_of(figure)
    ]


def asked(figure: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a figure was counted with, each with its name, as people read it."""
    given = figure["parameters"]
    return [
        (words.word(words.PARAMETERS, key), _parameter(key, given[key]))
        for key in (*words.PARAMETERS, *sorted(given.keys() - words.PARAMETERS.keys()))
        if key in given
    ]


def _parameter(key: str, value: Any) -> Any:
    if key == "as_of" or key.endswith("_at"):
        return local_at(datetime.fromisoformat(str(value)))
    if key == "hours":
        return _("%(n)s 小时", n=number(value))
    if key == "grace":
        return _("%(n)s 分钟", n=number(value / 60))
    if key == "wet_cm":
        return _("%(n)s 厘米", n=number(value))
    return value


def cell(line: Mapping[str, Any], key: str) -> Any:
    """Return a cell as people read it."""
    value = line.get(key)
    if value is None or value == "":
        return "—"
    if key in _LEVELS:
        return _level(line, int(value))
    if key.endswith("_at") or key in {"at", "since"}:
        return local_at(datetime.fromisoformat(str(value)))
    if key in {"name", "unit"}:
        return words.either(line.get(key), line.get(f"{key}_en"))
    read = _READ.get(key)
    return value if read is None else read(value)


def _level(line: Mapping[str, Any], level: int) -> str:
    if line.get("what") == "response":
        return words.word(words.RESPONSES, level)
    return f"{words.level_mark(level)} {words.level_name(level)}"


def number(value: Any) -> str:
    """Return a number with one decimal place at most."""
    if value is None:
        return "—"
    return f"{float(value):,.1f}".removesuffix(".0")


_READ: Final[Mapping[str, Callable[[Any], str]]] = {
    "kind": lambda value: words.kind_name(str(value)),
    "what": lambda value: words.word(words.HAPPENINGS, str(value)),
    "state": lambda value: " ".join(words.pair(words.ORDERS, str(value))),
    **dict.fromkeys(_NUMBERS, number),
}
