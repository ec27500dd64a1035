"""What a notice says of itself: its edition, who signed it, and what it was drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

PREVIEW: Final = "预览，未发布"
# As much of a hash as two people compare over the telephone.
_HASH_SHOWN: Final = 16


@dataclass(frozen=True, slots=True)
class Imprint:
    """The edition of a notice. edition: None for a preview. changes: what a correction changed, a sentence each.

    facts_hash: of the figures as they were frozen. signed_at: None while nobody has signed.
    """

    edition: int | None
    frozen_at: datetime | None = None
    facts_hash: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    changes: tuple[str, ...] = ()


def is_preview(imprint: Imprint | None) -> bool:
    """Tell whether a notice is not published."""
    return imprint is None or imprint.edition is None


def edition_line(imprint: Imprint | None, zone: ZoneInfo) -> str:
    """Say which edition it is and what it was drawn from."""
    said = []
    if imprint is None or imprint.edition is None:
        said.append(PREVIEW)
    else:
        said.append(f"第 {imprint.edition} 版" + ("（更正）" if imprint.edition > 1 else ""))
    if imprint is not None and imprint.frozen_at is not None:
        said.append(f"数据封存：{imprint.frozen_at.astimezone(zone):%Y-%m-%d %H:%M}")
    if imprint is not None and imprint.facts_hash:
        said.append(f"数据指纹：{imprint.facts_hash[:_HASH_SHOWN]}")
    return "　".join(said)


def signature_line(imprint: Imprint | None, zone: ZoneInfo) -> str:
    """Say who signed and when, or leave room for it."""
    name = imprint.signed_by if imprint is not None else ""
    signed_at = imprint.signed_at if imprint is not None else None
    if signed_at is None:
        return f"签发：{name or '　　　　　　'}　　　　年　　月　　日"
    local = signed_at.astimezone(zone)
    return f"签发：{name}　{local.year}年{local.month}月{local.day}日"


def changes_of(imprint: Imprint | None) -> tuple[str, ...]:
    """Return what a correction changed."""
    return imprint.changes if imprint is not None else ()
