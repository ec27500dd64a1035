"""People sign on where they are, are missed where they are not, and the roll keeps both."""

from __future__ import annotations

import pytest

from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.flood.commands.calls import CallPeople
from app.flood.commands.duty import Position, SignOff, SignOn, TellPosition, WriteNote
from app.flood.commands.orders import IssueOrder
from app.flood.commands.roster import CallRoll, LoadRoster
from app.flood.commands.trucks import ChangeTruck
from app.run import run
from tests.factories import IN_GRID
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood, key

HERE = Position(IN_GRID["lon"], IN_GRID["lat"], 20.0)
# 0.01 degrees of latitude: 1,112 m.
AWAY = Position(IN_GRID["lon"], IN_GRID["lat"] + 0.01, 20.0)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def sign_on(flood: Flood, position: Position = HERE, number: int | None = None) -> dict:
    shift = flood.shift()
    request = key(number) if number else None
    return run(SignOn(position, shift, None, request), actor=STAFF)


def states(flood: Flood, **given) -> dict[str, str]:
    call = run(CallRoll(**given), actor=COMMANDER)
    (found,) = flood.rows("SELECT data FROM roll_calls WHERE id = :id", id=call)
    return {line["name"]: line["state"] for line in found["data"]["lines"]}


def test_sign_on_at_the_point_is_in_place(flood: Flood) -> None:
    assert sign_on(flood)["in_place"] is True


def test_sign_on_far_away_is_marked_with_its_distance(flood: Flood) -> None:
    done = sign_on(flood, AWAY)
    assert (done["in_place"], done["distance_m"]) == (False, 1112)


def test_second_sign_on_is_refused(flood: Flood) -> None:
    sign_on(flood)
    with pytest.raises(StateChanged):
        run(SignOn(HERE, site_id=flood.sites["F-2"]), actor=STAFF)


def test_sign_on_sent_again_is_answered_the_same(flood: Flood) -> None:
    shift = flood.shift()
    first = run(SignOn(HERE, shift, None, key(5)), actor=STAFF)
    flood.later(minutes=2)
    assert run(SignOn(HERE, shift, None, key(5)), actor=STAFF) == first
    assert len(flood.rows("SELECT * FROM duty_sign_ons")) == 1


def test_key_of_another_person_is_refused(flood: Flood) -> None:
    run(SignOn(HERE, None, None, key(5)), actor=STAFF)
    with pytest.raises(InvalidInput):
        run(SignOn(HERE, None, None, key(5)), actor=OTHER)


def test_shift_of_another_is_not_signed_on_to(flood: Flood) -> None:
    with pytest.raises(NotFound):
        run(SignOn(HERE, flood.shift()), actor=OTHER)


@pytest.mark.parametrize("lon", [float("nan"), 181.0])
def test_no_place_is_no_sign_on(flood: Flood, lon: float) -> None:
    with pytest.raises(InvalidInput):
        run(SignOn(Position(lon, 37.8, 5.0)), actor=STAFF)


def test_walking_away_is_seen(flood: Flood) -> None:
    sign_on(flood)
    assert run(TellPosition(AWAY), actor=STAFF)["in_place"] is False
    assert states(flood) == {"队员甲": "off_place"}
    assert len(flood.rows("SELECT * FROM duty_positions")) == 2


def test_roll_tells_who_is_there_missing_and_not_due_yet(flood: Flood) -> None:
    sign_on(flood)
    flood.shift(OTHER, "F-2")
    assert states(flood) == {"队员甲": "present", "队员乙": "expected"}
    flood.later(minutes=20)
    assert states(flood) == {"队员甲": "present", "队员乙": "missing"}
    run(SignOff(), actor=STAFF)
    assert states(flood, unit_id=11) == {"队员甲": "missing"}
    assert states(flood, site_id=flood.sites["F-2"]) == {"队员乙": "missing"}


def test_roll_call_is_kept_as_it_was(flood: Flood) -> None:
    flood.shift()
    flood.later(minutes=20)
    run(CallRoll(), actor=COMMANDER)
    shift = flood.rows("SELECT id FROM duty_shifts")[0]["id"]
    run(SignOn(HERE, shift), actor=STAFF)
    (found,) = flood.rows("SELECT present, missing FROM roll_calls")
    assert (found["present"], found["missing"]) == (0, 1)


def test_manager_calls_the_own_unit_alone(flood: Flood) -> None:
    manager = flood.desk.city.manager1
    run(CallRoll(), actor=manager)
    assert flood.rows("SELECT unit_id FROM roll_calls")[0]["unit_id"] == 11
    with pytest.raises(Forbidden):
        run(CallRoll(unit_id=12), actor=manager)


def test_sign_off_ends_duty_once(flood: Flood) -> None:
    sign_on(flood)
    run(SignOff(), actor=STAFF)
    with pytest.raises(StateChanged):
        run(SignOff(), actor=STAFF)


