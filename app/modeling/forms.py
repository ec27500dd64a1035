"""Read the forms of user tasks (form-js) and say precisely what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from app.engine.expressions import ExpressionRefused, names_in, unwrap
from app.errors import Fault

ASKING_TYPES: Final = frozenset(
    {
        "textfield",
        "textarea",
        "number",
        "checkbox",
        "select",
        "radio",
        "checklist",
        "taglist",
        "datetime",
    }
)
# What form-js shows without asking anything.
_SILENT: Final = frozenset({"text", "html", "image", "button", "separator", "spacer", "group"})
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form, as form-js describes it."""

    key: str
    label: str
    type: str
    readonly: bool
    options: frozenset[str] | None
    source: str | None
    required_when: str | None
    hidden_when: str | None
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """The questions of one user task, in order."""

    key: str
    fields: tuple[Field, ...]


@lru_cache(maxsize=512)
def read_form(schema: bytes) -> Form:
    """Read a form-js schema; the groups it arranges its fields in do not matter here."""
    content = orjson.loads(schema)
    return Form(str(content.get("id", "")), tuple(map(_field, _asking(content["components"]))))


def check_form(path: str, schema: bytes) -> list[Fault]:
    """Return every fault of a form."""
    try:
        form = read_form(schema)
    except orjson.JSONDecodeError as exc:
        return [Fault(path, "", f"not JSON: {exc}", "save it from the form editor")]
    except (KeyError, TypeError, AttributeError) as exc:
        return [
            Fault(
                path, "", f"not a form: {exc!r} is missing or wrong", "save it from the form editor"
            )
        ]
    faults: list[Fault] = []
    keys = {field.key for field in form.fields}
    for field in form.fields:
        faults += _field_faults(path, field, keys)
    if len(keys) < len(form.fields):
        faults.append(
            Fault(path, "", "two fields have the same key", "give each field its own key")
        )
    return faults


def _field_faults(path: str, field: Field, keys: set[str]) -> list[Fault]:
    faults: list[Fault] = []
    if field.type not in ASKING_TYPES:
        known = ", ".join(sorted(ASKING_TYPES))
        faults.append(
            Fault(
                path,
                field.key,
                f"the field type {field.type!r} is not known",
                f"use one of {known}",
            )
        )
    if not _KEY.fullmatch(field.key):
        faults.append(
            Fault(path, field.key, "the key is not a name", "use small letters, digits and _")
        )
    for text in (field.required_when, field.hidden_when):
        if text is None:
            continue
        try:
            unknown = names_in(text) - keys
        except ExpressionRefused as exc:
            faults.append(Fault(path, field.key, exc.reason, exc.remedy))
            continue
        if unknown:
            names = ", ".join(sorted(unknown))
            faults.append(
                Fault(path, field.key, f"{text!r} asks for {names}", "ask for fields of this form")
            )
    pattern = field.rules.get("pattern")
    if pattern:
        try:
            re.compile(pattern)
        except re.error as exc:
            faults.append(
                Fault(path, field.key, f"the pattern is not one: {exc}", "correct or remove it")
            )
    return faults


def _asking(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for component in components:
        if "components" in component:
            found += _asking(component["components"])
        elif component["type"] not in _SILENT:
            found.append(component)
    return found


def _field(component: Mapping[str, Any]) -> Field:
    properties, rules = component.get("properties", {}), component.get("validate", {})
    values = component.get("values")
    hide = component.get("conditional", {}).get("hide")
    return Field(
        key=component["key"],
        label=component.get("label", component["key"]),
        type=component["type"],
        readonly=bool(component.get("readonly") or component.get("disabled")),
        options=None if values is None else frozenset(str(value["value"]) for value in values),
        source=properties.get("source"),
        required_when=properties.get("required_when"),
        # form-js writes FEEL, which is the same as our language for names and comparisons.
        hidden_when=None if hide is None else unwrap(hide.removeprefix("=")),
        rules=rules,
    )
