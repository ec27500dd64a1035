"""The desk's lists: what waits for others, what is done today, one decision for several items."""

from __future__ import annotations

from datetime import timedelta

from app.cases.commands import ClaimItem, RequestExtension
from app.clock import FixedClock
from app.run import run
from tests.factories import City, Desk
from tests.web.conftest import SignIn


def _number(desk: Desk, case_id: int) -> str:
    return str(desk.case(case_id)["number"])


def test_case_handed_on_waits_for_others(desk: Desk, city: City, signed: SignIn) -> None:
    number = _number(desk, desk.filed_case())
    client = signed(city.intake)
    page = client.get("/inbox?tab=waiting").text
    # Accepted and filed by the same person: one line, that says who has it.
    assert page.count(f">{number}<") == 1
    assert "派遣员" in page
    assert number not in signed(city.intake2).get("/inbox?tab=waiting").text


def test_closed_case_waits_for_nobody(desk: Desk, city: City, signed: SignIn) -> None:
    number = _number(desk, desk.closed_case())
    assert number not in signed(city.intake).get("/inbox?tab=waiting").text


def test_done_today_ends_at_midnight(
    desk: Desk, city: City, signed: SignIn, clock: FixedClock
) -> None:
    number = _number(desk, desk.accepted_case())
    client = signed(city.intake)
    assert number in client.get("/inbox?tab=done").text
    clock.advance(timedelta(days=1))
    assert number not in client.get("/inbox?tab=done").text
    assert "今天还没有办结的工作" in client.get("/inbox?tab=done").text


def test_claiming_several_tells_of_each(desk: Desk, city: City, signed: SignIn) -> None:
    free, taken = (
        desk.item(desk.reported_case(), "T_accept"),
        desk.item(desk.reported_case(), "T_accept"),
    )
    run(ClaimItem(taken), actor=city.intake2)
    page = signed(city.intake).post("/inbox/bulk", data={"item": [free, taken], "action": "claim"})
    assert "成功 1 项，未成 1 项" in page.text
    assert "认领。" in page.text
    rows = desk.rows("SELECT id, assignee_id FROM work_items WHERE status = 'open'")
    assert {row["id"]: row["assignee_id"] for row in rows} == {
        free: city.intake.person_id,
        taken: city.intake2.person_id,
    }


def test_same_answer_for_several_extensions(desk: Desk, city: City, signed: SignIn) -> None:
    cases = [desk.assigned_case() for _ in range(2)]
    for case_id in cases:
        run(RequestExtension(case_id, "雨天无法施工"), actor=city.manager1)
    items = desk.rows(
        "SELECT id FROM work_items WHERE form_key = 'approve_extension' AND status = 'open'"
    )
    ids = [row["id"] for row in items]
    assert len(ids) == len(cases)
    role = desk.rows("SELECT role FROM work_items WHERE id = :id", id=ids[0])[0]["role"]
    who = {"duty_chief": city.chief, "dispatcher": city.dispatcher}[role]
    client = signed(who)
    asked = client.post("/inbox/bulk", data={"item": ids, "action": "answer"})
    assert "对所选各项都答复" in asked.text
    told = client.post(
        "/inbox/bulk", data={"item": ids, "action": "answer", "asked": "1", "outcome": "grant"}
    )
    assert "成功 2 项" in told.text
    decided = desk.rows("SELECT decision FROM case_requests WHERE kind = 'extension'")
    assert [row["decision"] for row in decided] == ["granted", "granted"]


def test_words_an_answer_needs_are_asked_for_by_their_name(
    desk: Desk, city: City, signed: SignIn
) -> None:
    item = desk.item(desk.assigned_case(), "T_handle")
    client = signed(city.handler1)
    asked = client.post("/inbox/bulk", data={"item": item, "action": "answer"})
    assert '<label for="opinion">处置情况</label>' in asked.text
    answer = {"item": item, "action": "answer", "asked": "1", "outcome": "done"}
    told = client.post("/inbox/bulk", data=answer)
    assert "处置情况：请填写这一项" in told.text


def test_form_with_more_than_a_choice_is_done_one_by_one(
    desk: Desk, city: City, signed: SignIn
) -> None:
    item = desk.item(desk.filed_case(), "T_dispatch")
    answer = signed(city.dispatcher).post("/inbox/bulk", data={"item": item, "action": "answer"})
    assert answer.status_code == 422
    assert "请逐项办理" in answer.text


def test_manager_assigns_several(desk: Desk, city: City, signed: SignIn) -> None:
    item = desk.item(desk.dispatched_case(), "T_assign")
    client = signed(city.manager1)
    asked = client.post("/inbox/bulk", data={"item": item, "action": "assign"})
    assert "交给" in asked.text
    told = client.post(
        "/inbox/bulk",
        data={
            "item": item,
            "action": "assign",
            "asked": "1",
            "person_id": city.manager1.person_id,
        },
    )
    assert "成功 1 项" in told.text
    refused = signed(city.manager2).post("/inbox/bulk", data={"item": item, "action": "assign"})
    assert refused.status_code == 403


def test_item_beside_the_list_is_a_part_of_a_page(desk: Desk, city: City, signed: SignIn) -> None:
    item = desk.item(desk.reported_case(), "T_accept")
    client = signed(city.intake)
    part = client.get(f"/items/{item}?pane=1").text
    assert "<!doctype" not in part
    assert f'data-opened="{item}"' in part
    whole = client.get(f"/inbox?tab=group&item={item}").text
    assert f'data-opened="{item}"' in whole
    left = client.post(f"/items/{item}?pane=1", data={"outcome": "accept"})
    assert left.get_json()["left"] == item


def test_loser_beside_the_list_keeps_what_was_typed(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.reported_case()
    item = desk.item(case_id, "T_accept")
    desk.do(case_id, "T_accept", city.intake2, "accept")
    answer = signed(city.intake).post(
        f"/items/{item}?pane=1", data={"outcome": "reject", "opinion": "不属于受理范围"}
    )
    assert answer.status_code == 409
    assert "<!doctype" not in answer.text
    assert "不属于受理范围" in answer.text
    assert "受理员乙" in answer.text
