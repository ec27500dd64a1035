"""Workbooks: what goes out never runs and comes back unchanged; what comes in is looked at before it is opened."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from app.errors import InvalidInput
from app.web.spreadsheets.marks import marked, unmarked
from app.web.spreadsheets.reading import rows_of_workbook
from app.web.spreadsheets.writing import table_of
from tests.workbooks import HOSTILE, archive

MADE_AT = datetime(2025, 11, 25, 1, tzinfo=UTC)
RISKY = ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")']


def with_part(book: bytes, name: str, change: tuple[bytes, bytes]) -> bytes:
    """Return a workbook with something replaced in one of its parts."""
    with ZipFile(BytesIO(book)) as source:
        parts = {entry: source.read(entry) for entry in source.namelist()}
    assert change[0] in parts[name]
    return archive(parts | {name: parts[name].replace(*change)})


def fault_of(content: bytes, **limits: int) -> str:
    """Return what is said about a workbook that is refused."""
    with pytest.raises(InvalidInput) as caught:
        rows_of_workbook(content, **limits)
    return caught.value.fields["file"]


@pytest.mark.parametrize("text", RISKY)
def test_text_that_would_run_is_written_as_text_and_comes_back(text: str) -> None:
    book = table_of("清单", ["名称"], [(text,), (f"'{text}",), ("'寻常",)], MADE_AT)
    cell = load_workbook(BytesIO(book)).active["A2"]
    assert cell.data_type == "s"
    assert cell.value.startswith("'")
    # A line break of another system is read as this one's.
    assert [row[0].replace("\n", "\r") for row in rows_of_workbook(book)[1:]] == [
        text.replace("\n", "\r"), f"'{text}".replace("\n", "\r"), "'寻常",
    ]  # fmt: skip


@given(st.text(st.sampled_from("'=+-@\t\r\n a1案"), max_size=6))
def test_mark_is_taken_off_exactly(text: str) -> None:
    assert unmarked(marked(text)) == text
    assert not marked(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_table_keeps_its_headings_in_sight_and_is_as_wide_as_chinese() -> None:
    book = table_of("清单", ["承办单位", "注"], [("市城市管理综合行政执法局", 1)], MADE_AT)
    sheet = load_workbook(BytesIO(book)).active
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["A"].width == 26  # twelve characters of two digits, and two
    assert sheet.column_dimensions["B"].width == 10
    assert sheet["B2"].value == 1


def test_same_table_is_the_same_file() -> None:
    assert table_of("a", ["b"], [("c",)], MADE_AT) == table_of("a", ["b"], [("c",)], MADE_AT)


@pytest.mark.parametrize(("content", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_workbook_is_refused(content: bytes, fault: str) -> None:
    assert fault in fault_of(content)


def test_large_file_is_not_looked_into() -> None:
    assert fault_of(b"PK\x03\x04" + bytes(5 * 2**20)) == "文件超过 5 MB"


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_entities_are_refused(coding: str) -> None:
    book = table_of("a", ["b"], [("c",)], MADE_AT)
    declared = '<!DOCTYPE x [<!ENTITY a "b">]><x/>'.encode(coding)
    with ZipFile(BytesIO(book)) as source:
        parts = {entry: source.read(entry) for entry in source.namelist()}
    assert "不是 Excel 工作簿" in fault_of(archive(parts | {"xl/theme/theme1.xml": declared}))


def test_too_many_rows_are_refused() -> None:
    book = table_of("a", ["b"], [("c",)] * 4, MADE_AT)
    assert len(rows_of_workbook(book, rows_limit=4)) == 5
    assert "一次最多 3 行" in fault_of(book, rows_limit=3)


def test_size_that_a_sheet_claims_is_not_believed() -> None:
    book = table_of("a", ["b"], [("c",)], MADE_AT)
    sheet = "xl/worksheets/sheet1.xml"
    claimed = with_part(
        book, sheet, (b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')
    )
    assert rows_of_workbook(claimed) == [["b"], ["c"]]


def test_whole_numbers_are_read_without_a_point() -> None:
    book = table_of("a", ["b"], [(13800138000.0,), (1.5,), (None,), (2,)], MADE_AT)
    assert rows_of_workbook(book)[1:] == [["13800138000"], ["1.5"], [], ["2"]]
