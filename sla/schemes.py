"""Schemes of an assessment: what gives points and what takes them, as data that a city writes itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from sla.figures import Figure, figure_key

SCORE: Final = "score"
"""Ranked by the score; else by the figure of that name."""

ZERO: Final = Decimal(0)


class Kind(StrEnum):
    """What a line does with its figure."""

    RATE = "rate"
    WEIGHTED = "weighted"
    BANDS = "bands"
    SHORTFALL = "shortfall"
    DEDUCTION = "deduction"
    BONUS = "bonus"
    ENTERED = "entered"
    GROUP = "group"
    COLUMN = "column"

    def label(self, locale: str) -> str:
        """Say what the line does, in the reader's language."""
        return KIND_NAMES[self][0 if locale.startswith("zh") else 1]


KIND_NAMES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.RATE: ("达标得满分，差额扣分", "Full points at the target, less for each point short"),
    Kind.WEIGHTED: ("分值 × 比率", "Points × rate"),
    Kind.BANDS: ("分档得分", "Points by band"),
    Kind.SHORTFALL: ("未达标扣分", "Deduction for each point short of the target"),
    Kind.DEDUCTION: ("按件扣分", "Deduction for each case"),
    Kind.BONUS: ("按件加分", "Bonus for each case"),
    Kind.ENTERED: ("人工评分", "Points entered by hand"),
    Kind.GROUP: ("合并封顶的一组扣分", "Deductions with a shared cap"),
    Kind.COLUMN: ("只公布，不计分", "Published without points"),
}


class Better(StrEnum):
    """Which way a figure is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Missing(StrEnum):
    """What a line gives where its figure has no data though the unit has cases."""

    FULL = "full"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Band:
    """From (included) to below (not included; None: without end): so many per cent of the line's points."""

    start: Decimal
    below: Decimal | None
    score: Decimal

    def holds(self, value: Decimal) -> bool:
        """Tell whether a figure lies in the band."""
        return self.start <= value and (self.below is None or value < self.below)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a scheme; which of the fields a kind has is FIELDS_OF.

    points: what the line gives at most; of a group, what its deductions are taken from.
    target: a percentage, or hours. each: points for `per` percentage points, hours or cases, in proportion.
    cap: what is taken, or given, at most. free: so many cases before the first one counts.
    double_for: cases of this population count twice.
    """

    kind: Kind
    code: str
    name: str
    name_en: str
    indicator: str = ""
    population: str = "all"
    points: Decimal | None = None
    target: Decimal | None = None
    each: Decimal | None = None
    per: Decimal = Decimal(1)
    cap: Decimal | None = None
    free: int = 0
    double_for: str = ""
    better: Better = Better.HIGHER
    missing: Missing = Missing.FULL
    bonus: bool = False
    bands: tuple[Band, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def figure(self) -> str:
        """Return the key of the figure it looks at."""
        return figure_key(self.indicator, self.population)

    @property
    def base(self) -> Decimal:
        """Return what the line adds to the scheme's total."""
        counted = self.kind in BASE_KINDS and not self.bonus
        return (self.points or ZERO) if counted else ZERO

    @property
    def most(self) -> Decimal:
        """Return what the line can give at most."""
        if self.kind is Kind.BONUS:
            return self.cap or ZERO
        return (self.points or ZERO) if self.kind in BASE_KINDS else ZERO

    def label(self, locale: str) -> str:
        """Return the line's name in the reader's language."""
        return self.name if locale.startswith("zh") else self.name_en or self.name


BASE_KINDS: Final = frozenset({Kind.RATE, Kind.WEIGHTED, Kind.BANDS, Kind.ENTERED, Kind.GROUP})
TAKING_KINDS: Final = frozenset({Kind.SHORTFALL, Kind.DEDUCTION})
"""What may stand in a group."""

# Kind -> the fields it must have and those it may have, besides kind, code and names.
FIELDS_OF: Final[Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Kind.RATE: (
        ("indicator", "points", "target", "each"),
        ("population", "per", "better", "missing"),
    ),
    Kind.WEIGHTED: (("indicator", "points"), ("population", "better", "missing")),
    Kind.BANDS: (("indicator", "points", "bands"), ("population", "missing")),
    Kind.SHORTFALL: (("indicator", "target", "each"), ("population", "per", "better", "cap")),
    Kind.DEDUCTION: (("indicator", "each"), ("population", "per", "free", "cap", "double_for")),
    Kind.BONUS: (("indicator", "each", "cap"), ("population", "per", "free", "double_for")),
    Kind.ENTERED: (("points",), ("bonus", "missing")),
    Kind.GROUP: (("cap", "lines"), ("points",)),
    Kind.COLUMN: (("indicator",), ("population",)),
}


@dataclass(frozen=True, slots=True)
class Scheme:
    """How units are scored and ranked.

    total: what the lines that are no bonus give together at most. decimals: of points; halves are rounded up.
    minimum_cases: a unit with fewer due cases has no data and no rank; never less than one.
    """

    name: str
    name_en: str
    total: Decimal
    lines: tuple[Line, ...]
    note: str = ""
    decimals: int = 2
    ranked_by: str = SCORE
    highest_first: bool = True
    minimum_cases: int = 1

    @property
    def most(self) -> Decimal:
        """Return the highest score there can be, bonuses included."""
        return sum((line.most for line in self.lines), ZERO)

    @property
    def has_score(self) -> bool:
        """Tell whether any line gives or takes points."""
        return any(line.kind is not Kind.COLUMN for line in self.lines)

    def label(self, locale: str) -> str:
        """Return the scheme's name in the reader's language."""
        return self.name if locale.startswith("zh") else self.name_en or self.name

    def every_line(self) -> list[Line]:
        """Return the lines, those of a group after it."""
        return [one for line in self.lines for one in (line, *line.lines)]

    def as_plain(self) -> dict[str, Any]:
        """Return the scheme as JSON, as `parse_scheme` reads it; numbers are texts, so that none is rounded."""
        return {
            "name": self.name,
            "name_en": self.name_en,
            "note": self.note,
            "total": written(self.total),
            "decimals": self.decimals,
            "ranked_by": self.ranked_by,
            "highest_first": self.highest_first,
            "minimum_cases": self.minimum_cases,
            "lines": [_plain_line(line) for line in self.lines],
        }


def _plain_line(line: Line) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "kind": line.kind.value,
        "code": line.code,
        "name": line.name,
        "name_en": line.name_en,
    }
    needed, possible = FIELDS_OF[line.kind]
    for name in (*needed, *possible):
        value = getattr(line, name)
        if name == "bands":
            value = [
                {
                    "from": written(band.start),
                    "below": None if band.below is None else written(band.below),
                    "score": written(band.score),
                }
                for band in value
            ]
        elif name == "lines":
            value = [_plain_line(one) for one in value]
        elif isinstance(value, Decimal):
            value = written(value)
        elif isinstance(value, StrEnum):
            value = value.value
        if value not in (None, ""):
            plain[name] = value
    return plain


def written(value: Decimal) -> str:
    """Write a number without exponent and without noughts at the end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def figures_of(scheme: Scheme) -> list[Figure]:
    """Return the figures that a scheme looks at, each once, in the order of its lines."""
    found: dict[str, Figure] = {}
    for line in scheme.every_line():
        if line.indicator:
            found.setdefault(line.figure, Figure.of(line.figure))
    return list(found.values())
