"""The pages of try-outs and replays: who enters, what hostile forms get, and a way through each."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from app.accounts.commands import CreatePerson
from app.accounts.roles import AUDITOR
from app.modeling.draft_commands import SaveDraftFile, StartDraft
from app.run import SYSTEM, Actor, run
from tests.commands.test_modeling_drafts import person
from tests.factories import Desk
from tests.web.conftest import SignIn

BEGINNING = {"channel": "collector", "begun_at": "2025-11-25T09:00", "district_code": "140106"}


@pytest.fixture
def maker(desk: Desk) -> Actor:
    return person("maker")


@pytest.fixture
def client_of_maker(signed: SignIn, maker: Actor) -> FlaskClient:
    return signed(maker)


@pytest.fixture
def draft(maker: Actor) -> int:
    return int(run(StartDraft("case", "改处置"), actor=maker))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return unescape(found.group(1))


def token(page: str, do: str) -> str:
    found = re.search(rf'value="({do}:[^"]*)"', page)
    assert found is not None, page
    return unescape(found.group(1))


def test_draft_is_tried_step_by_step(client_of_maker: FlaskClient, draft: int) -> None:
    address = f"/modeling/drafts/{draft}/try"
    assert "开始试运行" in client_of_maker.get(address).text
    page = client_of_maker.post(address, data={**BEGINNING, "action": "begin"}).text
    assert "受理" in page
    form = {**BEGINNING, "choices": hidden(page, "choices"), "action": token(page, "complete")}
    refused = client_of_maker.post(address, data=form)
    assert refused.status_code == 422
    assert "请填写这一项" in refused.text
    page = client_of_maker.post(address, data={**form, "outcome": "accept"}).text
    assert "T_file" in page
    back = {**BEGINNING, "choices": hidden(page, "choices"), "action": "back"}
    assert "T_accept" in client_of_maker.post(address, data=back).text


def test_draft_that_cannot_be_deployed_says_why(
    client_of_maker: FlaskClient, draft: int, maker: Actor
) -> None:
    run(SaveDraftFile(draft, "check.bpmn", b"<half", 1), actor=maker)
    for address in ("try", "replay"):
        page = client_of_maker.get(f"/modeling/drafts/{draft}/{address}").text
        assert "还不能部署" in page
        assert "check.bpmn" in page
    answer = client_of_maker.post(f"/modeling/drafts/{draft}/try", data=BEGINNING)
    assert "还不能部署" in answer.text


@pytest.mark.parametrize(
    "given",
    [
        {"choices": "["},
        {"choices": '[["complete","1",{"outcome":{"a":[1]}}]]'},
        {"choices": '[["fire","999999999999999999999",{}]]'},
        {"choices": '[["send","extension_requested",{"amount":[1],"reason":5}]]'},
        {"channel": "nobody"},
        {"begun_at": "9999-12-31T23:59"},
        {"begun_at": "soon"},
        {"class_code": "x\x00"},
        {"action": "complete:x"},
        {"action": "send:' OR 1=1"},
        {"action": "open:99"},
        {"action": "rm -rf"},
    ],
)
def test_whatever_comes_in_is_answered_with_a_page(
    client_of_maker: FlaskClient, draft: int, given: dict[str, str]
) -> None:
    form = {**BEGINNING, **given}
    answer = client_of_maker.post(f"/modeling/drafts/{draft}/try", data=form)
    assert answer.status_code in (200, 422)
    assert "试运行" in answer.text


def test_replay_runs_by_slices_and_opens_to_its_cases(
    client_of_maker: FlaskClient, desk: Desk, draft: int
) -> None:
    number = desk.case(desk.closed_case())["number"]
    form = {"month": "2025-11", "wanted": "50", "assumed": "2 工作时"}
    started = client_of_maker.post(f"/modeling/drafts/{draft}/replay", data=form)
    address = str(started.headers["Location"])
    assert "hx-post" in client_of_maker.get(address).text
    part = client_of_maker.post(f"{address}/slice", headers={"HX-Request": "true"}).text
    assert "已回放 1 件" in part
    assert "hx-post" not in part
    assert "没有这样的案卷" in client_of_maker.get(f"{address}?show=newly-late").text
    assert client_of_maker.get(f"{address}?show=nothing").status_code == 404
    last = client_of_maker.get(f"/modeling/drafts/{draft}/replay/last").text
    assert "2025-11" in last
    assert number not in last


@pytest.mark.parametrize(
    "given", [{"month": "soon"}, {"month": "9999-12"}, {"month": "2025-10"}, {"wanted": "x"}]
)
def test_replay_that_cannot_be_is_refused(
    client_of_maker: FlaskClient, draft: int, given: dict[str, str]
) -> None:
    form = {"month": "2025-11", "wanted": "50", "assumed": "2 工作时", **given}
    answer = client_of_maker.post(f"/modeling/drafts/{draft}/replay", data=form)
    assert answer.status_code == 422


def test_only_analysts_and_administrators_enter(signed: SignIn, desk: Desk, draft: int) -> None:
    client = signed(desk.city.dispatcher)
    assert client.get(f"/modeling/drafts/{draft}/try").status_code == 403
    assert client.get(f"/modeling/drafts/{draft}/replay").status_code == 403


def test_auditor_reads_and_changes_nothing(
    client_of_maker: FlaskClient, signed: SignIn, desk: Desk, draft: int
) -> None:
    desk.closed_case()
    form = {"month": "2025-11", "wanted": "50", "assumed": "2 工作时"}
    started = client_of_maker.post(f"/modeling/drafts/{draft}/replay", data=form)
    person_id = run(CreatePerson(1, "auditor", "审计员甲", roles=(AUDITOR,)), actor=SYSTEM)
    auditor = signed(Actor(person_id, 1, "/1/", frozenset({AUDITOR}), "审计员甲"))
    for address in (
        "/modeling",
        f"/modeling/drafts/{draft}",
        f"/modeling/drafts/{draft}/replay",
        str(started.headers["Location"]),
    ):
        page = auditor.get(address)
        assert page.status_code == 200
        body = page.text.split("<main")[1]
        assert 'method="post"' not in body
        assert "hx-post" not in body
    assert 'data-locked="yes"' in auditor.get(f"/modeling/drafts/{draft}/case.bpmn").text
    assert auditor.post(f"/modeling/drafts/{draft}/replay", data=form).status_code == 403
    address = f"/modeling/drafts/{draft}/try"
    assert auditor.post(address, data=BEGINNING).status_code == 200
