"""Use cases of units and people: who exists, where they belong, what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.commands.changes import between, lock_tree, record_change
from app.accounts.commands.restructuring import refuse_departure
from app.accounts.passwords import hash_of, is_outdated, matches, new_hash_of
from app.accounts.roles import ADMINISTRATOR, ROLES
from app.accounts.tables import RANK_GROUPS, Person, PersonRole, Unit
from app.errors import Forbidden, InvalidInput, NotFound, Text
from app.run import PERSON, Tx, handles

Row = TypeVar("Row", Unit, Person)


@dataclass(frozen=True)
class CreateUnit:
    """Add a unit below another; without a parent it is the city itself."""

    code: str
    name: str
    name_en: str
    parent_id: int | None = None
    rank_group: str | None = None
    district_code: str | None = None
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeUnit:
    """Give a unit another name, rank group, district or set of duties."""

    unit_id: int
    name: str
    name_en: str
    rank_group: str | None = None
    district_code: str | None = None
    duties: tuple[str, ...] = ()


@dataclass(frozen=True)
class CloseUnit:
    """Take a unit and the units below it out of use; what they did stays theirs."""

    unit_id: int


@dataclass(frozen=True)
class CreatePerson:
    """Add a person to a unit; without a password they cannot sign in yet."""

    unit_id: int
    login: str
    name: str
    phone: str | None = None
    roles: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ChangePerson:
    """Give a person another name, unit, phone or set of roles."""

    person_id: int
    unit_id: int
    name: str
    phone: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeactivatePerson:
    """End a person's access; what they did stays theirs."""

    person_id: int


@dataclass(frozen=True)
class SetPassword:
    """Give a person a password that they must change when they sign in."""

    person_id: int
    password: str = field(repr=False)


@dataclass(frozen=True)
class ChangePassword:
    """Replace one's own password, typed twice."""

    present: str = field(repr=False)
    password: str = field(repr=False)
    repeated: str = field(repr=False)


@dataclass(frozen=True)
class RefreshPasswordHash:
    """Hash one's own password again when the parameters have moved on; a sign-in knows it."""

    password: str = field(repr=False)


@dataclass(frozen=True)
class AssignRole:
    """Let a person act in a role."""

    person_id: int
    role: str


@dataclass(frozen=True)
class RevokeRole:
    """Stop letting a person act in a role."""

    person_id: int
    role: str


@handles(CreateUnit, ADMINISTRATOR)
def create_unit(command: CreateUnit, tx: Tx) -> int:
    """Add the unit and return its id."""
    _check_unit(command.code, command.name, command.rank_group)
    lock_tree(tx)
    parent = _existing(tx.session, Unit, command.parent_id) if command.parent_id else None
    if parent and not parent.active:
        fault = Text("单位“%(name)s”已停用，请另选单位", name=parent.name)
        raise InvalidInput({"parent_id": fault})
    if parent and parent.level == 4:
        raise InvalidInput({"parent_id": "第四级单位下不能再设单位"})
    # The path holds the row's own id, so the id is drawn before the row is written.
    unit_id: int = tx.session.execute(
        text("SELECT nextval(pg_get_serial_sequence('units', 'id'))")
    ).scalar_one()
    added = tx.session.execute(
        insert(Unit)
        .values(
            id=unit_id,
            code=command.code,
            name=command.name,
            name_en=command.name_en,
            level=parent.level + 1 if parent else 1,
            parent_id=command.parent_id,
            path=f"{parent.path if parent else '/'}{unit_id}/",
            rank_group=command.rank_group,
            district_code=command.district_code,
            duties=list(command.duties),
        )
        .on_conflict_do_nothing(index_elements=["code"])
        .returning(Unit.id)
    ).scalar()
    if added is None:
        raise InvalidInput({"code": "单位编码已被使用"})
    return unit_id


@handles(ChangeUnit, ADMINISTRATOR)
def change_unit(command: ChangeUnit, tx: Tx) -> None:
    """Write the unit's new description."""
    unit = _existing(tx.session, Unit, command.unit_id)
    _check_unit(unit.code, command.name, command.rank_group)
    unit.name = command.name
    unit.name_en = command.name_en
    unit.rank_group = command.rank_group
    unit.district_code = command.district_code
    unit.duties = list(command.duties)
    tx.session.flush()


@handles(CloseUnit, ADMINISTRATOR)
def close_unit(command: CloseUnit, tx: Tx) -> None:
    """Mark the unit and those below it as no longer active."""
    lock_tree(tx)
    unit = _existing(tx.session, Unit, command.unit_id)
    closed = tx.session.scalars(
        update(Unit)
        .where(Unit.path.startswith(unit.path, autoescape=True), Unit.active)
        .values(active=False)
        .returning(Unit.id)
        .execution_options(synchronize_session=False)
    ).all()
    for unit_id in closed:
        record_change(tx, "unit_closed", unit_id=unit_id)


@handles(CreatePerson, ADMINISTRATOR)
def create_person(command: CreatePerson, tx: Tx) -> int:
    """Add the person with their roles and return their id."""
    login = command.login.strip().lower()
    if not login:
        raise InvalidInput({"login": "请填写登录名"})
    if not command.name.strip():
        raise InvalidInput({"name": "请填写姓名"})
    _check_roles(command.roles)
    _existing(tx.session, Unit, command.unit_id)
    person_id: int | None = tx.session.execute(
        insert(Person)
        .values(
            unit_id=command.unit_id,
            login=login,
            name=command.name.strip(),
            phone=command.phone,
            password_hash=new_hash_of(command.password, login) if command.password else None,
            must_change_password=command.password is not None,
        )
        .on_conflict_do_nothing(index_elements=["login"])
        .returning(Person.id)
    ).scalar()
    if person_id is None:
        raise InvalidInput({"login": "登录名已被使用"})
    tx.session.add_all(PersonRole(person_id=person_id, role=role) for role in command.roles)
    tx.session.flush()
    return person_id


