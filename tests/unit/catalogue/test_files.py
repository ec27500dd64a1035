"""The catalogue's file: whole, in our words, and in agreement with the limits that are published."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from app.catalogue.files import KIND_LETTERS, UNIT_WORDS, Edition, duties, read_edition, versions
from app.errors import DefinitionError, NotFound
from app.settings import REPOSITORY

PUBLISHED = REPOSITORY.parent / "shared" / "data" / "catalogue.tsv"
KINDS = {"部件": "component", "事件": "event", "服务": "service"}


@pytest.fixture(scope="module")
def edition() -> Edition:
    return read_edition("2024-01")


def test_edition_has_every_class(edition: Edition) -> None:
    assert Counter(entry.kind for entry in edition.classes) == {
        "component": 125,
        "event": 102,
        "service": 22,
    }
    assert sum(len(entry.conditions) for entry in edition.classes) == 647


def test_every_condition_of_a_class_is_different_and_worded(edition: Edition) -> None:
    for entry in edition.classes:
        wordings = [condition.wording for condition in entry.conditions]
        assert len(set(wordings)) == len(wordings) > 0, entry.code
        assert not re.search(r"情形|条件\d", "".join(wordings)), entry.code
        assert all(condition.closing_wording for condition in entry.conditions), entry.code


def test_every_duty_is_somebodys_and_every_class_has_one(edition: Edition) -> None:
    assert {entry.duty for entry in edition.classes} == set(duties())


def test_manhole_cover_has_its_chain_of_limits(edition: Edition) -> None:
    [cover] = [entry for entry in edition.classes if entry.minor_name == "上水井盖"]
    limits = [(int(condition.limit_value), condition.limit_unit) for condition in cover.conditions]
    assert limits == [
        (2, "urgent_hour"),
        (4, "working_hour"),
        (2, "working_day"),
        (5, "working_day"),
    ]


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"the published table is not at {PUBLISHED}")
def test_limits_are_those_published(edition: Edition) -> None:
    ours = {(entry.kind, entry.major_code, entry.minor_name): entry for entry in edition.classes}
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == len(ours)
    for row in rows:
        name = row["minor_name"].replace(" ", "")
        entry = ours[KINDS[row["kind"]], row["major_code"], name]
        assert row["minor_code"] in {entry.minor_code, "?"}
        limits = _published_limits(row["deadline(s) by filing condition"])
        found = {
            (int(condition.limit_value), condition.limit_unit) for condition in entry.conditions
        }
        assert found == limits or not limits, entry.code
        assert int(row["n_conditions"]) in {len(entry.conditions), 0}, entry.code


def _published_limits(text: str) -> set[tuple[int, str]]:
    """Read limits such as '2紧急工作时 | 4小时': 小时 are 工作时; 天 are 工作日 unless beside those."""
    parts = re.findall(r"(\d+)(紧急工作时|紧急工作日|工作时|工作日|小时|天)", text)
    days = "day" if any(unit == "工作日" for _, unit in parts) else "working_day"
    words = {**UNIT_WORDS, "小时": "working_hour", "天": days}
    return {(int(value), words[unit]) for value, unit in parts}


def test_versions_lists_the_editions_in_order() -> None:
    assert versions() == sorted(versions())
    assert "2024-01" in versions()


def test_unknown_edition_is_not_found() -> None:
    with pytest.raises(NotFound):
        read_edition("1999-01")


GOOD = """
valid_from: 2024-01-01
note: 一个小类
majors:
  C-01: {name: 公用设施, name_en: Public utilities}
classes:
- code: C-01-01
  name: 上水井盖
  name_en: Water supply manhole cover
  duty: water
  conditions:
  - {filing: 井盖缺失, limit: 2 紧急工作时, closing: 井盖补齐}
"""


@pytest.mark.parametrize(
    ("written", "instead", "named"),
    [
        ("2 紧急工作时", "2 小时", "时限 2 小时 无法识别"),
        ("2 紧急工作时", "0 工作时", "时限 0 工作时 无法识别"),
        ("duty: water", "duty: plumbing", "职责 plumbing 不存在"),
        ("code: C-01-01", "code: X-01-01", "编码不合规则"),
        ("code: C-01-01", "code: C-09-01", "编码不合规则"),
        ("filing: 井盖缺失, ", "", "立案条件缺少 filing"),
        ("  name: 上水井盖\n", "", "缺少 name"),
    ],
)
def test_fault_names_file_class_and_reason(
    tmp_path: Path, written: str, instead: str, named: str
) -> None:
    assert written in GOOD
    (tmp_path / "2024-02.yml").write_text(GOOD.replace(written, instead), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_edition("2024-02", tmp_path)
    [fault] = caught.value.faults
    assert fault.file == "2024-02.yml"
    assert fault.element in instead or fault.element == "C-01-01"
    assert named in fault.reason
    assert fault.remedy


def test_code_given_twice_is_a_fault(tmp_path: Path) -> None:
    entry = GOOD[GOOD.index("- code") :]
    (tmp_path / "2024-02.yml").write_text(GOOD + entry, encoding="utf-8")
    with pytest.raises(DefinitionError, match="C-01-01: 编码重复"):
        read_edition("2024-02", tmp_path)


def test_kinds_follow_from_the_letter_of_the_code(edition: Edition) -> None:
    assert all(entry.kind == KIND_LETTERS[entry.code[0]] for entry in edition.classes)
