"""Column types shared by the rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeDecorator

from app.clock import require_aware


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamptz that refuses a naive datetime; it reads back aware, in UTC."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no time zone: the server would take it for its own."""
        return None if value is None else require_aware(value)

    # Reading needs no step: every connection is opened with timezone=UTC.
    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Compare with datetimes as this type, with intervals as PostgreSQL would."""
        return self if isinstance(value, datetime) else super().coerce_compared_value(op, value)
