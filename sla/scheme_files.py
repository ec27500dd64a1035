"""Read a scheme from plain data and say, line by line, what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from app.errors import DefinitionError, Fault, InvalidInput, Text
from sla.figures import ALL, MEASURES, POPULATIONS, Figure, Measure
from sla.indicators import EVERY
from sla.policy_files import POLICIES, read_policy
from sla.schemes import (
    FIELDS_OF,
    SCORE,
    TAKING_KINDS,
    ZERO,
    Band,
    Better,
    Kind,
    Line,
    Missing,
    Scheme,
    written,
)

SCHEMES: Final = POLICIES / "schemes"
MOST_LINES: Final = 60
MOST_BANDS: Final = 30
LARGEST: Final = Decimal(100_000)
_NAMES: Final = ("kind", "code", "name", "name_en")
_SCHEME_KEYS: Final = (
    "name", "name_en", "note", "total", "decimals", "ranked_by", "highest_first", "minimum_cases",
    "lines",
)  # fmt: skip
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Kind -> what its figure may be measured in.
_MEASURED: Final[Mapping[Kind, tuple[Measure, ...]]] = {
    Kind.RATE: (Measure.PERCENT, Measure.HOURS),
    Kind.SHORTFALL: (Measure.PERCENT, Measure.HOURS),
    Kind.WEIGHTED: (Measure.PERCENT,),
    Kind.DEDUCTION: (Measure.CASES,),
    Kind.BONUS: (Measure.CASES,),
    Kind.BANDS: tuple(Measure),
    Kind.COLUMN: tuple(Measure),
}
_MEASURE_NAMES: Final = {
    Measure.CASES: Text("件数"),
    Measure.PERCENT: Text("百分率"),
    Measure.HOURS: Text("一段时长"),
}

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass
class _Reader:
    """What has been found wrong so far, by the path of the field."""

    faults: dict[str, str] = field(default_factory=dict)

    def fault(self, path: str, message: str, **facts: object) -> None:
        """Keep a fault; the first one of a field stands."""
        line = _line_of(path)
        text = Text(message, **facts)
        said = Text("第 %(line)s 行：%(fault)s", line=line, fault=text) if line else text
        self.faults.setdefault(path, said)

    def number(
        self,
        plain: Mapping[str, Any],
        key: str,
        path: str,
        *,
        least: Decimal = ZERO,
        above: bool = False,
        usual: Decimal | None = None,
    ) -> Decimal | None:
        """Read a number; above: it must be greater than the least."""
        value = plain.get(key)
        if value is None or value == "":
            if usual is None:
                self.fault(f"{path}{key}", "请填写数字")
            return usual
        number = _decimal(value)
        if number is None or -number.as_tuple().exponent > 6:  # type: ignore[operator]  # finite, so it is a number
            self.fault(f"{path}{key}", "“%(value)s”不是数字", value=str(value)[:40])
            return None
        if number < least or (above and number == least) or number > LARGEST:
            message = (
                "须大于 %(least)s，现为 %(value)s"
                if above
                else "不能小于 %(least)s，现为 %(value)s"
            )
            if number > LARGEST:
                message = "不能大于 %(most)s，现为 %(value)s"
            facts = {"least": written(least), "most": written(LARGEST), "value": written(number)}
            self.fault(f"{path}{key}", message, **facts)
            return None
        return number

    def whole(self, plain: Mapping[str, Any], key: str, path: str, usual: int, most: int) -> int:
        """Read a whole number."""
        number = self.number(plain, key, path, usual=Decimal(usual))
        if number is None:
            return usual
        if number != int(number) or number > most:
            self.fault(f"{path}{key}", "须为 0 到 %(most)s 的整数", most=most)
            return usual
        return int(number)

    def choice(
        self, plain: Mapping[str, Any], key: str, path: str, options: type[Choice], usual: Choice
    ) -> Choice:
        """Read one of some options."""
        try:
            return options(str(plain.get(key) or usual.value))
        except ValueError:
            self.fault(f"{path}{key}", "没有“%(value)s”这个选项", value=str(plain[key])[:40])
            return usual

    def yes(self, plain: Mapping[str, Any], key: str, path: str, *, usual: bool) -> bool:
        """Read a yes or no."""
        value = plain.get(key, usual)
        if not isinstance(value, bool):
            self.fault(f"{path}{key}", "须为是或否")
            return usual
        return value

    def unknown(self, plain: Mapping[str, Any], known: Iterable[str], path: str) -> None:
        """Refuse keys that nothing reads."""
        for key in plain:
            if key not in known:
                self.fault(f"{path}{key}", "没有“%(key)s”这一项", key=str(key)[:40])


def parse_scheme(plain: object) -> Scheme:
    """Read a scheme from JSON. Raises InvalidInput with every fault: {"lines.3.points": what is wrong}."""
    reader = _Reader()
    scheme = _read_scheme(reader, plain)
    if reader.faults:
        raise InvalidInput(reader.faults)
    return scheme


def stored_scheme(plain: object) -> Scheme:
    """Read a scheme that was checked when it was put in force: later checks do not change what it says."""
    return _read_scheme(_Reader(), plain)


def _read_scheme(reader: _Reader, plain: object) -> Scheme:
    if not isinstance(plain, Mapping):
        raise InvalidInput({"": "考核方案须为一组键和值"})
    reader.unknown(plain, _SCHEME_KEYS, "")
    name = str(plain.get("name") or "").strip()
    if not name:
        reader.fault("name", "请填写方案名称")
    given = plain.get("lines")
    lines = _lines(reader, given if isinstance(given, Sequence) else (), "lines.", Kind)
    total = reader.number(plain, "total", "")
    if not lines and not reader.faults:
        reader.fault("lines", "方案至少要有一行")
    scheme = Scheme(
        name=name,
        name_en=str(plain.get("name_en") or "").strip(),
        total=total or ZERO,
        lines=lines,
        note=str(plain.get("note") or "").strip(),
        decimals=reader.whole(plain, "decimals", "", 2, 4),
        ranked_by=str(plain.get("ranked_by") or SCORE),
        highest_first=reader.yes(plain, "highest_first", "", usual=True),
        minimum_cases=reader.whole(plain, "minimum_cases", "", 1, 100_000),
    )
    _check_ranked_by(reader, scheme)
    _check_codes(reader, scheme)
    _check_places(reader, scheme)
    if not reader.faults:
        _check_total(reader, scheme)
    return scheme


def _lines(
    reader: _Reader, given: Sequence[Any], path: str, kinds: Iterable[Kind]
) -> tuple[Line, ...]:
    if len(given) > MOST_LINES:
        reader.fault(path.rstrip("."), "最多 %(most)s 行", most=MOST_LINES)
        return ()
    allowed = frozenset(kinds)
    return tuple(
        line
        for number, plain in enumerate(given)
        if (line := _line(reader, plain, f"{path}{number}.", allowed)) is not None
    )


def _line(reader: _Reader, plain: Any, path: str, allowed: frozenset[Kind]) -> Line | None:
    if not isinstance(plain, Mapping):
        reader.fault(path.rstrip("."), "须为一组键和值")
        return None
    kind = _kind(reader, plain, path, allowed)
    if kind is None:
        return None
    needed, possible = FIELDS_OF[kind]
    reader.unknown(plain, (*_NAMES, *needed, *possible), path)
    read: dict[str, Any] = {}
    if "indicator" in needed:
        read["indicator"], read["population"] = _figure(reader, plain, path, kind)
    read |= _numbers(reader, plain, path, kind)
    if "bands" in needed:
        read["bands"] = _bands(reader, plain.get("bands"), f"{path}bands")
    if "lines" in needed:
        given = plain.get("lines")
        inner = given if isinstance(given, Sequence) else ()
        if not inner:
            reader.fault(f"{path}lines", "这一组还没有扣分项")
        read["lines"] = _lines(reader, inner, f"{path}lines.", TAKING_KINDS)
    if "double_for" in possible:
        read["double_for"] = _population(reader, plain, "double_for", path, "")
    if "better" in possible:
        read["better"] = reader.choice(plain, "better", path, Better, Better.HIGHER)
    if "missing" in possible:
        read["missing"] = reader.choice(plain, "missing", path, Missing, Missing.FULL)
    if "bonus" in possible:
        read["bonus"] = reader.yes(plain, "bonus", path, usual=False)
    read |= _names(reader, plain, path, kind, read)
    return Line(kind=kind, **read)


def _kind(
    reader: _Reader, plain: Mapping[str, Any], path: str, allowed: frozenset[Kind]
) -> Kind | None:
    try:
        kind = Kind(str(plain.get("kind")))
    except ValueError:
        reader.fault(f"{path}kind", "请选择计分方式")
        return None
    if kind not in allowed:
        reader.fault(f"{path}kind", "这种计分方式不能放在一组扣分里")
        return None
    return kind


def _names(
    reader: _Reader, plain: Mapping[str, Any], path: str, kind: Kind, read: Mapping[str, Any]
) -> dict[str, str]:
    names = {key: str(plain.get(key) or "").strip() for key in ("name", "name_en")}
    indicator = read.get("indicator")
    if not names["name"] and indicator:
        figure = Figure(indicator, read["population"] or ALL)
        names = {"name": figure.label("zh"), "name_en": figure.label("en")}
    if not names["name"] and kind in (Kind.GROUP, Kind.ENTERED):
        reader.fault(f"{path}name", "请填写这一行的名称")
    code = str(plain.get("code") or "").strip() or "line_" + re.sub(
        r"\D+", "_", path.removeprefix("lines.").rstrip(".")
    )
    if not _CODE.fullmatch(code):
        reader.fault(f"{path}code", "编码须以小写字母开头，由小写字母、数字和下划线组成")
    return {"code": code, **names}


def _figure(reader: _Reader, plain: Mapping[str, Any], path: str, kind: Kind) -> tuple[str, str]:
    indicator = str(plain.get("indicator") or "")
    population = _population(reader, plain, "population", path, ALL)
    if not indicator:
        reader.fault(f"{path}indicator", "请选择指标")
    elif indicator not in EVERY:
        reader.fault(f"{path}indicator", "没有“%(code)s”这个指标", code=indicator[:40])
        indicator = ""
    elif MEASURES[indicator] not in _MEASURED[kind]:
        reader.fault(
            f"{path}indicator",
            "所选指标是%(measure)s，这种计分方式要用%(wanted)s",
            measure=_MEASURE_NAMES[MEASURES[indicator]],
            wanted=tuple(_MEASURE_NAMES[one] for one in _MEASURED[kind]),
        )
        indicator = ""
    return indicator, population


def _population(reader: _Reader, plain: Mapping[str, Any], key: str, path: str, usual: str) -> str:
    population = str(plain.get(key) or usual)
    if population and population not in POPULATIONS:
        reader.fault(f"{path}{key}", "没有“%(value)s”这类案卷", value=population[:40])
        return usual
    return population


def _numbers(reader: _Reader, plain: Mapping[str, Any], path: str, kind: Kind) -> dict[str, Any]:
    needed, possible = FIELDS_OF[kind]
    read: dict[str, Any] = {}
    if "points" in needed:
        read["points"] = reader.number(plain, "points", path, above=True)
    elif "points" in possible:
        read["points"] = reader.number(plain, "points", path, usual=ZERO)
    if "target" in needed:
        read["target"] = reader.number(plain, "target", path)
    if "each" in needed:
        read["each"] = reader.number(plain, "each", path, above=True)
        per = reader.number(plain, "per", path, above=True, usual=Decimal(1))
        read["per"] = per or Decimal(1)
    if "cap" in needed or ("cap" in possible and plain.get("cap") not in (None, "")):
        read["cap"] = reader.number(plain, "cap", path, above=True)
    if "free" in possible:
        read["free"] = reader.whole(plain, "free", path, 0, 100_000)
    points, cap = read.get("points"), read.get("cap")
    if kind is Kind.GROUP and points and cap and cap > points:
        reader.fault(
            f"{path}cap",
            "扣分上限 %(cap)s 大于本组的 %(points)s 分",
            cap=written(cap),
            points=written(points),
        )
    return read


def _bands(reader: _Reader, given: Any, path: str) -> tuple[Band, ...]:
    """Read bands: the first from nought, each from where the one before ends, the last without end."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        reader.fault(path, "请填写分档")
        return ()
    if len(given) > MOST_BANDS:
        reader.fault(path, "最多 %(most)s 档", most=MOST_BANDS)
        return ()
    bands: list[Band] = []
    expected: Decimal | None = ZERO
    for number, plain in enumerate(given, start=1):
        band = _band(reader, plain, path, number)
        if band is None:
            return ()
        if expected is None:
            reader.fault(path, "第 %(n)s 档没有上限，后面不能再有档", n=number - 1)
            return ()
        if band.start != expected:
            message = (
                "第 %(n)s 档从 %(start)s 起，与前一档重叠：应从 %(expected)s 起"
                if band.start < expected
                else "第 %(n)s 档从 %(start)s 起，前面空了一段：应从 %(expected)s 起"
            )
            facts = {"n": number, "start": written(band.start), "expected": written(expected)}
            reader.fault(path, message, **facts)
            return ()
        expected = band.below
        bands.append(band)
    if expected is not None:
        reader.fault(path, "最后一档应没有上限，现到 %(below)s 为止", below=written(expected))
    return tuple(bands)


