"""flask ranking: the workbook, the figures as JSON, the table, and what it refuses."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import FixedClock
from tests.commands.test_appeals import late_case
from tests.commands.test_month_runs import published
from tests.factories import Desk
from tests.ranking_facts import Facts, november, october, small_city


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(11, due=october(10), done=october(9), closed=november(4))
    facts.open(12, due=october(10))
    session.commit()
    return facts


def invoke(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["ranking", *arguments])


def test_workbook_is_written(app: Flask, facts: Facts, tmp_path: Path) -> None:
    out = tmp_path / "ranking.xlsx"
    result = invoke(app, "2025-10", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "5 units in 3 groups" in result.output
    book = load_workbook(BytesIO(out.read_bytes()))
    assert book.sheetnames[:4] == ["目录", "区县", "市直部门", "社会责任单位"]
    again = tmp_path / "again.xlsx"
    invoke(app, "2025-10", "--out", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_json_has_the_figures_as_published(app: Flask, facts: Facts) -> None:
    plain = json.loads(invoke(app, "2025-10", "--json").output)
    assert plain["start"] == "2025-10-01T00:00:00+08:00"
    assert plain["as_of"] == "2025-10-31T23:59:59.999999+08:00"
    first = plain["groups"][0]["units"][0]
    # Of the two due, one was closed in October; both had been handed in on time, the open one does not count.
    assert {
        key: first[key] for key in ("unit", "rank", "due", "closing_rate", "on_time_closing_rate")
    } == {
        "unit": "D1",
        "rank": 1,
        "due": 2,
        "closing_rate": "50.00",
        "on_time_closing_rate": "50.00",
    }
    assert plain["groups"][2]["units"][0]["closing_rate"] is None


def test_figures_as_of_a_moment(app: Flask, facts: Facts) -> None:
    early = json.loads(invoke(app, "2025-10", "--as-of", "2025-10-11T08:59+08:00", "--json").output)
    assert early["groups"][0]["units"][0]["closed"] == 0


def test_running_month_is_as_of_now(app: Flask, facts: Facts, clock: FixedClock) -> None:
    facts.open(11, due=november(28))
    facts.session.commit()
    plain = json.loads(invoke(app, "2025-11", "--json").output)
    assert plain["as_of"] == "2025-11-25T09:00:00+08:00"
    # Carried over: one closed on 4 November. What is due on the 28th is not due yet.
    units = {unit["unit"]: unit["due"] for unit in plain["groups"][0]["units"]}
    assert units == {"D1": 1, "D2": 1, "D3": 0}


def test_table_is_printed_without_options(app: Flask, facts: Facts) -> None:
    output = invoke(app, "2025-10").output
    assert "区县" in output
    assert "东区" in output
    assert "无数据" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2025-13"], "2025-10"),
        (["2026-02"], "还没有开始"),
        (["2025-10", "--as-of", "2025-10-11T08:59"], "time zone"),
        (["2025-10", "--as-of", "yesterday"], "ISO 8601"),
        (["2025-10", "--as-of", "2025-09-11T08:59+08:00"], "还没有开始"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    app: Flask, facts: Facts, arguments: list[str], said: str
) -> None:
    result = invoke(app, *arguments)
    assert result.exit_code != 0
    assert said in result.output


def test_published_editions_are_made_again(
    desk: Desk, app: Flask, clock: FixedClock, session: Session
) -> None:
    late_case(desk, clock)
    run_id = published(desk, clock, desk.city.supervisor)
    runner = app.test_cli_runner()
    good = runner.invoke(args=["assessment", "verify", "2025-11"])
    assert (good.exit_code, good.stdout) == (0, "1 editions made again, 0 differences.\n")
    session.execute(text("UPDATE facts SET reworks = 9"))
    session.commit()
    bad = runner.invoke(args=["assessment", "verify", "2025-11"])
    assert bad.exit_code == 1
    assert "2025-11 edition 1, facts: " in bad.output
    assert run_id
