"""The citizen's word on a closed case: recorded, told in the log, listed while it is not content."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.cases.commands import RecordFeedback
from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, StateChanged
from app.run import run
from tests.factories import Desk
from tests.web.conftest import SignIn

LIST = "/oversight/disputed?kind=feedback"


def test_unsatisfied_citizen_stands_among_the_disputed_until_content(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case = desk.case(desk.closed_case())
    run(RecordFeedback(case["id"], False, "垃圾还在"), actor=desk.city.intake)
    shown = signed(desk.city.supervisor).get(LIST).text
    assert case["number"] in shown
    assert "垃圾还在" in shown
    clock.advance(timedelta(hours=1))
    run(RecordFeedback(case["id"], True), actor=desk.city.dispatcher)
    assert "没有市民反映未解决的案卷" in signed(desk.city.supervisor).get(LIST).text
    kinds = desk.log_kinds(case["id"])
    assert kinds[-2:] == ["feedback_unsatisfied", "feedback_satisfied"]


def test_officer_records_it_on_the_page_of_the_closed_case(desk: Desk, signed: SignIn) -> None:
    case = desk.case(desk.closed_case())
    client = signed(desk.city.intake)
    address = f"/cases/{case['number']}"
    assert "记录市民反馈" in client.get(address).text
    data = {"satisfied": "no", "words": "还是没人来"}
    told = client.post(f"{address}/feedback", data=data, follow_redirects=True).text
    assert "已记录市民反馈" in told
    assert "市民反馈：未解决" in told
    assert told.count("还是没人来") == 2


@pytest.mark.parametrize("data", [{}, {"satisfied": "no", "words": " "}])
def test_page_says_what_is_missing(desk: Desk, signed: SignIn, data: dict[str, str]) -> None:
    case = desk.case(desk.closed_case())
    address = f"/cases/{case['number']}/feedback"
    told = signed(desk.city.intake).post(address, data=data, follow_redirects=True).text
    assert 'class="flash error"' in told
    assert desk.rows("SELECT id FROM case_feedback") == []


def test_open_case_takes_no_feedback_nor_does_a_unit_give_it(desk: Desk) -> None:
    case_id = desk.dispatched_case()
    with pytest.raises(StateChanged):
        run(RecordFeedback(case_id, True), actor=desk.city.intake)
    with pytest.raises(InvalidInput):
        run(RecordFeedback(case_id, False), actor=desk.city.intake)
    with pytest.raises(Forbidden):
        run(RecordFeedback(case_id, True), actor=desk.city.manager1)


def test_case_page_leads_to_the_replay_for_those_who_may_open_it(
    desk: Desk, signed: SignIn
) -> None:
    case = desk.case(desk.dispatched_case())
    link = f"/oversight/replay/{case['number']}"
    assert link in signed(desk.city.supervisor).get(f"/cases/{case['number']}").text
    assert link not in signed(desk.city.intake).get(f"/cases/{case['number']}").text
