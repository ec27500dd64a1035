"""Use cases of spreadsheets: many units or people at once, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.accounts.commands.changes import lock_tree
from app.accounts.commands.organisation import (
    ChangePerson,
    ChangeUnit,
    CreatePerson,
    CreateUnit,
    change_person,
    change_unit,
    create_person,
    create_unit,
)
from app.accounts.commands.restructuring import MoveUnit, move_unit
from app.accounts.queries import person_by_login, plain_login, unit_by_code
from app.accounts.roles import ADMINISTRATOR, ROLES
from app.accounts.spreadsheets import PERSON_COLUMNS, UNIT_COLUMNS, SheetRow
from app.accounts.tables import Person, Unit
from app.errors import AppError, InvalidInput, Text
from app.run import Tx, handles

_SEPARATORS: Final = str.maketrans("、，,;；/", "      ")
_GROUPS: Final = {"区县": "district", "市级部门": "department", "企业": "enterprise"}
_ROLES: Final = {name: role for role, names in ROLES.items() for name in (role, *names)}
# The field of a command -> the column that it came from, where the names differ.
_COLUMN_OF: Final = {"unit_id": "unit", "role": "roles", "parent_id": "parent"}


@dataclass(frozen=True)
class Uploaded:
    """How many rows made something new and how many changed what there was."""

    created: int
    changed: int


@dataclass(frozen=True)
class UploadUnits:
    """Create the units whose code is new and change the others."""

    rows: tuple[SheetRow, ...]


@dataclass(frozen=True)
class UploadPeople:
    """Create the people whose login is new and change the others."""

    # Their first passwords are among the cells.
    rows: tuple[SheetRow, ...] = field(repr=False)


@handles(UploadUnits, ADMINISTRATOR)
def upload_units(command: UploadUnits, tx: Tx) -> Uploaded:
    """Go through the rows in order: a unit above stands before those below it."""
    # Before any row is read: what another moves meanwhile would be looked at as it was.
    lock_tree(tx)
    return _each(command.rows, "code", UNIT_COLUMNS, lambda cells: _put_unit(cells, tx))


@handles(UploadPeople, ADMINISTRATOR)
def upload_people(command: UploadPeople, tx: Tx) -> Uploaded:
    """Go through the rows in order."""
    return _each(command.rows, "login", PERSON_COLUMNS, lambda cells: _put_person(cells, tx))


def _each(
    rows: tuple[SheetRow, ...],
    key: str,
    columns: Mapping[str, str],
    put: Callable[[Mapping[str, str]], bool],
) -> Uploaded:
    """Put every row and count. Raises InvalidInput with the faults of all rows."""
    faults: dict[str, str] = {}
    first: dict[str, int] = {}
    created = 0
    for row in rows:
        try:
            _refuse_twice(first.setdefault(plain_login(row.cells[key]), row.number), row, key)
            created += put(row.cells)
        except AppError as error:
            found = error.fields if isinstance(error, InvalidInput) else {key: _said(error)}
            for name, fault in found.items():
                column = columns.get(_COLUMN_OF.get(name, name), columns[key])
                faults[f"{row.number}-{name}"] = Text(
                    "第 %(row)s 行“%(column)s”：%(fault)s",
                    row=row.number,
                    # As the sheet itself has it, whatever the reader's language.
                    column=column,
                    fault=fault if isinstance(fault, Text) else Text(fault),
                )
    if faults:
        raise InvalidInput(faults)
    return Uploaded(created, len(rows) - created)


def _refuse_twice(first: int, row: SheetRow, key: str) -> None:
    if first != row.number:
        raise InvalidInput({key: Text("与第 %(n)s 行重复", n=first)})


def _put_unit(cells: Mapping[str, str], tx: Tx) -> bool:
    """Return whether the unit is new."""
    present = unit_by_code(tx.session, cells["code"]) if cells["code"] else None
    parent = _unit(cells["parent"], "parent", tx) if cells["parent"] else None
    group = cells["rank_group"]
    described = {
        "name": cells["name"],
        "name_en": cells["name_en"],
        "rank_group": _GROUPS.get(group, group) or None,
        "district_code": cells["district_code"] or None,
    }
    duties = tuple(cells["duties"].translate(_SEPARATORS).split())
    parent_id = parent.id if parent else None
    if present is None:
        create_unit(CreateUnit(cells["code"], parent_id=parent_id, duties=duties, **described), tx)  # type: ignore[arg-type]  # a mapping of several types
        return True
    if present.parent_id != parent_id:
        if parent_id is None:
            raise InvalidInput({"parent": "请填写上级编码：已有单位不能改为城市一级"})
        move_unit(MoveUnit(present.id, parent_id), tx)
    change_unit(ChangeUnit(present.id, duties=duties, **described), tx)  # type: ignore[arg-type]  # a mapping of several types
    return False


def _put_person(cells: Mapping[str, str], tx: Tx) -> bool:
    """Return whether the person is new."""
    present: Person | None = person_by_login(tx.session, cells["login"])
    unit = _unit(cells["unit"], "unit", tx)
    roles = _roles(cells["roles"])
    phone = cells["phone"] or None
    if present is None:
        password = cells["password"] or None
        create_person(
            CreatePerson(unit.id, cells["login"], cells["name"], phone, roles, password), tx
        )
        return True
    if cells["password"]:
        raise InvalidInput({"password": "已有人员的密码请在其页面上重设，此处留空"})
    change_person(ChangePerson(present.id, unit.id, cells["name"], phone, roles), tx)
    return False


def _unit(code: str, column: str, tx: Tx) -> Unit:
    found = unit_by_code(tx.session, code)
    if found is None:
        raise InvalidInput({column: Text("没有编码为“%(code)s”的单位", code=code)})
    return found


def _roles(listed: str) -> tuple[str, ...]:
    # A role's English name holds a space, so spaces separate nothing here.
    names = [
        name.strip() for name in listed.translate(str.maketrans("，,;；", "、、、、")).split("、")
    ]
    unknown = [name for name in names if name and name not in _ROLES]
    if unknown:
        raise InvalidInput({"roles": Text("没有“%(name)s”这个角色", name=unknown[0])})
    return tuple(dict.fromkeys(_ROLES[name] for name in names if name))


def _said(error: AppError) -> Text:
    return Text(error.message, **error.facts)
