"""The workbook: what it shows, that its formulas come to the same, that it is the same every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.wording import RULE_WORDS, rule_sentences
from app.assessment.workbook import workbook_of
from app.web.spreadsheets.writing import Formula, Spreadsheet
from sla.counting_rules import CountingRules, NothingDue, SelfHandled
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november, october, september, small_city

SOFFICE = shutil.which("soffice")
GROUPS = ["区县", "市直部门", "社会责任单位"]


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    # D1: due 8, closed 3 of them (1 late, 1 reworked), one extended: 3/8 is a half at the third place.
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(111, due=october(10), done=october(12), closed=october(13))
    facts.closed(1111, due=october(20), done=october(19), closed=october(21), reworks=1)
    for _ in range(4):
        facts.open(11, due=october(25))
    facts.dispatch(
        11, (september(20), {"due_at": september(25), "extensions": 1}),
        (october(7), {"unfounded_returns": 2, "media_supervisions": 1}),
    )  # fmt: skip
    facts.closed(12, due=october(10), done=october(9), closed=october(11))
    facts.closed(21, due=october(10), done=october(9), closed=october(11))
    facts.open(11, due=october(25), on_hold=True)
    facts.case(closed_as="self_handled", closed_at=october(3), district_code="140107")
    return facts


def made(facts: Facts, policy: CountingRules | None = None) -> bytes:
    return workbook_of(facts.session, facts.ranking(policy=policy), OCTOBER, SHANGHAI)


def opened(content: bytes, *, values: bool = False) -> Workbook:
    return load_workbook(BytesIO(content), data_only=values)


def table(book: Workbook, title: str) -> list[dict[str, Any]]:
    """Return a group's rows under their header."""
    rows = list(book[title].iter_rows(min_row=4, values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def formulas(book: Workbook) -> dict[tuple[str, str], str]:
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


class Calculator:
    """Compute the few shapes of formula that the workbook is written with."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.formulas = formulas(book)

    def value(self, title: str, coordinate: str) -> Any:
        formula = self.formulas.get((title, coordinate))
        if formula is None:
            return self.book[title][coordinate].value
        for shape, compute in self.SHAPES:
            match = re.fullmatch(shape, formula.removeprefix("="))
            if match:
                return compute(self, title, *match.groups())
        raise AssertionError(f"{title}!{coordinate}: {formula}")

    def cells(self, title: str, area: str) -> list[Any]:
        sheet, _, area = area.rpartition("!")
        rows = self.book[sheet or title][area.replace("$", "")]
        return [self.value(sheet or title, cell.coordinate) for row in rows for cell in row]

    def rate(self, title: str, over: str, otherwise: str, of: str, _over: str, places: str) -> Any:
        below = self.value(title, over)
        if below == 0:
            return otherwise.strip('"') if otherwise.startswith('"') else int(otherwise)
        # As spreadsheets round: the decimal that the quotient shows, halves away from zero.
        quotient = Decimal(repr(self.value(title, of) / below))
        return float(quotient.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP))

    def rank(self, title: str, cell: str, _cell: str, area: str) -> Any:
        value = self.value(title, cell)
        if isinstance(value, str):
            return ""
        return 1 + sum(not isinstance(o, str) and o > value for o in self.cells(title, area))

    def total(self, title: str, area: str) -> Any:
        return sum(self.cells(title, area))

    def countifs(self, title: str, units: str, unit: str, flags: str) -> Any:
        wanted = self.value(title, unit)
        pairs = zip(self.cells(title, units), self.cells(title, flags), strict=True)
        return sum(one == wanted and flag == 1 for one, flag in pairs)

    def sumifs(self, title: str, numbers: str, units: str, unit: str) -> Any:
        wanted = self.value(title, unit)
        pairs = zip(self.cells(title, units), self.cells(title, numbers), strict=True)
        return sum(number or 0 for one, number in pairs if one == wanted)

    def unequal(self, title: str, area: str) -> Any:
        return sum(one != 0 for one in self.cells(title, area))

    def minus(self, title: str, left: str, right: str) -> Any:
        return self.value(title, left) - self.value(title, right)

    def reference(self, title: str, sheet: str, cell: str) -> Any:
        return self.value(sheet, cell)

    CELL = r"([A-Z]+\d+)"
    AREA = r"((?:[^!,()]+!)?\$?[A-Z]+\$?\d+:\$?[A-Z]+\$?\d+)"
    SHAPES = (
        (rf'IF\({CELL}=0,("无数据"|1),ROUND\({CELL}/{CELL},(\d+)\)\)', rate),
        (rf'IF\(ISNUMBER\({CELL}\),RANK\({CELL},{AREA}\),""\)', rank),
        (rf"SUM\({AREA}\)", total),
        (rf"COUNTIFS\({AREA},{CELL},{AREA},1\)", countifs),
        (rf"SUMIFS\({AREA},{AREA},{CELL}\)", sumifs),
        (rf'COUNTIFS\({AREA},"<>0"\)', unequal),
        (rf"{CELL}-{CELL}", minus),
        (rf"'([^']+)'!{CELL}", reference),
    )


def by_libreoffice(content: bytes, folder: Path) -> Workbook:
    """Return the workbook as LibreOffice computes it, given no value to start from."""
    bare = folder / "bare.xlsx"
    with ZipFile(BytesIO(content)) as source, ZipFile(bare, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = re.sub(rb'(?: t="str")?>(<f>[^<]*</f>)<v>[^<]*</v>', rb">\1", source.read(name))
            target.writestr(name, part)
    (folder / "out").mkdir()
    command = [
        str(SOFFICE), "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", "xlsx", "--outdir", str(folder / "out"), str(bare),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return load_workbook(folder / "out" / "bare.xlsx", data_only=True)


def test_each_group_has_its_sheet_in_the_shape_cities_print(facts: Facts) -> None:
    book = opened(made(facts), values=True)
    assert book.sheetnames == [*GROUPS, "明细", "核对", "口径"]
    sheet = book["区县"]
    assert sheet["A1"].value == "2025年10月城市管理案件考核排名（区县）"
    assert sheet["A2"].value.startswith(
        "统计期：2025-10-01 00:00 至 2025-11-01 00:00　数据截至：2025-11-01 00:00"
    )
    rows = table(book, "区县")
    assert [row["单位"] for row in rows] == ["西区", "东区", "南区", "合计"]
    east = rows[1]
    # 3 of 8 closed, 2 on time; 2 of the 3 without rework; 1 of 8 extended.
    assert (east["应结案数"], east["结案数"], east["按期结案数"], east["超期未结"]) == (8, 3, 2, 5)
    assert (east["结案率"], east["按期结案率"], east["延期率"]) == (0.375, 0.25, 0.125)
    assert (east["一次完成率"], east["返工率"], east["名次"]) == (0.6667, 0.3333, 2)
    assert (east["推诿"], east["媒体督办"]) == (1, 1)
    assert (rows[0]["自行处置"], rows[0]["名次"]) == (1, 1)
    assert (rows[2]["结案率"], rows[2]["名次"]) == ("无数据", None)
    assert (rows[3]["应结案数"], rows[3]["结案数"]) == (9, 4)


def test_rates_and_ranks_are_live_formulas(facts: Facts) -> None:
    found = formulas(opened(made(facts)))
    assert found["区县", "H6"] == '=IF(B6=0,"无数据",ROUND(C6/B6,4))'
    assert found["区县", "B8"] == "=SUM(B5:B7)"
    assert found["区县", "Q6"] == '=IF(ISNUMBER(I6),RANK(I6,I$5:I$7),"")'
    assert found["核对", "E4"] == "=COUNTIFS(明细!$A$2:$A$12,A4,明细!$J$2:$J$12,1)"


@pytest.mark.parametrize(
    "policy",
    [
        CountingRules(),
        replace(CountingRules(), nothing_due=NothingDue.FULL),
        replace(CountingRules(), decimals=1),
        replace(CountingRules(), self_handled=SelfHandled.COUNT),
    ],
    ids=["usual", "nothing due is full", "one place", "self-handled counts"],
)
def test_formulas_come_to_the_values_shown(facts: Facts, policy: CountingRules) -> None:
    content = made(facts, policy)
    calculator, shown = Calculator(opened(content)), opened(content, values=True)
    assert len(calculator.formulas) > 50
    for title, coordinate in calculator.formulas:
        value = shown[title][coordinate].value
        computed = calculator.value(title, coordinate)
        assert computed == ("" if value is None else value), (title, coordinate)


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_computes_the_values_shown(facts: Facts, tmp_path: Path) -> None:
    content = made(facts)
    shown, computed = opened(content, values=True), by_libreoffice(content, tmp_path)
    for title, coordinate in formulas(opened(content)):
        value = shown[title][coordinate].value
        assert (computed[title][coordinate].value or "") == (value or ""), (title, coordinate)


def test_every_counted_case_is_listed_with_why_it_counts(facts: Facts) -> None:
    book = opened(made(facts), values=True)
    rows = list(book["明细"].iter_rows(values_only=True))
    cases = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    # 8 of D1, 1 of D2 and one put right on the spot there, 1 of P1; the case on hold is not counted.
    assert len(cases) == 11
    carried = next(case for case in cases if case["计入依据"] == "上期结转未结")
    assert (carried["排名单位"], carried["超期未结"], carried["延期案卷数"], carried["推诿"]) == (
        "东区",
        1,
        1,
        1,
    )
    # As the clock on the wall showed it.
    assert carried["到期时间"].isoformat() == "2025-09-25T09:00:00"
    crew = next(case for case in cases if case["承办单位"] == "东一班组")
    assert (crew["排名单位"], crew["返工后结案数"], crew["一次完成数"]) == ("东区", 1, None)


def test_check_sheet_finds_no_difference_and_would_find_one(facts: Facts) -> None:
    content = made(facts)
    assert opened(content, values=True)["核对"]["B2"].value == 0
    tampered = opened(content)
    tampered["区县"]["C5"].value = 2
    assert Calculator(tampered).value("核对", "B2") == 1


def test_notes_explain_each_figure_and_rule(facts: Facts) -> None:
    book = opened(made(facts), values=True)
    said = [cell for row in book["口径"].iter_rows(values_only=True) for cell in row if cell]
    assert "按期结案数 ÷ 应结案数 × 100%" in said
    assert "期末挂账的案卷不计" in said
    assert "On-time closing rate" in said


def test_same_month_gives_the_same_bytes(facts: Facts) -> None:
    first = made(facts)
    facts.open(12, due=november(5))
    assert made(facts) == first


def test_file_says_nothing_of_when_it_was_written(facts: Facts) -> None:
    content = made(facts)
    with ZipFile(BytesIO(content)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    # The last moment of October in Shanghai.
    assert core.count("2025-10-31T15:59:59Z") == 2


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "#N/A"]
)
def test_text_from_outside_is_never_a_formula(facts: Facts, name: str) -> None:
    facts.session.execute(text("UPDATE units SET name = :name WHERE code = 'D1'"), {"name": name})
    book = opened(made(facts))
    cell = book["区县"]["A6"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (name, "s", True)
    listed = [row[1] for row in book["明细"].iter_rows(min_row=2) if row[1].value == name]
    assert len(listed) == 8
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in listed)


def test_characters_that_no_file_may_hold_are_dropped() -> None:
    file = Spreadsheet("t", october(1))
    sheet = file.sheet("s", [10])
    sheet.add(["a\x00b\x0bc", Formula("1+1", 2), Formula('"<"', "<&")])
    cells = next(opened(file.content(), values=True)["s"].iter_rows(values_only=True))
    assert cells == ("abc", 2, "<&")


def test_every_choice_of_a_rule_has_its_words() -> None:
    rules = CountingRules()
    chosen = {name for name, _ in RULE_WORDS}
    for name in chosen:
        options = type(getattr(rules, name))
        assert {option.value for option in options} == {c for n, c in RULE_WORDS if n == name}
    assert len(rule_sentences(rules, "zh")) == len(rule_sentences(rules, "en")) == len(chosen)


def test_month_without_a_case_is_a_workbook_too(session: Session) -> None:
    facts = small_city(session)
    book = opened(made(facts), values=True)
    assert [row["结案率"] for row in table(book, "区县")] == ["无数据"] * 4
    assert book["核对"]["B2"].value == 0
