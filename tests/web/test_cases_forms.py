"""Forms as HTML: conditions for the page's script, values typed, words in two languages."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson
import pytest
from flask import Flask
from flask_babel import force_locale
from werkzeug.datastructures import MultiDict

from app.cases.pages.form_view import Option, condition_tree, controls_of, typed_answers
from app.modeling.forms import Form, read_form

SCHEMA = orjson.dumps(
    {
        "id": "sample",
        "components": [
            {"type": "text", "text": "请看照片", "properties": {"text_en": "See the photos"}},
            {
                "type": "radio",
                "key": "outcome",
                "label": "结论",
                "values": [
                    {"label": "通过", "value": "pass", "label_en": "Pass"},
                    {"label": "返工", "value": "redo"},
                ],
                "validate": {"required": True},
                "properties": {"label_en": "Decision"},
            },
            {
                "type": "group",
                "components": [
                    {
                        "type": "number",
                        "key": "depth",
                        "label": "深度",
                        "conditional": {"hide": '=outcome != "redo"'},
                    },
                    {
                        "type": "textarea",
                        "key": "opinion",
                        "label": "意见",
                        "properties": {"required_when": "depth > 3"},
                    },
                ],
            },
            {
                "type": "checklist",
                "key": "faults",
                "label": "问题",
                "values": [{"label": "甲", "value": "a"}],
            },
            {"type": "datetime", "key": "due", "label": "时间"},
            {
                "type": "select",
                "key": "unit_id",
                "label": "单位",
                "properties": {"source": "units"},
            },
            {"type": "textfield", "key": "asked", "label": "申请", "readonly": True},
        ],
    }
)


@pytest.fixture
def form() -> Form:
    return read_form(SCHEMA)


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ('outcome != "file"', ["!=", ["name", "outcome"], ["value", "file"]]),
        ("not limit", ["not", ["name", "limit"]]),
        (
            'outcome == "file" and not limit',
            ["and", ["==", ["name", "outcome"], ["value", "file"]], ["not", ["name", "limit"]]],
        ),
        (
            'kind in ["a", "b"]',
            ["in", ["name", "kind"], ["list", ["value", "a"], ["value", "b"]]],
        ),
        # What the script cannot work out stays with the server: the question is always shown.
        ("present(limit)", None),
        ("1 < depth < 3", None),
    ],
)
def test_condition_becomes_a_tree(expression: str, tree: list[object] | None) -> None:
    assert condition_tree(expression) == tree


def test_controls_follow_the_values(app: Flask, form: Form) -> None:
    with app.app_context():
        controls = {
            control.key: control
            for control in controls_of(SCHEMA, form, {"outcome": "redo", "depth": "5"}, {})
        }
    assert controls["outcome"].required
    assert not controls["depth"].hidden
    assert controls["opinion"].required
    assert controls["asked"].readonly
    with app.app_context():
        controls = {c.key: c for c in controls_of(SCHEMA, form, {"depth": "deep"}, {})}
    assert controls["depth"].hidden
    assert controls["depth"].value == "deep"
    assert not controls["opinion"].required


def test_controls_speak_the_reader_s_language(app: Flask, form: Form) -> None:
    with app.app_context(), force_locale("en"):
        note, outcome, *_ = controls_of(SCHEMA, form, {}, {})
    assert note.label == "See the photos"
    assert outcome.label == "Decision"
    assert [option.text for option in outcome.options] == ["Pass", "返工"]


def test_sourced_select_offers_what_the_server_knows(app: Flask, form: Form) -> None:
    choices = {"units": [Option("11", "东区平台")]}
    with app.app_context():
        controls = {c.key: c for c in controls_of(SCHEMA, form, {"unit_id": 11}, choices)}
    assert [option.value for option in controls["unit_id"].options] == ["11"]


def test_typed_answers_are_what_the_command_wants(form: Form) -> None:
    typed = MultiDict(
        [
            ("outcome", "pass"), ("opinion", "一\r\n二"), ("faults", "a"), ("faults", "b"),
            ("due", "2025-12-05T18:00"), ("asked", "smuggled in"), ("csrf_token", "x"),
        ]
    )  # fmt: skip
    assert typed_answers(form, typed, ZoneInfo("Asia/Shanghai")) == {
        "outcome": "pass",
        "opinion": "一\n二",
        "faults": ["a", "b"],
        "due": "2025-12-05T18:00:00+08:00",
    }


def test_time_that_is_none_is_left_for_the_form_to_refuse(form: Form) -> None:
    typed = MultiDict([("due", "tomorrow")])
    assert typed_answers(form, typed, ZoneInfo("Asia/Shanghai")) == {"due": "tomorrow"}