def test_sign_off_with_an_open_order_wants_to_be_sure(flood: Flood) -> None:
    sign_on(flood)
    run(IssueOrder("抽水", unit_id=11, site_id=flood.sites["F-1"]), actor=COMMANDER)
    run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)
    with pytest.raises(InvalidInput) as refused:
        run(SignOff(), actor=STAFF)
    # The one to the whole unit is not the actor's own.
    assert "1 条指令" in str(refused.value.fields["leaving_orders"])
    run(SignOff(leaving_orders=True), actor=STAFF)
    assert flood.rows("SELECT off_at FROM duty_sign_ons")[0]["off_at"] == flood.clock.now()


def test_note_keeps_text_and_photo_once(flood: Flood) -> None:
    sign_on(flood)
    for _ in range(2):
        run(WriteNote("路面积水", PNG, None, key(9)), actor=STAFF)
    (note,) = flood.rows("SELECT * FROM duty_notes")
    assert (note["text"], note["media_type"], note["site_id"]) == (
        "路面积水",
        "image/png",
        flood.sites["F-1"],
    )


@pytest.mark.parametrize(("text", "photo"), [("", None), ("", b"GIF89a"), ("长" * 1001, None)])
def test_note_that_says_nothing_or_is_no_photo_is_refused(flood: Flood, text, photo) -> None:
    with pytest.raises(InvalidInput):
        run(WriteNote(text, photo), actor=STAFF)


ROSTER = "登录名,点位编码,开始时间,结束时间\n"


def test_roster_is_read_from_csv(flood: Flood) -> None:
    rows = (
        "staff1,F-1,2025-11-25 08:00,2025-11-25 20:00\nstaff2,,2025/11/25 08:00,2025/11/25 20:00\n"
    )
    content = (ROSTER + rows).encode("gb18030")
    assert run(LoadRoster(content), actor=COMMANDER) == 2
    assert run(LoadRoster(content), actor=COMMANDER) == 0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("nobody,F-1,2025-11-25 08:00,2025-11-25 20:00", "nobody"),
        ("intake,F-1,2025-11-25 08:00,2025-11-25 20:00", "intake"),
        ("staff1,X-1,2025-11-25 08:00,2025-11-25 20:00", "X-1"),
        ("staff1,F-1,昨天,2025-11-25 20:00", "昨天"),
        ("staff1,F-1,2025-11-25 20:00,2025-11-25 08:00", "晚于"),
    ],
)
def test_wrong_row_of_a_roster_is_named(flood: Flood, row: str, fault: str) -> None:
    good = "staff1,F-1,2025-11-26 08:00,2025-11-26 20:00\n"
    with pytest.raises(InvalidInput) as refused:
        run(LoadRoster((ROSTER + good + row).encode()), actor=COMMANDER)
    (said,) = refused.value.fields.values()
    assert "第 3 行" in said
    assert fault in said
    assert flood.rows("SELECT * FROM duty_shifts") == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", b"\xff\xfe\x00", ROSTER.encode()])
def test_file_that_is_no_roster_is_refused(flood: Flood, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        run(LoadRoster(content), actor=COMMANDER)


def test_manager_rosters_the_own_people_alone(flood: Flood) -> None:
    row = "staff2,,2025-11-25 08:00,2025-11-25 20:00"
    with pytest.raises(InvalidInput):
        run(LoadRoster((ROSTER + row).encode()), actor=flood.desk.city.manager1)


def test_truck_is_changed_by_its_driver_and_logged(flood: Flood) -> None:
    truck = flood.truck()
    site = flood.sites["F-1"]
    run(ChangeTruck(truck, "on_way", site), actor=STAFF)
    run(ChangeTruck(truck, "working", site, HERE), actor=STAFF)
    found = flood.rows("SELECT state FROM pump_truck_changes ORDER BY id")
    assert [row["state"] for row in found] == ["standby", "on_way", "working"]
    with pytest.raises(Forbidden):
        run(ChangeTruck(truck, "standby"), actor=OTHER)
    with pytest.raises(InvalidInput):
        run(ChangeTruck(truck, "working"), actor=STAFF)
    with pytest.raises(InvalidInput):
        run(ChangeTruck(truck, "on_way"), actor=STAFF)


def test_calling_a_point_calls_each_of_its_people_once(flood: Flood) -> None:
    flood.shift()
    flood.shift(OTHER, "F-1")
    command = CallPeople(flood.sites["F-1"], "call_out", "立即到岗", None, key(4))
    assert run(command, actor=COMMANDER) == {"called": 1, "without": ["队员乙"]}
    assert run(command, actor=COMMANDER) == {"called": 1, "without": ["队员乙"]}
    (message,) = flood.rows("SELECT topic, payload FROM outbox WHERE topic = 'call_out'")
    assert message["payload"]["phone"] == "13800000001"
    (call,) = flood.rows("SELECT person_id, way FROM call_outs")
    assert (call["person_id"], call["way"]) == (141, "call_out")


def test_calling_an_empty_point_says_so(flood: Flood) -> None:
    with pytest.raises(InvalidInput):
        run(CallPeople(flood.sites["F-2"], "sms", "立即到岗"), actor=COMMANDER)
