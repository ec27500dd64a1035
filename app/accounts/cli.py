"""flask people: the accounts of an installation that has no page to make the first one with."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.accounts.commands import (
    AssignRole,
    CreatePerson,
    CreateUnit,
    DeactivatePerson,
    LiftLockOut,
    SetPassword,
)
from app.accounts.queries import active_demo_people, person_by_login, unit_by_code
from app.accounts.roles import ROLES
from app.accounts.tables import Person
from app.errors import AppError
from app.run import SYSTEM, installed_runtime, run

cli = AppGroup("people", help="Create units and people, set passwords, assign roles.")
role_choice = click.Choice(list(ROLES))


@cli.command("add-unit")
@click.argument("code")
@click.argument("name")
@click.option("--name-en", default="", help="Name in English.")
@click.option("--parent", help="Code of the unit above; none for the city itself.")
def add_unit(code: str, name: str, name_en: str, parent: str | None) -> None:
    """Add a unit."""
    with _session() as session:
        above = unit_by_code(session, parent) if parent else None
    if parent and above is None:
        raise click.ClickException(f"There is no unit {parent}.")
    _run(CreateUnit(code, name, name_en, above.id if above else None))


@cli.command("add")
@click.argument("login")
@click.argument("name")
@click.option("--unit", required=True, help="Code of the unit.")
@click.option("--role", "roles", multiple=True, type=role_choice)
@click.password_option()
def add(login: str, name: str, unit: str, roles: tuple[str, ...], password: str) -> None:
    """Add a person, who must change the password at the first sign-in."""
    with _session() as session:
        found = unit_by_code(session, unit)
    if found is None:
        raise click.ClickException(f"There is no unit {unit}.")
    _run(CreatePerson(found.id, login, name, roles=roles, password=password))


@cli.command("set-password")
@click.argument("login")
@click.password_option()
def set_password(login: str, password: str) -> None:
    """Give a person a password that they must change at the next sign-in."""
    _run(SetPassword(_person(login).id, password))


@cli.command("assign-role")
@click.argument("login")
@click.argument("role", type=role_choice)
def assign_role(login: str, role: str) -> None:
    """Let a person act in a role."""
    _run(AssignRole(_person(login).id, role))


@cli.command("deactivate-demo")
def deactivate_demo() -> None:
    """End the access of every demo account, whose password is public."""
    with _session() as session:
        accounts = active_demo_people(session)
    for person in accounts:
        _run(DeactivatePerson(person.id))
    click.echo(f"{len(accounts)} demo accounts deactivated.")


@cli.command("unlock")
@click.argument("login")
def unlock(login: str) -> None:
    """Let a person who was locked out after wrong passwords try again."""
    _run(LiftLockOut(_person(login).id))


def _session() -> Session:
    return installed_runtime().database.sessions()


def _person(login: str) -> Person:
    with _session() as session:
        person = person_by_login(session, login)
    if person is None:
        raise click.ClickException(f"There is no person {login}.")
    return person


def _run(command: object) -> None:
    try:
        run(command, actor=SYSTEM)
    except AppError as error:
        raise click.ClickException(str(error)) from error
