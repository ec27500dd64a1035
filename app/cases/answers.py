"""Hold the answers of a person against the form they were asked by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from app.engine.expressions import evaluate
from app.errors import InvalidInput
from app.modeling.forms import Field, Form

LONGEST_TEXT: Final = 20_000
# What the server fills a select with by number, not by code.
_NUMBERED_SOURCES: Final = frozenset({"conditions", "units", "handlers"})
_DIGITS: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Unfit(ValueError):
    """An answer that its field does not take; the message says what it should be."""


def check_answers(form: Form, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by key, None for what was not answered. Raises InvalidInput naming each faulty field.

    A field that the form hides for these answers is not answered, whatever was sent.
    """
    faults = dict.fromkeys(given.keys() - {f.key for f in form.fields}, "表单中没有这一项")
    answers: dict[str, Any] = {}
    for field in form.fields:
        value = None if field.readonly else given.get(field.key)
        try:
            answers[field.key] = (
                None if value in (None, "", []) else _READERS[field.type](field, value)
            )
        except Unfit as exc:
            answers[field.key] = None
            faults[field.key] = str(exc)
    for field in form.fields:
        if field.hidden_when and _holds(field.hidden_when, answers):
            answers[field.key] = None
            faults.pop(field.key, None)
        elif (
            answers[field.key] is None and field.key not in faults and _is_required(field, answers)
        ):
            faults[field.key] = f"请填写“{field.label}”"
    if faults:
        raise InvalidInput(faults)
    return answers


def clean_text(field: str, value: object, *, longest: int, required: bool = False) -> str:
    """Return a text without blanks around it. Raises InvalidInput for a field that is no text or too long."""
    if not isinstance(value, str):
        raise InvalidInput({field: f"应为文字，现为 {value!r}"})
    text = value.strip()
    try:
        _refuse_unstorable(text)
    except Unfit as exc:
        raise InvalidInput({field: str(exc)}) from exc
    if len(text) > longest:
        raise InvalidInput({field: f"有 {len(text)} 个字，不得超过 {longest} 个"})
    if required and not text:
        raise InvalidInput({field: "不能为空"})
    return text


def _is_required(field: Field, answers: Mapping[str, Any]) -> bool:
    if field.readonly:
        return False
    return bool(field.rules.get("required")) or (
        field.required_when is not None and _holds(field.required_when, answers)
    )


def _holds(expression: str, answers: Mapping[str, Any]) -> bool:
    return bool(evaluate(expression, answers, {}))


def _text(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise Unfit(f"应为文字，现为 {value!r}")
    _refuse_unstorable(value)
    rules = field.rules
    longest = rules.get("maxLength", LONGEST_TEXT)
    if len(value) > longest:
        raise Unfit(f"有 {len(value)} 个字，不得超过 {longest} 个")
    if len(value) < rules.get("minLength", 0):
        raise Unfit(f"有 {len(value)} 个字，至少要 {rules['minLength']} 个")
    if rules.get("pattern") and not re.fullmatch(rules["pattern"], value):
        raise Unfit(f"格式不对，应符合 {rules['pattern']}")
    return value


def _refuse_unstorable(value: str) -> None:
    """Refuse what the database cannot keep: a NUL, half of a surrogate pair."""
    half = not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)
    if "\x00" in value or half:
        raise Unfit("含有不能保存的字符")


def _number(field: Field, value: object) -> int | float:
    # An HTML form sends text where JSON sends a number.
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**15:
        raise Unfit(f"应为数字，现为 {value!r}")
    rules = field.rules
    if "min" in rules and value < rules["min"]:
        raise Unfit(f"不得小于 {rules['min']}，现为 {value}")
    if "max" in rules and value > rules["max"]:
        raise Unfit(f"不得大于 {rules['max']}，现为 {value}")
    return value


def _checked(field: Field, value: object) -> bool:
    if isinstance(value, str):
        value = {"true": True, "on": True, "false": False}.get(value)
    if not isinstance(value, bool):
        raise Unfit(f"应为是或否，现为 {value!r}")
    return value


def _choice(field: Field, value: object) -> str | int:
    if field.source in _NUMBERED_SOURCES:
        if isinstance(value, bool) or not _DIGITS.fullmatch(str(value)):
            raise Unfit(f"应为编号，现为 {value!r}")
        return int(str(value))
    if not isinstance(value, str):
        raise Unfit(f"应为选项之一，现为 {value!r}")
    if field.options is not None and value not in field.options:
        raise Unfit(f"没有“{value}”这个选项，应为 {'、'.join(sorted(field.options))} 之一")
    return _text(field, value)


def _choices(field: Field, value: object) -> list[str | int]:
    if not isinstance(value, list):
        raise Unfit(f"应为若干选项，现为 {value!r}")
    return [_choice(field, one) for one in value]


def _moment(field: Field, value: object) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise Unfit(f"应为日期时间，现为 {value!r}") from exc
    if moment.tzinfo is None:
        raise Unfit(f"缺少时区，应写作 {value}+08:00")
    return moment.isoformat()


_READERS: Final[Mapping[str, Callable[[Field, object], Any]]] = {
    "textfield": _text,
    "textarea": _text,
    "number": _number,
    "checkbox": _checked,
    "select": _choice,
    "radio": _choice,
    "checklist": _choices,
    "taglist": _choices,
    "datetime": _moment,
}
