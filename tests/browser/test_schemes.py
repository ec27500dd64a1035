"""The three published shapes are entered through the editor's fields, line by line, and come out as the files say."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from openpyxl import Workbook, load_workbook

from app.assessment.commands import BeginRun, ConfirmMonth
from app.assessment.scheme_forms import SchemeForm
from app.clock import FixedClock
from app.processes.commands import CompleteProcessItem
from app.run import run
from sla.scheme_files import shipped_schemes
from sla.schemes import FIELDS_OF, Kind
from tests.browser.conftest import Reader, Readers
from tests.browser.people import add_assessor
from tests.factories import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEAD = ("name", "name_en", "total", "decimals", "minimum_cases", "scheme_note")
TYPED = ("name", "name_en", "points", "target", "each", "per", "cap", "free", "bands")
CHOSEN = ("indicator", "population", "better", "missing", "double_for")


@pytest.fixture
def assessor(reader: Reader, desk: Desk) -> Reader:
    """Return the assessor before the list of schemes."""
    add_assessor(desk)
    reader.sign_in("assessor")
    return reader


def press(reader: Reader, action: str) -> None:
    with reader.page.expect_navigation():
        reader.page.locator(f'#scheme button[value="{action}"]').last.click()


def fill_row(reader: Reader, at: int, row: dict[str, str]) -> None:
    """Fill a row's fields; a change of the way of counting draws the form again."""
    page, prefix = reader.page, f"#row-{at}-"
    if bool(row["inner"]) != page.is_checked(f"{prefix}inner"):
        with page.expect_navigation():
            page.click(f"{prefix}inner")
    if page.input_value(f"{prefix}kind") != row["kind"]:
        with page.expect_navigation():
            page.select_option(f"{prefix}kind", row["kind"])
    needed, possible = FIELDS_OF[Kind(row["kind"])]
    shown = {*needed, *possible, "name", "name_en"}
    for name in TYPED:
        if name in shown:
            page.fill(f"{prefix}{name}", row[name])
    for name in CHOSEN:
        if name in shown and row[name]:
            page.select_option(f"{prefix}{name}", row[name])
    if "bonus" in shown:
        page.set_checked(f"{prefix}bonus", bool(row["bonus"]))


def without_codes(plain: Any) -> Any:
    """Drop the codes of lines, which the editor gives itself."""
    if isinstance(plain, dict):
        return {key: without_codes(value) for key, value in plain.items() if key != "code"}
    return [without_codes(one) for one in plain] if isinstance(plain, list) else plain


def published_by(desk: Desk, clock: FixedClock) -> int:
    """Publish November and return its run."""
    clock.move_to(datetime(2025, 12, 1, 9, tzinfo=SHANGHAI))
    run_id = int(run(BeginRun(date(2025, 11, 1)), actor=desk.city.supervisor))
    run(ConfirmMonth(run_id, 11), actor=desk.city.manager1)
    run(ConfirmMonth(run_id, 12), actor=desk.city.manager2)
    item = desk.rows("SELECT id FROM process_items WHERE status = 'open'")[0]["id"]
    run(CompleteProcessItem(item, {"outcome": "sign"}), actor=desk.city.supervisor)
    return run_id


def printed(reader: Reader, name: str) -> bytes:
    """Return a file of the published November as the browser gets it."""
    answer = reader.page.request.get(f"{reader.address}/ranking/2025-11/{name}")
    assert answer.status == 200
    return answer.body()


def texts_of(book: Workbook) -> set[str]:
    return {
        str(cell)
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell
    }


@pytest.mark.parametrize("shape", ["jinhua", "yangzhou", "area_index"])
def test_published_shape_is_entered_line_by_line_and_its_notice_printed(
    assessor: Reader, readers: Readers, desk: Desk, clock: FixedClock, shape: str
) -> None:
    page, wanted = assessor.page, shipped_schemes()[shape]
    form = SchemeForm.of_plain(wanted.as_plain())
    assessor.open("/schemes")
    page.select_option("#base", "shipped:taiyuan")
    page.fill("#name", "手工录入")
    page.keyboard.press("Enter")
    page.wait_for_url("**/schemes/*")
    while page.locator("fieldset.line").count() > 1:
        press(assessor, "remove-1")
    for at, row in enumerate(form.rows):
        if at:
            press(assessor, f"add-{at}")
        fill_row(assessor, at, row)
    for name in HEAD:
        page.fill(f"#{name}", form.head[name])
    page.select_option("#ranked_by", form.head["ranked_by"])
    page.focus("#total")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".faults").count() == 0
    stored = desk.rows("SELECT data, version FROM assessment_schemes")
    assert stored[0]["version"] == 2
    assert without_codes(stored[0]["data"]) == without_codes(wanted.as_plain())
    assert not assessor.complaints
    supervisor = readers()
    supervisor.sign_in("supervisor")
    supervisor.open(page.url.removeprefix(assessor.address).partition("?")[0])
    supervisor.page.fill("#valid_from", "2025-11")
    supervisor.page.click("section[aria-labelledby=adopt-title] button.primary")
    supervisor.page.wait_for_selector(".flash.success")
    desk.closed_case()
    published_by(desk, clock)
    said = texts_of(load_workbook(BytesIO(printed(supervisor, "ranking.xlsx"))))
    assert any(wanted.name in text for text in said)
    assert {line.name for line in wanted.lines} <= said
    assert any("第 1 版" in text and "督察员甲" not in text for text in said)
    document = Document(BytesIO(printed(supervisor, "notice.docx")))
    words = " ".join(one.text for one in document.paragraphs)
    assert wanted.name in words
    assert "签发：督察员甲" in words
    assert printed(supervisor, "notice.pdf").startswith(b"%PDF-")
    assert "东区平台" in printed(supervisor, "notice.csv").decode("utf-8-sig")
    assert not supervisor.complaints
