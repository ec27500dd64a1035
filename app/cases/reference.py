"""What a step looks up outside its case: classes, filing conditions, units, people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from app.errors import InvalidInput, Text

_CLASS: Final = """
SELECT c.id, c.kind, c.code, c.minor_name AS name, c.duty
FROM classes c JOIN catalogue_versions v ON v.id = c.version_id
WHERE c.code = %s AND v.valid_from <= %s ORDER BY v.valid_from DESC LIMIT 1
"""
_CLASS_AND_CONDITION: Final = """
SELECT c.id, c.kind, c.code, c.minor_name, c.duty,
       f.id, f.seq, f.wording, f.limit_value, f.limit_unit
FROM classes c JOIN catalogue_versions v ON v.id = c.version_id
LEFT JOIN filing_conditions f ON f.class_id = c.id AND f.seq = %s
WHERE c.code = %s AND v.valid_from <= %s ORDER BY v.valid_from DESC LIMIT 1
"""
_UNIT: Final = "SELECT id, name, level, path, active FROM units WHERE id = %s"
_PERSON: Final = """
SELECT p.id, p.name, u.path AS unit_path,
       p.active AND EXISTS (SELECT FROM person_roles r WHERE r.person_id = p.id AND r.role = %s)
           AS active
FROM people p JOIN units u ON u.id = p.unit_id WHERE p.id = %s
"""


@dataclass(frozen=True, slots=True)
class ClassFound:
    """A class of the catalogue in force on a day."""

    id: int
    kind: str
    code: str
    name: str
    duty: str


@dataclass(frozen=True, slots=True)
class ConditionFound:
    """A filing condition of a class."""

    id: int
    seq: int
    wording: str
    limit_value: Decimal
    limit_unit: str


@dataclass(frozen=True, slots=True)
class UnitFound:
    """A unit."""

    id: int
    name: str
    level: int
    path: str
    active: bool


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person; `active` when they are and hold the role asked for."""

    id: int
    name: str
    unit_path: str
    active: bool


def class_on(connection: Connection[Any], code: str, day: date) -> ClassFound:
    """Return the class of a code in the catalogue in force on a day. Raises InvalidInput."""
    with connection.cursor(row_factory=class_row(ClassFound)) as cursor:
        found = cursor.execute(_CLASS, (code, day), prepare=True).fetchone()
    if found is None:
        raise _no_class(code, day)
    return found


def class_and_condition(
    connection: Connection[Any], code: str, day: date, seq: int
) -> tuple[ClassFound, ConditionFound]:
    """Return a class in force on a day and one of its filing conditions. Raises InvalidInput."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_CLASS_AND_CONDITION, (seq, code, day), prepare=True).fetchone()
    found = None if row is None else ClassFound(*row[:5])
    if row is None or found is None:
        raise _no_class(code, day)
    if row[5] is None:
        fault = Text("分类“%(name)s”没有第 %(seq)s 条立案条件", name=found.name, seq=seq)
        raise InvalidInput({"condition_seq": fault})
    return found, ConditionFound(*row[5:])


def _no_class(code: str, day: date) -> InvalidInput:
    fault = Text("%(day)s 的案件分类中没有“%(code)s”", day=day, code=code)
    return InvalidInput({"class_code": fault})


def unit_for_dispatch(connection: Connection[Any], unit_id: int) -> UnitFound:
    """Return a unit that cases may be dispatched to. Raises InvalidInput."""
    with connection.cursor(row_factory=class_row(UnitFound)) as cursor:
        found = cursor.execute(_UNIT, (unit_id,), prepare=True).fetchone()
    if found is None or not found.active:
        fault = Text("没有编号为 %(id)s 的单位，或它已停用", id=unit_id)
        raise InvalidInput({"unit_id": fault})
    if found.level == 1:
        fault = Text("“%(name)s”是市级平台，请派遣到下级单位", name=found.name)
        raise InvalidInput({"unit_id": fault})
    return found


def person_for(
    connection: Connection[Any], person_id: int, *, role: str, within: str | None, field: str
) -> PersonFound:
    """Return a person who may be given work of a role within a unit's path. Raises InvalidInput."""
    with connection.cursor(row_factory=class_row(PersonFound)) as cursor:
        found = cursor.execute(_PERSON, (role, person_id), prepare=True).fetchone()
    if found is None or not found.active:
        fault = Text("编号为 %(id)s 的人员不存在、已停用或没有所需的角色", id=person_id)
        raise InvalidInput({field: fault})
    if within is not None and not found.unit_path.startswith(within):
        raise InvalidInput({field: Text("“%(name)s”不属于承办单位", name=found.name)})
    return found
