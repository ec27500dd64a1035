"""Signing in: the right pair goes on, any other stays and keeps what was typed."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import login_user
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.accounts.commands import (
    AttemptSignIn,
    CloseUnit,
    CreatePerson,
    CreateUnit,
    LiftLockOut,
    SetPassword,
)
from app.accounts.sign_in import signed_in
from app.accounts.tables import Person
from app.catalogue.commands import LoadCatalogue
from app.clock import FixedClock
from app.db.session import db
from app.errors import Forbidden, InvalidInput
from app.run import SYSTEM, run
from app.web.acting import act

PASSWORD = "a long enough one"


@pytest.fixture
def person(app: Flask) -> int:
    unit_id = run(CreateUnit("city", "市城市运行管理中心", "City"), actor=SYSTEM)
    command = CreatePerson(unit_id, "wang", "王芳", roles=("dispatcher",), password=PASSWORD)
    person_id: int = run(command, actor=SYSTEM)
    return person_id


def _sign_in(client: FlaskClient, password: str = PASSWORD, onward: str = "/") -> TestResponse:
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
    assert "密码至少 10 个字符" in answer.text


def test_session_ends_when_another_sets_the_password(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    assert client.get("/catalogue").status_code == 200
    run(SetPassword(person, "set by another"), actor=SYSTEM)
    assert client.get("/catalogue").status_code == 302


def test_signing_out_closes_the_door(client: FlaskClient, person: int) -> None:
    _sign_in_for_good(client)
    client.post("/sign-out")
    answer = client.get("/catalogue?q=x")
    assert unquote(answer.headers["Location"]).startswith("/sign-in?next=/catalogue")


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


# How often one may try


def _fail(client: FlaskClient, login: str = "wang", address: str = "192.0.2.1") -> TestResponse:
    return client.post(
        "/sign-in",
        data={"login": login, "password": "wrong"},
        environ_base={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize("login", ["wang", "nobody"])
def test_fifth_failure_shuts_a_login_known_or_not(
    client: FlaskClient, person: int, login: str
) -> None:
    assert [_fail(client, login).status_code for _ in range(5)] == [422, 422, 422, 422, 429]
    answer = client.post("/sign-in", data={"login": login.upper(), "password": PASSWORD})
    assert answer.status_code == 429
    assert "请在 15 分钟后再试" in answer.text
    assert answer.headers["Retry-After"] == "900"


def test_shut_login_opens_after_a_quarter_of_an_hour(
    client: FlaskClient, person: int, clock: FixedClock
) -> None:
    for _ in range(5):
        _fail(client)
        clock.advance(timedelta(minutes=3))
    clock.advance(timedelta(minutes=11))
    # The last failure was 14 minutes ago.
    assert "请在 1 分钟后再试" in _sign_in(client).text
    clock.advance(timedelta(minutes=1))
    assert _sign_in(client).headers["Location"] == "/password"


def test_failures_far_apart_and_before_a_right_password_do_not_count(
    client: FlaskClient, person: int, clock: FixedClock
) -> None:
    for _ in range(4):
        _fail(client)
    assert _sign_in(client).status_code == 302
    client.post("/sign-out")
    for _ in range(4):
        assert _fail(client).status_code == 422
    clock.advance(timedelta(minutes=16))
    assert _fail(client).status_code == 422


def test_thirtieth_failure_shuts_an_address_and_no_other(client: FlaskClient, person: int) -> None:
    for number in range(30):
        assert _fail(client, f"guess{number}").status_code == 422
    assert _fail(client, "wang").status_code == 429
    assert _fail(client, "wang", address="192.0.2.2").status_code == 422


def test_attempts_under_way_count_before_they_are_found_wrong(person: int) -> None:
    admitted = [run(AttemptSignIn("wang", "192.0.2.1"), actor=SYSTEM) for _ in range(6)]
    assert [one.attempt_id is not None for one in admitted] == [True] * 5 + [False]


def test_administrator_lifts_the_lock_out(client: FlaskClient, person: int) -> None:
    for _ in range(5):
        _fail(client)
    run(LiftLockOut(person), actor=SYSTEM)
    assert _sign_in(client).headers["Location"] == "/password"


# The first password of one's own


@pytest.mark.parametrize("path", ["/cases", "/inbox?tab=all", "/catalogue"])
def test_every_page_leads_to_the_first_password(
    client: FlaskClient, person: int, path: str
) -> None:
    _sign_in(client)
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/password?next=")
    assert client.get("/api/items").status_code in {403, 404}
    assert client.post("/sign-out").headers["Location"] == "/sign-in"


def test_nothing_is_done_before_the_first_password(
    app: Flask, client: FlaskClient, person: int
) -> None:
    _sign_in(client)
    assert client.post("/cases/new", data={}).headers["Location"] == "/password"
    with app.test_request_context("/"):
        login_user(signed_in(db.session(), person))
        with pytest.raises(Forbidden):
            act(CloseUnit(1))


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("wang-wang", "密码至少 10 个字符"),
        ("jingwei-demo", "密码不能用试用账号的公开密码"),
    ],
)
def test_password_that_breaks_a_rule_is_refused(
    client: FlaskClient, person: int, password: str, fault: str
) -> None:
    _sign_in(client)
    answer = client.post(
        "/password", data={"present": PASSWORD, "password": password, "repeated": password}
    )
    assert answer.status_code == 422
    assert fault in answer.text


def test_login_is_no_password(person: int, session: Session) -> None:
    unit_id = session.get_one(Person, person).unit_id
    with pytest.raises(InvalidInput) as caught:
        run(
            CreatePerson(unit_id, "wang.fang.city", "王芳", password="Wang.Fang.City"), actor=SYSTEM
        )
    assert caught.value.fields == {"password": "密码不能与登录名相同"}


def _renewals(client: FlaskClient, clock: FixedClock, path: str, **headers: str) -> list[bool]:
    """Return whether the session began anew, asked after five minutes and after ten."""
    found = []
    for _ in range(2):
        clock.move_to(clock.now() + timedelta(minutes=5))
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200
        found.append("jingwei=" in answer.headers.get("Set-Cookie", ""))
    return found


def test_session_begins_anew_while_somebody_is_at_work(
    client: FlaskClient, clock: FixedClock, person: int
) -> None:
    _sign_in_for_good(client)
    client.get("/password")
    page = {"Accept": "text/html"}
    part = {**page, "HX-Request": "true"}
    assert _renewals(client, clock, "/password", **part) == [False, False]
    assert _renewals(client, clock, "/password", Accept="text/event-stream") == [False, False]
    for _ in range(2):
        assert _renewals(client, clock, "/password", **page) == [True, False]


def test_part_of_a_page_is_refused_once_nobody_is_signed_in(client: FlaskClient) -> None:
    for headers in ({"HX-Request": "true"}, {"Accept": "application/json"}):
        for path in ("/inbox", "/sensing/alerts"):
            assert client.get(path, headers=headers).status_code == 401
    assert client.get("/inbox").status_code == 302


def test_part_of_a_page_is_no_place_for_the_first_password(
    client: FlaskClient, person: int
) -> None:
    _sign_in(client)
    answer = client.get("/inbox", headers={"HX-Request": "true"})
    assert answer.status_code == 403
