"""The pages of the cases room: inbox, case, item, report, search."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.cases.commands import (
    AssignItem,
    ClaimItem,
    RaiseSupervision,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.cases.queries import case_file, search
from app.clock import FixedClock
from app.run import run
from tests.factories import OUTSIDE, City, Desk
from tests.web.conftest import SignIn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def _number(desk: Desk, case_id: int) -> str:
    return str(desk.case(case_id)["number"])


def _case_page(desk: Desk, client: FlaskClient, case_id: int) -> str:
    answer = client.get(f"/cases/{_number(desk, case_id)}")
    assert answer.status_code == 200
    return answer.text


def _photo(name: str = "现场.png", content: bytes = PNG) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


# The inbox


def test_every_page_asks_to_sign_in(client: FlaskClient) -> None:
    for address in ("/inbox", "/cases", "/cases/new", "/cases/1", "/items/1"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert "/sign-in" in answer.headers["Location"]


def test_group_sees_what_waits_for_its_role(desk: Desk, city: City, signed: SignIn) -> None:
    number = _number(desk, desk.reported_case(address="迎泽大街 1 号"))
    page = signed(city.intake).get("/inbox").text
    assert number in page
    assert "迎泽大街 1 号" in page
    assert "采集员上报" in page
    # 受理 has 15 minutes without a break.
    assert "剩 15 分" in page
    assert number not in signed(city.dispatcher).get("/inbox?tab=group").text


def test_unit_sees_its_own_items_only(desk: Desk, city: City, signed: SignIn) -> None:
    number = _number(desk, desk.dispatched_case())
    assert number in signed(city.manager1).get("/inbox?tab=group").text
    assert number not in signed(city.manager2).get("/inbox?tab=group").text


def test_claim_moves_an_item_to_mine_and_hand_back_returns_it(
    desk: Desk, city: City, signed: SignIn
) -> None:
    case_id = desk.reported_case()
    number, item_id = _number(desk, case_id), desk.item(case_id, "T_accept")
    client = signed(city.intake)
    assert client.post(f"/items/{item_id}/claim").status_code == 302
    assert number in client.get("/inbox?tab=mine").text
    assert number not in client.get("/inbox?tab=group").text
    client.post(f"/items/{item_id}/hand-back")
    assert number not in client.get("/inbox?tab=mine").text
    assert number in client.get("/inbox?tab=group").text


def test_second_claim_is_a_conflict(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    signed(city.intake).post(f"/items/{item_id}/claim")
    answer = signed(city.intake2).post(f"/items/{item_id}/claim")
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("stage=accepting", True),
        ("stage=filing", False),
        ("channel=collector", True),
        ("channel=media", False),
        ("district=140106", True),
        ("district=999999", False),
        ("class=垃圾", True),
        ("class=井盖", False),
        ("q=路边", True),
        ("q=没有这样的字", False),
        ("q=20251125", True),
        ("q=20240101", False),
        ("overdue=1", False),
    ],
)
def test_filter_narrows_the_list(
    desk: Desk, city: City, signed: SignIn, query: str, found: bool
) -> None:
    number = _number(desk, desk.reported_case(class_code="E-01-02"))
    page = signed(city.intake).get(f"/inbox?tab=group&{query}").text
    assert (f">{number}<" in page) is found
    assert ("没有符合筛选条件的待办" in page) is not found


def test_overdue_is_said_in_shape_and_words(
    desk: Desk, city: City, signed: SignIn, clock: FixedClock
) -> None:
    number = _number(desk, desk.reported_case())
    clock.advance(timedelta(minutes=80))
    page = signed(city.intake).get("/inbox?tab=group&overdue=1").text
    assert number in page
    # 80 minutes less the 15 allowed.
    assert '<span aria-hidden="true">●</span> 超期 1 小时 5 分' in page


def test_empty_inbox_says_why(desk: Desk, city: City, signed: SignIn) -> None:
    client = signed(city.intake)
    assert "您手上没有待办" in client.get("/inbox?tab=mine").text
    assert "本组没有待认领的工作" in client.get("/inbox?tab=group").text


def test_chief_watches_all_and_a_manager_their_unit(desk: Desk, city: City, signed: SignIn) -> None:
    waiting = _number(desk, desk.reported_case())
    with_handler = _number(desk, desk.assigned_case())
    page = signed(city.chief).get("/inbox?tab=all").text
    assert waiting in page
    assert with_handler in page
    assert "东区处置员" in page
    page = signed(city.manager1).get("/inbox?tab=all").text
    assert waiting not in page
    assert with_handler in page
    assert with_handler not in signed(city.manager2).get("/inbox?tab=all").text


def test_only_watchers_are_offered_all(desk: Desk, city: City, signed: SignIn) -> None:
    page = signed(city.intake).get("/inbox?tab=all").text
    assert "全部待办" not in page
    assert "您手上没有待办" in page


def test_damaged_place_in_the_address_is_not_found(city: City, signed: SignIn) -> None:
    for place in ("x", "2025-11-25T00:00:00_1", "2025-11-25T00:00:00+00:00_x"):
        assert signed(city.intake).get(f"/inbox?tab=group&after={place}").status_code == 404


def test_odd_addresses_are_not_found_and_break_nothing(
    desk: Desk, city: City, signed: SignIn
) -> None:
    number = _number(desk, desk.reported_case())
    client = signed(city.intake)
    assert client.get("/items/99999999999999999999").status_code == 404
    assert client.post("/items/99999999999999999999/claim").status_code == 404
    assert client.get("/cases/%00").status_code == 404
    for address in (
        "/inbox?tab=group&q=%00&class=%00&stage=%00",
        "/cases?q=a%00b",
        "/cases/conditions?class_code=%00",
        f"/cases/{number}?log=99999999999999999999",
    ):
        assert client.get(address).status_code == 200


# The case


def test_case_tells_its_life_in_sentences(desk: Desk, city: City, signed: SignIn) -> None:
    page = _case_page(desk, signed(city.intake), desk.closed_case())
    for sentence in (
        "登记上报（采集员上报）：路边垃圾",
        "办结“受理”",
        "立案为暴露垃圾，时限 4 工作时",
        "第 1 次派遣，派给东区平台",
        "东区平台交回处置结果",
        "案件结束：已结案",
    ):
        assert sentence in page
    assert "有暴露垃圾" in page
    assert "责任单位" in page


def test_case_explains_its_clock(desk: Desk, city: City, signed: SignIn) -> None:
    page = _case_page(desk, signed(city.intake), desk.dispatched_case())
    # From 09:00 on a Tuesday: three hours until noon, one after 14:00.
    assert "11月25日 09:00 开始，限 4 工作时" in page
    assert "应于 11月25日 15:00 前完成" in page


def test_clock_that_was_archived_is_explained_from_its_start(
    desk: Desk, city: City, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case(seq=2)
    for _ in range(12):
        clock.advance(timedelta(minutes=1))
        desk.hand_in(case_id)
        clock.advance(timedelta(minutes=1))
        desk.do(case_id, "T_review", city.dispatcher, "rework", opinion="不合格")
    assert desk.rows("SELECT count(*) AS n FROM sla_clock_events")[0]["n"] > 0
    page = _case_page(desk, signed(city.intake), case_id)
    assert "11月25日 09:00 开始，限 2 工作日" in page
    assert page.count("返工，继续计时") == 12


def test_case_without_a_limit_says_so(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.accepted_case()
    desk.do(case_id, "T_file", city.intake, "file", class_code="E-01-02", limit="无时限")
    page = _case_page(desk, signed(city.intake), case_id)
    assert "立案为暴露垃圾，时限 无时限" in page


def test_long_log_is_shown_page_by_page(
    desk: Desk, city: City, signed: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = desk.closed_case()
    monkeypatch.setattr(case_file, "LOG_PAGE", 3)
    page = _case_page(desk, signed(city.intake), case_id)
    assert "登记上报" not in page
    while "更早的经过" in page:
        onward = page.split("更早的经过")[0].rsplit('href="', 1)[1].split('"')[0]
        page = signed(city.intake).get(onward.replace("&amp;", "&")).text
    assert "登记上报" in page


def test_case_shows_where_it_stands(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    page = _case_page(desk, signed(city.manager1), case_id)
    here = page.split('aria-current="step"')[2]
    assert "分派处置人员" in here.partition("</li>")[0]
    assert f"/items/{desk.item(case_id, 'T_assign')}" in page


def test_case_offers_only_what_the_person_may_ask(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    offered = {
        "extension": city.manager1,
        "hold": city.manager1,
        "return": city.manager1,
        "supervision": city.chief,
    }
    for kind, actor in offered.items():
        address = f"/cases/{_number(desk, case_id)}/requests/{kind}"
        assert address in _case_page(desk, signed(actor), case_id)
        assert address not in _case_page(desk, signed(city.dispatcher), case_id)


def test_extension_is_asked_for_from_the_case(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    address = f"/cases/{_number(desk, case_id)}"
    typed = {"amount": "2 工作时", "reason": "等待配件"}
    assert (
        signed(city.manager1).post(f"{address}/requests/extension", data=typed).status_code == 302
    )
    page = signed(city.manager1).get(address).text
    assert "等待配件" in page
    assert "待批复" in page
    assert "2 工作时" in page
    assert f"{address}/requests/extension" not in page


def test_request_that_misses_a_field_is_shown_again(desk: Desk, city: City, signed: SignIn) -> None:
    address = f"/cases/{_number(desk, desk.dispatched_case())}/requests/extension"
    answer = signed(city.manager1).post(address, data={"amount": "很久", "reason": "等待配件"})
    assert answer.status_code == 422
    assert 'href="#extension-amount"' in answer.text
    assert 'value="很久"' in answer.text
    assert "等待配件" in answer.text
    answer = signed(city.manager1).post(address, data={"amount": "2 工作时", "reason": " "})
    assert 'href="#extension-reason"' in answer.text


def test_second_request_of_a_kind_is_a_conflict(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "等待配件"), actor=city.manager1)
    address = f"/cases/{_number(desk, case_id)}/requests/extension"
    answer = signed(city.manager1).post(address, data={"reason": "再等"})
    assert answer.status_code == 409
    assert "已有一项同类申请" in answer.text


def test_hold_is_asked_for_in_local_time_and_released(
    desk: Desk, city: City, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case()
    address = f"/cases/{_number(desk, case_id)}"
    typed = {"until": "2025-12-05T18:00", "reason": "停水施工"}
    signed(city.manager1).post(f"{address}/requests/hold", data=typed)
    details = desk.rows("SELECT details FROM case_requests")[0]["details"]
    # 18:00 in Shanghai.
    assert details["hold_until"] == "2025-12-05T10:00:00+00:00"
    desk.do(case_id, "T_approve_hold", city.chief, "grant")
    page = signed(city.chief).get(address).text
    assert "同意挂账至 12月5日 18:00" in page.replace("</time>", "").replace(
        '<time datetime="2025-12-05T18:00+08:00">', ""
    )
    assert "流程停在“等待解除”" in page
    assert signed(city.chief).post(f"{address}/requests/release").status_code == 302
    assert desk.case(case_id)["on_hold"] is False


def test_return_and_its_ruling_are_told(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归本区"), actor=city.manager1)
    item_id = desk.item(case_id, "T_rule_return")
    assert "不归本区" in signed(city.chief).get(f"/items/{item_id}").text
    desk.do(case_id, "T_rule_return", city.chief, "unfounded", opinion="属地管理")
    page = _case_page(desk, signed(city.chief), case_id)
    assert "退单不成立，东区平台记推诿一次" in page
    assert "属地管理" in page


def test_hold_request_is_said_in_words_to_who_decides(
    desk: Desk, city: City, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case()
    until = clock.now() + timedelta(days=10)
    run(RequestHold(case_id, until, "停水施工"), actor=city.manager1)
    page = signed(city.chief).get(f"/items/{desk.item(case_id, 'T_approve_hold')}").text
    assert "12月5日 09:00" in page
    assert "停水施工" in page


def test_supervision_names_its_source(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    run(RaiseSupervision(case_id, "media", "电视台报道"), actor=city.chief)
    page = _case_page(desk, signed(city.manager1), case_id)
    assert "发起第 1 号督办（媒体督办）" in page
    assert "答复督办" in page


def test_reporter_is_shown_to_the_centre_only(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.reported_case(reporter_name="李女士", reporter_phone="13800001234")
    assert "13800001234" in _case_page(desk, signed(city.intake), case_id)
    assert "13800001234" not in _case_page(desk, signed(city.supervisor), case_id)


def test_title_with_tags_is_only_text(desk: Desk, city: City, signed: SignIn) -> None:
    page = _case_page(desk, signed(city.intake), desk.reported_case(title="<b>井盖</b> 100%s"))
    assert "<b>井盖" not in page
    assert "&lt;b&gt;井盖&lt;/b&gt; 100%s" in page


def test_unknown_number_is_not_found(city: City, signed: SignIn) -> None:
    answer = signed(city.intake).get("/cases/20251125999999")
    assert answer.status_code == 404
    assert "没有案卷号为 20251125999999 的案件" in answer.text


def test_photos_are_added_and_shown(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.reported_case()
    other = _number(desk, desk.reported_case())
    address = f"/cases/{_number(desk, case_id)}"
    client = signed(city.collector)
    answer = client.post(f"{address}/photos", data={"photos": [_photo()], "photo_stage": "before"})
    assert answer.status_code == 302
    sha256 = desk.rows("SELECT sha256 FROM photos")[0]["sha256"]
    with client.get(f"{address}/photos/{sha256}") as shown:
        assert (shown.status_code, shown.mimetype, shown.data) == (200, "image/png", PNG)
    assert f"{address}/photos/{sha256}" in client.get(address).text
    assert client.get(f"/cases/{other}/photos/{sha256}").status_code == 404
    assert client.get(f"{address}/photos/..%2F..%2Fsecret_key").status_code == 404


# The item


def test_form_is_asked_with_its_choices(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.accepted_case(), "T_file")
    page = signed(city.intake).get(f"/items/{item_id}").text
    assert '<label for="class_code">案件分类' in page
    assert "暴露垃圾 E-01-02" in page
    assert 'data-hide-when="[&#34;!=&#34;,[&#34;name&#34;,&#34;outcome&#34;]' in page


def test_dispatch_begins_with_the_unit_suggested(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.filed_case(), "T_dispatch")
    page = signed(city.dispatcher).get(f"/items/{item_id}").text
    assert '<option value="11" selected>东区平台</option>' in page
    assert "西区平台" in page


def test_handler_is_chosen_from_the_unit(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.dispatched_case(), "T_assign")
    page = signed(city.manager1).get(f"/items/{item_id}").text
    assert "东区处置员" in page
    assert "西区处置员" not in page


def test_completed_item_leads_back_to_the_inbox(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.accepted_case()
    typed = {"outcome": "file", "class_code": "E-01-02", "condition_seq": "1", "opinion": ""}
    client = signed(city.intake)
    answer = client.post(f"/items/{desk.item(case_id, 'T_file')}", data=typed)
    assert answer.headers["Location"] == "/inbox"
    assert "“立案”已办结" in client.get("/inbox").text
    assert desk.open_elements(case_id) == ["T_dispatch"]


def test_form_names_each_missing_field_and_keeps_what_was_typed(
    desk: Desk, city: City, signed: SignIn
) -> None:
    case_id = desk.accepted_case()
    typed = {"outcome": "file", "class_code": "", "condition_seq": "", "opinion": "情况\r\n属实"}
    answer = signed(city.intake).post(f"/items/{desk.item(case_id, 'T_file')}", data=typed)
    assert answer.status_code == 422
    assert 'href="#class_code"' in answer.text
    assert 'href="#condition_seq"' in answer.text
    assert 'value="file" checked' in answer.text
    assert "情况\n属实</textarea>" in answer.text
    assert desk.open_elements(case_id) == ["T_file"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "nonsense"),
        ("condition_seq", "first"),
        ("limit", "soon"),
        ("class_code", "E-99-99"),
        ("condition_seq", "99"),
    ],
)
def test_answer_of_the_wrong_kind_is_named(
    desk: Desk, city: City, signed: SignIn, field: str, value: str
) -> None:
    case_id = desk.accepted_case()
    typed = {"outcome": "file", "class_code": "E-01-02", "condition_seq": "1", field: value}
    answer = signed(city.intake).post(f"/items/{desk.item(case_id, 'T_file')}", data=typed)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert desk.open_elements(case_id) == ["T_file"]


def test_second_completion_says_who_was_first_and_keeps_what_was_typed(
    desk: Desk, city: City, signed: SignIn
) -> None:
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    desk.do(case_id, "T_accept", city.intake, "accept")
    typed = {"outcome": "reject", "opinion": "不属于受理范围"}
    answer = signed(city.intake2).post(f"/items/{item_id}", data=typed)
    assert answer.status_code == 409
    assert "受理员甲" in answer.text
    assert "11月25日 09:00" in answer.text
    assert "案件现在：立案" in answer.text
    assert "不属于受理范围" in answer.text
    assert "不予受理" in answer.text


def test_item_claimed_by_another_keeps_what_was_typed(
    desk: Desk, city: City, signed: SignIn
) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    run(ClaimItem(item_id), actor=city.intake)
    answer = signed(city.intake2).post(
        f"/items/{item_id}", data={"outcome": "reject", "opinion": "不属于受理范围"}
    )
    assert answer.status_code == 403
    assert "不属于受理范围" in answer.text


def test_item_of_another_role_is_forbidden(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    assert signed(city.dispatcher).get(f"/items/{item_id}").status_code == 403


def test_finished_item_shows_how_it_ended(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    desk.do(case_id, "T_accept", city.intake, "accept")
    page = signed(city.intake).get(f"/items/{item_id}").text
    assert "这项工作已经结束" in page
    assert "受理员甲" in page


def test_draft_comes_back(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    client = signed(city.intake)
    typed = {"outcome": "reject", "opinion": "写到一半"}
    answer = client.post(f"/items/{item_id}/draft", data=typed)
    assert answer.json == {"saved_at": "09:00:00"}
    page = client.get(f"/items/{item_id}").text
    assert "写到一半" in page
    assert 'value="reject" checked' in page
    assert "写到一半" not in signed(city.intake2).get(f"/items/{item_id}").text


def test_draft_is_kept_without_scripts_too(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    client = signed(city.intake)
    answer = client.post(f"/items/{item_id}", data={"opinion": "写到一半", "action": "draft"})
    assert answer.headers["Location"] == f"/items/{item_id}"
    assert "写到一半" in client.get(f"/items/{item_id}").text


def test_conditions_follow_the_class_chosen(desk: Desk, city: City, signed: SignIn) -> None:
    answer = signed(city.intake).get("/cases/conditions?class_code=E-01-02")
    assert answer.json == [
        {"value": "1", "text": "1. 有暴露垃圾（4 工作时）"},
        {"value": "2", "text": "2. 成片垃圾（2 工作日）"},
    ]
    assert signed(city.intake).get("/cases/conditions?class_code=none").json == []


def test_photo_goes_in_with_the_answers(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.assigned_case()
    typed = {"outcome": "done", "opinion": "已清除", "photos": _photo(), "photo_stage": "after"}
    answer = signed(city.handler1).post(f"/items/{desk.item(case_id, 'T_handle')}", data=typed)
    assert answer.status_code == 302
    assert desk.rows("SELECT stage FROM photos") == [{"stage": "after"}]
    assert desk.open_elements(case_id) == ["T_confirm"]


def test_file_that_is_no_photo_is_named_and_the_answers_kept(
    desk: Desk, city: City, signed: SignIn
) -> None:
    case_id = desk.assigned_case()
    typed = {"outcome": "done", "opinion": "已清除", "photos": _photo("a.gif", b"GIF89a")}
    answer = signed(city.handler1).post(f"/items/{desk.item(case_id, 'T_handle')}", data=typed)
    assert answer.status_code == 422
    assert 'href="#photos"' in answer.text
    assert "a.gif" in answer.text
    assert "已清除</textarea>" in answer.text
    assert desk.open_elements(case_id) == ["T_handle"]


def test_manager_assigns_within_the_unit(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.assigned_case()
    item_id = desk.item(case_id, "T_handle")
    client = signed(city.manager1)
    page = client.get(f"/items/{item_id}").text
    assert "东区处置员" in page
    assert 'id="answers"' not in page
    assert client.post(f"/items/{item_id}/assign", data={"person_id": "112"}).status_code == 302
    refused = client.post(f"/items/{item_id}/assign", data={"person_id": "122"})
    assert refused.status_code == 422
    assert "西区处置员" in refused.text
    assert client.post(f"/items/{item_id}/assign", data={}).status_code == 422


def test_assigned_item_is_in_the_handler_s_own_list(desk: Desk, city: City, signed: SignIn) -> None:
    item_id = desk.item(desk.reported_case(), "T_accept")
    run(AssignItem(item_id, 103), actor=city.chief)
    assert f"/items/{item_id}" in signed(city.intake2).get("/inbox?tab=mine").text


# The report


def _report(client: FlaskClient, **typed: object) -> TestResponse:
    data = {"channel": "hotline", "title": "井盖缺失", "address": "迎泽大街", **typed}
    return client.post("/cases/new", data=data)


def test_reported_case_gets_a_number_and_its_photos(desk: Desk, city: City, signed: SignIn) -> None:
    client = signed(city.intake)
    answer = _report(client, lon="112.55", lat="37.87", photos=_photo(), class_code="E-01-02")
    assert answer.headers["Location"] == "/cases/20251125000001"
    page = client.get("/cases/20251125000001").text
    assert "已登记，案卷号 20251125000001" in page
    assert "东一街道" in page
    assert desk.rows("SELECT stage FROM photos") == [{"stage": "before"}]


def test_place_outside_the_city_is_accepted_and_said(
    desk: Desk, city: City, signed: SignIn
) -> None:
    client = signed(city.intake)
    answer = _report(client, lon=str(OUTSIDE["lon"]), lat=str(OUTSIDE["lat"]))
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).text
    assert "位置不在本市范围内" in page
    assert "市外" in page
    assert desk.rows("SELECT outside_city FROM cases") == [{"outside_city": True}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "字" * 201),
        ("lon", "东经"),
        ("lat", "95"),
        ("channel", "pigeon"),
        ("class_code", "E-99-99"),
    ],
)
def test_report_names_the_faulty_field_and_keeps_the_rest(
    desk: Desk, city: City, signed: SignIn, field: str, value: str
) -> None:
    typed: dict[str, object] = {"lon": "112.5", "lat": "37.8", field: value}
    answer = _report(signed(city.intake), **typed)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert 'value="迎泽大街"' in answer.text
    assert desk.rows("SELECT id FROM cases") == []


def test_report_with_a_file_that_is_no_photo_opens_no_case(
    desk: Desk, city: City, signed: SignIn
) -> None:
    answer = _report(signed(city.intake), photos=_photo("a.exe", b"MZ"))
    assert answer.status_code == 422
    assert 'href="#photos"' in answer.text
    assert desk.rows("SELECT id FROM cases") == []


def test_self_handled_report_ends_at_once(desk: Desk, city: City, signed: SignIn) -> None:
    answer = _report(signed(city.collector), channel="collector", self_handled="true")
    assert answer.status_code == 302
    assert desk.rows("SELECT closed_as FROM cases") == [{"closed_as": "self_handled"}]


def test_only_reporters_report(city: City, signed: SignIn) -> None:
    assert signed(city.dispatcher).get("/cases/new").status_code == 403
    assert _report(signed(city.dispatcher)).status_code == 403


# The search


def test_whole_number_leads_to_its_case(desk: Desk, city: City, signed: SignIn) -> None:
    number = _number(desk, desk.reported_case())
    answer = signed(city.intake).get(f"/cases?q={number}")
    assert answer.headers["Location"] == f"/cases/{number}"


def test_beginning_of_a_number_and_words_find_cases(desk: Desk, city: City, signed: SignIn) -> None:
    first = _number(desk, desk.reported_case(title="井盖缺失"))
    second = _number(desk, desk.reported_case(description="旁边的 100% 商店门口"))
    client = signed(city.intake)
    assert first in client.get("/cases?q=202511250").text
    assert first in client.get("/cases?q=井盖").text
    assert second not in client.get("/cases?q=井盖").text
    assert second in client.get("/cases?q=100%25 商店").text
    # What means something to LIKE is only a character here.
    assert first not in client.get("/cases?q=%25").text
    assert "没有找到“没有的字”" in client.get("/cases?q=没有的字").text


def test_text_is_looked_for_window_by_window(
    desk: Desk,
    city: City,
    signed: SignIn,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    oldest = _number(desk, desk.reported_case(title="井盖缺失"))
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        desk.reported_case()
    monkeypatch.setattr(search, "WINDOW", 2)
    client = signed(city.intake)
    # Two characters are found by the index wherever they are; one is looked for in windows.
    assert f">{oldest}<" in client.get("/cases?q=井盖").text
    page = client.get("/cases?q=井").text
    assert f">{oldest}<" not in page
    onward = page.split('rel="next">在更早的案卷中继续找')[0].rsplit('href="', 1)[1].split('"')[0]
    assert f">{oldest}<" in client.get(onward.replace("&amp;", "&")).text


# Languages, and programs


def test_english_page_has_no_chinese_of_ours(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.closed_case()
    item_id = desk.item(desk.reported_case(), "T_accept")
    client = signed(city.intake)
    client.set_cookie("language", "en")
    assert "What happened" in _case_page(desk, client, case_id)
    assert "Dispatch 1, to East" in _case_page(desk, client, case_id)
    assert "Merge into case number" in client.get(f"/items/{item_id}").text
    assert "My group" in client.get("/inbox").text
    assert "Longitude" in client.get("/cases/new").text


def test_faults_are_told_in_english(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.accepted_case()
    client = signed(city.intake)
    client.set_cookie("language", "en")
    typed = {"outcome": "file", "class_code": "E-99-99", "condition_seq": "first", "opinion": ""}
    page = client.post(f"/items/{desk.item(case_id, 'T_file')}", data=typed).text
    assert "Should be a number of the list, not “first”" in page
    page = _report(client, lon="95.5", lat="195").text
    assert "Should lie between -90 and 90; it is 195.0" in page
    page = client.post("/cases/new", data={"channel": "pigeon", "title": "x"}).text
    assert "There is no channel “pigeon”" in page


def test_program_reads_a_case_and_its_inbox(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    number = _number(desk, case_id)
    answer = signed(city.manager1).get(f"/api/cases/{number}").json
    assert answer["stage"] == "handling"
    assert [item["element"] for item in answer["open_items"]] == ["T_assign"]
    page = signed(city.manager1).get("/api/items?tab=group").json
    assert [item["number"] for item in page["items"]] == [number]
    assert page["next"] is None


def test_program_is_told_in_json_what_is_wrong(
    client: FlaskClient, city: City, signed: SignIn
) -> None:
    assert client.get("/api/items").status_code == 401
    answer = signed(city.intake).get("/api/cases/none")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert signed(city.intake).get("/api/items?tab=every").status_code == 422
