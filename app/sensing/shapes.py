"""What a rule's data say, checked: the same for rules on record, new ones and those only tried out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from app.errors import InvalidInput, Text
from app.sensing.decided import DecidedLines
from sla.looking import Condition, Look, Looking, Times, times_of
from sla.metrics import Metric
from sla.sensing import Level, Line, Threshold

_KEYS: Final[Mapping[Look, frozenset[str]]] = {
    Look.THRESHOLD: frozenset(),
    Look.RATE: frozenset({"window_minutes"}),
    Look.DIFFERENCE: frozenset({"minus"}),
}
_OF_ALL: Final = frozenset(
    {"lines", "decision", "direction", "lasting_minutes", "conditions", "season", "hours"}
)
_OF_SILENT: Final = frozenset({"level", "season", "hours"})
_OPS: Final = {"at_least": True, "at_most": False}
MOST_LINES: Final = 4
MOST_CONDITIONS: Final = 4
# A rate's window and a lasting condition: no longer than what a state can remember.
LONGEST_MINUTES: Final = 7 * 24 * 60


@dataclass(frozen=True)
class Shape:
    """A rule but for where it holds. lines: None where a decision gives them, or for a silent device."""

    looking: Looking
    times: Times
    samples: int = 1
    lasting: timedelta = timedelta(0)
    low_is_bad: bool = False
    lines: tuple[Line, ...] | None = None
    decided: DecidedLines | None = None
    silent_level: Level = Level.NONE

    def threshold_of(self, lines: tuple[Line, ...]) -> Threshold:
        """Return lines with how they are crossed. Raises InvalidInput."""
        return Threshold.of(lines, self.samples, self.lasting, low_is_bad=self.low_is_bad)


def shape_of(
    kind: str, data: Mapping[str, Any], samples: int, metrics: Mapping[str, Metric]
) -> Shape:
    """Return the shape that data describe. Raises InvalidInput naming the field."""
    look = _look(kind)
    wanted = _OF_SILENT if look is Look.SILENT else _OF_ALL | _KEYS[look]
    for key in data:
        if key not in wanted:
            raise InvalidInput({key: Text("这种规则没有“%(key)s”这一项", key=key)})
    if look is Look.SILENT:
        level = _level(data.get("level"), "level")
        return Shape(Looking(look), times_of(data), silent_level=level)
    low_is_bad = _direction(data)
    shape = Shape(
        _looking(look, data, metrics),
        times_of(data),
        _whole(samples, "samples", 1, 1000),
        timedelta(minutes=_minutes(data, "lasting_minutes", 0)),
        low_is_bad,
        _lines(data),
        _decided(data, low_is_bad=low_is_bad),
    )
    if (shape.lines is None) == (shape.decided is None):
        raise InvalidInput({"lines": "请填写警戒线，或选择一张决策表，二者取一。"})
    if shape.lines is not None:
        shape.threshold_of(shape.lines)
    return shape


def lines_data(lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    """Return lines as they are stored."""
    return [{"level": int(line.level), "rise": line.rise, "fall": line.fall} for line in lines]


def _look(kind: str) -> Look:
    try:
        return Look(kind)
    except ValueError as exc:
        raise InvalidInput({"kind": Text("没有规则类型“%(kind)s”", kind=kind)}) from exc


def _direction(data: Mapping[str, Any]) -> bool:
    given = data.get("direction", "above")
    if given not in ("above", "below"):
        raise InvalidInput({"direction": "应为“高于”或“低于”警戒线。"})
    return str(given) == "below"


def _looking(look: Look, data: Mapping[str, Any], metrics: Mapping[str, Metric]) -> Looking:
    minutes = _minutes(data, "window_minutes", 60)
    if not minutes:
        raise InvalidInput({"window_minutes": "变化率要有计算时段。"})
    minus = _metric(data.get("minus"), "minus", metrics) if look is Look.DIFFERENCE else None
    conditions = data.get("conditions") or []
    if not isinstance(conditions, list) or len(conditions) > MOST_CONDITIONS:
        raise InvalidInput({"conditions": Text("至多 %(n)s 个附加条件", n=MOST_CONDITIONS)})
    found = tuple(_condition(one, metrics) for one in conditions)
    return Looking(look, timedelta(minutes=minutes), minus, found)


def _condition(given: Any, metrics: Mapping[str, Metric]) -> Condition:
    if not isinstance(given, dict) or given.get("op") not in _OPS:
        raise InvalidInput({"conditions": "附加条件要有指标、“不低于”或“不高于”，以及数值。"})
    metric = _metric(given.get("metric"), "conditions", metrics)
    return Condition(metric, _OPS[given["op"]], _number(given.get("value"), "conditions"))


def _metric(name: Any, field: str, metrics: Mapping[str, Metric]) -> int:
    found = metrics.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidInput({field: Text("没有指标“%(name)s”", name=str(name))})
    return found.number


def _lines(data: Mapping[str, Any]) -> tuple[Line, ...] | None:
    given = data.get("lines")
    if not given:
        return None
    if not isinstance(given, list) or len(given) > MOST_LINES:
        raise InvalidInput({"lines": Text("至多 %(n)s 条警戒线", n=MOST_LINES)})
    return tuple(_line(one) for one in given)


def _line(given: Any) -> Line:
    if not isinstance(given, dict) or not {"level", "rise", "fall"} <= given.keys():
        raise InvalidInput({"lines": "每条警戒线要有等级、触发值和解除值。"})
    rise, fall = _number(given["rise"], "lines"), _number(given["fall"], "lines")
    return Line(_level(given["level"], "lines"), rise, fall)


def _decided(data: Mapping[str, Any], *, low_is_bad: bool) -> DecidedLines | None:
    given = data.get("decision")
    if not given:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("key"), str):
        raise InvalidInput({"decision": "请选择一张决策表。"})
    hysteresis = _number(given.get("hysteresis", 0), "decision")
    if hysteresis < 0:
        raise InvalidInput({"decision": "回差不能为负。"})
    return DecidedLines(given["key"], hysteresis, low_is_bad)


def _level(given: Any, field: str) -> Level:
    try:
        level = Level(given)
    except ValueError as exc:
        raise InvalidInput({field: "预警等级为蓝、黄、橙、红之一。"}) from exc
    if level is Level.NONE:
        raise InvalidInput({field: "预警等级为蓝、黄、橙、红之一。"})
    return level


def _number(given: Any, field: str) -> float:
    wrong = isinstance(given, bool) or not isinstance(given, int | float)
    if wrong or not math.isfinite(given):
        raise InvalidInput({field: Text("应为数字，现为“%(value)s”", value=str(given)[:40])})
    return float(given)


def _minutes(data: Mapping[str, Any], key: str, default: int) -> int:
    return _whole(data.get(key, default), key, 0, LONGEST_MINUTES)


def _whole(given: Any, field: str, least: int, most: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        fault = Text("应为 %(least)s 至 %(most)s 的整数", least=least, most=most)
        raise InvalidInput({field: fault})
    return given
