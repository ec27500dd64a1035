"""Who may see a case: the centre, its reporter, whoever works on it, and its units with those above them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.cases.commands import ReportCase, RequestReturn
from app.cases.queries import search
from app.cases.queries.visibility import may_see, sight_of
from app.clock import FixedClock
from app.run import SYSTEM, Actor, run
from tests.commands.test_appeals import PDF, appeal, late_case
from tests.factories import City, Desk
from tests.web.conftest import SignIn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def _number(desk: Desk, case_id: int) -> str:
    return str(desk.case(case_id)["number"])


def _reported_by(actor: Actor, channel: str = "collector") -> int:
    return int(run(ReportCase(channel=channel, title="路边垃圾"), actor=actor).case_id)


def _add_photo(client: FlaskClient, number: str) -> int:
    data = {"photos": (io.BytesIO(PNG), "现场.png")}
    return client.post(f"/cases/{number}/photos", data=data).status_code


def test_case_is_open_to_the_centre_its_reporter_and_its_unit(
    desk: Desk, city: City, signed: SignIn
) -> None:
    number = _number(desk, desk.dispatched_case())
    for actor in (city.collector, city.intake2, city.chief, city.supervisor, city.manager1):
        assert signed(actor).get(f"/cases/{number}").status_code == 200
        assert signed(actor).get(f"/api/cases/{number}").status_code == 200


@pytest.mark.parametrize("role", ["watch_officer", "flood_commander"])
def test_every_case_is_open_to_who_watches_the_city(
    desk: Desk, session: Session, role: str
) -> None:
    case_id = desk.dispatched_case()
    assert may_see(session, Actor(None, 1, "/1/", frozenset({role}), "值班员"), case_id)
    # In a unit of the ranking they see what is its own.
    assert not may_see(session, Actor(None, 12, "/1/12/", frozenset({role}), "值班员"), case_id)


@pytest.mark.parametrize(
    ("role", "sees"), [("watch_officer", False), ("flood_commander", False), ("assessor", True)]
)
def test_appeals_are_closed_to_who_watches_the_city(
    desk: Desk, session: Session, clock: FixedClock, signed: SignIn, role: str, sees: bool
) -> None:
    case_id = late_case(desk, clock)
    appeal_id = appeal(desk, case_id, evidence=(("封路通知.pdf", PDF),))
    sha256 = desk.rows("SELECT sha256 FROM appeal_evidence")[0]["sha256"]
    reader, status = signed(_at_the_centre(session, role)), 200 if sees else 403
    assert reader.get(f"/cases/{_number(desk, case_id)}").status_code == 200
    assert (_number(desk, case_id) in reader.get("/appeals").text) is sees
    assert reader.get(f"/appeals/{appeal_id}").status_code == status
    with reader.get(f"/appeals/{appeal_id}/files/{sha256}") as answer:
        assert answer.status_code == status


def _at_the_centre(session: Session, role: str) -> Actor:
    add = session.connection().exec_driver_sql
    add("INSERT INTO people (id, unit_id, login, name) VALUES (190, 1, 'n', '甲')")
    add("INSERT INTO person_roles (person_id, role) VALUES (190, %s)", (role,))
    return Actor(190, 1, "/1/", frozenset({role}), "甲")


def test_case_is_closed_to_another_unit(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    number, item_id = _number(desk, case_id), desk.item(case_id, "T_assign")
    assert _add_photo(signed(city.intake), number) == 302
    sha256 = desk.rows("SELECT sha256 FROM photos")[0]["sha256"]
    other = signed(city.manager2)
    answer = other.get(f"/cases/{number}")
    assert answer.status_code == 403
    assert "也没有派到您的单位" in answer.text
    assert other.get(f"/api/cases/{number}").status_code == 403
    assert other.get(f"/cases/{number}/photos/{sha256}").status_code == 403
    assert _add_photo(other, number) == 403
    assert other.post(f"/cases/{number}/requests/return", data={"reason": "x"}).status_code == 403
    assert other.get(f"/items/{item_id}").status_code == 403
    assert other.post(f"/items/{item_id}", data={"outcome": "direct"}).status_code == 403


def test_finished_item_is_closed_to_another_unit(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    item_id = desk.item(case_id, "T_assign")
    desk.hand_in(case_id)
    assert signed(city.manager1).get(f"/items/{item_id}").status_code == 200
    assert signed(city.manager2).get(f"/items/{item_id}").status_code == 403


def test_unit_that_had_a_case_still_sees_it(desk: Desk, city: City, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归本区"), actor=city.manager1)
    desk.do(case_id, "T_rule_return", city.chief, "founded", opinion="属西区")
    desk.do(case_id, "T_dispatch", city.dispatcher, "dispatch", unit_id=12)
    for actor in (city.manager1, city.manager2):
        assert signed(actor).get(f"/cases/{_number(desk, case_id)}").status_code == 200


def test_unit_sees_the_cases_of_units_below_it_and_not_of_those_above(
    desk: Desk, city: City, session: Session
) -> None:
    below, above = desk.filed_case(), desk.dispatched_case()
    desk.do(below, "T_dispatch", city.dispatcher, "dispatch", unit_id=111)
    assert may_see(session, city.manager1, below)
    assert may_see(session, city.handler1, below)
    assert not may_see(session, city.manager2, below)
    assert not may_see(session, city.handler1, above)


def test_handler_sees_a_case_of_the_unit_above_once_it_is_theirs(
    desk: Desk, city: City, signed: SignIn
) -> None:
    case_id = desk.assigned_case()
    assert signed(city.handler1).get(f"/cases/{_number(desk, case_id)}").status_code == 200
    desk.do(case_id, "T_handle", city.handler1, "done", opinion="已清除")
    assert signed(city.handler1).get(f"/cases/{_number(desk, case_id)}").status_code == 200


def test_collector_sees_own_reports_and_what_they_were_asked_to_look_at(
    desk: Desk, city: City, session: Session
) -> None:
    own, others = _reported_by(city.collector), _reported_by(city.intake)
    to_verify = _reported_by(city.intake, channel="public")
    assert may_see(session, city.collector, own)
    assert not may_see(session, city.collector, others)
    assert may_see(session, city.collector, to_verify)
    desk.do(to_verify, "T_verify", city.collector, "exists")
    assert may_see(session, city.collector, to_verify)
    another = replace(city.collector, person_id=122)
    assert not may_see(session, another, to_verify)


def test_role_of_the_centre_held_in_a_ranked_unit_sees_that_unit(
    desk: Desk, city: City, session: Session
) -> None:
    case_id = desk.dispatched_case()
    leader = replace(city.chief, roles=frozenset({"leader"}))
    assert may_see(session, leader, case_id)
    assert may_see(session, replace(leader, unit_id=11, unit_path="/1/11/"), case_id)
    assert not may_see(session, replace(leader, unit_id=12, unit_path="/1/12/"), case_id)
    assert may_see(session, SYSTEM, case_id)


def test_search_lists_only_what_the_reader_may_open(desk: Desk, city: City, signed: SignIn) -> None:
    east, waiting = _number(desk, desk.dispatched_case()), _number(desk, desk.reported_case())
    for query in ("", "?q=垃圾", "?q=20251125"):
        assert east in signed(city.manager1).get(f"/cases{query}").text
        assert waiting not in signed(city.manager1).get(f"/cases{query}").text
        assert east not in signed(city.manager2).get(f"/cases{query}").text
        assert waiting in signed(city.intake).get(f"/cases{query}").text
    assert "只列出您上报或经办的案卷" in signed(city.manager1).get("/cases").text
    assert "只列出您上报或经办的案卷" not in signed(city.intake).get("/cases").text


def test_whole_number_of_a_case_that_is_not_the_reader_s_is_not_found(
    desk: Desk, city: City, signed: SignIn
) -> None:
    number = _number(desk, desk.dispatched_case())
    assert signed(city.manager1).get(f"/cases?q={number}").status_code == 302
    answer = signed(city.manager2).get(f"/cases?q={number}")
    assert answer.status_code == 200
    assert f"没有找到“{number}”" in answer.text


@pytest.mark.parametrize("words", ["", "垃圾", "20251125"])
def test_search_goes_on_window_by_window_without_gap_or_double(
    desk: Desk,
    city: City,
    session: Session,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
) -> None:
    monkeypatch.setattr(search, "WINDOW", 3)
    mine = []
    for number in range(8):
        clock.advance(timedelta(seconds=number % 2))
        mine += [_reported_by(city.collector)] if number in {0, 1, 6} else []
        _reported_by(city.intake)
    sight, place, found = sight_of(session, city.collector), None, []
    while True:
        page = search.find_cases(session, words, sight, before=place, size=1).page
        found += [line.id for line in page.lines]
        if (place := page.next) is None:
            break
    assert found == mine[::-1]
