"""An installation for a real city does not start with what is safe only for trying things out."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.commands import (
    AttemptSignIn,
    CreatePerson,
    CreateUnit,
    DeactivatePerson,
    ReactivatePerson,
)
from app.accounts.production import refuse_demo_accounts
from app.accounts.queries import shut_for_login_until
from app.accounts.tables import Person
from app.clock import FixedClock
from app.db.session import Database
from app.errors import AppError, InvalidInput
from app.house import build_app
from app.run import SYSTEM, Runtime, Services, run
from app.settings import REPOSITORY, Settings


@pytest.fixture
def fit(tmp_path: Path) -> Settings:
    return Settings(
        var_dir=tmp_path, secret_key=secrets.token_urlsafe(48), production=True, secure_cookies=True
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"secret_key": "x7!" * 10}, "SECRET_KEY"),
        ({"secret_key": "a" * 64}, "SECRET_KEY"),
        ({"secret_key": "for tests only" * 4}, "SECRET_KEY"),
        ({"secure_cookies": False}, "JINGWEI_SECURE_COOKIES=1"),
        ({"testing": True}, "testing"),
    ],
)
def test_unsafe_settings_do_not_start(
    fit: Settings, open_database: Database, change: dict[str, object], named: str
) -> None:
    fit.check_production()
    with pytest.raises(AppError, match=named):
        build_app(replace(fit, **change), database=open_database)


def test_production_is_chosen_by_the_environment(tmp_path: Path) -> None:
    environ = {"JINGWEI_VAR": str(tmp_path), "JINGWEI_PRODUCTION": "1"}
    with pytest.raises(AppError, match="JINGWEI_SECURE_COOKIES"):
        Settings.from_env(environ).check_production()
    # The secret that the installation made for itself will do.
    Settings.from_env({**environ, "JINGWEI_SECURE_COOKIES": "1"}).check_production()


@pytest.fixture
def tryme(database: Database) -> int:
    """Return a person whose password everybody knows, in a database of the test's own."""
    unit_id = run(CreateUnit("city", "市中心", "City"), actor=SYSTEM)
    person_id: int = run(CreatePerson(unit_id, "tryme", "试用"), actor=SYSTEM)
    with database.sessions() as session:
        session.execute(update(Person).values(is_demo=True))
        session.commit()
    return person_id


def _started(database: Database, var_dir: Path, *arguments: str, **environ: str) -> str:
    """Start a program of the product in production; return what it said before it refused."""
    url = database.writing.url.render_as_string(hide_password=False)  # type: ignore[union-attr]
    told = {
        "JINGWEI_PRODUCTION": "1",
        "JINGWEI_SECURE_COOKIES": "1",
        "JINGWEI_VAR": str(var_dir),
        "DATABASE_URL": url,
        "FLASK_APP": "wsgi",
        **environ,
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


_ENTRIES = {
    "served": ("-c", "import wsgi"),
    "flask run": ("-m", "flask", "run", "--port", "0"),
    "worker": ("-m", "flask", "worker"),
    "demo": ("-m", "flask", "demo", "seed", "--if-empty"),
    "simulate": ("-m", "flask", "simulate"),
}


@pytest.mark.parametrize("entry", _ENTRIES)
def test_no_entry_opens_production_with_demo_accounts_or_an_example_secret(
    database: Database, tmp_path: Path, tryme: int, entry: str
) -> None:
    said = _started(database, tmp_path, *_ENTRIES[entry])
    invented = entry in ("demo", "simulate")
    assert ("Production takes no demo city" if invented else "deactivate-demo") in said
    secret = "change-me" * 5
    assert "SECRET_KEY" in _started(database, tmp_path, *_ENTRIES[entry], SECRET_KEY=secret)


def test_demo_accounts_are_ended_by_the_command_line(
    fit: Settings, open_database: Database, session: Session
) -> None:
    unit_id = run(CreateUnit("city", "市中心", "City"), actor=SYSTEM)
    for login in ("tryme", "tryme2", "real"):
        run(CreatePerson(unit_id, login, "试用"), actor=SYSTEM)
    session.execute(update(Person).where(Person.login != "real").values(is_demo=True))
    session.commit()
    runner = build_app(fit, database=open_database).test_cli_runner()
    done = runner.invoke(args=["people", "deactivate-demo"])
    assert done.output == "2 demo accounts deactivated.\n"
    session.expire_all()
    active = session.scalars(select(Person.login).where(Person.active)).all()
    assert active == ["real"]
    refuse_demo_accounts(Runtime(open_database, Services(fit)))
    person = session.scalars(select(Person).where(Person.login == "tryme")).one()
    with pytest.raises(InvalidInput, match="公开"):
        run(ReactivatePerson(person.id), actor=SYSTEM)
    assert "0 demo accounts" in runner.invoke(args=["people", "deactivate-demo"]).output


def test_locked_out_person_is_let_in_by_the_command_line(
    settings: Settings, open_database: Database, session: Session, clock: FixedClock
) -> None:
    runner = build_app(settings, database=open_database, clock=clock).test_cli_runner()
    unit_id = run(CreateUnit("city", "市中心", "City"), actor=SYSTEM)
    run(CreatePerson(unit_id, "wang", "王芳"), actor=SYSTEM)
    for _ in range(5):
        run(AttemptSignIn("wang", "192.0.2.1"), actor=SYSTEM)
    assert shut_for_login_until(session, "wang", clock.now()) is not None
    session.commit()
    assert runner.invoke(args=["people", "unlock", "Wang"]).exit_code == 0
    assert shut_for_login_until(session, "wang", clock.now()) is None
    missing = runner.invoke(args=["people", "unlock", "nobody"])
    assert (missing.exit_code, "There is no person nobody." in missing.output) == (1, True)


def test_active_demo_account_does_not_start(
    fit: Settings, open_database: Database, session: Session
) -> None:
    unit_id = run(CreateUnit("city", "市中心", "City"), actor=SYSTEM)
    person_id = run(CreatePerson(unit_id, "tryme", "试用"), actor=SYSTEM)
    session.execute(update(Person).values(is_demo=True))
    session.commit()
    runtime = Runtime(open_database, Services(fit))
    with pytest.raises(AppError, match=r"tryme.*deactivate-demo"):
        refuse_demo_accounts(runtime)
    refuse_demo_accounts(Runtime(open_database, Services(replace(fit, production=False))))
    run(DeactivatePerson(person_id), actor=SYSTEM)
    refuse_demo_accounts(runtime)
