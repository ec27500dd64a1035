"""The notice as PDF, Word document and CSV: the printed tables, the same every time."""

from __future__ import annotations

import csv
import re
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.notice.csv_file import notice_csv
from app.assessment.notice.fonts import register_fonts
from app.assessment.notice.imprint import Imprint
from app.assessment.notice.pdf import notice_pdf
from app.assessment.notice.word import notice_word
from app.web.build import BUILT, FONTS, AssetsMissing
from tests.notice_facts import SEPTEMBER, awkward_month, drawn, every_scheme
from tests.office import converted, needs_office
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november

PUBLISHED = Imprint(1, november(3), "ab12" * 16, "王主任", november(5), ("东区结案数由 3 改为 4",))
needs_fonts = pytest.mark.skipif(
    not all((BUILT / name).is_file() for name in FONTS.values()),
    reason="the pages' files are not built: python -m app.web.build",
)


@pytest.fixture
def facts(session: Session) -> Facts:
    return awkward_month(session)


def given(
    facts: Facts, name: str = "jinhua", imprint: Imprint | None = PUBLISHED
) -> dict[str, Any]:
    scheme = every_scheme()[name]
    return {
        "ranking": drawn(facts, scheme), "month": OCTOBER, "imprint": imprint,
        "earlier": [drawn(facts, scheme, SEPTEMBER)],
    }  # fmt: skip


def word(facts: Facts, **more: Any) -> Any:
    return Document(BytesIO(notice_word(**given(facts, **more), zone=SHANGHAI)))


def test_word_document_has_a_table_a_group(facts: Facts) -> None:
    document = word(facts)
    lines = [paragraph.text for paragraph in document.paragraphs]
    assert lines[0] == "2025年10月城市管理工作考核通报"
    assert lines[1].startswith("第 1 版　数据封存：2025-11-03 09:00")
    assert "签发：王主任　2025年11月5日" in lines
    assert "更正：东区结案数由 3 改为 4" in lines
    assert [line for line in lines if line in ("区县", "市直部门", "社会责任单位")] == [
        "区县",
        "市直部门",
        "社会责任单位",
    ]
    districts = document.tables[0]
    rows = [[cell.text for cell in row.cells] for row in districts.rows]
    assert rows[0][5:7] == ["按期结案率（50 分）"] * 2
    assert rows[1][5:7] == ["数值", "得分"]
    # Tied with the North, no change of place.
    assert rows[3][:7] == ["2", "西区", "平", "3", "1", "33.33%", "13.33"]
    assert (rows[-1][1], rows[-1][3]) == ("合计", "19")
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (297, 210)


def test_word_document_says_that_it_is_a_preview(facts: Facts) -> None:
    assert word(facts, imprint=None).paragraphs[1].text == "预览，未发布"


@needs_office
def test_libreoffice_opens_the_word_document(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "notice.docx"
    path.write_bytes(notice_word(**given(facts), zone=SHANGHAI))
    assert "东二街道" in converted(path, "html", tmp_path / "out").read_text()


@needs_fonts
def test_pdf_is_a4_on_its_side_and_brings_its_font(facts: Facts) -> None:
    content = notice_pdf(**given(facts), zone=SHANGHAI)
    boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert {tuple(round(float(side)) for side in box) for box in boxes} == {(842, 595)}
    assert len(boxes) == 2
    assert len(re.findall(rb"/FontFile2", content)) >= 2
    assert b"NotoSansSC" in content
    # A whole font is ten million bytes.
    assert len(content) < 300_000


@needs_fonts
def test_missing_font_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"python -m app\.web\.build"):
        register_fonts(tmp_path)


def test_csv_is_one_table_that_excel_opens(facts: Facts) -> None:
    facts.session.execute(text("UPDATE units SET name = '=1+1' WHERE code = 'D2'"))
    content = notice_csv(**given(facts, "every_kind"))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    assert rows[0][:6] == ["月份", "版次", "分组", "名次", "单位", "较上月"]
    assert "行为（10 分） 得分" in rows[0]
    assert len(rows) == 1 + 9
    west = next(row for row in rows if row[4] == "'=1+1")
    assert west[:4] == ["2025-10", "1", "区县", "1"]


@needs_fonts
@pytest.mark.parametrize("name", ["jinhua", "every_kind"])
def test_documents_are_the_same_bytes_every_time(facts: Facts, name: str) -> None:
    first, second = given(facts, name), given(facts, name)
    assert notice_pdf(**first, zone=SHANGHAI) == notice_pdf(**second, zone=SHANGHAI)
    one = notice_word(**first, zone=SHANGHAI)
    assert one == notice_word(**second, zone=SHANGHAI)
    with ZipFile(BytesIO(one)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert notice_csv(**first) == notice_csv(**second)
