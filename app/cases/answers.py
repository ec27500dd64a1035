"""Hold the answers of a person against the form they were asked by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from app.engine.expressions import evaluate, unwrap
from app.errors import InvalidInput, Text
from app.modeling.forms import Field, Form

LONGEST_TEXT: Final = 20_000
# What the server fills a select with by number, not by code.
_NUMBERED_SOURCES: Final = frozenset({"conditions", "units", "handlers"})
_DIGITS: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Unfit(ValueError):
    """An answer that its field does not take; the fault says what it should be."""

    def __init__(self, fault: Text) -> None:
        super().__init__(fault)
        self.fault = fault


def check_answers(form: Form, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by key, None for what was not answered. Raises InvalidInput naming each faulty field.

    A field that the form hides for these answers is not answered, whatever was sent.
    """
    unasked = given.keys() - {field.key for field in form.fields}
    faults = dict.fromkeys(unasked, Text("表单中没有这一项"))
    answers: dict[str, Any] = {}
    for field in form.fields:
        value = None if field.readonly else given.get(field.key)
        try:
            answers[field.key] = (
                None if value in (None, "", []) else _READERS[field.type](field, value)
            )
        except Unfit as exc:
            answers[field.key] = None
            faults[field.key] = exc.fault
    for field in form.fields:
        if field.hidden_when and holds(field.hidden_when, answers):
            answers[field.key] = None
            faults.pop(field.key, None)
        elif answers[field.key] is None and field.key not in faults and is_required(field, answers):
            faults[field.key] = Text("请填写这一项")
    if faults:
        raise InvalidInput(faults)
    return answers


def clean_text(field: str, value: object, *, longest: int, required: bool = False) -> str:
    """Return a text without blanks around it. Raises InvalidInput for a field that is no text or too long."""
    if not isinstance(value, str):
        raise InvalidInput({field: _no_text(value)})
    text = value.strip()
    try:
        _refuse_unstorable(text)
    except Unfit as exc:
        raise InvalidInput({field: exc.fault}) from exc
    if len(text) > longest:
        raise InvalidInput({field: _too_long(text, longest)})
    if required and not text:
        raise InvalidInput({field: "不能为空"})
    return text


def not_one_of(value: object, wanted: tuple[str, ...]) -> Text:
    """Return the fault of a value that is none of those wanted."""
    return Text("应为 %(wanted)s 之一，现为“%(value)s”", wanted=wanted, value=value)


def holds(expression: str, answers: Mapping[str, Any]) -> bool:
    """Tell whether a condition holds for the answers; `depth > 3` does not for a depth nobody has given."""
    try:
        return bool(evaluate(unwrap(expression), answers, {}))
    except TypeError:
        return False


def is_required(field: Field, answers: Mapping[str, Any]) -> bool:
    """Tell whether a field must be answered, given what else was."""
    if field.readonly:
        return False
    return bool(field.rules.get("required")) or (
        field.required_when is not None and holds(field.required_when, answers)
    )


def _text(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise Unfit(_no_text(value))
    _refuse_unstorable(value)
    rules = field.rules
    longest = rules.get("maxLength", LONGEST_TEXT)
    if len(value) > longest:
        raise Unfit(_too_long(value, longest))
    shortest = rules.get("minLength", 0)
    if len(value) < shortest:
        fault = Text("有 %(n)s 个字，至少要 %(least)s 个", n=len(value), least=shortest)
        raise Unfit(fault)
    if rules.get("pattern") and not re.fullmatch(rules["pattern"], value):
        raise Unfit(Text("格式不对，应符合 %(pattern)s", pattern=rules["pattern"]))
    return value


def _refuse_unstorable(value: str) -> None:
    """Refuse what the database cannot keep: a NUL, half of a surrogate pair."""
    half = not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)
    if "\x00" in value or half:
        raise Unfit(Text("含有不能保存的字符"))


def _number(field: Field, value: object) -> int | float:
    # An HTML form sends text where JSON sends a number.
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**15:
        raise Unfit(Text("应为数字，现为“%(value)s”", value=value))
    rules = field.rules
    if "min" in rules and value < rules["min"]:
        raise Unfit(Text("不得小于 %(least)s，现为 %(value)s", least=rules["min"], value=value))
    if "max" in rules and value > rules["max"]:
        raise Unfit(Text("不得大于 %(most)s，现为 %(value)s", most=rules["max"], value=value))
    return value


def _checked(field: Field, value: object) -> bool:
    if isinstance(value, str):
        value = {"true": True, "on": True, "false": False}.get(value)
    if not isinstance(value, bool):
        raise Unfit(Text("应为是或否，现为“%(value)s”", value=value))
    return value


def _choice(field: Field, value: object) -> str | int:
    if field.source in _NUMBERED_SOURCES:
        if isinstance(value, bool) or not _DIGITS.fullmatch(str(value)):
            raise Unfit(Text("应为编号，现为“%(value)s”", value=value))
        return int(str(value))
    if not isinstance(value, str):
        raise Unfit(Text("应为选项之一，现为“%(value)s”", value=value))
    if field.options is not None and value not in field.options:
        raise Unfit(not_one_of(value, tuple(sorted(field.options))))
    return _text(field, value)


def _choices(field: Field, value: object) -> list[str | int]:
    if not isinstance(value, list):
        raise Unfit(Text("应为若干选项，现为“%(value)s”", value=value))
    return [_choice(field, one) for one in value]


def _moment(field: Field, value: object) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise Unfit(Text("应为日期时间，现为“%(value)s”", value=value)) from exc
    if moment.tzinfo is None:
        raise Unfit(Text("缺少时区，应写作 %(value)s+08:00", value=value))
    return moment.isoformat()


def _no_text(value: object) -> Text:
    return Text("应为文字，现为“%(value)s”", value=value)


def _too_long(text: str, longest: int) -> Text:
    return Text("有 %(n)s 个字，不得超过 %(most)s 个", n=len(text), most=longest)


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
