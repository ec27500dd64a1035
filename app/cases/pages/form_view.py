"""A work item's form as HTML asks it: the form-js schema read once more, with words and choices."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from werkzeug.datastructures import MultiDict

from app.cases.answers import holds
from app.cases.pages.words import is_chinese
from app.cases.queries.matching import without_nul
from app.engine.expressions import parse, unwrap
from app.modeling.forms import Field, Form

# What the server reads as a list.
_MANY: Final = frozenset({"checklist", "taglist"})
_SHOWN: Final = frozenset({"text", "html"})
_COMPARISONS: Final = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose. group: the heading it stands under; empty for none."""

    value: str
    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """One question as the page shows it.

    kind: the form-js type, or `note` for a text that asks nothing. value: a text, or a list of texts where
    several may be chosen. hide_when, require_when: the condition as JSON for the page's script.
    """

    key: str
    kind: str
    label: str
    hint: str | None
    value: Any
    options: tuple[Option, ...]
    readonly: bool
    required: bool
    hidden: bool
    hide_when: str | None
    require_when: str | None
    searchable: bool
    depends_on: str | None
    rules: Mapping[str, Any]


def controls_of(
    schema: bytes,
    form: Form,
    values: Mapping[str, Any],
    choices: Mapping[str, Sequence[Option]],
) -> list[Control]:
    """Return the controls of a form in order.

    values: what each field holds, by key. choices: what the server fills selects with, by source.
    """
    fields = {field.key: field for field in form.fields}
    known = {**dict.fromkeys(fields), **_defaults(schema), **values}
    answered = {key: _compared(fields[key], value) for key, value in known.items() if key in fields}
    found = []
    for component in _components(orjson.loads(schema)["components"]):
        if component["type"] in _SHOWN:
            found.append(_note(component))
        elif component.get("key") in fields:
            control = _control(component, fields[component["key"]], known, answered, choices)
            found.append(control)
    return found


def typed_answers(form: Form, typed: MultiDict[str, str], zone: Any) -> dict[str, Any]:
    """Return what a submitted form holds, as the command wants it; a local time gets the city's zone."""
    answers: dict[str, Any] = {}
    for field in form.fields:
        if field.readonly or field.key not in typed:
            continue
        if field.type in _MANY:
            answers[field.key] = typed.getlist(field.key)
            continue
        text = without_nul(typed[field.key]).replace("\r\n", "\n")
        answers[field.key] = _aware(text, zone) if field.type == "datetime" else text
    return answers


def words_of_answers(
    schema: bytes, form: Form, answers: Mapping[str, Any], choices: Mapping[str, Sequence[Option]]
) -> list[tuple[str, str]]:
    """Return what was answered as label and text, without what was left empty."""
    said = []
    for control in controls_of(schema, form, answers, choices):
        if control.kind == "note" or control.readonly or answers.get(control.key) in (None, "", []):
            continue
        chosen = control.value if isinstance(control.value, list) else [control.value]
        texts = {option.value: option.text for option in control.options}
        said.append((control.label, "、".join(texts.get(str(one), str(one)) for one in chosen)))
    return said


def condition_tree(expression: str) -> list[Any] | None:
    """Return a condition as nested lists that a script can work out; None for what it cannot."""
    try:
        return _tree(parse(expression).body)
    except (KeyError, TypeError):
        return None


def _tree(node: ast.AST) -> list[Any]:
    match node:
        case ast.Name(id=name):
            return ["name", name]
        case ast.Constant(value=value):
            return ["value", value]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return ["list", *map(_tree, parts)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ["not", _tree(operand)]
        case ast.BoolOp(op=operator, values=parts):
            return ["and" if isinstance(operator, ast.And) else "or", *map(_tree, parts)]
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return [_COMPARISONS[type(operator)], _tree(left), _tree(right)]
    raise TypeError(type(node).__name__)


def _components(listed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for component in listed:
        found += _components(component["components"]) if "components" in component else [component]
    return found


def _defaults(schema: bytes) -> dict[str, Any]:
    return {
        component["key"]: component["defaultValue"]
        for component in _components(orjson.loads(schema)["components"])
        if "defaultValue" in component and "key" in component
    }


def _note(component: Mapping[str, Any]) -> Control:
    text = _in_language(component, "text") or ""
    return Control(
        "", "note", text, None, None, (), True, False, False, None, None, False, None, {}
    )


def _control(
    component: Mapping[str, Any],
    field: Field,
    known: Mapping[str, Any],
    answered: Mapping[str, Any],
    choices: Mapping[str, Sequence[Option]],
) -> Control:
    always = bool(field.rules.get("required"))
    when = field.required_when
    value = known.get(field.key)
    return Control(
        key=field.key,
        kind=field.type,
        label=_in_language(component, "label") or field.key,
        hint=_in_language(component, "description"),
        value=[str(one) for one in value or []] if field.type in _MANY else value,
        options=_options(component, field, choices),
        readonly=field.readonly,
        required=not field.readonly and (always or (when is not None and holds(when, answered))),
        hidden=field.hidden_when is not None and holds(field.hidden_when, answered),
        hide_when=_as_json(field.hidden_when),
        require_when=None if always else _as_json(when),
        searchable=bool(component.get("searchable")),
        depends_on=component.get("properties", {}).get("depends_on"),
        rules=field.rules,
    )


def _options(
    component: Mapping[str, Any], field: Field, choices: Mapping[str, Sequence[Option]]
) -> tuple[Option, ...]:
    if field.source is not None and component.get("values") is None:
        return tuple(choices.get(field.source, ()))
    return tuple(
        Option(str(value["value"]), _in_language(value, "label") or str(value["value"]))
        for value in component.get("values") or ()
    )


def _in_language(part: Mapping[str, Any], key: str) -> str | None:
    """Return a text of the schema in the reader's language; its translation may stand beside or below."""
    if not is_chinese():
        english = part.get(f"{key}_en") or part.get("properties", {}).get(f"{key}_en")
        if english:
            return str(english)
    text = part.get(key)
    return None if text is None else str(text)


def _compared(field: Field, value: Any) -> Any:
    """Return a value as conditions compare it: a number typed is still text, and may be none at all."""
    if field.type == "number" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    if field.type == "checkbox":
        return value in (True, "true", "on")
    return None if value == "" else value


def _as_json(expression: str | None) -> str | None:
    tree = None if expression is None else condition_tree(unwrap(expression))
    return None if tree is None else orjson.dumps(tree).decode()


def _aware(text: str, zone: Any) -> str:
    """Return a local time with its zone; what is no time stays as typed, for the form to refuse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).isoformat()
