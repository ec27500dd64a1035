"""What changes among the open items, from one look to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

# More open items than this are not watched: a look every second must stay a few milliseconds.
MOST: Final = 20_000
_OPEN: Final = text(
    "SELECT id, role, unit_id, assignee_id, due_at FROM work_items WHERE status = 'open'"
    " ORDER BY due_at, id LIMIT :most"
)
_NAMES: Final = text("""
SELECT w.id, w.finished_by, coalesce(f.name, a.name) AS who FROM work_items w
LEFT JOIN people f ON f.id = w.finished_by LEFT JOIN people a ON a.id = w.assignee_id
WHERE w.id = ANY(CAST(:ids AS bigint[]))
""")


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What the desk needs to know of an open item."""

    id: int
    role: str
    unit_id: int | None
    assignee_id: int | None
    due_at: datetime

    def as_row(self) -> dict[str, Any]:
        """Return the item as the rules of authority read it."""
        return {"role": self.role, "unit_id": self.unit_id, "assignee_id": self.assignee_id}


@dataclass(frozen=True, slots=True)
class Look:
    """The open items at a moment."""

    at: datetime
    items: Mapping[int, OpenItem]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an item. kind: new, taken, gone or red. before: as it was; who: whoever did it."""

    kind: str
    item: OpenItem
    before: OpenItem | None = None
    who_id: int | None = None
    who: str | None = None


def look(connection: Connection, now: datetime) -> Look:
    """Return what is open now."""
    rows = connection.execute(_OPEN, {"most": MOST})
    return Look(now, {row.id: OpenItem(*row) for row in rows})


def changes_between(connection: Connection, before: Look, after: Look) -> list[Change]:
    """Return what changed from one look to the next, with the names of those who did it."""
    found = list(_changes(before, after))
    ids = [change.item.id for change in found if change.kind in ("taken", "gone")]
    if not ids:
        return found
    names = {row.id: row for row in connection.execute(_NAMES, {"ids": ids})}
    return [_named(change, names.get(change.item.id)) for change in found]


def _changes(before: Look, after: Look) -> Iterable[Change]:
    for item in after.items.values():
        old = before.items.get(item.id)
        if old is None:
            yield Change("new", item)
        elif item.assignee_id != old.assignee_id:
            # Handed back to its group, or given to somebody, it is new to them.
            yield Change("new" if item.assignee_id is None else "taken", item, old)
        if before.at <= item.due_at < after.at:
            yield Change("red", item)
    for item in before.items.values():
        if item.id not in after.items:
            yield Change("gone", item, item)


def _named(change: Change, row: Any) -> Change:
    if row is None or change.kind not in ("taken", "gone"):
        return change
    who_id = change.item.assignee_id if change.kind == "taken" else row.finished_by
    return Change(change.kind, change.item, change.before, who_id, row.who)
