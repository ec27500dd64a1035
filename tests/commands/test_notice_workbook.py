"""The notice's workbook: what it shows, that every program opens it, that it is the same every time."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.notice.imprint import Imprint
from app.assessment.notice.names import SheetNames
from app.assessment.notice.words import COUNT_MEANINGS
from app.assessment.notice.workbook import notice_workbook
from app.assessment.wording import RULE_WORDS, rule_sentences
from app.web.spreadsheets.writing import Formula, Spreadsheet
from sla.counting_rules import CountingRules
from sla.indicators import ALL_COUNTS
from sla.schemes import Scheme
from tests.notice_facts import SEPTEMBER, awkward_month, drawn, every_scheme
from tests.office import converted, formulas, needs_office
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november, october, small_city

ADDRESS = "https://city.example/"
A4_LANDSCAPE = (842, 595)
PUBLISHED = Imprint(2, november(3), "ab12" * 16, "王主任", november(5), ("东区结案数由 3 改为 4",))


@pytest.fixture
def facts(session: Session) -> Facts:
    return awkward_month(session)


def made(facts: Facts, name: str = "jinhua", **more: Any) -> bytes:
    scheme: Scheme = every_scheme()[name]
    options = {"earlier": [drawn(facts, scheme, SEPTEMBER)], "address": ADDRESS} | more
    return notice_workbook(facts.session, drawn(facts, scheme), OCTOBER, SHANGHAI, **options)


def opened(content: bytes, *, values: bool = True) -> Workbook:
    return load_workbook(BytesIO(content), data_only=values)


def table(book: Workbook, title: str) -> dict[str, dict[str, Any]]:
    """Return a group's rows by unit, under both of their headings."""
    sheet = book[title]
    rows = list(sheet.iter_rows(min_row=sheet_row(book, title), values_only=True))
    over, under = rows[0], rows[1]
    names, last = [], None
    for above, below in zip(over, under, strict=True):
        last = above or last
        names.append(f"{last} {below}" if below else last)
    return {row[1]: dict(zip(names, row, strict=True)) for row in rows[2:] if row[1]}


def sheet_row(book: Workbook, title: str) -> int:
    return next(cell.row for cell in book[title]["A"] if cell.value == "名次")


def said(book: Workbook, title: str) -> list[str]:
    return [str(cell) for row in book[title].iter_rows(values_only=True) for cell in row if cell]


