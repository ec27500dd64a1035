"""The small city, and a way to open the product as one of its people."""

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