@handles(ChangePerson, ADMINISTRATOR)
def change_person(command: ChangePerson, tx: Tx) -> None:
    """Write the person's new description; the roles given are all they hold."""
    person = _existing(tx.session, Person, command.person_id)
    if not command.name.strip():
        raise InvalidInput({"name": "请填写姓名"})
    _check_roles(command.roles)
    if ADMINISTRATOR not in command.roles:
        _keep_administrator(tx, command.person_id)
    unit = _existing(tx.session, Unit, command.unit_id)
    if unit.id != person.unit_id:
        refuse_departure(tx, person, unit)
        before = _existing(tx.session, Unit, person.unit_id)
        record_change(tx, "person_moved", between(before, unit), person_id=person.id)
    person.name, person.unit_id = command.name.strip(), command.unit_id
    person.phone = command.phone or None
    tx.session.execute(
        delete(PersonRole)
        .where(PersonRole.person_id == person.id, PersonRole.role.not_in(command.roles))
        .execution_options(synchronize_session=False)
    )
    for role in command.roles:
        tx.session.execute(
            insert(PersonRole).values(person_id=person.id, role=role).on_conflict_do_nothing()
        )
    tx.session.flush()


@handles(DeactivatePerson, ADMINISTRATOR)
def deactivate_person(command: DeactivatePerson, tx: Tx) -> None:
    """Mark the person as no longer active."""
    if command.person_id == tx.actor.person_id:
        raise InvalidInput({"": "不能停用自己的账号，请由另一位管理员办理"})
    person = _existing(tx.session, Person, command.person_id)
    if person.active:
        person.active = False
        record_change(tx, "person_deactivated", person_id=person.id)
    tx.session.flush()


@handles(SetPassword, ADMINISTRATOR)
def set_password(command: SetPassword, tx: Tx) -> None:
    """Store the hash of a password that somebody else chose."""
    person = _existing(tx.session, Person, command.person_id)
    person.password_hash = new_hash_of(command.password, person.login)
    person.must_change_password = True
    tx.session.flush()


@handles(ChangePassword, PERSON)
def change_password(command: ChangePassword, tx: Tx) -> None:
    """Store the hash of a password that the person chose."""
    person = _oneself(tx)
    if person.is_demo:
        raise Forbidden("试用账号供众人使用，密码不能修改。")
    if not matches(person.password_hash, command.present):
        raise InvalidInput({"present": "现用密码不正确"})
    if command.password != command.repeated:
        raise InvalidInput({"repeated": "两次填写的新密码不一致"})
    if command.password == command.present:
        raise InvalidInput({"password": "新密码不能与现用密码相同"})
    person.password_hash = new_hash_of(command.password, person.login)
    person.must_change_password = False
    tx.session.flush()


@handles(RefreshPasswordHash, PERSON)
def refresh_password_hash(command: RefreshPasswordHash, tx: Tx) -> None:
    """Replace an outdated hash of the same password."""
    person = _oneself(tx)
    present = person.password_hash
    if present and is_outdated(present) and matches(present, command.password):
        person.password_hash = hash_of(command.password)
        tx.session.flush()


@handles(AssignRole, ADMINISTRATOR)
def assign_role(command: AssignRole, tx: Tx) -> None:
    """Record the role; recording it twice is recording it once."""
    _check_roles([command.role])
    _existing(tx.session, Person, command.person_id)
    tx.session.execute(
        insert(PersonRole)
        .values(person_id=command.person_id, role=command.role)
        .on_conflict_do_nothing()
    )


@handles(RevokeRole, ADMINISTRATOR)
def revoke_role(command: RevokeRole, tx: Tx) -> None:
    """Delete the role."""
    if command.role == ADMINISTRATOR:
        _keep_administrator(tx, command.person_id)
    tx.session.execute(
        delete(PersonRole)
        .where(PersonRole.person_id == command.person_id, PersonRole.role == command.role)
        .execution_options(synchronize_session=False)
    )


def _existing(session: Session, table: type[Row], row_id: int) -> Row:
    row = session.scalar(select(table).where(table.id == row_id))
    if row is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=row_id)
    return row


def _keep_administrator(tx: Tx, person_id: int) -> None:
    """Refuse to let administrators shut themselves out: the last one could let nobody in again."""
    if person_id == tx.actor.person_id:
        raise InvalidInput({"roles": "不能撤销自己的管理员角色，请由另一位管理员办理"})


def _oneself(tx: Tx) -> Person:
    if tx.actor.person_id is None:
        raise Forbidden
    return _existing(tx.session, Person, tx.actor.person_id)


def _check_unit(code: str, name: str, rank_group: str | None) -> None:
    if not code.strip():
        raise InvalidInput({"code": "请填写单位编码"})
    if not name.strip():
        raise InvalidInput({"name": "请填写单位名称"})
    if rank_group is not None and rank_group not in RANK_GROUPS:
        raise InvalidInput({"rank_group": "考核组应为 district、department、enterprise 之一"})


def _check_roles(roles: Iterable[str]) -> None:
    if not ROLES.keys() >= set(roles):
        raise InvalidInput({"role": "没有这个角色"})
