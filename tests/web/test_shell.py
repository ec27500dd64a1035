"""The shell: languages, headers, error pages, form protection."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale, gettext

from app import errors
from app.web.access import PUBLIC, open_to
from app.web.errors import text_of
from app.web.language import compile_catalogues, said
from app.web.pages import _local_path


def _raising(app: Flask, error: Exception) -> FlaskClient:
    @open_to(PUBLIC)
    def view() -> str:
        raise error

    app.add_url_rule("/raises", "raises", view)
    app.add_url_rule("/api/raises", "api_raises", view)
    return app.test_client()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound(), 404),
        (errors.Forbidden(), 403),
        (errors.StateChanged(), 409),
        (errors.InvalidInput({"address": "请填写地址。"}), 422),
        (errors.DefinitionError([errors.Fault("a.bpmn", "Task_1", "why", "what")]), 422),
        (errors.CalendarMissing(2031), 422),
        (errors.DatabaseLost(), 503),
    ],
)
def test_each_error_has_its_status_and_a_page(
    app: Flask, error: errors.AppError, status: int
) -> None:
    answer = _raising(app, error).get("/raises")
    assert answer.status_code == status
    assert f'data-code="{error.code}"' in answer.text


def test_program_gets_json_naming_the_field(app: Flask) -> None:
    client = _raising(app, errors.InvalidInput({"address": "请填写地址。"}))
    answer = client.get("/api/raises")
    assert answer.status_code == 422
    assert answer.json["fields"] == {"address": "请填写地址。"}
    assert answer.json["code"] == "invalid_input"


def test_definition_fault_is_shown_with_file_and_element(app: Flask) -> None:
    fault = errors.Fault("case.bpmn", "Task_1", "unknown form", "write one of forms/")
    answer = _raising(app, errors.DefinitionError([fault])).get("/raises")
    assert "case.bpmn:Task_1: unknown form; write one of forms/" in answer.text


def test_facts_of_a_message_are_filled_in(app: Flask) -> None:
    answer = _raising(app, errors.CalendarMissing(2031)).get("/raises")
    assert "2031 年的工作日历尚未载入" in answer.text


def test_facts_that_are_words_are_said_in_the_reader_s_language(app: Flask) -> None:
    fault = errors.Text("应为 %(wanted)s 之一，现为“%(value)s”", wanted=("a", "b"), value="c")
    assert str(fault) == "应为 a、b 之一，现为“c”"
    changed = errors.StateChanged(
        "计时现在的状态是“%(state)s”，须为“%(wanted)s”才能这样办，请刷新后再看。",
        state=errors.Text("已停止"),
        wanted=(errors.Text("计时中"), errors.Text("停表")),
    )
    assert "“计时中、停表”" in str(changed)
    with app.app_context(), force_locale("en"):
        assert said(fault) == "Should be one of a, b, not “c”"
        assert "stopped" in text_of(changed)
        assert "计时" not in text_of(changed)


def test_program_is_told_its_fields_in_its_language(app: Flask) -> None:
    fault = errors.Text("应为 %(wanted)s 之一，现为“%(value)s”", wanted=("a", "b"), value="c")
    client = _raising(app, errors.InvalidInput({"channel": fault}))
    client.set_cookie("language", "en")
    answer = client.get("/api/raises").json
    assert answer["fields"] == {"channel": "Should be one of a, b, not “c”"}


def test_unknown_address_is_a_page(client: FlaskClient) -> None:
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert "网址有误" in answer.text


def test_wrong_method_says_which_are_allowed(client: FlaskClient) -> None:
    answer = client.get("/language")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_policy_allows_no_inline_script(client: FlaskClient) -> None:
    answer = client.get("/no-such-page")
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert "<script>" not in answer.text


def test_language_is_switched_by_cookie(client: FlaskClient) -> None:
    assert 'lang="zh-CN"' in client.get("/no-such-page").text
    answer = client.post("/language", data={"language": "en", "back": "/x?y=1"})
    assert answer.headers["Location"] == "/x?y=1"
    page = client.get("/no-such-page").text
    assert 'lang="en"' in page
    assert "Nothing found" in page


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
def test_going_back_stays_on_this_site(path: str) -> None:
    assert _local_path(path) == "/"


def test_form_without_token_is_refused(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = app.test_client().post("/language", data={"language": "en"})
    assert answer.status_code == 400
    assert "页面已过期" in answer.text


def test_static_files_are_kept_when_addressed_by_content(client: FlaskClient) -> None:
    page = client.get("/no-such-page").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    with client.get(address) as answer:
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_health_reads_the_database(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"


def test_english_is_compiled_when_the_source_is_newer(app: Flask) -> None:
    compile_catalogues()
    with app.app_context(), force_locale("en"):
        assert gettext("没有找到") == "Nothing found"
