"""The three published shapes are entered through the editor's fields, line by line, and come out as the files say."""

from __future__ import annotations

from typing import Any

import pytest

from app.assessment.scheme_forms import SchemeForm
from sla.scheme_files import shipped_schemes
from sla.schemes import FIELDS_OF, Kind
from tests.browser.conftest import Reader
from tests.browser.people import add_assessor
from tests.factories import Desk

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


@pytest.mark.parametrize("shape", ["jinhua", "yangzhou", "area_index"])
def test_published_shape_is_entered_line_by_line(assessor: Reader, desk: Desk, shape: str) -> None:
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
