"""Use cases of a changing organisation: units and people come back into use, and move to another place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update

from app.accounts.commands.changes import between, lock_tree, record_change
from app.accounts.objections import Departure, objection_to
from app.accounts.queries import stands_in_ranked_unit
from app.accounts.roles import ADMINISTRATOR
from app.accounts.tables import Person, Unit
from app.errors import InvalidInput, NotFound, StateChanged, Text
from app.run import Tx, handles

_DEEPEST = 4
_PLATFORM_LEVEL = 2


@dataclass(frozen=True)
class ReopenUnit:
    """Bring a closed unit back into use, alone or with the units below it."""

    unit_id: int
    with_those_below: bool = False


@dataclass(frozen=True)
class MoveUnit:
    """Put a unit with all below it under another unit."""

    unit_id: int
    parent_id: int


@dataclass(frozen=True)
class ReactivatePerson:
    """Let a person whose access was ended in again, with the password and the roles they had."""

    person_id: int


@handles(ReopenUnit, ADMINISTRATOR)
def reopen_unit(command: ReopenUnit, tx: Tx) -> int:
    """Mark the unit as active and return how many units were reopened.

    Raises: InvalidInput while the unit above is closed: nothing would be dispatched through it.
    """
    lock_tree(tx)
    unit = _unit(tx, command.unit_id)
    parent = tx.session.get(Unit, unit.parent_id) if unit.parent_id else None
    if parent is not None and not parent.active:
        fault = Text("上级单位“%(name)s”仍停用，请先启用上级单位", name=parent.name)
        raise InvalidInput({"parent_id": fault})
    which = _within(unit) if command.with_those_below else Unit.id == unit.id
    opened = tx.session.scalars(
        update(Unit)
        .where(which, ~Unit.active)
        .values(active=True)
        .returning(Unit.id)
        .execution_options(synchronize_session=False)
    ).all()
    for unit_id in opened:
        record_change(tx, "unit_reopened", unit_id=unit_id)
    return len(opened)


@handles(MoveUnit, ADMINISTRATOR)
def move_unit(command: MoveUnit, tx: Tx) -> None:
    """Write the new paths of the unit and of those below it.

    Raises: InvalidInput (field `parent_id`) for a place where it cannot stand, or while people of the
    unit hold work that would be out of their reach.
    """
    lock_tree(tx)
    unit, parent = _unit(tx, command.unit_id), _unit(tx, command.parent_id)
    before = tx.session.get(Unit, unit.parent_id) if unit.parent_id else None
    deeper = parent.level + 1 - unit.level
    _refuse_place(tx, unit, parent, deeper)
    path = f"{parent.path}{unit.id}/"
    _refuse_while_working(tx, unit, path)
    tx.session.execute(
        update(Unit)
        .where(_within(unit))
        .values(
            path=func.concat(path, func.substr(Unit.path, len(unit.path) + 1)),
            level=Unit.level + deeper,
        )
        .execution_options(synchronize_session=False)
    )
    tx.session.execute(
        update(Unit)
        .where(Unit.id == unit.id)
        .values(parent_id=parent.id)
        .execution_options(synchronize_session=False)
    )
    record_change(tx, "unit_moved", between(before, parent), unit_id=unit.id)
    tx.session.expire_all()


@handles(ReactivatePerson, ADMINISTRATOR)
def reactivate_person(command: ReactivatePerson, tx: Tx) -> None:
    """Mark the person as active again."""
    person = tx.session.get(Person, command.person_id)
    if person is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=command.person_id)
    if person.active:
        raise StateChanged("这个账号已经启用。")
    if person.is_demo and tx.services.settings.production:
        raise InvalidInput({"": "试用账号的密码是公开的，生产环境中不能启用"})
    unit = _unit(tx, person.unit_id)
    if not unit.active:
        fault = Text("所在单位“%(name)s”已停用，请先启用单位，或把人员调到别的单位", name=unit.name)
        raise InvalidInput({"unit_id": fault})
    person.active = True
    record_change(tx, "person_reactivated", person_id=person.id)
    tx.session.flush()


def refuse_departure(tx: Tx, person: Person, unit: Unit) -> None:
    """Refuse to move a person out of reach of the work they hold. Raises InvalidInput (field `unit_id`)."""
    if not unit.active:
        raise InvalidInput({"unit_id": Text("单位“%(name)s”已停用，请另选单位", name=unit.name)})
    left = set(_ids(_unit(tx, person.unit_id).path)) - set(_ids(unit.path))
    departure = Departure(
        (person.id,), tuple(left), into_ranked=stands_in_ranked_unit(tx.session, unit.path)
    )
    objection = objection_to(tx.session, departure)
    if objection is not None:
        raise InvalidInput({"unit_id": objection})


def _refuse_place(tx: Tx, unit: Unit, parent: Unit, deeper: int) -> None:
    fault: Text | None = None
    if unit.parent_id is None:
        fault = Text("城市一级的单位没有上级，不能移动")
    elif parent.path.startswith(unit.path):
        fault = Text("不能移到自己或自己的下级单位之下")
    elif parent.id == unit.parent_id:
        fault = Text("已经在这个上级单位之下")
    elif unit.active and not parent.active:
        fault = Text("单位“%(name)s”已停用，请另选单位", name=parent.name)
    else:
        lowest = tx.session.scalar(select(func.max(Unit.level)).where(_within(unit))) or unit.level
        if lowest + deeper > _DEEPEST:
            fault = Text("移动后最下级将成为第 %(n)s 级，最多四级", n=lowest + deeper)
    if fault is not None:
        raise InvalidInput({"parent_id": fault})


def _refuse_while_working(tx: Tx, unit: Unit, path: str) -> None:
    people = tx.session.scalars(
        select(Person.id).join(Unit, Unit.id == Person.unit_id).where(_within(unit))
    ).all()
    # Only a unit of the second level is given cases to answer for.
    demoted = unit.level == _PLATFORM_LEVEL and len(_ids(path)) != _PLATFORM_LEVEL
    departure = Departure(
        tuple(people),
        tuple(set(_ids(unit.path)) - set(_ids(path))),
        into_ranked=not demoted and stands_in_ranked_unit(tx.session, path),
        demoted=unit.id if demoted else None,
    )
    objection = objection_to(tx.session, departure)
    if objection is not None:
        raise InvalidInput({"parent_id": objection})


def _ids(path: str) -> list[int]:
    return [int(part) for part in path.strip("/").split("/")]


def _within(unit: Unit) -> ColumnElement[bool]:
    return Unit.path.startswith(unit.path, autoescape=True)


def _unit(tx: Tx, unit_id: int) -> Unit:
    found = tx.session.get(Unit, unit_id)
    if found is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=unit_id)
    return found
