"""The notice's formulas come to what was computed, cell for cell, when another program works them out."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from app.assessment.notice.workbook import notice_workbook
from sla.counting_rules import Count, CountingRules, ExemptAs, NothingDue, Per, SelfHandled
from sla.schemes import Scheme
from tests.notice_facts import SEPTEMBER, awkward_month, drawn, every_scheme
from tests.office import WRONG, formulas, needs_office, recalculated
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts

OTHER_RULES = {
    "nothing due is full": replace(CountingRules(), nothing_due=NothingDue.FULL, decimals=1),
    "units alone": replace(CountingRules(), descendants=Count.LEAVE_OUT),
    "each time, self-handled too": replace(
        CountingRules(), self_handled=SelfHandled.COUNT, unfounded_returns=Per.EACH,
        media_supervisions=Per.EACH, exempt=ExemptAs.ON_TIME, held_at_end=Count.COUNT, decimals=0,
    ),
}  # fmt: skip


@pytest.fixture
def facts(session: Session) -> Facts:
    return awkward_month(session)


def made(facts: Facts, scheme: Scheme, policy: CountingRules | None = None) -> bytes:
    return notice_workbook(
        facts.session,
        drawn(facts, scheme, policy=policy),
        OCTOBER,
        SHANGHAI,
        earlier=[drawn(facts, scheme, SEPTEMBER, policy)],
        address="https://city.example",
    )


def check(content: bytes, folder: Path) -> int:
    """Hold every formula's value as we wrote it against what LibreOffice computes; return how many there are."""
    shown, computed = load_workbook(BytesIO(content), data_only=True), recalculated(content, folder)
    found = formulas(load_workbook(BytesIO(content)))
    different = {}
    for title, coordinate in found:
        ours, theirs = shown[title][coordinate].value, computed[title][coordinate].value
        alike = theirs == (pytest.approx(ours, abs=1e-9) if isinstance(ours, float) else ours)
        if not alike:
            different[title, coordinate] = (ours, theirs, found[title, coordinate])
    assert different == {}
    assert computed["核对"]["B2"].value == 0
    return len(found)


@needs_office
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(every_scheme()))
def test_libreoffice_computes_what_was_computed(facts: Facts, tmp_path: Path, name: str) -> None:
    assert check(made(facts, every_scheme()[name]), tmp_path) > 500


@needs_office
@pytest.mark.slow
@pytest.mark.parametrize("rules", sorted(OTHER_RULES))
def test_formulas_follow_the_counting_rules(facts: Facts, tmp_path: Path, rules: str) -> None:
    assert check(made(facts, every_scheme()["every_kind"], OTHER_RULES[rules]), tmp_path) > 500


@needs_office
def test_libreoffice_really_computes_and_the_check_finds_a_changed_case(
    facts: Facts, tmp_path: Path
) -> None:
    book = load_workbook(BytesIO(made(facts, every_scheme()["jinhua"])))
    cases = book["明细"]
    names = [cell.value for cell in cases[1]]
    on_time = names.index("按期结案数") + 1
    row = next(
        row
        for row in range(2, cases.max_row + 1)
        if cases.cell(row, 2).value == "西区" and cases.cell(row, on_time).value == 1
    )
    cases.cell(row, on_time).value = None
    changed = BytesIO()
    book.save(changed)
    computed = recalculated(changed.getvalue(), tmp_path)
    # The count, the rate, the line's points, the score and the ranks; and the sums of the group.
    assert computed["核对"]["B2"].value >= 6
    every = [cell.value for sheet in computed for line in sheet.iter_rows() for cell in line]
    assert WRONG not in every
