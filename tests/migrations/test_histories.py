"""Summaries that are on record move to partitions of their own kind, with their months."""

from __future__ import annotations

from sqlalchemy import Engine, text

from app.db.migrate import upgrade
from app.db.session import engine_for

_MONTH = """
CREATE TABLE reading_summaries_2025_11 (LIKE reading_summaries INCLUDING DEFAULTS);
ALTER TABLE reading_summaries ATTACH PARTITION reading_summaries_2025_11
    FOR VALUES FROM ('2025-10-31 16:00+00') TO ('2025-11-30 16:00+00');
INSERT INTO reading_summaries (device_id, metric, minutes, starts_at, n, low, high, total, last, last_at)
SELECT 1, 1, m, '2025-11-10 16:00+00', 2, 1, 3, 4, 3, '2025-11-10 16:01+00' FROM unnest(ARRAY[5, 60, 1440]) AS m
"""


def _places(engine: Engine) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT minutes, tableoid::regclass::text FROM reading_summaries ORDER BY 1")
        )
        return [(row[0], row[1]) for row in rows]


def test_summaries_on_record_move_with_their_months(empty_database_url: str) -> None:
    engine = engine_for(empty_database_url)
    upgrade(engine, "0023_alert_processes")
    with engine.begin() as connection:
        for statement in _MONTH.split(";"):
            connection.execute(text(statement))
    upgrade(engine)
    assert _places(engine) == [
        (minutes, f"reading_summaries_{minutes}_2025_11") for minutes in (5, 60, 1440)
    ]
    engine.dispose()
