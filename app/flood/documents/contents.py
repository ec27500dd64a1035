"""What a report's document says, in Chinese as official documents are: a heading, a sentence and a table a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.flood import wording as names
from app.flood.tables import RainReport
from app.sensing.wording import LEVEL_NAMES
from sla.sites import kind_named

# A document is read, not searched: the page has every line.
MOST_LINES: Final = 60
MOST_COLUMNS: Final = 10
_LEVELS: Final = frozenset({"level", "top_level"})


@dataclass(frozen=True)
class Part:
    """One figure of a document."""

    heading: str
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int


@dataclass(frozen=True)
class Contents:
    """A whole document."""

    title: str
    above: tuple[str, ...]
    parts: tuple[Part, ...]
    made_at: datetime


def contents_of(report: RainReport, zone: ZoneInfo) -> Contents:
    """Return what the document of a report says; the same report always gives the same."""
    data = report.data
    opened = _moment(data["opened_at"], zone)
    above = [
        f"统计时间：{_moment(report.as_of.isoformat(), zone)}",
        f"本场降雨自 {opened} 开始"
        + (f"，{_moment(data['closed_at'], zone)} 结束。" if data["closed_at"] else "。"),
        (
            f"雨情等级：{LEVEL_NAMES[data['level']][0]}，最高{LEVEL_NAMES[data['top_level']][0]}；"
            f"{names.RESPONSES[data['response']]}。"
        ),
    ]
    parts = tuple(_part(n, one, zone) for n, one in enumerate(data["figures"], start=1))
    return Contents(names.REPORTS[report.kind], tuple(above), parts, report.as_of)


def _part(number: int, figure: Mapping[str, Any], zone: ZoneInfo) -> Part:
    key, lines = figure["key"], figure["lines"]
    heading = f"{number}. {names.FIGURES[key]}"
    if key == "review":
        return Part(heading, _review(lines), (), (), 0)
    value = figure["value"]
    said = "无数据" if value is None else f"{_number(value)} {names.UNITS[key]}"
    if key in names.BY_SHIFT and lines:
        said += f"（{len(lines)} 个班次）"
    columns = names.columns_of(figure)[:MOST_COLUMNS]
    rows = tuple(tuple(_cell(line, name, zone) for name in columns) for line in lines[:MOST_LINES])
    titles = tuple(names.COLUMNS[name] for name in columns)
    return Part(
        heading, f"{names.FIGURES[key]}：{said}。", titles, rows, max(0, len(lines) - MOST_LINES)
    )


def _review(lines: Sequence[Mapping[str, Any]]) -> str:
    if not lines:
        return "尚未复盘。"
    one = lines[0]
    said = [f"处置经过：{one.get('done') or '—'}"]
    if one.get("lessons"):
        said.append(f"问题与改进：{one['lessons']}")
    return "\n".join([*said, f"填写人：{one.get('by') or '—'}"])


def _cell(line: Mapping[str, Any], name: str, zone: ZoneInfo) -> str:
    value = line.get(name)
    if value is None or value == "":
        return "—"
    if name in _LEVELS:
        is_response = line.get("what") == "response"
        return names.RESPONSES[int(value)] if is_response else LEVEL_NAMES[int(value)][0]
    if name.endswith("_at") or name in {"at", "since"}:
        return _moment(value, zone)
    if name in _READ:
        return _READ[name](str(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(value) if is_number else str(value)


def _kind(code: str) -> str:
    kind = kind_named(code)
    return kind.name if kind else code


def _state(code: str) -> str:
    return names.ORDERS[code][1] if code in names.ORDERS else code


def _happening(code: str) -> str:
    return names.HAPPENINGS.get(code) or code


_READ: Final = {"kind": _kind, "what": _happening, "state": _state}


def _number(value: float) -> str:
    return f"{float(value):,.1f}".removesuffix(".0")


def _moment(text: str, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(text).astimezone(zone)
    return f"{local.month}月{local.day}日 {local:%H:%M}"
