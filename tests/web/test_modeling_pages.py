"""The analyst's pages: a draft from its beginning to its deployment, and who may see them."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask.testing import FlaskClient

from app.modeling.bundles import shipped_files
from app.run import Actor
from tests.commands.test_modeling_drafts import RENAMED, person
from tests.factories import Desk
from tests.web.conftest import SignIn


@pytest.fixture
def maker(desk: Desk) -> Actor:
    return person("maker")


@pytest.fixture
def client_of_maker(signed: SignIn, maker: Actor) -> FlaskClient:
    return signed(maker)


@pytest.fixture
def draft(client_of_maker: FlaskClient) -> str:
    """Return the address of a new draft."""
    answer = client_of_maker.post("/modeling/drafts", data={"title": "改核查"})
    return str(answer.headers["Location"])


def test_only_analysts_and_administrators_enter(signed: SignIn, desk: Desk) -> None:
    assert signed(desk.city.dispatcher).get("/modeling").status_code == 403


def test_empty_list_says_why_and_names_the_active_files(client_of_maker: FlaskClient) -> None:
    page = client_of_maker.get("/modeling").text
    assert "还没有草稿。" in page
    assert all(path in page for path in shipped_files())


def test_draft_needs_a_name(client_of_maker: FlaskClient) -> None:
    answer = client_of_maker.post("/modeling/drafts", data={"title": " "})
    assert answer.status_code == 422
    assert "请填写草稿的名称" in answer.text


def test_content_saves_and_a_stale_save_is_a_conflict(
    client_of_maker: FlaskClient, draft: str
) -> None:
    json = {"Accept": "application/json"}
    found = client_of_maker.get(f"{draft}/check.bpmn/content").json
    assert found["content"].encode() == shipped_files()["check.bpmn"]
    saved = client_of_maker.post(f"{draft}/check.bpmn?seen=1", data=RENAMED, headers=json)
    assert saved.json == {"version": 2}
    stale = client_of_maker.post(f"{draft}/check.bpmn?seen=1", data=b"<x/>", headers=json)
    assert stale.status_code == 409
    assert "分析员maker" in stale.json["message"]
    assert "已改" in client_of_maker.get(draft).text


def test_check_lists_file_element_and_remedy(client_of_maker: FlaskClient, draft: str) -> None:
    assert client_of_maker.get(f"{draft}/check").json == {"faults": []}
    script = RENAMED.replace(b"userTask", b"scriptTask")
    client_of_maker.post(f"{draft}/check.bpmn?seen=1", data=script)
    faults = client_of_maker.get(f"{draft}/check").json["faults"]
    found = next(fault for fault in faults if fault["element"] == "T_check")
    assert found["file"] == "check.bpmn"
    assert found["remedy"]
    assert found["url"] == f"{draft}/check.bpmn"
    answer = client_of_maker.post(f"{draft}/propose", data={"note": "why"}, follow_redirects=True)
    assert "草稿尚有错误" in answer.text
    assert "T_check" in answer.text


def test_editor_and_comparison_keep_scripts_to_our_own(
    client_of_maker: FlaskClient, draft: str
) -> None:
    for path in ("check.bpmn", "routing.dmn", "accept.json", "compare/check.bpmn"):
        answer = client_of_maker.get(f"{draft}/{path}")
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status_code == 200
        assert "script-src 'self';" in policy
        assert "style-src 'self' 'unsafe-inline';" in policy
    assert "'unsafe-inline'" not in client_of_maker.get(draft).headers["Content-Security-Policy"]


def test_editor_offers_templates_of_topics_and_roles(
    client_of_maker: FlaskClient, draft: str
) -> None:
    page = client_of_maker.get(f"{draft}/check.bpmn").text
    assert "jingwei.topic.clock.start" in page
    assert "jingwei.role.collector" in page


def test_uploaded_file_joins_the_draft_and_history_restores(
    client_of_maker: FlaskClient, draft: str
) -> None:
    given = {"file": (BytesIO(RENAMED), "check.bpmn")}
    client_of_maker.post(f"{draft}/files", data=given)
    assert "恢复为这一稿" in client_of_maker.get(f"{draft}/history/check.bpmn").text
    client_of_maker.post(f"{draft}/history/check.bpmn", data={"version": 1})
    found = client_of_maker.get(f"{draft}/check.bpmn/content").json
    assert found["version"] == 3
    wrong = {"file": (BytesIO("流".encode("gbk")), "x.bpmn")}
    assert client_of_maker.post(f"{draft}/files", data=wrong).status_code == 422


def test_second_person_approves_on_the_page(
    client_of_maker: FlaskClient, draft: str, signed: SignIn
) -> None:
    client_of_maker.post(f"{draft}/check.bpmn?seen=1", data=RENAMED)
    client_of_maker.post(f"{draft}/propose", data={"note": "改名"})
    own = client_of_maker.get(draft).text
    assert "批准并部署" not in own
    assert "撤回修改" in own
    other = signed(person("second"))
    page = other.get(draft).text
    fields = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("seen", "active")
    }
    answer = other.post(f"{draft}/approve", data=fields, follow_redirects=True)
    assert "已部署：新案卷按这一版办理" in answer.text


def test_list_pages_by_the_last_change(client_of_maker: FlaskClient) -> None:
    for number in range(32):
        client_of_maker.post("/modeling/drafts", data={"title": f"第{number}份"})
    first = client_of_maker.get("/modeling").text
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = client_of_maker.get(following.replace("&amp;", "&")).text
    assert "第31份" in first
    assert "第0份" in second
    assert "第31份" not in second
