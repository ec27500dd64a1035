"""Signing in: the right pair goes on, any other stays and keeps what was typed."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.commands import CreatePerson, CreateUnit, SetPassword
from app.catalogue.commands import LoadCatalogue
from app.run import SYSTEM, run

PASSWORD = "a long enough one"


@pytest.fixture
def person(app: Flask) -> int:
    unit_id = run(CreateUnit("city", "市城市运行管理中心", "City"), actor=SYSTEM)
    command = CreatePerson(unit_id, "wang", "王芳", roles=("dispatcher",), password=PASSWORD)
    person_id: int = run(command, actor=SYSTEM)
    return person_id


def _sign_in(client: FlaskClient, password: str = PASSWORD, onward: str = "/") -> object:
    return client.post("/sign-in", data={"login": "wang", "password": password, "next": onward})


def _sign_in_for_good(client: FlaskClient) -> None:
    _sign_in(client)
    client.post(
        "/password", data={"present": PASSWORD, "password": "my own one", "repeated": "my own one"}
    )


def test_form_is_shown_to_anybody(client: FlaskClient) -> None:
    answer = client.get("/sign-in?next=/catalogue")
    assert answer.status_code == 200
    assert 'value="/catalogue"' in answer.text
    assert "试用账号" not in answer.text


def test_wrong_password_keeps_the_login_and_says_so(client: FlaskClient, person: int) -> None:
    answer = client.post("/sign-in", data={"login": "wang", "password": "wrong"})
    assert answer.status_code == 422
    assert "登录名或密码不正确" in answer.text
    assert 'value="wang"' in answer.text
    assert "wrong" not in answer.text


def test_unprintable_login_and_search_are_answered(client: FlaskClient, person: int) -> None:
    answer = client.post("/sign-in", data={"login": "wa\0ng", "password": "\0"})
    assert answer.status_code == 422
    _sign_in_for_good(client)
    assert client.get("/catalogue?q=%00").status_code == 200


def test_first_sign_in_leads_to_a_password_of_one_s_own(client: FlaskClient, person: int) -> None:
    answer = client.post("/sign-in", data={"login": "wang", "password": PASSWORD})
    assert answer.headers["Location"] == "/password"
    assert "由管理员设置" in client.get("/password").text


def test_changed_password_goes_on_where_one_wanted(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    client.post("/sign-out")
    answer = client.post(
        "/sign-in", data={"login": "wang", "password": "my own one", "next": "/catalogue"}
    )
    assert answer.headers["Location"] == "/catalogue"


@pytest.mark.parametrize(
    "onward", ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", ""]
)
def test_onward_path_never_leaves_the_site(client: FlaskClient, person: int, onward: str) -> None:
    _sign_in_for_good(client)
    client.post("/sign-out")
    answer = client.post(
        "/sign-in", data={"login": "wang", "password": "my own one", "next": onward}
    )
    assert answer.headers["Location"] == "/"


def test_fault_in_a_new_password_is_named(client: FlaskClient, person: int) -> None:
    _sign_in(client)
    answer = client.post(
        "/password", data={"present": PASSWORD, "password": "short", "repeated": "short"}
    )
    assert answer.status_code == 422
    assert "密码至少 8 个字符" in answer.text


def test_session_ends_when_another_sets_the_password(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    assert client.get("/catalogue").status_code == 200
    run(SetPassword(person, "set by another"), actor=SYSTEM)
    assert client.get("/catalogue").status_code == 302


def test_signing_out_closes_the_door(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    client.post("/sign-out")
    answer = client.get("/catalogue?q=x")
    assert answer.headers["Location"] == "/sign-in?next=%2Fcatalogue%3Fq%3Dx"


def test_header_names_the_reader_and_marks_where_they_are(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    header = client.get("/cases").text.partition("</header>")[0]
    assert "王芳 · 市城市运行管理中心" in header
    assert 'action="/sign-out"' in header
    assert 'href="/cases" aria-current="page"' in header
    assert header.count('aria-current="page"') == 1


def test_catalogue_lists_classes_with_limits_in_both_languages(
    client: FlaskClient, person: int
) -> None:
    _sign_in_for_good(client)
    assert "还没有生效的分类" in client.get("/catalogue").text
    run(LoadCatalogue("2024-01"), actor=SYSTEM)
    page = client.get("/catalogue?q=上水井盖").text
    assert "井盖缺失、移位" in page
    assert "2 紧急工作时" in page
    client.set_cookie("language", "en")
    assert "Water supply manhole cover" in client.get("/catalogue?q=manhole").text
