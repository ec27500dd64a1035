"""Where a page of a list begins: after the last row of the page before, never at an offset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.errors import NotFound


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list ordered by a moment and an id."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.id}"

    @classmethod
    def read(cls, text: str | None) -> Place | None:
        """Read a place as an address holds it; None for none. Raises NotFound for what is no place."""
        if not text:
            return None
        moment, _, number = text.partition("_")
        try:
            place = cls(datetime.fromisoformat(moment.replace(" ", "+")), int(number))
        except ValueError as exc:
            raise NotFound("网址中的翻页位置无效，请从第一页看起。") from exc
        if place.at.tzinfo is None or not 0 <= place.id < 2**63:
            raise NotFound("网址中的翻页位置无效，请从第一页看起。")
        return place
