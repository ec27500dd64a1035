"""Alerts, rules and maintenance as pages: what waits by area, one answer for many, a rule tried before it counts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask_login import FlaskLoginClient
from sqlalchemy.orm import Session

from app import create_app
from app.accounts.sign_in import signed_in
from app.clock import FixedClock
from app.db.session import Database
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, NewDevice, StoreReadings
from app.sensing.rule_commands import EndRule, ReplaceRule, RuleText
from app.settings import Settings
from connectors.samples import Sample
from tests.factories import IN_GRID, Desk
from tests.sensing.conftest import NOON
from tests.sensing.underpass import LINES, WATCH, Underpass, flooded_underpass
from tests.web.conftest import SignIn

RULE = {
    "name": "积水二级",
    "kind": "threshold",
    "metric": "depth_cm",
    "rise_2": "15",
    "fall_2": "13",
    "samples": "1",
    "scene": ["underpass"],
    "try_from": "2025-11-24",
    "try_to": "2025-11-25",
}


@pytest.fixture
def underpass(desk: Desk) -> Underpass:
    return flooded_underpass(desk)


@pytest.fixture
def analyst(desk: Desk) -> Actor:
    with desk.database.sessions() as session:
        connection = session.connection()
        connection.exec_driver_sql(
            "INSERT INTO people (id, unit_id, login, name) VALUES (140, 1, 'analyst', '分析员甲')"
        )
        connection.exec_driver_sql("INSERT INTO person_roles VALUES (140, 'analyst')")
        session.commit()
    return Actor(140, 1, "/1/", frozenset({"analyst"}), "分析员甲")


def test_watch_sees_what_waits_by_district_and_confirms_it(
    underpass: Underpass, signed: SignIn
) -> None:
    underpass.water(16)
    underpass.follow()
    client = signed(WATCH)
    page = client.get("/sensing/alerts").text
    assert "东区" in page
    assert "防汛排涝 · 待确认" in page
    alert_id = underpass.alert()["id"]
    page = client.get(f"/sensing/alerts/{alert_id}").text
    assert "确认预警" in page
    (item,) = underpass.desk.rows("SELECT id FROM process_items")
    address = f"/sensing/alerts/{alert_id}/items/{item['id']}"
    refused = client.post(address, data={"outcome": "false_alarm"})
    assert refused.status_code == 422
    # Whoever opens the address of an answer comes to the alert.
    assert client.get(address).location == f"/sensing/alerts/{alert_id}"
    assert client.post(address, data={"outcome": "real"}).status_code == 302
    (case,) = underpass.cases()
    assert case["number"] in client.get(f"/sensing/alerts/{alert_id}").text


def test_what_is_only_watched_waits_for_nobody_s_word(underpass: Underpass, signed: SignIn) -> None:
    underpass.water(7)
    underpass.follow()
    client = signed(WATCH)
    for address in ("/sensing/alerts", f"/sensing/alerts/{underpass.alert()['id']}"):
        page = client.get(address).text
        assert "观察" in page
        assert "… 待确认" not in page.replace("</span>", "")


def test_one_answer_for_many_alerts_of_an_area(underpass: Underpass, signed: SignIn) -> None:
    codes = [f"N-{n}" for n in range(120)]
    run(
        AddDevices([NewDevice(c, "depth", c, scene="underpass", **IN_GRID) for c in codes]),
        actor=SYSTEM,
    )
    run(StoreReadings([Sample(c, NOON, "depth_cm", 16.0) for c in codes], "test"), actor=SYSTEM)
    underpass.follow()
    client = signed(WATCH)
    assert ">120<" in client.get("/sensing/alerts/waiting").text
    area = {"district": "", "trade": "other", "element": "T_confirm_alert"}
    page = client.get("/sensing/alerts/area", query_string=area).text
    assert page.count('name="item"') == 100
    items = [row["id"] for row in underpass.desk.rows("SELECT id FROM process_items ORDER BY id")]
    nothing = client.post("/sensing/alerts/area", data={**area, "outcome": "real"})
    assert nothing.status_code == 400
    answer = {**area, "item": items[:30], "outcome": "false_alarm", "opinion": "演练"}
    client.post("/sensing/alerts/area", data=answer)
    found = underpass.desk.rows("SELECT verdict, count(*) FROM alerts GROUP BY verdict ORDER BY 1")
    assert [(row["verdict"], row["count"]) for row in found] == [("false_alarm", 30), (None, 90)]
    # A second click finds them done and changes nothing.
    again = client.post("/sensing/alerts/area", data=answer)
    assert again.status_code == 400


def test_faulty_answer_for_many_keeps_what_was_sent(underpass: Underpass, signed: SignIn) -> None:
    underpass.water(16)
    underpass.water(17, device="FP-2")
    underpass.follow()
    first, second = (row["id"] for row in underpass.desk.rows("SELECT id FROM process_items"))
    (place,) = underpass.desk.rows("SELECT district_code FROM sites")
    area = {"district": place["district_code"], "trade": "flood", "element": "T_confirm_alert"}
    client = signed(WATCH)
    page = client.get("/sensing/alerts/area", query_string=area).text
    assert _ticked(page) == {first, second}
    # Both stand at one place: their codes tell them apart.
    assert 'aria-label="桃园南路下穿 FP-2"' in page
    answer = {**area, "item": [second], "outcome": "false_alarm", "opinion": ""}
    refused = client.post("/sensing/alerts/area", data=answer)
    assert refused.status_code == 422
    assert _ticked(refused.text) == {second}
    assert re.search(r'value="false_alarm"\s+checked', refused.text)
    assert "结论为“误报”时，请填写说明。" in refused.text
    assert 'href="#opinion"' in refused.text
    assert 'class="field faulty" data-field="opinion"' in refused.text
    long = client.post("/sensing/alerts/area", data=answer | {"opinion": "字" * 1001})
    assert "字" * 1001 in long.text
    assert underpass.desk.rows("SELECT DISTINCT verdict FROM alerts") == [{"verdict": None}]
    done = client.post("/sensing/alerts/area", data=answer | {"opinion": "演练"})
    # What was left out stays left out.
    assert (done.status_code, _ticked(done.text)) == (200, set())
    assert f'value="{first}"' in done.text


def test_all_of_an_area_are_ticked_or_none_and_the_answer_stays(
    underpass: Underpass, signed: SignIn
) -> None:
    underpass.water(16)
    underpass.follow()
    (item,) = underpass.desk.rows("SELECT id FROM process_items")
    (place,) = underpass.desk.rows("SELECT district_code FROM sites")
    area = {"district": place["district_code"], "trade": "flood", "element": "T_confirm_alert"}
    client = signed(WATCH)
    for tick, ticked in (("none", set()), ("all", {item["id"]})):
        given = {**area, "tick": tick, "outcome": "false_alarm", "opinion": "演练", "item": "7"}
        page = client.post("/sensing/alerts/area", data=given).text
        assert _ticked(page) == ticked
        assert "演练" in page
    assert underpass.alert()["verdict"] is None


def _ticked(page: str) -> set[int]:
    found = re.findall(r'name="item" value="(\d+)" data-key="x" checked', page)
    return {int(number) for number in found}


def test_what_waits_and_is_on_record_renews_itself_beside_the_filter(
    underpass: Underpass, signed: SignIn
) -> None:
    underpass.water(16)
    underpass.follow()
    page = signed(WATCH).get("/sensing/alerts?state=all&level=2").text
    assert 'hx-get="/sensing/alerts?state=all&amp;level=2" hx-trigger="every 30s"' in page
    assert 'hx-select-oob="#levels,#records"' in page
    assert "每半分钟更新" in page
    filter_at, records_at = page.index('role="search"'), page.index('<div id="records">')
    # Closed before the filter begins, opened after it has ended.
    assert page.index("</section>") < filter_at < page.index("</form>", filter_at) < records_at
    assert page.index('id="alert-') > records_at
    blind = signed(underpass.desk.city.collector).get("/sensing/alerts").text
    assert "hx-select-oob" not in blind


def test_unit_manager_sees_own_alerts_and_looks_on_the_spot(
    underpass: Underpass, signed: SignIn
) -> None:
    underpass.water(30)
    underpass.follow()
    underpass.water(0, minute=1)
    underpass.follow()
    alert_id = underpass.alert()["id"]
    assert (
        signed(underpass.desk.city.manager2).get(f"/sensing/alerts/{alert_id}").status_code == 404
    )
    client = signed(underpass.desk.city.manager1)
    assert "待现场确认" in client.get("/sensing/alerts").text
    assert "桃园南路下穿" in client.get("/sensing/alerts?state=closed").text


def test_rule_is_tried_on_stored_readings_then_put_in_force(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    underpass.water(0, 16, 20, 3, 0, 17, 2)
    client = signed(analyst)
    page = client.post("/sensing/rules/new", data={**RULE, "wish": "try"}).text
    # The second gauge has measured nothing.
    assert "会引发 2 条预警；有读数的设备 1 台，读数 7 条" in page
    assert "最早的读数在" in page
    assert underpass.desk.rows("SELECT count(*) FROM sensor_rules") == [{"count": 1}]
    kept = client.post("/sensing/rules/new", data={**RULE, "wish": "keep"})
    assert kept.status_code == 302
    shown = client.get(kept.location).text
    assert 'value="15"' in shown
    before = min(row["id"] for row in underpass.desk.rows("SELECT id FROM sensor_rules"))
    assert client.post(f"/sensing/rules/{before}/end").status_code == 302
    assert "这条规则已停用" in client.get(f"/sensing/rules/{before}").text


@pytest.mark.parametrize(("wish", "status"), [("try", 200), ("keep", 409)])
def test_what_was_typed_outlives_the_rule_that_a_colleague_replaced(
    underpass: Underpass, signed: SignIn, analyst: Actor, wish: str, status: int
) -> None:
    (before,) = underpass.desk.rows("SELECT id FROM sensor_rules")
    text = RuleText("同事的", "threshold", "depth_cm", {"lines": LINES}, scenes=("underpass",))
    after = run(ReplaceRule(before["id"], text), actor=SYSTEM)
    client, given = signed(analyst), {**RULE, "fall_2": "12.5", "wish": wish}
    answer = client.post(f"/sensing/rules/{before['id']}", data=given)
    assert answer.status_code == status
    assert "您打开的规则其间已被替换" in answer.text
    assert f'<a href="/sensing/rules/{after}">查看替换它的规则</a>' in answer.text
    assert 'value="12.5"' in answer.text
    assert ("试算结果" in answer.text) is (wish == "try")
    # Handed in again, it takes the place of the colleague's.
    assert f'action="/sensing/rules/{after}"' in answer.text
    shown = client.get(f"/sensing/rules/{before['id']}").text
    assert 'name="rise_2"' not in shown
    assert f'<a href="/sensing/rules/{after}">查看替换它的规则</a>' in shown


def test_what_was_typed_for_a_rule_that_was_ended_becomes_a_new_one(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    (rule,) = underpass.desk.rows("SELECT id FROM sensor_rules")
    run(EndRule(rule["id"]), actor=SYSTEM)
    given = {**RULE, "devices": "FP-2", "wish": "keep"}
    answer = signed(analyst).post(f"/sensing/rules/{rule['id']}", data=given)
    assert answer.status_code == 409
    assert "您打开的规则其间已停用" in answer.text
    assert 'value="FP-2"' in answer.text
    assert 'action="/sensing/rules/new"' in answer.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rise_2": "很深"}, "应为数字，现为“很深”"),
        ({"rise_2": ""}, "请填写触发值"),
        ({"rise_2": "", "fall_2": ""}, "请填写警戒线"),
        ({"samples": "x"}, "应为整数"),
        ({"devices": "NO-1"}, "没有设备“NO-1”"),
        ({"try_to": "昨天", "wish": "try"}, "请填写日期"),
        ({"try_from": "2020-01-01", "wish": "try"}, "400 天以内"),
        ({"kind": "silent", "level": "1", "wish": "try"}, "不能用历史试算"),
        ({"season_from": "11-01"}, "季节应写作"),
        ({"name": ""}, "不能为空"),
    ],
)
def test_wrong_rule_is_told_and_what_was_typed_stays(
    underpass: Underpass, signed: SignIn, analyst: Actor, given: dict[str, Any], said: str
) -> None:
    answer = signed(analyst).post("/sensing/rules/new", data={"wish": "keep", **RULE, **given})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="13"' in answer.text or given.get("fall_2") == ""
    assert underpass.desk.rows("SELECT count(*) FROM sensor_rules") == [{"count": 1}]


def test_summary_names_the_field_of_each_fault(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    given = {**RULE, "rise_2": "十五", "samples": "x", "season_from": "11-01", "devices": "NO-1"}
    page = signed(analyst).post("/sensing/rules/new", data={**given, "wish": "keep"}).text
    for field, said in (
        ("rise_2", "黄色 触发值：应为数字，现为“十五”"),
        ("samples", "连续次数：应为整数，现为“x”"),
        ("devices", "只用于这些设备：没有设备“NO-1”"),
    ):
        assert f'<a href="#{field}">{said}</a>' in page
    page = signed(analyst).post("/sensing/rules/new", data={**RULE, "season_from": "11-01"}).text
    assert '<a href="#season_from">季节：季节应写作' in page


def test_empty_form_asks_for_what_is_missing_at_once(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    page = signed(analyst).post("/sensing/rules/new", data={"kind": "threshold"}).text
    assert "监测指标：请选择监测指标。" in page
    assert "名称：不能为空" in page
    assert "警戒线：请填写警戒线，或选择一张决策表" in page
    assert "“失联”没有" not in page


def test_watch_reads_rules_and_writes_none(underpass: Underpass, signed: SignIn) -> None:
    (rule,) = underpass.desk.rows("SELECT id FROM sensor_rules")
    client = signed(WATCH)
    page = client.get(f"/sensing/rules/{rule['id']}").text
    assert "用历史数据试算" not in page
    assert "保存后" not in page
    assert 'name="rise_2"' not in page
    assert "触发 15 cm，解除 13 cm" in page
    assert "规则由流程分析员或管理员新建、替换和停用" in page
    refused = client.get("/sensing/rules/new")
    assert refused.status_code == 403
    assert "规则由流程分析员或管理员新建" in refused.text
    assert client.post("/sensing/rules/new", data=RULE).status_code == 403
    assert client.post(f"/sensing/rules/{rule['id']}/end").status_code == 403


def test_analyst_looks_codes_up_and_changes_nothing(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    client = signed(analyst)
    assert ">FP-1<" in client.get("/sensing/devices").text
    assert "F-1" in client.get("/sensing/sites").text
    page = client.get("/sensing/rules").text
    assert 'href="/sensing/devices"' in page
    assert "新建设备" not in client.get("/sensing/devices").text
    assert client.get("/sensing/devices/new").status_code == 403
    assert client.get("/sensing/sites/new").status_code == 403


def test_analyst_reads_what_rules_raised_and_decides_nothing(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    underpass.water(16)
    underpass.follow()
    alert, client = underpass.alert(), signed(analyst)
    (item,) = underpass.desk.rows("SELECT id FROM process_items WHERE status = 'open'")
    address = f"/sensing/alerts/{alert['id']}"
    assert f'href="{address}"' in client.get(f"/sensing/devices/{alert['device_id']}").text
    assert f'href="{address}"' in client.get("/sensing/alerts").text
    page = client.get(address).text
    assert f'href="/sensing/rules/{alert["rule_id"]}"' in page
    assert 'name="outcome"' not in page
    assert client.post(f"{address}/items/{item['id']}", data={"outcome": "real"}).status_code == 403
    assert underpass.alert()["verdict"] is None


def test_analyst_reads_of_devices_of_no_unit(
    underpass: Underpass, session: Session, signed: SignIn, analyst: Actor
) -> None:
    session.connection().exec_driver_sql("UPDATE sites SET unit_id = NULL")
    underpass.water(16)
    address = f"/sensing/alerts/{underpass.alert()['id']}"
    assert f'href="{address}"' in signed(analyst).get("/sensing/alerts").text
    assert signed(analyst).get(address).status_code == 200


def test_maintenance_is_entered_by_code_and_ended(underpass: Underpass, signed: SignIn) -> None:
    client = signed(WATCH)
    wrong = client.post(
        "/sensing/maintenance", data={"code": "X", "hours": "2", "reason": "换电池"}
    )
    assert "没有编码为“X”的设备或点位" in wrong.text
    given = {"code": "FP-1", "hours": "2", "reason": "换电池"}
    assert client.post("/sensing/maintenance", data=given).status_code == 302
    (window,) = underpass.desk.rows(
        "SELECT id, device_id, ends_at - starts_at AS time FROM maintenance_windows"
    )
    assert window["time"] == timedelta(hours=2)
    assert "换电池" in client.get("/sensing/maintenance").text
    client.post(f"/sensing/maintenance/{window['id']}/end")
    assert (
        underpass.desk.rows(
            "SELECT * FROM maintenance_windows WHERE ends_at > starts_at + interval '1 hour'"
        )
        == []
    )


def test_alert_and_list_say_what_a_crossing_must_be_like(
    underpass: Underpass, signed: SignIn
) -> None:
    data = {"lines": LINES, "lasting_minutes": 10, "season": ["11-01", "03-31"], "hours": [6, 22]}
    (before,) = underpass.desk.rows("SELECT id FROM sensor_rules")
    text = RuleText("久积", "threshold", "depth_cm", data, 2, scenes=("underpass",))
    run(ReplaceRule(before["id"], text), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    underpass.water(*[16] * 12)
    alert_id = underpass.alert()["id"]
    client = signed(WATCH)
    for address in (f"/sensing/alerts/{alert_id}", "/sensing/rules"):
        page = client.get(address).text
        for term in ("连续 2 次", "持续 10 分钟", "每年限 11-01 至 03-31", "每日 6 至 22 点"):
            assert term in page
    page = client.get(f"/sensing/alerts/{alert_id}").text
    # Yellow dashes alone are hardly seen on white.
    assert page.index('class="limit-edge"') < page.index('class="limit limit-1"')
    assert 'class="limit limit-2"' in page
    assert "黄色</span> 15 cm" in page


def test_ending_a_rule_is_asked_about_and_told_as_what_it_was(
    underpass: Underpass, signed: SignIn, analyst: Actor
) -> None:
    underpass.water(16)
    underpass.follow()
    alert = underpass.alert()
    address = f"/sensing/rules/{alert['rule_id']}/end"
    client = signed(analyst)
    asked = client.post(address)
    assert "有 1 条未解除预警" in asked.text
    assert underpass.alert()["closed_at"] is None
    assert client.post(address, data={"sure": "1"}).status_code == 302
    underpass.follow()
    client = signed(WATCH)
    page = client.get(f"/sensing/alerts/{alert['id']}").text
    assert "随规则停用终止" in page
    assert "自行恢复" not in page
    assert "正常" not in page
    assert "随规则停用终止" in client.get("/sensing/alerts?state=closed").text
    page = client.get("/sensing/speed?month=2025-11").text
    assert re.search(r'data-label="自行恢复" class="number">0<', page)
    assert re.search(r'data-label="未恢复即终止" class="number">1<', page)


def test_all_faults_of_a_window_are_told_at_once(underpass: Underpass, signed: SignIn) -> None:
    given = {"code": " ", "starts_at": "x", "hours": "0", "reason": ""}
    answer = signed(WATCH).post("/sensing/maintenance", data=given)
    assert answer.status_code == 422
    for field, fault in (
        ("code", "请填写设备或点位的编码"),
        ("starts_at", "请填写日期和时间"),
        ("hours", "请填写 1 至 2160 小时"),
        ("reason", "请填写事由"),
    ):
        assert f'href="#{field}"' in answer.text
        assert answer.text.count(fault) == 2
    assert 'value="0"' in answer.text
    assert '<a href="/sensing/maintenance" aria-current="page">' in answer.text


def test_window_that_is_past_or_there_already_is_refused(
    underpass: Underpass, signed: SignIn, clock: FixedClock
) -> None:
    client = signed(WATCH)
    given = {"code": "F-1", "hours": "2", "reason": "换电池"}
    past = client.post("/sensing/maintenance", data=given | {"starts_at": "2025-01-01T08:00"})
    assert past.status_code == 422
    assert "检修在 2025-01-01 10:00 就已结束" in past.text
    assert client.post("/sensing/maintenance", data=given).status_code == 302
    again = client.post("/sensing/maintenance", data=given | {"reason": "再来"})
    assert (again.status_code, "与已登记的检修重叠" in again.text) == (422, True)
    assert "换电池" in again.text
    # One of its devices alone is another thing.
    assert client.post("/sensing/maintenance", data=given | {"code": "FP-1"}).status_code == 302
    clock.advance(timedelta(hours=2))
    assert client.post("/sensing/maintenance", data=given).status_code == 302


def test_maintenance_is_marked_wherever_the_device_is_shown(
    underpass: Underpass, signed: SignIn
) -> None:
    underpass.water(16)
    underpass.follow()
    alert = underpass.alert()
    (place,) = underpass.desk.rows("SELECT district_code FROM sites")
    area = f"district={place['district_code']}&trade=flood&element=T_confirm_alert"
    client = signed(WATCH)
    pages = [
        "/sensing/devices",
        f"/sensing/devices/{alert['device_id']}",
        "/sensing/alerts",
        f"/sensing/alerts/area?{area}",
        f"/sensing/alerts/{alert['id']}",
    ]
    assert not any("检修中" in client.get(address).text for address in pages)
    for address in (pages[1], pages[4]):
        assert 'href="/sensing/maintenance?code=FP-1"' in client.get(address).text
    assert 'value="FP-1"' in client.get("/sensing/maintenance?code=FP-1").text
    given = {"code": "F-1", "hours": "2", "reason": "换电池"}
    client.post("/sensing/maintenance", data=given)
    assert all("检修中，至" in client.get(address).text for address in pages)
    reader = signed(underpass.desk.city.supervisor)
    assert "登记检修" not in reader.get(pages[1]).text


def test_speed_of_a_month_opens_to_its_alerts(
    underpass: Underpass, signed: SignIn, clock: FixedClock
) -> None:
    underpass.water(16)
    underpass.follow()
    client = signed(underpass.desk.city.supervisor)
    (item,) = underpass.desk.rows("SELECT id FROM process_items")
    later = FixedClock(clock.now() + timedelta(minutes=7, seconds=30))
    run(CompleteProcessItem(item["id"], {"outcome": "real"}), actor=WATCH, clock=later)
    page = client.get("/sensing/speed?month=2025-11").text
    assert "东区平台" in page
    assert page.count("7.5 分") == 1
    # Its case waits to be dispatched: there is no time to tell.
    assert "0.0 分" not in page
    listed = client.get("/sensing/alerts?state=all&level=2&month=2025-11&unit=11").text
    assert "桃园南路下穿" in listed
    assert "桃园南路下穿" not in client.get("/sensing/alerts?state=all&month=2025-10&unit=11").text
    assert client.get("/sensing/speed?month=never").status_code == 404


def test_picture_of_a_camera_says_of_when_it_is(
    underpass: Underpass,
    settings: Settings,
    open_database: Database,
    session: Session,
    clock: FixedClock,
) -> None:
    session.connection().exec_driver_sql(
        """UPDATE sites SET data = '{"image": "https://v.example/a.jpg"}' WHERE code = 'F-1'"""
    )
    underpass.water(16)
    shows = replace(settings, media_origins=("https://v.example",))
    app = create_app(shows, database=open_database, clock=clock)
    app.test_client_class = FlaskLoginClient
    client = app.test_client(user=signed_in(session, 130))
    page = client.get(f"/sensing/alerts/{underpass.alert()['id']}").text
    picture = page.index('src="https://v.example/a.jpg"')
    assert picture < page.index("摄像机此刻的画面，打开本页时载入，不是预警发生时的")
