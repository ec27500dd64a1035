"""The pages of the cases room: inbox, case, item, report, search."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import FlaskLoginClient
from sqlalchemy.orm import Session

from app.accounts.sign_in import signed_in
from app.db.session import Database
from app.run import Actor
from tests.factories import City, Desk, build_city

SignIn = Callable[[Actor], FlaskClient]


@pytest.fixture
def desk(app: Flask, session: Session, open_database: Database) -> Desk:
    return Desk(build_city(session), open_database)


@pytest.fixture
def city(desk: Desk) -> City:
    return desk.city


@pytest.fixture
def signed(app: Flask, desk: Desk, session: Session) -> SignIn:
    """Return a way to open the product as somebody."""
    app.test_client_class = FlaskLoginClient

    def sign_in(actor: Actor) -> FlaskClient:
        assert actor.person_id is not None
        return app.test_client(user=signed_in(session, actor.person_id))

    return sign_in


def test_inbox_of_the_group(desk: Desk, city: City, signed: SignIn) -> None:
    desk.reported_case()
    answer = signed(city.intake).get("/inbox")
    assert answer.status_code == 200
    assert "20251125000001" in answer.text
    print(answer.text)


def test_case(desk: Desk, city: City, signed: SignIn) -> None:
    desk.closed_case()
    answer = signed(city.intake).get("/cases/20251125000001")
    assert answer.status_code == 200
    print(answer.text)


def test_item(desk: Desk, city: City, signed: SignIn) -> None:
    for case in (desk.accepted_case(), ):
        answer = signed(city.intake).get(f"/items/{desk.item(case, 'T_file')}")
        assert answer.status_code == 200
        print(answer.text)

def test_report(desk: Desk, city: City, signed: SignIn) -> None:
    answer = signed(city.intake).get("/cases/new")
    assert answer.status_code == 200
    answer = signed(city.intake).get("/cases?q=垃圾")
    assert answer.status_code == 200