def cells_of(book: Workbook, title: str) -> list[dict[str, Any]]:
    rows = list(book[title].iter_rows(values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def test_each_group_is_printed_with_the_lines_of_the_scheme(facts: Facts) -> None:
    book = opened(made(facts))
    assert book.sheetnames[:9] == [
        "目录", "区县", "市直部门", "社会责任单位", "计算", "趋势", "核对", "明细", "口径",
    ]  # fmt: skip
    rows = table(book, "区县")
    east = rows["东区"]
    # 10 due: 8 of its own and 2 of the street that is ranked as well; 4 closed, 3 on time.
    assert (east["应结案数"], east["结案数"]) == (10, 4)
    assert (east["按期结案率（50 分） 数值"], east["按期结案率（50 分） 得分"]) == (0.3, 10)
    # One case reworked four times and one once; the return is a leader's case and counts twice.
    assert [
        east[f"返工与推诿（5 分） {name}"] for name in ("返工", "多次返工另扣", "推诿", "得分")
    ] == [2, 1, 1, 2.3]
    assert east["总分"] == 12.3
    ranks = {name: row["名次"] for name, row in rows.items()}
    assert ranks == {
        "东二街道": 1,
        "西区": 2,
        "北区": 2,
        "东区": 5,
        "南区": "—",
        "高新区[新]/开发区": 4,
        "合计": None,
    }
    assert {name: rows[name]["较上月"] for name in ("西区", "东区", "北区")} == {
        "西区": 0,
        "东区": -4,
        "北区": "—",
    }
    assert (rows["南区"]["总分"], rows["合计"]["应结案数"]) == ("无数据", 19)


def test_scheme_without_points_prints_its_columns(facts: Facts) -> None:
    row = table(opened(made(facts, "taiyuan")), "区县")["西区"]
    assert list(row) == [
        "名次", "单位", "较上月", "应结案数", "结案数", "按期结案率", "结案率", "延期率", "一次完成率",
        "推诿", "媒体督办",
    ]  # fmt: skip


def test_edition_signature_and_corrections_are_printed(facts: Facts) -> None:
    printed = said(opened(made(facts, imprint=PUBLISHED)), "区县")
    assert "第 2 版（更正）　数据封存：2025-11-03 09:00　数据指纹：ab12ab12ab12ab12" in printed
    assert "签发：王主任　2025年11月5日" in printed
    assert "更正：东区结案数由 3 改为 4" in printed
    assert not any("预览" in line for line in printed)
    preview = said(opened(made(facts)), "区县")
    assert "预览，未发布" in preview


def test_pages_are_a4_with_headings_on_each(facts: Facts) -> None:
    sheet = opened(made(facts))["区县"]
    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0)
    assert sheet.print_title_rows == "$5:$6"
    assert sheet.print_area.startswith("'区县'!$A$1:$Q$")
    assert sheet.oddFooter.center.text == "第 &P 页，共 &N 页"
    assert sheet.freeze_panes == "C7"


def test_figures_are_formulas_down_to_the_cases(facts: Facts) -> None:
    book = opened(made(facts), values=False)
    calculation = book["计算"]
    heads = {cell.value: cell.column_letter for cell in calculation[3]}
    row = next(cell.row for cell in calculation["B"] if cell.value == "西区")
    due, rate = heads["应结案数"], heads["按期结案率"]
    last = book["明细"].max_row
    letters = {cell.value: cell.column_letter for cell in book["明细"][1]}
    counted = f"'明细'!${letters['应结案数']}$2:${letters['应结案数']}${last}"
    units = f"'明细'!$A$2:$A${last}"
    on_time = heads["按期结案数"]
    assert calculation[f"{due}{row}"].value == f"=SUMIFS({counted},{units},$A{row})"
    assert calculation[f"{rate}{row}"].value == (
        f'=IF({due}{row}=0,"无数据",ROUND({on_time}{row}/{due}{row},4))'
    )
    assert calculation[f"{heads['按期结案率得分']}{row}"].value == (
        f'=IF($D{row}="是",IF(ISNUMBER({rate}{row}),'
        f'ROUND(ROUND(50-MIN(1*MAX(70-ROUND({rate}{row}*100,2),0),50),9),2),50),"无数据")'
    )


def test_every_counted_case_is_listed_once_with_why_it_counts(facts: Facts) -> None:
    cases = cells_of(opened(made(facts)), "明细")
    numbers = [case["案卷号"] for case in cases]
    assert len(set(numbers)) == len(numbers)
    carried = next(case for case in cases if case["计入依据"] == "上期结转未结")
    assert (carried["排名单位"], carried["超期未结"], carried["推诿"], carried["督办案卷"]) == (
        "东区",
        1,
        1,
        1,
    )
    # As the clock on the wall showed it.
    assert carried["到期时间"].isoformat() == "2025-09-25T09:00:00"
    street = [case for case in cases if case["排名单位"] == "东二街道"]
    assert (len(street), sum(case["紧急案卷"] or 0 for case in street)) == (2, 1)
    # On hold, void and due later: not counted; the exempted one is open, and due like any other.
    assert sum(case["排名单位"].startswith("高新区") for case in cases) == 1


def test_unit_sheet_lists_what_cost_it_with_links_and_reasons(facts: Facts) -> None:
    book = opened(made(facts))
    lines = said(book, "东区")
    assert "超期案卷（7 件）" in lines
    assert "交回晚于到期时间 2 天 0 小时" in lines
    assert "本期退单被裁定不成立 1 次" not in lines
    assert "本期退单被裁定不成立 2 次" in lines
    assert "本期被督办 3 次，其中媒体督办 1 次" in lines
    assert "返工 4 次，已结案" in lines
    links = [formula for (title, _), formula in formulas(opened(made(facts), values=False)).items()
             if title == "东区" and "/cases/" in formula]  # fmt: skip
    assert re.fullmatch(r'=HYPERLINK\("https://city\.example/cases/(\d+)","\1"\)', links[0])
    without = formulas(opened(made(facts, address=""), values=False)).values()
    assert not any("/cases/" in formula for formula in without)


def test_figures_have_a_sheet_each_and_the_contents_lead_there(facts: Facts) -> None:
    book = opened(made(facts))
    sheet = said(book, "指标-按期结案率-紧急")
    assert "英文名：On-time closing rate (urgent cases)" in sheet
    assert "算法：按期结案数 ÷ 应结案数 × 100%" in sheet
    links = formulas(opened(made(facts), values=False))
    targets = {re.match(r'=HYPERLINK\("#\'(.+?)\'!A1"', formula)[1]  # type: ignore[index]
               for (title, _), formula in links.items() if title == "目录"}  # fmt: skip
    assert targets == set(book.sheetnames) - {"目录"}


def test_trend_has_the_months_a_chart_a_group_and_the_change(facts: Facts) -> None:
    book = opened(made(facts))
    sheet = book["趋势"]
    rows = [row[:4] for row in sheet.iter_rows(values_only=True)]
    assert ("单位", "2025-09", "2025-10", "较上月") in rows
    # In September its one case was closed late: 0 of 50, and the 35 of the rest.
    assert next(row for row in rows if row[0] == "西区") == ("西区", 35, 18.33, -16.67)
    with ZipFile(BytesIO(made(facts))) as parts:
        charts = [name for name in parts.namelist() if name.startswith("xl/charts/")]
    # Two figures of each of the two groups that had a place in September.
    assert len(charts) == 4
    alone = opened(made(facts, earlier=[]))["趋势"]
    assert "没有更早月份的数据。" in [row[0] for row in alone.iter_rows(values_only=True)]


@pytest.mark.parametrize("name", sorted(every_scheme()))
def test_workbook_keeps_to_the_rules_of_excel(facts: Facts, name: str) -> None:
    content = made(facts, name)
    book = opened(content, values=False)
    assert len({title.casefold() for title in book.sheetnames}) == len(book.sheetnames)
    for title in book.sheetnames:
        assert 0 < len(title) <= 31
        assert not re.search(r"[\[\]:*?/\\]|^'|'$", title)
    for formula in formulas(book).values():
        assert len(formula) < 8192
        assert formula.count("(") == formula.count(")")
    for sheet in book:
        assert sheet.max_row <= 1_048_576
        assert sheet.max_column <= 16_384
        texts = (cell.value for row in sheet.iter_rows() for cell in row)
        assert all(len(one) <= 32_767 for one in texts if isinstance(one, str))
        rows = sheet.print_title_rows
        assert rows is None or re.fullmatch(r"\$\d+:\$\d+", rows)
    with ZipFile(BytesIO(content)) as parts:
        names = parts.namelist()
        workbook = parts.read("xl/workbook.xml").decode()
    assert len(set(names)) == len(names)
    defined = re.findall(r'<definedName name="([^"]+)" localSheetId="(\d+)"', workbook)
    assert len(set(defined)) == len(defined)


def test_same_month_gives_the_same_bytes(facts: Facts) -> None:
    first = made(facts, imprint=PUBLISHED)
    facts.open(12, due=november(5))
    assert made(facts, imprint=PUBLISHED) == first


def test_file_says_nothing_of_when_it_was_written(facts: Facts) -> None:
    with ZipFile(BytesIO(made(facts))) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    # The last moment of October in Shanghai.
    assert core.count("2025-10-31T15:59:59Z") == 2


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "#N/A"]
)
def test_text_from_outside_is_never_a_formula(facts: Facts, name: str) -> None:
    facts.session.execute(text("UPDATE units SET name = :name WHERE code = 'D2'"), {"name": name})
    facts.session.execute(text("UPDATE cases SET title = :name"), {"name": name})
    book = opened(made(facts), values=False)
    found = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == name
    ]
    assert len(found) > 20
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in found)
    # As the name of a sheet it stands in a link, whose text is quoted.
    ours = re.compile(
        r"""=(HYPERLINK\("(#'|https://city\.example/cases/)|IF\(|SUMI?F?S?\(|COUNTIF\(|'计算'!\$)"""
    )
    assert all(ours.match(formula) for formula in formulas(book).values())


