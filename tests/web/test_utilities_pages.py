"""The utilities' pages: boards, registers, a site with its complaints, and who sees what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.clock import FixedClock
from tests.factories import Desk
from tests.utilities.quarter import BEGIN, STATION, Quarter, heated_quarter
from tests.web.conftest import SignIn

# The supply's rule speaks, and has raised nothing yet.
_BEYOND = """
SELECT 1 FROM sensor_rule_states s JOIN sensor_rules r ON r.id = s.rule_id
WHERE r.name_en = 'Low supply temperature' AND s.lines_on = 0 AND s.streaks[1] > 0
"""


@pytest.fixture
def quarter(desk: Desk) -> Quarter:
    return heated_quarter(desk)


@pytest.fixture
def failed(quarter: Quarter) -> Quarter:
    """Return the quarter after half an hour without heat, with two complaints of which one waits to be accepted."""
    quarter.fail(60)
    quarter.live(30)
    first, _second = quarter.complain(2)
    (case,) = quarter.desk.rows("SELECT id FROM cases WHERE number = :number", number=first)
    quarter.desk.do(case["id"], "T_verify", quarter.desk.city.collector, "exists")
    quarter.live(1)
    return quarter


def test_board_shows_sites_and_service(failed: Quarter, signed: SignIn) -> None:
    page = signed(failed.desk.city.supervisor).get("/utilities/heat").text
    assert "换热站" in page
    assert "预警 1" in page
    assert "22.22" in page  # two complaints of 900 homes, for ten thousand
    assert signed(failed.desk.city.supervisor).get("/utilities/steam").status_code == 404


def test_site_beyond_a_line_says_when_that_raises_an_alert(
    quarter: Quarter, signed: SignIn, clock: FixedClock
) -> None:
    quarter.fail(60)
    while not quarter.desk.rows(_BEYOND) and quarter.at < BEGIN + timedelta(minutes=30):
        quarter.live(1)
    clock.move_to(quarter.at)
    page = signed(quarter.desk.city.supervisor).get(f"/utilities/sites/{STATION}").text
    assert re.search("越过.色线，持续满 10 分钟后报警", page)
    assert "没有预警" not in page
    assert 'class="limit limit-3"' in page
    assert "橙色</span> 33 ℃" in page


def test_empty_trade_says_what_fills_it(quarter: Quarter, signed: SignIn) -> None:
    client = signed(quarter.desk.city.supervisor)
    assert "台账中还没有这个行业的点位" in client.get("/utilities/gas").text
    assert "台账中还没有这个行业的点位" in client.get("/utilities/gas/sites").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=heat_station", ["HS-1"]),
        ("q=测点", ["HR-1"]),
        ("q=%25", []),
        ("state=alert", ["HS-1"]),
        ("unit=12", []),
        ("after=HS-1", ["HZ-1"]),
        ("district=140106", ["HR-1", "HS-1", "HZ-1"]),
    ],
)
def test_register_is_narrowed(
    failed: Quarter, signed: SignIn, query: str, found: list[str]
) -> None:
    page = signed(failed.desk.city.supervisor).get(f"/utilities/heat/sites?{query}").text
    assert [code for code in ("HR-1", "HS-1", "HZ-1") if f">{code}</a>" in page] == found


def test_intake_merges_what_waits_to_be_accepted(failed: Quarter, signed: SignIn) -> None:
    client = signed(failed.desk.city.intake)
    address = f"/utilities/sites/{STATION}"
    page = client.get(address).text
    assert page.count('name="case"') == 1
    linked = failed.desk.rows("SELECT case_id FROM linked_cases ORDER BY case_id")
    answer = client.post(f"{address}/merge", data={"case": [row["case_id"] for row in linked]})
    page = client.get(answer.location).text
    assert "已并入 1 件" in page
    assert "不在受理环节" in page
    assert 'name="case"' not in page


def test_case_of_a_cold_home_names_the_station(failed: Quarter, signed: SignIn) -> None:
    (case,) = failed.desk.rows(
        "SELECT c.number FROM cases c JOIN linked_cases l ON l.case_id = c.id ORDER BY c.id LIMIT 1"
    )
    client = signed(failed.desk.city.intake)
    shown = client.get(f"/utilities/serving/{case['number']}").text
    assert "一号换热站" in shown
    assert "供水温度" in shown
    other = failed.desk.case(failed.desk.reported_case())["number"]
    assert client.get(f"/utilities/serving/{other}").text == ""


def test_unit_manager_sees_own_sites_only(failed: Quarter, signed: SignIn) -> None:
    own, other = signed(failed.desk.city.manager1), signed(failed.desk.city.manager2)
    assert "HS-1" in own.get("/utilities/heat/sites").text
    assert "HS-1" not in other.get("/utilities/heat/sites").text
    assert other.get(f"/utilities/sites/{STATION}").status_code == 404
