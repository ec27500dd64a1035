"""The small city inside the transaction that is rolled back."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.db.session import Database
from tests.factories import Desk, build_city


@pytest.fixture
def desk(session: Session, open_database: Database) -> Desk:
    return Desk(build_city(session), open_database)