def test_characters_that_no_file_may_hold_are_dropped() -> None:
    file = Spreadsheet("t", october(1))
    sheet = file.sheet("s", [10])
    sheet.add(["a\x00b\x0bc", Formula("1+1", 2), Formula('"<"', "<&")])
    cells = next(opened(file.content())["s"].iter_rows(values_only=True))
    assert cells == ("abc", 2, "<&")


def test_sheet_names_are_those_a_program_takes() -> None:
    names = SheetNames()
    given = [
        names.name(one) for one in ("a/b[c]", "A?B_C_", "'x'", "", "History", "长" * 40, "长" * 40)
    ]
    assert given == ["a_b_c_", "A_B_C_ (2)", "x", "_", "History (2)", "长" * 31, "长" * 27 + " (2)"]


def test_every_choice_of_a_rule_and_every_count_has_its_words() -> None:
    rules = CountingRules()
    chosen = {name for name, _ in RULE_WORDS}
    for name in chosen:
        options = type(getattr(rules, name))
        assert {option.value for option in options} == {c for n, c in RULE_WORDS if n == name}
    assert len(rule_sentences(rules, "zh")) == len(rule_sentences(rules, "en")) == len(chosen)
    assert COUNT_MEANINGS.keys() == set(ALL_COUNTS)


def test_month_without_a_case_is_a_notice_too(session: Session) -> None:
    facts = small_city(session)
    book = opened(made(facts, earlier=[]))
    assert [row["总分"] for row in table(book, "区县").values()] == ["无数据"] * 3 + [None]
    assert book["核对"]["B2"].value == 0


def test_city_without_ranked_units_is_a_notice_too(session: Session) -> None:
    facts = small_city(session)
    session.execute(text("UPDATE units SET rank_group = NULL"))
    assert opened(made(facts)).sheetnames[0] == "目录"


@needs_office
def test_printed_tables_are_a_page_each(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "notice.xlsx"
    path.write_bytes(made(facts))
    printed = converted(path, "pdf", tmp_path / "out").read_bytes()
    pages = [
        tuple(round(float(number)) for number in box)
        for box in re.findall(rb"/Type/Page/[^>]*?/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", printed)
    ]
    # The contents stand upright; then the three groups lie on their sides, a page each.
    assert pages[0] == A4_LANDSCAPE[::-1]
    assert pages[1:4] == [A4_LANDSCAPE] * 3
    assert set(pages) == {A4_LANDSCAPE, A4_LANDSCAPE[::-1]}
