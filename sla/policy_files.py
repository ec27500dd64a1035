"""Read the files of sla/policies and say precisely what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

from app.errors import DefinitionError, Fault

POLICIES = Path(__file__).parent / "policies"

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class Section:
    """A part of a policy file; `where` is the path of keys that leads to it, ending in a dot unless empty."""

    path: Path
    content: Mapping[str, object]
    where: str = ""

    def refusal(self, key: str, reason: str, remedy: str) -> DefinitionError:
        """Return the error that names file, key, what is wrong and what to write instead."""
        return _refusal(self.path, f"{self.where}{key}", reason, remedy)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Refuse a key that nothing reads: it is a misspelling or a wish."""
        wanted = sorted(known)
        for key in self.content:
            if key not in wanted:
                raise self.refusal(key, "unknown key", f"use one of {', '.join(wanted)}")

    def get(self, key: str, default: object = None) -> object:
        """Return what is written under a key, unchecked."""
        return self.content.get(key, default)

    def section(self, key: str) -> Section:
        """Return the part under a key; an absent one is empty."""
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise self.refusal(key, f"is {value!r}", "write keys and values below it")
        named = {str(name): inner for name, inner in value.items()}
        return Section(self.path, named, f"{self.where}{key}.")

    def choice(self, key: str, options: type[Choice], default: Choice) -> Choice:
        """Return the chosen option under a key."""
        value = self.content.get(key, default.value)
        try:
            return options(str(value))
        except ValueError as exc:
            wanted = ", ".join(option.value for option in options)
            raise self.refusal(key, f"is {value!r}", f"choose one of {wanted}") from exc

    def whole_number(self, key: str, default: int) -> int:
        """Return the whole number, zero or more, under a key."""
        value = self.content.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.refusal(key, f"is {value!r}", "write a whole number, 0 or more")
        return value

    def text(self, key: str, default: str = "") -> str:
        """Return the text under a key."""
        value = self.content.get(key, default)
        if not isinstance(value, str):
            raise self.refusal(key, f"is {value!r}", "write a text, in quotes")
        return value


def read_policy(path: Path) -> Section:
    """Return what a policy file holds. Raises DefinitionError when it is not keys and values."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "file"
        raise _refusal(
            path, where, "not readable as YAML", "mend the line as in the shipped file"
        ) from exc
    if not isinstance(content, dict):
        found = type(content).__name__
        raise _refusal(
            path, "file", f"holds a {found}", "write keys and values as in the shipped file"
        )
    return Section(path, {str(key): value for key, value in content.items()})


def _refusal(path: Path, element: str, reason: str, remedy: str) -> DefinitionError:
    return DefinitionError([Fault(file=path.name, element=element, reason=reason, remedy=remedy)])
