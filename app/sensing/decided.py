"""Lines that a decision table gives: by which value a scene reaches which level.

A table is asked with `scene` and `value` and answers `level`: blue, yellow, orange or red, or none. Between the
numbers that its cells name the answer does not change, so asking at each of them finds the lines once, and a
reading costs no decision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from psycopg import Connection

from app.cases.commands.report import CASE_KEY
from app.engine.decisions import DecisionTable
from app.errors import EngineError, InvalidInput, Text
from app.modeling.queries import active_hash, deployed
from sla.sensing import Level, Line

LEVELS: Final = {
    "none": Level.NONE,
    "blue": Level.BLUE,
    "yellow": Level.YELLOW,
    "orange": Level.ORANGE,
    "red": Level.RED,
}
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")

# Returns the lines of a scene, as people write them.
LinesOf = Callable[[str], tuple[Line, ...]]


@dataclass(frozen=True)
class DecidedLines:
    """The table that gives a rule its lines, and how far a value must come back for a line to end."""

    key: str
    hysteresis: float
    low_is_bad: bool

    def of(self, connection: Connection[Any]) -> LinesOf:
        """Return how the deployed table answers. Raises InvalidInput when there is no such table."""
        version = active_hash(connection, CASE_KEY)
        table = deployed(connection, version).definition.decisions.get(self.key)
        if table is None:
            raise InvalidInput({"decision": Text("没有决策表“%(key)s”", key=self.key)})
        return lambda scene: _lines(_Asked(version, self, table), scene)


@dataclass(frozen=True)
class _Asked:
    """What lines are kept under: the version and the table's name tell the table."""

    version: str
    decided: DecidedLines
    table: DecisionTable

    def __hash__(self) -> int:
        return hash((self.version, self.decided))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, _Asked) and self.version == other.version
        return same and self.decided == other.decided  # type: ignore[attr-defined]  # it is an _Asked


@lru_cache(maxsize=256)
def _lines(asked: _Asked, scene: str) -> tuple[Line, ...]:
    return lines_in(asked.table, asked.decided, scene)


def lines_in(table: DecisionTable, decided: DecidedLines, scene: str) -> tuple[Line, ...]:
    """Return the lines of a scene, from the mildest. Raises InvalidInput when levels fall where values get worse."""
    worse = -1 if decided.low_is_bad else 1
    found: list[Line] = []
    level = Level.NONE
    for value in sorted(_values(table), key=lambda value: worse * value):
        reached = level_at(table, scene, value)
        if reached < level:
            raise InvalidInput(
                {"decision": Text("决策表“%(key)s”：数值越不利，等级不能越低", key=decided.key)}
            )
        if reached > level:
            found.append(Line(reached, value, value - worse * decided.hysteresis))
            level = reached
    return tuple(found)


def _values(table: DecisionTable) -> set[float]:
    """Return every number that a cell of the value's column names, and what lies just beyond it on either side."""
    column = table.inputs.index("value") if "value" in table.inputs else None
    if column is None:
        raise InvalidInput({"decision": Text("决策表“%(key)s”没有输入 value", key=table.key)})
    cells = [rule.tests[column] or "" for rule in table.rules]
    named = {float(text) for cell in cells for text in _NUMBER.findall(cell)}
    beyond = {math.nextafter(value, end) for value in named for end in (-math.inf, math.inf)}
    return named | beyond


def level_at(table: DecisionTable, scene: str, value: float) -> Level:
    """Return what a table answers; where no row matches, no level. Raises InvalidInput for another word."""
    try:
        answer = table.decide({"scene": scene, "value": value}, {}).get("level")
    except EngineError:
        return Level.NONE
    if answer not in LEVELS:
        wanted = "、".join(LEVELS)
        raise InvalidInput(
            {
                "decision": Text(
                    "决策表的等级应为 %(wanted)s 之一，现为“%(got)s”",
                    wanted=wanted,
                    got=str(answer),
                )
            }
        )
    return LEVELS[answer]
