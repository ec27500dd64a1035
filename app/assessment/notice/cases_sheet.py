"""The sheet 明细: every counted case once, with what it counts as."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from openpyxl.utils import get_column_letter

from app.assessment.notice.cases import Ranked, UnitLists
from app.assessment.notice.items import Items
from app.assessment.notice.words import local
from app.assessment.queries import CountedCase
from app.web.spreadsheets.writing import HEADER, Sheet, Spreadsheet, Style, Value
from sla.figures import POPULATIONS
from sla.indicators import COUNT_NAMES, in_population

TITLE: Final = "明细"
TIME_FORMAT: Final = "yyyy-mm-dd hh:mm"
_COLUMNS: Final = (
    ("单位编号", 10),
    ("排名单位", 22),
    ("案卷号", 18),
    ("承办单位", 22),
    ("类别", 11),
    ("计入依据", 18),
    ("派遣时间", 17),
    ("到期时间", 17),
    ("单位交回时间", 17),
    ("结案时间", 17),
)
_TIMES: Final = range(6, 10)


@dataclass(slots=True)
class CasesSheet:
    """The sheet, its columns by count and population, and the cases that the units' sheets list."""

    sheet: Sheet
    counts: Sequence[str]
    populations: Sequence[str]
    items: Items
    lists: dict[int, UnitLists] = field(default_factory=dict)

    def write(self, cases: Iterable[CountedCase], ranked: Ranked, zone: ZoneInfo) -> None:
        """Write the cases; those that cost a unit something are kept for the sheets of the units they count for."""
        names = [name for name, _ in _COLUMNS]
        names += [COUNT_NAMES[code][0] for code in self.counts]
        names += [POPULATIONS[name][0] for name in self.populations]
        self.sheet.add(names, HEADER, height=34)
        style = Style(formats=tuple(TIME_FORMAT if n in _TIMES else None for n in range(10)))
        for case in cases:
            assert case.fact.unit_id is not None, "only cases of ranked units were asked for"
            units = ranked.around[case.fact.unit_id]
            # Of units in units, the innermost; the others add what lies in them.
            self.sheet.add(
                [units[-1].id, units[-1].name, *self._told(case, zone), *self._flags(case)], style
            )
            for unit in units:
                self.lists.setdefault(unit.id, UnitLists()).take(case)
        self.sheet.filter(f"A1:{get_column_letter(len(names))}{self.last_row}")

    @property
    def last_row(self) -> int:
        """Return the last row of the list; an empty list has an empty row."""
        return max(self.sheet.rows, 2)

    @property
    def units(self) -> str:
        """Return the range of the ranked units."""
        return self._range(1)

    @property
    def ranges(self) -> dict[str, str]:
        """Return the ranges to add, by count and population."""
        first = len(_COLUMNS) + 1
        return {
            code: self._range(place)
            for place, code in enumerate((*self.counts, *self.populations), start=first)
        }

    def _range(self, place: int) -> str:
        letter = get_column_letter(place)
        return f"{self.sheet.reference}${letter}$2:${letter}${self.last_row}"

    @staticmethod
    def _told(case: CountedCase, zone: ZoneInfo) -> list[Value]:
        fact = case.fact
        return [
            case.number,
            case.unit_name,
            case.class_code,
            case.membership.reason.label("zh"),
            local(fact.dispatched_at, zone),
            local(fact.due_at, zone),
            local(fact.stopped_at, zone),
            local(fact.closed_at, zone),
        ]

    def _flags(self, case: CountedCase) -> list[Value]:
        """Return what a case adds to each count; an empty cell is a nought, and a third of the file."""
        rules = self.items.ranking.counted.basis.rules
        member = case.membership
        return [
            *(int(getattr(member, code)) or None for code in self.counts),
            *(int(in_population(case.fact, name, rules)) or None for name in self.populations),
        ]


def cases_sheet(
    file: Spreadsheet, items: Items, counts: Sequence[str], populations: Sequence[str]
) -> CasesSheet:
    """Add the sheet."""
    widths = [width for _, width in _COLUMNS] + [11] * (len(counts) + len(populations))
    sheet = file.sheet(TITLE, widths, freeze="D2", repeat_rows="1:1")
    return CasesSheet(sheet, counts, populations, items)