def _band(reader: _Reader, plain: Any, path: str, number: int) -> Band | None:
    values = plain if isinstance(plain, Mapping) else {}
    start, score = _decimal(values.get("from")), _decimal(values.get("score"))
    open_ended = values.get("below") in (None, "")
    below = None if open_ended else _decimal(values.get("below"))
    if start is None or score is None or (below is None and not open_ended):
        reader.fault(path, "第 %(n)s 档的起、止、得分须为数字", n=number)
        return None
    if not 0 <= score <= 100:
        reader.fault(path, "第 %(n)s 档的得分须在 0 到 100 之间", n=number)
        return None
    if start < 0 or start > LARGEST or (below is not None and not start < below <= LARGEST):
        reader.fault(path, "第 %(n)s 档的止须大于起", n=number)
        return None
    return Band(start, below, score)


def _check_ranked_by(reader: _Reader, scheme: Scheme) -> None:
    if scheme.ranked_by == SCORE:
        if scheme.lines and not scheme.has_score:
            reader.fault("ranked_by", "方案没有计分的行，请按一个指标排名")
        return
    try:
        known = Figure.of(scheme.ranked_by).indicator in EVERY
    except InvalidInput:
        known = False
    if not known:
        reader.fault("ranked_by", "没有“%(code)s”这个指标", code=scheme.ranked_by[:40])


