"""What stands around the tables of a notice on paper."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.assessment.notice.imprint import Imprint, changes_of, edition_line, signature_line
from app.assessment.notice.printed import Printed
from app.assessment.notice.words import decimals_line, period_line, ranked_by_line, title_of
from app.assessment.ranking import Month


@dataclass(frozen=True, slots=True)
class Around:
    """The sentences above and below the tables."""

    printed: Printed
    month: Month
    zone: ZoneInfo
    imprint: Imprint | None

    @property
    def title(self) -> str:
        """Return the title."""
        return title_of(self.month)

    @property
    def above(self) -> tuple[str, ...]:
        """Return the edition, the period and what decides the places."""
        return (
            edition_line(self.imprint, self.zone),
            period_line(self.printed.items.ranking, self.zone),
            ranked_by_line(self.printed.items),
        )

    @property
    def below(self) -> tuple[str, ...]:
        """Return the notes, and what a correction changed."""
        note = self.printed.items.scheme.note
        said = f"说明：{decimals_line(self.printed.items)}。"
        corrections = (f"更正：{sentence}" for sentence in changes_of(self.imprint))
        return (f"{said}{note}。" if note else said, *corrections)

    @property
    def signature(self) -> str:
        """Return the line of the signature."""
        return signature_line(self.imprint, self.zone)
