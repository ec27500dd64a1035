"""Who may do what to a case. The first line of every command asks here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import tuple_row

from app.accounts.roles import COLLECTOR, DUTY_CHIEF, INTAKE_OFFICER
from app.errors import Forbidden, StateChanged
from app.run import SYSTEM_ROLE, Actor

REPORTERS: Final = (COLLECTOR, INTAKE_OFFICER, DUTY_CHIEF)

_WHO: Final = """
SELECT w.name, w.status, w.finished_at, p.name FROM work_items w
LEFT JOIN people p ON p.id = w.finished_by WHERE w.id = %s
"""
_HOLDER: Final = """
SELECT p.name, w.claimed_at FROM work_items w JOIN people p ON p.id = w.assignee_id WHERE w.id = %s
"""


def fits(actor: Actor, item: Mapping[str, Any]) -> bool:
    """Tell whether an item is of a role and unit of the actor's, or was given to them within the unit.

    Who lost the role, or moved away, works on nothing of it any more. Items of the whole city are the centre's:
    a unit does not rule on its own returns.
    """
    if SYSTEM_ROLE in actor.roles:
        return True
    if not actor.has(item["role"]):
        return False
    unit_id = item["unit_id"]
    if unit_id is None:
        return not actor.ranked
    if item["assignee_id"] is not None and item["assignee_id"] == actor.person_id:
        return f"/{unit_id}/" in actor.unit_path
    return bool(unit_id == actor.unit_id)


def require_open(
    connection: Connection[Any], actor: Actor, item: Mapping[str, Any], zone: ZoneInfo
) -> None:
    """Raise Forbidden unless the item fits the actor, StateChanged unless it is still open."""
    if not fits(actor, item):
        raise Forbidden("这项工作不归您的角色或单位办理。")
    if item["status"] != "open":
        raise finished(connection, item["id"], zone)


def require_free(actor: Actor, item: Mapping[str, Any]) -> None:
    """Raise Forbidden when somebody else has claimed the item."""
    if item["assignee_id"] not in (None, actor.person_id) and SYSTEM_ROLE not in actor.roles:
        raise Forbidden("已由他人认领，请等其办理或退回。")


def require_unit(actor: Actor, unit_id: int | None, *roles: str) -> None:
    """Raise Forbidden unless the actor holds one of the roles in the unit that has the case."""
    actor.require(*roles)
    if SYSTEM_ROLE not in actor.roles and (unit_id is None or unit_id != actor.unit_id):
        raise Forbidden("案件不在您的单位办理。")


def taken(connection: Connection[Any], item: Mapping[str, Any], zone: ZoneInfo) -> StateChanged:
    """Return the error that says who has taken an item and when."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_HOLDER, (item["id"],)).fetchone()
    assert row is not None, "the item was loaded in this transaction"
    who, claimed_at = row
    when = claimed_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") if claimed_at else ""
    return StateChanged("这项工作已由%(who)s于 %(when)s 认领。", who=who, when=when)


def finished(connection: Connection[Any], item_id: int, zone: ZoneInfo) -> StateChanged:
    """Return the error that says who finished an item and when."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_WHO, (item_id,)).fetchone()
    assert row is not None, "the item was loaded in this transaction"
    name, status, finished_at, who = row
    when = finished_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if status == "done":
        return StateChanged(
            "“%(item)s”已由%(who)s于 %(when)s 办结。", item=name, who=who or "系统", when=when
        )
    return StateChanged("“%(item)s”已于 %(when)s 撤销，无须再办。", item=name, when=when)
