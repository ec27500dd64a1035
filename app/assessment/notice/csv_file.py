"""The month's ranking as CSV: one table of all groups, which programs read and Excel opens as it is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Final

from app.assessment.notice.imprint import PREVIEW, Imprint
from app.assessment.notice.items import items_of
from app.assessment.notice.printed import Printed
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking
from app.web.spreadsheets.marks import marked

# Without this mark Excel takes the file for one in the machine's old encoding.
_MARK: Final = "\ufeff"


def notice_csv(
    ranking: ScoredRanking,
    month: Month,
    *,
    imprint: Imprint | None = None,
    earlier: Sequence[ScoredRanking] = (),
) -> bytes:
    """Return the units of every group, UTF-8 with the mark that Excel wants. imprint, earlier: as for the workbook."""
    printed = Printed.of(items_of(ranking, tuple(earlier)))
    edition = imprint.edition if imprint is not None else None
    told = [str(month), PREVIEW if edition is None else str(edition)]
    written = StringIO()
    lines = csv.writer(written)
    lines.writerow(["月份", "版次", "分组", *(marked(one.heading) for one in printed.columns)])
    for group in ranking.groups:
        for row in list(printed.texts(group))[:-1]:
            cells = [
                marked(text) if column.item is None else text
                for column, text in zip(printed.columns, row, strict=True)
            ]
            lines.writerow([*told, group.name("zh"), *cells])
    return (_MARK + written.getvalue()).encode()
