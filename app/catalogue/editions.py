"""An edition of the catalogue as a table: one row for each filing condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from app.catalogue.files import UNIT_WORDS, Edition, edition_of
from app.catalogue.tables import CaseClass, FilingCondition
from app.errors import DefinitionError, InvalidInput, Text

HEADER: Final = ("编码", "大类", "小类", "英文名", "职责", "立案条件", "时限", "结案条件")
_FAULTS_SHOWN: Final = 20
_WORDS: Final = {code: word for word, code in UNIT_WORDS.items()}


def rows_of(
    entries: Iterable[tuple[CaseClass, Sequence[FilingCondition]]],
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of stored classes."""
    for entry, conditions in entries:
        for one in conditions:
            limit = f"{one.limit_value.normalize():f} {_WORDS[one.limit_unit]}"
            yield (
                entry.code, entry.major_name, entry.minor_name, entry.name_en, entry.duty,
                one.wording, limit, one.closing_wording,
            )  # fmt: skip


def edition_of_rows(rows: Sequence[Sequence[str]], valid_from: date, note: str) -> Edition:
    """Read an edition from a table with its header. Raises InvalidInput (field `file`) naming the rows."""
    if not rows or tuple(rows[0][: len(HEADER)]) != HEADER:
        raise InvalidInput({"file": Text("第一行应为：%(header)s", header="、".join(HEADER))})
    content = _content(rows[1:])
    if not content["classes"]:
        raise InvalidInput({"file": "表中没有小类"})
    try:
        return edition_of(content | {"valid_from": valid_from, "note": note}, "xlsx")
    except DefinitionError as exc:
        shown = [f"{fault.element}：{fault.reason}" for fault in exc.faults[:_FAULTS_SHOWN]]
        raise InvalidInput({"file": Text("%(faults)s", faults="；".join(shown))}) from exc


def _content(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the table as the file of an edition writes it."""
    majors: dict[str, dict[str, str]] = {}
    classes: dict[str, dict[str, Any]] = {}
    for row in rows:
        if not any(row):
            continue
        code, major, name, name_en, duty, filing, limit, closing = (*row, *[""] * 8)[:8]
        majors.setdefault(code[:4], {"name": major})
        entry = classes.setdefault(
            code,
            {"code": code, "name": name, "name_en": name_en, "duty": duty, "conditions": []},
        )
        entry["conditions"].append({"filing": filing, "limit": limit, "closing": closing})
    return {"majors": majors, "classes": list(classes.values())}
