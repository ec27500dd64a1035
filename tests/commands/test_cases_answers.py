"""Answers held against a form: every fault named, nothing the form does not ask."""

from __future__ import annotations

import json

import pytest

from app.cases.answers import check_answers
from app.errors import InvalidInput
from app.modeling.forms import check_form, read_form


def form(*components):
    return read_form(json.dumps({"type": "default", "id": "f", "components": components}).encode())


def one(type_, **more):
    return form({"type": type_, "key": "x", "label": "某项", **more})


OPTIONS = [{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}]


@pytest.mark.parametrize(
    ("asked", "given", "taken"),
    [
        (one("textfield"), "字", "字"),
        (one("textfield"), "", None),
        (one("textfield"), None, None),
        (one("number"), 3, 3),
        (one("number"), "3.5", 3.5),
        (one("number"), "-2", -2),
        (one("checkbox"), True, True),
        (one("checkbox"), "on", True),
        (one("select", values=OPTIONS), "a", "a"),
        (one("select", properties={"source": "units"}), "12", 12),
        (one("select", properties={"source": "units"}), 12, 12),
        (one("select", properties={"source": "classes"}), "E-01-02", "E-01-02"),
        (one("checklist", values=OPTIONS), ["a", "b"], ["a", "b"]),
        (one("datetime"), "2025-11-25T09:00:00+08:00", "2025-11-25T09:00:00+08:00"),
        (one("textfield", readonly=True), "typed", None),
    ],
)
def test_answer_is_taken(asked, given, taken):
    assert check_answers(asked, {"x": given}) == {"x": taken}


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (one("textfield"), 7),
        (one("textfield"), {"a": 1}),
        (one("textfield"), "a\x00b"),
        (one("textfield"), "\udc00"),
        (one("textfield", validate={"maxLength": 2}), "三个字"),
        (one("textfield", validate={"minLength": 4}), "三个字"),
        (one("textfield", validate={"pattern": "[0-9]+"}), "a1"),
        (one("number"), "three"),
        (one("number"), True),
        (one("number"), 10**16),
        (one("number"), float("nan")),
        (one("number", validate={"min": 1}), 0),
        (one("number", validate={"max": 1}), 2),
        (one("checkbox"), "maybe"),
        (one("select", values=OPTIONS), "c"),
        (one("radio", values=OPTIONS), ["a"]),
        (one("select", properties={"source": "units"}), "twelve"),
        (one("select", properties={"source": "units"}), True),
        (one("checklist", values=OPTIONS), "a"),
        (one("datetime"), "tomorrow"),
        (one("datetime"), "2025-11-25T09:00:00"),
    ],
)
def test_answer_is_refused_naming_the_field(asked, given):
    with pytest.raises(InvalidInput) as refused:
        check_answers(asked, {"x": given})
    assert set(refused.value.fields) == {"x"}


def test_every_fault_is_named_at_once():
    asked = form(
        {"type": "textfield", "key": "a", "validate": {"required": True}},
        {"type": "number", "key": "b"},
        {"type": "textfield", "key": "c"},
    )
    with pytest.raises(InvalidInput) as refused:
        check_answers(asked, {"b": "x", "c": "fine", "d": 1})
    assert set(refused.value.fields) == {"a", "b", "d"}


def test_field_is_required_when_another_answer_says_so():
    asked = form(
        {"type": "radio", "key": "outcome", "values": OPTIONS},
        {"type": "textarea", "key": "why", "properties": {"required_when": 'outcome == "b"'}},
    )
    assert check_answers(asked, {"outcome": "a"}) == {"outcome": "a", "why": None}
    with pytest.raises(InvalidInput) as refused:
        check_answers(asked, {"outcome": "b"})
    assert set(refused.value.fields) == {"why"}


def test_condition_on_a_number_nobody_gave_does_not_hold():
    asked = form(
        {"type": "number", "key": "depth"},
        {"type": "textarea", "key": "why", "properties": {"required_when": "depth > 3"}},
        {"type": "textfield", "key": "n", "conditional": {"hide": "=depth > 3"}},
    )
    assert check_answers(asked, {"n": "浅"}) == {"depth": None, "why": None, "n": "浅"}
    with pytest.raises(InvalidInput) as refused:
        check_answers(asked, {"depth": 4})
    assert set(refused.value.fields) == {"why"}


def test_hidden_field_is_not_answered_whatever_was_sent():
    asked = form(
        {"type": "radio", "key": "outcome", "values": OPTIONS},
        {"type": "number", "key": "n", "conditional": {"hide": '=outcome != "b"'}},
    )
    assert check_answers(asked, {"outcome": "a", "n": "junk"}) == {"outcome": "a", "n": None}


def test_fields_in_groups_are_asked_too():
    asked = form({"type": "group", "components": [{"type": "textfield", "key": "x"}]})
    assert check_answers(asked, {"x": "字"}) == {"x": "字"}


@pytest.mark.parametrize(
    ("schema", "element"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b'{"components": [{"type": "textfield"}]}', ""),
        (b'{"components": [{"type": "filepicker", "key": "x"}]}', "x"),
        (b'{"components": [{"type": "number", "key": "__x"}]}', "__x"),
        (b'{"components": [{"type": "number", "key": "x"}, {"type": "number", "key": "x"}]}', ""),
        (
            b'{"components": [{"type": "number", "key": "x", "properties": {"required_when": "y == 1"}}]}',
            "x",
        ),
        (
            b'{"components": [{"type": "number", "key": "x", "properties": {"required_when": "open(1)"}}]}',
            "x",
        ),
        (
            b'{"components": [{"type": "textfield", "key": "x", "validate": {"pattern": "("}}]}',
            "x",
        ),
    ],
)
def test_faulty_form_is_refused_naming_its_field(schema, element):
    faults = check_form("f.json", schema)
    assert [(fault.file, fault.element) for fault in faults] == [("f.json", element)]
    assert all(fault.reason and fault.remedy for fault in faults)
