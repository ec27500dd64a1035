"""The flood room's pages: what each reader sees, and what a phone sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from flask_login import FlaskLoginClient
from lxml import html
from openpyxl import load_workbook

from app import create_app
from app.accounts.sign_in import signed_in
from app.clock import FixedClock
from app.errors import AppError
from app.flood.commands.devices import GiveUpWaiting
from app.flood.commands.duty import Position, SignOn
from app.flood.commands.orders import IssueOrder, StepOrder
from app.run import SYSTEM, run
from app.sensing.device_commands import EndDevice
from app.sensing.rule_commands import AddRule, RuleText
from tests.factories import IN_GRID, Desk
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood, flood
from tests.web.conftest import SignIn

__all__ = ["flood"]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
HERE = {"lon": IN_GRID["lon"], "lat": IN_GRID["lat"], "accuracy": 10}


@pytest.fixture
def commander(flood: Flood, signed: SignIn) -> FlaskClient:
    return signed(COMMANDER)


@pytest.fixture
def staff(flood: Flood, signed: SignIn) -> FlaskClient:
    return signed(STAFF)


def test_board_without_points_says_what_fills_it(desk: Desk, signed: SignIn) -> None:
    page = signed(desk.city.manager1).get("/flood/").text
    assert "还没有防汛点位" in page


def test_board_shows_the_gravest_first_and_pages_on(
    flood: Flood, commander: FlaskClient, app
) -> None:
    flood.water(7, device="FP-2")
    flood.water(31)
    page = commander.get("/flood/").text
    assert page.index("桃园南路下穿") < page.index("并州路低洼处")
    assert "31.0" in page
    assert "橙色" in page
    onward = commander.get("/flood/?after=3_31.0_F-1").text
    assert "并州路低洼处" in onward
    assert "桃园南路下穿" not in onward


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=桃园", ["F-1"]),
        ("q=%25", []),
        ("kind=low_lying", ["F-2"]),
        ("level=3", ["F-1"]),
        ("wet=1", ["F-1", "F-2"]),
        ("district=999999", []),
    ],
)
def test_points_are_found_by_what_is_asked(
    flood: Flood, commander: FlaskClient, query: str, found: list[str]
) -> None:
    flood.water(7, device="FP-2")
    flood.water(31)
    page = commander.get(f"/flood/?{query}").text
    assert [code for code in ("F-1", "F-2") if f">{code}<" in page] == found


@pytest.mark.parametrize(
    ("path", "part", "refused"),
    [
        ("/flood/?kind=underpass", "points", None),
        ("/flood/orders?open=1", "orders", "/flood/orders"),
        ("/flood/duty?state=missing", "roster", "/flood/duty/roster"),
    ],
)
def test_list_renews_itself_and_no_form_with_it(
    flood: Flood, commander: FlaskClient, path: str, part: str, refused: str | None
) -> None:
    flood.shift()
    run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)
    flood.later(minutes=20)
    page = commander.get(path).text
    assert f'<div id="{part}" hx-get="{path}" hx-trigger="every 30s" hx-select="#{part}"' in page
    renewed = html.fromstring(page).get_element_by_id(part)
    assert "每半分钟更新" in renewed.text_content()
    assert len(renewed.xpath(".//tbody/tr")) == 1
    assert not renewed.xpath(".//form | .//input | .//select | .//textarea")
    if refused:
        # A form that was refused is shown where it was handed in: that address knows no GET.
        assert f'hx-get="{path.partition("?")[0]}"' in commander.post(refused).text


def test_manager_sees_the_points_of_the_own_unit(flood: Flood, signed: SignIn) -> None:
    client = signed(flood.desk.city.manager1)
    page = client.get("/flood/").text
    assert ">F-1<" in page
    assert ">F-2<" not in page
    assert client.get(f"/flood/points/{flood.sites['F-2']}").status_code == 403
    assert client.get("/flood/events").status_code == 403


@pytest.mark.parametrize("path", ["/flood/", "/flood/duty", "/flood/orders", "/flood/pumps"])
def test_pages_are_nothing_for_a_collector(flood: Flood, signed: SignIn, path: str) -> None:
    assert signed(flood.desk.city.collector).get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/flood/events", "/flood/forecasts", "/flood/duty", "/flood/orders", "/flood/pumps"],
)
def test_empty_pages_say_why_they_are_empty(
    flood: Flood, commander: FlaskClient, path: str
) -> None:
    assert 'class="empty"' in commander.get(path).text


def test_point_page_shows_its_curve_and_commands_its_siren(
    flood: Flood, commander: FlaskClient
) -> None:
    flood.water(20)
    flood.later(minutes=10)
    flood.water(25)
    address = f"/flood/points/{flood.sites['F-1']}"
    page = commander.get(address).text
    assert "<polyline" in page
    assert "声光报警" in page
    assert "道闸将立即落下" in page
    assert "确认落杆" in page
    siren = flood.rows("SELECT id FROM devices WHERE code = 'SR-1'")[0]["id"]
    answer = commander.post(f"{address}/devices/{siren}", data={"action": "sound"})
    assert answer.status_code == 302
    assert "等待设备答复" in commander.get(address).text
    wrong = commander.post(f"{address}/devices/{siren}", data={"action": "dance"})
    assert wrong.status_code == 422


def test_point_page_leads_to_its_alerts_with_the_unit_of_their_rule(
    flood: Flood, commander: FlaskClient
) -> None:
    before = FixedClock(flood.clock.now() - timedelta(days=1))
    lines = {"lines": [{"level": 1, "rise": 20, "fall": 10}], "window_minutes": 10}
    run(AddRule(RuleText("快涨", "rate", "depth_cm", lines)), actor=SYSTEM, clock=before)
    flood.water(5.8)
    address = f"/flood/points/{flood.sites['F-1']}"
    # Nothing is known of a quarter of an hour ago.
    assert "5.8 cm <span" in commander.get(address).text
    flood.later(minutes=6)
    # 9 cm in six minutes are 90 an hour.
    flood.water(14.8)
    page = commander.get(address).text
    ids = [row["id"] for row in flood.rows("SELECT id FROM alerts ORDER BY id")]
    assert len(ids) == 2
    assert all(f'href="/sensing/alerts/{number}"' in page for number in ids)
    assert "最高 14.8 cm" in page
    assert "最高 90 cm/h" in page


def test_alert_that_ended_with_its_device_is_not_called_cleared(
    flood: Flood, commander: FlaskClient
) -> None:
    flood.water(16)
    run(EndDevice(flood.rows("SELECT id FROM devices WHERE code = 'FP-1'")[0]["id"]), actor=SYSTEM)
    page = commander.get(f"/flood/points/{flood.sites['F-1']}").text
    assert "随设备停用终止" in page
    assert "已解除" not in page


def test_what_shows_as_nothing_is_not_under_water(flood: Flood, commander: FlaskClient) -> None:
    flood.water(0.9, device="FP-2")
    flood.water(1)
    page = commander.get("/flood/").text
    assert "有积水，不少于 1 厘米" in page
    assert '>1</a> <span class="hint">/ 2</span>' in page
    assert ">F-2<" not in commander.get("/flood/?wet=1").text
    assert commander.get("/flood/cockpit/state").json["wet"] == 1


def test_device_that_does_not_answer_leads_to_the_people_there(
    flood: Flood, commander: FlaskClient
) -> None:
    address = f"/flood/points/{flood.sites['F-1']}"
    barrier = flood.rows("SELECT id FROM devices WHERE code = 'BR-1'")[0]["id"]
    commander.post(f"{address}/devices/{barrier}", data={"action": "lower"})
    assert "没有执行" not in commander.get(address).text
    flood.later(minutes=1)
    run(GiveUpWaiting(), actor=SYSTEM)
    alone = commander.get(address).text
    assert "现场也没有值守人员" in alone
    assert f'href="/flood/orders?site_id={flood.sites["F-1"]}#issue"' in alone
    flood.shift()
    page = commander.get(address).text
    assert 'href="#text"' in page
    assert '<details id="call" open>' in page
    flood.later(hours=13)
    flood.shift()
    later = commander.get(address).text
    assert "未能执行" in later
    assert "没有执行" not in later
    assert '<details id="call">' in later


def test_video_of_another_origin_is_a_link(flood: Flood, commander: FlaskClient) -> None:
    with flood.database.sessions() as session:
        session.connection().exec_driver_sql(
            """UPDATE sites SET data = '{"video": "https://v.example/a.m3u8"}' WHERE code = 'F-1'"""
        )
        session.connection().exec_driver_sql(
            """UPDATE sites SET data = '{"video": "javascript:alert(1)"}' WHERE code = 'F-2'"""
        )
        session.commit()
    page = commander.get(f"/flood/points/{flood.sites['F-1']}").text
    assert "https://v.example/a.m3u8" in page
    assert "<video" not in page
    assert "javascript:" not in commander.get(f"/flood/points/{flood.sites['F-2']}").text


def test_event_is_answered_reported_and_printed(flood: Flood, commander: FlaskClient) -> None:
    flood.rain(12)
    flood.work()
    event = flood.rows("SELECT id FROM rain_events")[0]["id"]
    item = flood.rows("SELECT id FROM process_items")[0]["id"]
    address = f"/flood/events/{event}"
    wrong = commander.post(f"{address}/items/{item}", data={"outcome": "activate"})
    assert wrong.status_code == 422
    data = {"outcome": "activate", "response_level": "4"}
    assert commander.post(f"{address}/items/{item}", data=data).status_code == 302
    assert "Ⅰ级响应" in commander.get(address).text
    assert f'href="/flood/cockpit?event={event}"' in commander.get(address).text
    report = flood.rows("SELECT id FROM rain_reports")[0]["id"]
    assert "雨前报告" in commander.get(f"/flood/reports/{report}").text
    assert commander.get(f"/flood/reports/{report}/report.pdf").data.startswith(b"%PDF")
    assert commander.get(f"/flood/reports/{report}/report.docx").data.startswith(b"PK")


def test_report_says_in_words_how_it_was_counted(flood: Flood, commander: FlaskClient) -> None:
    flood.forecast(16, 22, 0)
    flood.shift()
    flood.work()
    report = flood.rows("SELECT id FROM rain_reports")[0]["id"]
    page = commander.get(f"/flood/reports/{report}").text
    assert "<dt>预报时长</dt><dd>72 小时</dd>" in page
    assert "as_of" not in page
    # Programs read a moment in the tag, people what stands in it.
    assert "+00:00" not in re.sub("<time [^>]*>", "", page)
    assert "看 1 个班次" in page
    order = [page.index(f">{title}<") for title in ("区县", "预报来源", "发布", "累计（毫米）")]
    assert order == sorted(order)


def test_wrong_file_is_named_on_its_page(flood: Flood, commander: FlaskClient) -> None:
    for path in ("/flood/forecasts", "/flood/duty/roster"):
        data = {"file": (BytesIO(b"\x00\x01rubbish"), "x.csv")}
        answer = commander.post(path, data=data)
        assert answer.status_code == 422, path
        assert "第一行缺少列" in answer.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/flood/duty/roster", "/flood/duty"),
        ("/flood/orders", "/flood/orders"),
        ("/flood/forecasts", "/flood/forecasts"),
        ("/flood/pumps/1", "/flood/pumps"),
    ],
)
def test_refused_form_is_shown_in_its_section(
    flood: Flood, commander: FlaskClient, path: str, page: str
) -> None:
    flood.truck()
    answer = commander.post(path, data={"site": "F-9"})
    assert answer.status_code in {404, 422}
    assert f'href="{page}" aria-current="page"' in answer.text


def test_empty_file_is_said_to_be_empty(flood: Flood, commander: FlaskClient) -> None:
    for path in ("/flood/forecasts", "/flood/duty/roster"):
        answer = commander.post(path, data={"file": (BytesIO(b""), "x.csv")})
        assert "这个文件是空的" in answer.text, path
        assert "请选择文件" in commander.post(path).text, path


def test_fault_of_a_row_is_said_in_the_reader_s_language(
    flood: Flood, commander: FlaskClient
) -> None:
    head = "发布时间,区县代码,开始时间,结束时间,雨量（毫米）,来源\n"
    row = "2025-11-25 08:30,140106,2025-11-25 09:00,2025-11-25 10:00,12.5,\n"
    commander.post("/language", data={"language": "en", "back": "/"})
    data = {"file": (BytesIO((head + row).encode()), "x.csv")}
    said = commander.post("/flood/forecasts", data=data).text
    assert "Row 2" in said
    assert "区县代码和来源必填" not in said


def test_sample_of_a_roster_can_be_uploaded_as_it_is(flood: Flood, commander: FlaskClient) -> None:
    sample = "/flood/duty/roster/sample.xlsx"
    assert f'href="{sample}"' in commander.get("/flood/duty").text
    content = commander.get(sample).data
    answer = commander.post("/flood/duty/roster", data={"file": (BytesIO(content), "x.xlsx")})
    assert answer.status_code == 302, answer.text
    assert len(flood.rows("SELECT * FROM duty_shifts")) == 1


def test_sample_of_a_forecast_becomes_none_until_it_is_edited(
    flood: Flood, commander: FlaskClient
) -> None:
    sample = "/flood/forecasts/sample.xlsx"
    assert f'href="{sample}"' in commander.get("/flood/forecasts").text
    content = commander.get(sample).data
    refused = commander.post("/flood/forecasts", data={"file": (BytesIO(content), "x.xlsx")})
    assert refused.status_code == 422
    assert "第 2 行：这是样表的示例行" in refused.text
    book = load_workbook(BytesIO(content))
    districts = [row["code"] for row in flood.rows("SELECT code FROM districts ORDER BY code")]
    assert [cell.value for cell in book.worksheets[0]["H"][1:]] == districts
    book.worksheets[0]["F2"] = "市气象台"
    edited = BytesIO()
    book.save(edited)
    edited.seek(0)
    answer = commander.post("/flood/forecasts", data={"file": (edited, "x.xlsx")})
    assert answer.status_code == 302, answer.text
    kept = flood.rows("SELECT district_code AS code FROM rain_forecasts")
    assert [row["code"] for row in kept] == districts[:1]


def test_cause_of_an_event_is_the_rain_and_not_the_rule_alone(
    flood: Flood, commander: FlaskClient
) -> None:
    flood.forecast(20, 20, 20)
    flood.work()
    page = commander.get("/flood/events").text
    assert "12 小时 60.0 毫米" in page
    assert "达到 30.0 毫米即开始" in page


def test_order_is_issued_once_by_two_clicks(flood: Flood, commander: FlaskClient) -> None:
    data = {
        "text": "抽水",
        "login": "staff1",
        "site_id": flood.sites["F-1"],
        "key": "00000000-0000-0000-0000-000000000001",
    }
    first = commander.post("/flood/orders", data=data)
    second = commander.post("/flood/orders", data=data)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(flood.rows("SELECT * FROM flood_orders")) == 1
    wrong = commander.post("/flood/orders", data={"text": "抽水", "login": "nobody"})
    assert wrong.status_code == 422


@pytest.mark.parametrize("given", ["staff1", "STAFF1", "队员甲", " 13800000001 "])
def test_person_is_found_by_login_name_or_number(
    flood: Flood, commander: FlaskClient, given: str
) -> None:
    page = commander.get("/flood/orders").text
    assert "填登录名；也可填姓名或电话" in page
    answer = commander.post("/flood/orders", data={"text": "抽水", "login": given})
    assert answer.status_code == 302
    assert flood.rows("SELECT person_id FROM flood_orders") == [{"person_id": STAFF.person_id}]


def test_person_of_a_common_name_is_asked_for_by_login(
    flood: Flood, commander: FlaskClient
) -> None:
    with flood.database.sessions() as session:
        session.connection().exec_driver_sql("UPDATE people SET name = '队员甲' WHERE id = 142")
        session.commit()
    answer = commander.post("/flood/orders", data={"text": "抽水", "login": "队员甲"})
    assert answer.status_code == 422
    assert "· staff1" in answer.text
    assert "· staff2" in answer.text
    assert 'aria-invalid="true" aria-describedby="login-fault login-hint"' in answer.text
    assert '<p class="fault" id="login-fault">' in answer.text
    # Who is no flood staff is not found at all.
    nobody = commander.post("/flood/orders", data={"text": "抽水", "login": "commander"})
    assert "没有这样的防汛人员“commander”" in nobody.text


def test_screen_and_page_of_duty_count_the_same_people(
    flood: Flood, commander: FlaskClient
) -> None:
    later = flood.shift(hours=3)
    flood.shift(hours=11)
    flood.shift(OTHER, "F-2")
    run(SignOn(Position(HERE["lon"], HERE["lat"], 5.0), later), actor=STAFF)
    flood.later(minutes=20)
    page = commander.get("/flood/duty").text
    assert tiles(page) == {"present": 1, "off_place": 0, "missing": 1, "expected": 0}
    assert "不在下列班次中而在岗" not in page
    people = commander.get("/flood/cockpit/state").json["people"]
    # One who came early, one who did not come.
    assert (people["on"], people["due"]) == (1, 2)


def test_who_is_on_duty_without_a_shift_is_named(flood: Flood, commander: FlaskClient) -> None:
    site_id = flood.sites["F-2"]
    run(SignOn(Position(HERE["lon"], HERE["lat"], 5.0), None, site_id), actor=STAFF)
    page = commander.get("/flood/duty").text
    assert "队员甲" in page.partition("不在下列班次中而在岗")[2]
    assert commander.get("/flood/cockpit/state").json["people"]["due"] == 1


def tiles(page: str) -> dict[str, int]:
    """Return what the tiles of the page of duty count."""
    found = re.findall(r'state-(\w+)".*?<dd><a [^>]*>(\d+)</a>', page)
    return {state: int(n) for state, n in found}


def test_time_left_is_in_hours_and_minutes(flood: Flood, commander: FlaskClient) -> None:
    run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)
    due_at = flood.rows("SELECT due_at FROM process_items")[0]["due_at"]
    for minutes, said in (
        (-239, "还剩 3 小时 59 分"),
        (-59, "还剩 59 分"),
        (61, "超时 1 小时 1 分"),
    ):
        flood.clock.move_to(due_at + timedelta(minutes=minutes))
        assert said in commander.get("/flood/orders").text


def test_count_of_troubled_orders_opens_to_these(flood: Flood, commander: FlaskClient) -> None:
    def issue(text: str) -> int:
        return int(run(IssueOrder(text, person_id=STAFF.person_id), actor=COMMANDER)["order_id"])

    refusal = {"outcome": "refuse", "opinion": "车辆故障"}
    run(StepOrder(issue("早已拒绝"), "T_acknowledge", refusal), actor=STAFF)
    flood.later(hours=12, minutes=1)
    run(StepOrder(issue("刚刚拒绝"), "T_acknowledge", refusal), actor=STAFF)
    issue("没人答复")
    flood.later(hours=5)
    issue("刚刚下达")
    button = re.search(
        r'href="([^"]+)">超时或退回的指令 <span class="count">(\d+)</span>',
        commander.get("/flood/waiting").text,
    )
    assert button is not None
    page = commander.get(button[1]).text
    assert "最近 12 小时内退回的" in page
    listed = re.findall(r'<a [^>]*href="/flood/orders/\d+">(\w+)</a>', page)
    assert listed == ["没人答复", "刚刚拒绝"]
    assert button[2] == "2"


def test_call_is_told_as_put_out_and_not_as_done(flood: Flood, commander: FlaskClient) -> None:
    flood.shift()
    address = f"/flood/points/{flood.sites['F-1']}"
    data = {"way": "sms", "text": "立即到岗"}
    answer = commander.post(f"{address}/calls", data=data, follow_redirects=True)
    assert "已安排呼叫，共 1 人，是否送出见下。" in answer.text
    assert "等待送出" in answer.text


def test_refused_call_keeps_who_was_chosen(flood: Flood, commander: FlaskClient) -> None:
    flood.shift()
    address = f"/flood/points/{flood.sites['F-1']}"
    assert 'name="text" value="" maxlength="200"' in commander.get(address).text
    data = {"way": "sms", "text": "到" * 201, "person_id": STAFF.person_id}
    answer = commander.post(f"{address}/calls", data=data)
    assert answer.status_code == 422
    assert f'<option value="{STAFF.person_id}" selected>队员甲</option>' in answer.text
    # Who has left meanwhile is not called, and neither is everybody.
    gone = commander.post(
        f"{address}/calls", data={"way": "sms", "text": "到岗", "person_id": OTHER.person_id}
    )
    assert gone.status_code == 422
    assert f'<option value="{OTHER.person_id}" selected>请重新选择</option>' in gone.text
    assert 'aria-describedby="person_id-fault"' in gone.text


def test_truck_is_sent_by_the_code_or_name_of_a_point(flood: Flood, commander: FlaskClient) -> None:
    truck = flood.truck()
    data = {"state": "working", "site": "F-2"}
    assert commander.post(f"/flood/pumps/{truck}", data=data).status_code == 302
    assert "并州路低洼处" in commander.get("/flood/pumps").text
    named = {"state": "on_way", "site": "桃园南路下穿"}
    assert commander.post(f"/flood/pumps/{truck}", data=named).status_code == 302
    (found,) = flood.rows("SELECT site_id FROM pump_trucks")
    assert found["site_id"] == flood.sites["F-1"]
    nowhere = commander.post(f"/flood/pumps/{truck}", data={"state": "on_way"})
    assert "要指明点位" in nowhere.text
    rename = "UPDATE sites SET name = '并州路低洼处' WHERE code = 'F-1'"
    with flood.database.sessions() as session:
        session.connection().exec_driver_sql(rename)
        session.commit()
    several = commander.post(
        f"/flood/pumps/{truck}", data={"state": "working", "site": "并州路低洼处"}
    )
    assert "F-1、F-2" in several.text
    wrong = commander.post(f"/flood/pumps/{truck}", data={"state": "working", "site": "F-9"})
    assert "F-9" in wrong.text


def test_refused_change_of_a_truck_keeps_what_was_typed(
    flood: Flood, commander: FlaskClient
) -> None:
    truck = flood.truck()
    assert f'action="/flood/pumps/{truck}?state=standby"' in (
        commander.get("/flood/pumps?state=standby").text
    )
    answer = commander.post(
        f"/flood/pumps/{truck}?state=standby", data={"state": "on_way", "site": "F-9"}
    )
    assert answer.status_code == 422
    assert f'<a href="#site-{truck}">晋A·F0001：没有防汛点位“F-9”</a>' in answer.text
    row = answer.text.partition("<tbody>")[2]
    assert f'id="site-{truck}" name="site" list="points" value="F-9"' in row
    assert f'aria-describedby="site-{truck}-fault site-hint" aria-invalid="true"' in row
    assert '<option value="on_way" selected>' in row
    assert "看全部泵车" in answer.text
    nowhere = commander.post(f"/flood/pumps/{truck}", data={"state": "gone", "site": ""})
    assert f'<a href="#state-{truck}">晋A·F0001：请选择泵车的状态</a>' in nowhere.text
    done = commander.post(f"/flood/pumps/{truck}?state=standby", data={"state": "standby"})
    assert done.headers["Location"] == "/flood/pumps?state=standby"


def test_phone_signs_on_and_takes_the_steps_of_an_order(flood: Flood, staff: FlaskClient) -> None:
    flood.shift()
    run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)
    page = staff.get("/flood/duty/me").text
    assert "桃园南路下穿" in page
    assert "收到，接受指令" in page
    shift = flood.rows("SELECT id FROM duty_shifts")[0]["id"]
    order = flood.rows("SELECT id FROM flood_orders")[0]["id"]
    assert staff.post("/flood/duty/me/sign-on", data={**HERE, "shift_id": shift}).status_code == 302
    for step in ("T_acknowledge", "T_on_way", "T_on_site"):
        assert staff.post(f"/flood/duty/me/orders/{order}", data={"step": step}).status_code == 302
    bare = staff.post(f"/flood/duty/me/orders/{order}", data={"step": "T_done"})
    assert "处置结果：请填写这一项" in bare.text
    data = {"step": "T_done", "opinion": "积水已抽干"}
    assert staff.post(f"/flood/duty/me/orders/{order}", data=data).status_code == 302
    assert flood.rows("SELECT done_at FROM flood_orders")[0]["done_at"] is not None


def test_what_a_phone_did_before_is_no_error(flood: Flood, staff: FlaskClient) -> None:
    """It was tapped twice on a bad line: two requests, one step."""
    order = run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)["order_id"]
    accept, shift = {"Accept": "application/json"}, flood.shift()
    other = flood.shift(site="F-2")
    asked = (
        (f"orders/{order}", {"step": "T_acknowledge"}),
        ("sign-on", {**HERE, "shift_id": shift}),
    )
    for path, data in asked:
        answers = [
            staff.post(f"/flood/duty/me/{path}", data=data, headers=accept) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[1].json == {"already": True}
    ahead = staff.post(f"/flood/duty/me/orders/{order}", data={"step": "T_done"})
    assert ahead.status_code == 409
    elsewhere = staff.post("/flood/duty/me/sign-on", data={**HERE, "shift_id": other})
    assert elsewhere.status_code == 409
    refused = staff.post("/flood/duty/me/sign-off")
    assert refused.status_code == 422
    assert 'name="leaving_orders"' in refused.text
    (sign_on,) = flood.rows("SELECT id FROM duty_sign_ons")
    sure = {"leaving_orders": "1", "sign_on_id": sign_on["id"]}
    off = [staff.post("/flood/duty/me/sign-off", data=sure, headers=accept) for _ in range(2)]
    assert [answer.status_code for answer in off] == [200, 200]
    # Of a day that nobody signed on for.
    never = {**sure, "sign_on_id": sign_on["id"] + 1}
    assert staff.post("/flood/duty/me/sign-off", data=never, headers=accept).status_code == 409
    # It comes late, from another phone: the next duty goes on.
    run(SignOn(Position(HERE["lon"], HERE["lat"], 10), other, None, None), actor=STAFF)
    late = staff.post("/flood/duty/me/sign-off", data={**sure, "kept": "1"}, headers=accept)
    assert late.json == {"already": True}
    assert len(flood.rows("SELECT id FROM duty_sign_ons WHERE off_at IS NULL")) == 1


def test_phone_that_was_passed_on_does_nothing_in_another_name(
    flood: Flood, staff: FlaskClient
) -> None:
    order = run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)["order_id"]
    data = {"step": "T_acknowledge", "person": str(OTHER.person_id)}
    answer = staff.post(
        f"/flood/duty/me/orders/{order}", data=data, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 401
    assert flood.rows("SELECT acknowledged_at FROM flood_orders")[0]["acknowledged_at"] is None


def test_phone_without_a_position_is_told_so(flood: Flood, staff: FlaskClient) -> None:
    answer = staff.post("/flood/duty/me/sign-on", data={"lon": "", "lat": "", "accuracy": ""})
    assert answer.status_code == 422
    assert "定位" in answer.text


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("sign-on", lambda: dict(HERE)),
        ("notes", lambda: {"text": "积水", "photo": (BytesIO(PNG), "p.png")}),
    ],
)
def test_phone_sends_again_and_is_answered_the_same(
    flood: Flood, staff: FlaskClient, clock: FixedClock, path: str, data: Callable[[], dict]
) -> None:
    key = {"key": "00000000-0000-0000-0000-000000000002"}
    accept = {"Accept": "application/json"}
    first = staff.post(f"/flood/duty/me/{path}", data={**data(), **key}, headers=accept)
    flood.later(minutes=3)
    again = staff.post(f"/flood/duty/me/{path}", data={**data(), **key}, headers=accept)
    assert first.status_code == again.status_code == 200
    assert first.json == again.json


def test_photo_of_a_note_is_for_its_writer_and_the_unit(
    flood: Flood, staff: FlaskClient, signed: SignIn
) -> None:
    staff.post("/flood/duty/me/notes", data={"text": "", "photo": (BytesIO(PNG), "p.png")})
    note = flood.rows("SELECT id FROM duty_notes")[0]["id"]
    address = f"/flood/duty/notes/{note}/photo"
    for client in (staff, signed(flood.desk.city.manager1)):
        with client.get(address) as answer:
            assert answer.data == PNG
    assert signed(flood.desk.city.manager2).get(address).status_code == 403
    assert signed(flood.desk.city.collector).get(address).status_code == 403


def test_alert_shows_the_last_photo_from_its_point_to_who_may_see_it(
    flood: Flood, staff: FlaskClient, commander: FlaskClient, signed: SignIn
) -> None:
    # The writer is of unit 11, the point and its alert are of 12.
    site = {"site_id": flood.sites["F-2"]}
    staff.post("/flood/duty/me/sign-on", data=HERE | site)
    staff.post("/flood/duty/me/notes", data={"text": "没过轮胎", "photo": (BytesIO(PNG), "p.png")})
    note = flood.rows("SELECT id, site_id FROM duty_notes")[0]
    assert note["site_id"] == flood.sites["F-2"]
    flood.water(16, device="FP-2")
    address = f"/sensing/alerts/{flood.rows('SELECT id FROM alerts')[0]['id']}"
    photo = f'src="/flood/duty/notes/{note["id"]}/photo"'
    assert photo in commander.get(address).text
    assert "没过轮胎" in commander.get(address).text
    of_the_point = signed(flood.desk.city.manager2).get(address)
    assert of_the_point.status_code == 200
    assert "没过轮胎" not in of_the_point.text
    assert photo not in of_the_point.text


@pytest.mark.parametrize(
    ("hours", "shown"), [(-3.1, False), (-2.9, True), (0.9, True), (1.1, False)]
)
def test_alert_of_an_hour_shows_no_photo_of_another_flood(
    flood: Flood, staff: FlaskClient, commander: FlaskClient, hours: float, shown: bool
) -> None:
    def take_photo() -> None:
        run(SignOn(Position(HERE["lon"], HERE["lat"], 5), None, flood.sites["F-1"]), actor=STAFF)
        staff.post("/flood/duty/me/notes", data={"text": "", "photo": (BytesIO(PNG), "p.png")})

    opens = flood.clock.now() + timedelta(hours=4)
    course = [
        (0, lambda: flood.water(16)),
        (hours, take_photo),
        (1, lambda: flood.water(0)),
    ]
    for passed, happens in sorted(course, key=lambda one: one[0]):
        flood.clock.move_to(opens + timedelta(hours=passed))
        happens()
    (alert,) = flood.rows("SELECT id, closed_at FROM alerts")
    assert alert["closed_at"] == opens + timedelta(hours=1)
    page = commander.get(f"/sensing/alerts/{alert['id']}").text
    assert ('src="/flood/duty/notes/' in page) == shown


def test_picture_of_a_camera_is_shown_from_known_origins_alone(
    flood: Flood, settings, open_database, clock, session
) -> None:
    session.connection().exec_driver_sql(
        """UPDATE sites SET data = '{"image": "https://v.example/a.jpg"}' WHERE code = 'F-1'"""
    )
    flood.water(16)
    addresses = (
        f"/sensing/alerts/{flood.rows('SELECT id FROM alerts')[0]['id']}",
        f"/flood/points/{flood.sites['F-1']}",
    )
    for origins, shown in (((), False), (("https://v.example",), True)):
        app = create_app(
            replace(settings, media_origins=origins), database=open_database, clock=clock
        )
        app.test_client_class = FlaskLoginClient
        client = app.test_client(user=signed_in(session, COMMANDER.person_id))
        for address in addresses:
            answer = client.get(address)
            assert 'href="https://v.example/a.jpg"' in answer.text
            assert ('src="https://v.example/a.jpg"' in answer.text) == shown
            policy = answer.headers["Content-Security-Policy"]
            assert ("img-src 'self' data: blob: https://v.example;" in policy) == shown


def test_media_policy_names_the_origins_of_the_settings(settings, open_database, clock) -> None:
    allowed = replace(settings, media_origins=("https://v.example",))
    client = create_app(allowed, database=open_database, clock=clock).test_client()
    policy = client.get("/sign-in").headers["Content-Security-Policy"]
    assert "media-src 'self' https://v.example" in policy
    with pytest.raises(AppError):
        create_app(replace(settings, media_origins=("https://v.example; script-src *",)))
