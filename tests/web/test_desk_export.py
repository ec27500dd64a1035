"""Saved filters, Excel of what a list shows, text found anywhere."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from app.cases.commands import DropFilter, SaveFilter
from app.cases.pages import export
from app.errors import InvalidInput, NotFound
from app.run import run
from tests.factories import City, Desk
from tests.web.conftest import SignIn


def _rows(content: bytes) -> list[tuple[object, ...]]:
    return list(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))


def test_workbook_holds_what_the_inbox_shows(desk: Desk, city: City, signed: SignIn) -> None:
    desk.reported_case(title="井盖缺失")
    desk.reported_case(title="=1+1")
    client = signed(city.intake)
    rows = _rows(client.get("/inbox.xlsx?tab=group").data)
    assert [row[2] for row in rows] == ["案件", "井盖缺失", "'=1+1"]
    assert rows[1][0] == "正常 剩 15 分"
    rows = _rows(client.get("/inbox.xlsx?tab=group&q=井盖").data)
    assert [row[2] for row in rows[1:]] == ["井盖缺失"]


def test_workbook_of_cases_says_where_it_was_cut(
    desk: Desk, city: City, signed: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        desk.reported_case()
    monkeypatch.setattr(export, "EXPORT_LIMIT", 1)
    rows = _rows(signed(city.intake).get("/cases.xlsx").data)
    assert len(rows) == 3
    assert "只列出前 1 行" in str(rows[2][0])


def test_workbooks_of_finished_work(desk: Desk, city: City, signed: SignIn) -> None:
    number = desk.case(desk.accepted_case())["number"]
    client = signed(city.intake)
    for tab in ("waiting", "done"):
        assert number in {row[1] for row in _rows(client.get(f"/inbox.xlsx?tab={tab}").data)}


def test_filter_is_saved_and_dropped(desk: Desk, city: City, signed: SignIn) -> None:
    client = signed(city.intake)
    answer = client.post(
        "/inbox/filters", data={"name": "急件", "query": "tab=group&overdue=1&evil=1"}
    )
    assert answer.headers["Location"] == "/inbox?tab=group&overdue=1"
    assert ">急件</a>" in client.get("/inbox").text
    assert ">急件</a>" not in signed(city.intake2).get("/inbox").text
    saved = desk.rows("SELECT id FROM saved_filters")[0]["id"]
    with pytest.raises(NotFound):
        run(DropFilter(saved), actor=city.intake2)
    client.post(f"/inbox/filters/{saved}/drop")
    assert not desk.rows("SELECT id FROM saved_filters")


def test_filters_have_a_limit_and_names_are_replaced(desk: Desk, city: City) -> None:
    for n in range(20):
        run(SaveFilter(f"筛选 {n}", "q=1"), actor=city.intake)
    run(SaveFilter("筛选 0", "q=2"), actor=city.intake)
    with pytest.raises(InvalidInput):
        run(SaveFilter("再一个", "q=3"), actor=city.intake)
    rows = desk.rows("SELECT query FROM saved_filters WHERE name = '筛选 0'")
    assert [row["query"] for row in rows] == ["q=2"]


@pytest.mark.parametrize("words", ["倒塌", "紫薇花坛", "紫薇 倒塌", "ABC 花坛", "0000"])
def test_text_is_found_in_title_place_description_and_number(
    desk: Desk, city: City, signed: SignIn, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cases.queries import search

    monkeypatch.setattr(search, "WINDOW", 1)
    number = desk.case(desk.reported_case(title="Abc 紫薇花坛倒塌"))["number"]
    for _ in range(3):
        desk.reported_case(title="路灯不亮")
    assert f">{number}<" in signed(city.intake).get(f"/cases?q={words}").text
