"""The address that sign-in limits count by, with proxies of our own before us and without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.accounts.queries import FAILURES_OF_ADDRESS
from app.accounts.tables import SignInAttempt
from app.clock import FixedClock
from app.db.session import Database
from app.settings import Settings

PROXY = "10.0.0.9"


def _client(settings: Settings, database: Database, clock: FixedClock, proxies: int) -> FlaskClient:
    given = Settings.from_env(
        {"JINGWEI_VAR": str(settings.var_dir), "JINGWEI_PROXIES": str(proxies)}
    )
    app = create_app(replace(settings, proxies=given.proxies), database=database, clock=clock)
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def _try(client: FlaskClient, login: str, forwarded: str) -> int:
    return client.post(
        "/sign-in",
        data={"login": login, "password": "wrong"},
        headers={"X-Forwarded-For": forwarded},
        environ_base={"REMOTE_ADDR": PROXY},
    ).status_code


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, "198.51.100.7", PROXY),
        (1, "198.51.100.7", "198.51.100.7"),
        # What stands before our proxies' own entries is whatever the client wrote.
        (1, "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.1, 198.51.100.7, 10.0.0.8", "198.51.100.7"),
        # Too few entries: somebody came past the proxies.
        (2, "203.0.113.1", PROXY),
    ],
)
def test_address_is_what_the_outermost_of_our_proxies_saw(
    settings: Settings,
    open_database: Database,
    session: Session,
    clock: FixedClock,
    proxies: int,
    forwarded: str,
    counted: str,
) -> None:
    _try(_client(settings, open_database, clock, proxies), "nobody", forwarded)
    assert session.scalars(select(SignInAttempt.address)).all() == [counted]


def test_limit_of_an_address_holds_behind_the_proxy_and_leaves_its_neighbours_alone(
    settings: Settings, open_database: Database, clock: FixedClock
) -> None:
    client = _client(settings, open_database, clock, 1)
    for number in range(FAILURES_OF_ADDRESS):
        # Another invented address each time does not help.
        _try(client, f"nobody{number}", f"203.0.113.{number}, 198.51.100.7")
    assert _try(client, "one more", "198.51.100.7") == 429
    assert _try(client, "one more", "198.51.100.8") == 422
