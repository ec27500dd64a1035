"""What every sheet of a notice is written from."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from zoneinfo import ZoneInfo

from openpyxl.utils import get_column_letter

from app.assessment.notice.calculation import Calculation
from app.assessment.notice.imprint import Imprint, edition_line
from app.assessment.notice.items import Items
from app.assessment.notice.words import title_of
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, ScoredUnit
from app.web.spreadsheets.writing import Paper, Sheet, Style, text_width

HEADLINE = Style(bold=True, size=16, centred=True)
HEADING = Style(bold=True, size=13)
LINE = Style(wrapped=True)
WARNING = Style(bold=True, colour="C00000", centred=True, size=13)
LINE_HEIGHT = 16.0
_USUAL_SIZE = 11
PRINTED = Paper(centred=True, footer="第 &P 页，共 &N 页", margins=(0.5, 0.5, 0.6, 0.6))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A month's notice under construction. address: what the links to cases begin with; "" for no links."""

    items: Items
    month: Month
    zone: ZoneInfo
    imprint: Imprint | None
    address: str
    earlier: tuple[ScoredRanking, ...]
    calculation: Calculation

    @property
    def ranking(self) -> ScoredRanking:
        """Return the month's ranking."""
        return self.items.ranking

    @property
    def title(self) -> str:
        """Return the notice's title."""
        return title_of(self.month)

    @property
    def edition(self) -> str:
        """Return the line that says which edition it is."""
        return edition_line(self.imprint, self.zone)

    def case_address(self, number: str) -> str:
        """Return the address of a case's page."""
        return f"{self.address.rstrip('/')}/cases/{number}"

    def group_of(self, row: ScoredUnit) -> str:
        """Return the name of the group that a unit is ranked in."""
        groups = (group for group in self.ranking.groups if row in group.rows)
        return next(group.name("zh") for group in groups)


def add_text(sheet: Sheet, text: str, columns: int, style: Style = LINE) -> None:
    """Add a text over the first columns of a sheet, in as many lines as it needs."""
    lines = lines_of(text, sum(list(sheet.widths)[:columns]), style.size)
    row = sheet.add([text], style, height=lines * LINE_HEIGHT * style.size / _USUAL_SIZE + 2)
    if columns > 1:
        sheet.merge(f"A{row}:{get_column_letter(columns)}{row}")


def lines_of(text: str, width: float, size: int = _USUAL_SIZE) -> int:
    """Return how many lines a text needs in so many digits of width, a little of which is the cell's edge."""
    return max(ceil(text_width(text) * size / _USUAL_SIZE / (width * 0.95)), 1)
