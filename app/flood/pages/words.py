"""What the things of the flood room are called in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts.roles import ROLES
from app.errors import Text
from app.flood.wording import (
    ACTIONS,
    BY_SHIFT,
    COLUMNS,
    COMMANDS,
    DUTY,
    EFFECTS,
    FIGURES,
    HAPPENINGS,
    ORDERS,
    ORIGINS,
    PARAMETERS,
    REPORTS,
    RESPONSES,
    STEPS,
    TRUCKS,
    UNITS,
    WAYS,
)
from app.sensing.pages.words import (
    either,
    is_chinese,
    kind_name,
    level_mark,
    level_name,
    name_of,
    rule_value,
)
from app.web.language import said
from sla.flood_files import scenes

__all__ = [
    "ACTIONS",
    "BY_SHIFT",
    "COLUMNS",
    "COMMANDS",
    "DUTY",
    "EFFECTS",
    "FIGURES",
    "HAPPENINGS",
    "ORDERS",
    "ORIGINS",
    "PARAMETERS",
    "REPORTS",
    "RESPONSES",
    "STEPS",
    "TRUCKS",
    "UNITS",
    "WAYS",
    "either",
    "is_chinese",
    "kind_name",
    "level_mark",
    "level_name",
    "name_of",
    "rule_value",
]


def pair(words: Mapping[str, tuple[str, Text]], code: str) -> tuple[str, str]:
    """Return the shape and the word of a state."""
    mark, word = words.get(code, ("", Text(code)))
    return mark, said(word)


def word(words: Mapping[Any, Text], code: Any) -> str:
    """Return the word for a code, or the code itself."""
    return said(words[code]) if code in words else str(code)


def element_word(name: str) -> str:
    """Return the name of a diagram's element."""
    return said(name)


def scene_choices() -> list[tuple[str, str]]:
    """Return the scenes of flood points."""
    return [(code, kind_name(code)) for code in scenes()]


def level_choices() -> list[tuple[int, str]]:
    """Return the levels from blue up."""
    return [(level, level_name(level)) for level in (1, 2, 3, 4)]


def role_word(code: str) -> str:
    """Return the name of a role."""
    chinese, english = ROLES.get(code, (code, code))
    return chinese if is_chinese() else english
