"""The clock refuses what has no time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.clock import FixedClock, SystemClock, require_aware


def test_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive datetime 2025-11-25T09:00:00"):
        require_aware(datetime(2025, 11, 25, 9, 0))  # noqa: DTZ001


def test_other_zones_become_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    moment = require_aware(datetime(2025, 11, 25, 9, 0, tzinfo=shanghai))
    assert moment == datetime(2025, 11, 25, 1, 0, tzinfo=UTC)
    assert moment.tzinfo is UTC


def test_fixed_clock_moves_only_when_moved() -> None:
    clock = FixedClock(datetime(2025, 11, 25, 1, 0, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(timedelta(hours=2))
    assert clock.now() == datetime(2025, 11, 25, 3, 0, tzinfo=UTC)
    clock.move_to(datetime(2025, 11, 1, tzinfo=UTC))
    assert clock.now() == datetime(2025, 11, 1, tzinfo=UTC)


def test_system_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC
