"""An installation for a real city does not start with what is safe only for trying things out."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson, CreateUnit, DeactivatePerson
from app.accounts.production import refuse_demo_accounts
from app.accounts.tables import Person
from app.db.session import Database
from app.errors import AppError
from app.house import build_app
from app.run import SYSTEM, Runtime, Services, run
from app.settings import Settings


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