def _check_codes(reader: _Reader, scheme: Scheme) -> None:
    """Refuse a code given twice: points entered by hand are kept under it."""
    seen: set[str] = set()
    for number, line in enumerate(scheme.lines):
        for inner, one in enumerate((line, *line.lines)):
            if one.code in seen:
                path = f"lines.{number}." + (f"lines.{inner - 1}." if inner else "")
                reader.fault(f"{path}code", "编码“%(code)s”用了两次", code=one.code)
            seen.add(one.code)


def _check_places(reader: _Reader, scheme: Scheme) -> None:
    """Refuse points and caps finer than the scheme prints: rounding would lift a line above what it can give."""
    for number, line in enumerate(scheme.lines):
        for inner, one in enumerate((line, *line.lines)):
            path = f"lines.{number}." + (f"lines.{inner - 1}." if inner else "")
            for name, value in (("points", one.points), ("cap", one.cap)):
                if value is not None and value != round(value, scheme.decimals):
                    reader.fault(
                        f"{path}{name}",
                        "%(value)s 的小数多于方案的 %(decimals)s 位",
                        value=written(value),
                        decimals=scheme.decimals,
                    )


def _check_total(reader: _Reader, scheme: Scheme) -> None:
    """Hold the points of the lines against the total; the line named is the last that gives any."""
    giving = [(number, line) for number, line in enumerate(scheme.lines) if line.base]
    found = sum((line.base for _, line in giving), ZERO)
    if found == scheme.total:
        return
    facts = {"sum": written(found), "total": written(scheme.total)}
    if not giving:
        reader.fault("total", "没有给分的行，总分应为 0，现为 %(total)s", **facts)
        return
    listed = tuple(
        Text("第 %(line)s 行 %(points)s", line=number + 1, points=written(line.base))
        for number, line in giving
    )
    reader.fault(
        "total", "各行分值之和为 %(sum)s（%(lines)s），与总分 %(total)s 不符", lines=listed, **facts
    )
    reader.fault(
        f"lines.{giving[-1][0]}.points", "分值之和为 %(sum)s，与总分 %(total)s 不符", **facts
    )


def _decimal(value: object) -> Decimal | None:
    """Return a finite number; a binary fraction as it is written, not as it is stored."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 20 else None


def _line_of(path: str) -> str:
    """Return the line's number as people count: lines.3.lines.0.each is 4.1."""
    return ".".join(str(int(number) + 1) for number in re.findall(r"lines\.(\d+)", path))


@lru_cache(maxsize=4)
def shipped_schemes(folder: Path = SCHEMES) -> Mapping[str, Scheme]:
    """Return the shapes that come with the product, by file name. Raises DefinitionError for a faulty one."""
    return {path.stem: _from_file(path) for path in sorted(folder.glob("*.yml"))}


def _from_file(path: Path) -> Scheme:
    try:
        return parse_scheme(read_policy(path).content)
    except InvalidInput as error:
        faults = [
            Fault(path.name, where, str(fault), "mend it as in the shipped files")
            for where, fault in error.fields.items()
        ]
        raise DefinitionError(faults) from error
