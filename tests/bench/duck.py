"""DuckDB counting a month from a Parquet file of the same facts: every count, population and unit, by the shipped rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import psycopg

from sla.figures import ALL, POPULATIONS
from sla.indicators import ALL_COUNTS, CountingRules, Period, Tally

_EXPORTS: Final = {
    "facts": """
        SELECT case_id, dispatch_no, unit_id, channel, valid_from, valid_to, dispatched_at,
               taken_back_at, due_at, handed_in_at, on_time, closed_at, extensions, reworks,
               on_hold, void, exempt, unfounded_returns, media_supervisions, supervisions,
               worked_minutes, urgent
        FROM facts""",
    "self_handled": """
        SELECT closed_at, channel, limit_unit IN ('urgent_hour', 'urgent_day') AS urgent, (
            SELECT u.id FROM units u
            WHERE u.rank_group = 'district' AND u.district_code = c.district_code
            ORDER BY u.level, u.id LIMIT 1) AS unit_id
        FROM cases c WHERE closed_as = 'self_handled'""",
}

# As of the month's end; charged with: since its beginning, in this dispatch or in one to the unit just before.
_MONTH: Final = """
WITH charged AS (
    SELECT case_id, dispatch_no, unit_id, unfounded_returns, media_supervisions, supervisions
    FROM facts WHERE valid_from < $start AND (valid_to IS NULL OR valid_to >= $start)
        AND (unfounded_returns > 0 OR media_supervisions > 0 OR supervisions > 0)
), ending AS (
    SELECT * FROM facts WHERE valid_from < $end AND (valid_to IS NULL OR valid_to >= $end)
), seen AS (
    SELECT f.*,
        greatest(f.unfounded_returns - coalesce(b.unfounded_returns, c.unfounded_returns, 0), 0)
            AS returned,
        greatest(f.media_supervisions - coalesce(b.media_supervisions, c.media_supervisions, 0), 0)
            AS by_media,
        greatest(f.supervisions - coalesce(b.supervisions, c.supervisions, 0), 0) AS by_anyone,
        NOT f.void AND f.taken_back_at IS NULL AS is_theirs
    FROM ending f
    LEFT JOIN charged b ON b.case_id = f.case_id AND b.unit_id = f.unit_id
        AND b.dispatch_no = f.dispatch_no
    LEFT JOIN charged c ON c.case_id = f.case_id AND c.unit_id = f.unit_id
        AND c.dispatch_no = f.dispatch_no - 1
), judged AS (
    SELECT *, coalesce(closed_at < $end, FALSE) AS done,
        is_theirs AND NOT on_hold AND coalesce(due_at < $end, FALSE)
            AND (due_at >= $start OR closed_at IS NULL OR closed_at >= $start) AS is_due,
        exempt OR coalesce(on_time, handed_in_at <= due_at, FALSE) AS in_time,
        dispatched_at >= $start AND dispatched_at < $end AS is_new,
        supervisions > 0 OR list_contains($attention, channel) AS supervised,
        list_contains($public, channel) AS public, list_contains($sensed, channel) AS sensed
    FROM seen
)
"""
_COUNTS: Final[Mapping[str, str]] = {
    "due": "count(*) FILTER (WHERE is_due {among})",
    "closed": "count(*) FILTER (WHERE is_due AND done {among})",
    "on_time": "count(*) FILTER (WHERE is_due AND done AND in_time {among})",
    "late": "count(*) FILTER (WHERE is_due AND done AND NOT in_time {among})",
    "extended": "count(*) FILTER (WHERE is_due AND extensions > 0 {among})",
    "first_pass": "count(*) FILTER (WHERE is_due AND done AND reworks = 0 {among})",
    "reworked": "count(*) FILTER (WHERE is_due AND reworks > 0 {among})",
    "closed_reworked": "count(*) FILTER (WHERE is_due AND done AND reworks > 0 {among})",
    "overdue_open": "count(*) FILTER (WHERE is_due AND NOT done {among})",
    "unfounded_returns": "count(*) FILTER (WHERE is_theirs AND returned > 0 {among})",
    "media_supervisions": "count(*) FILTER (WHERE is_theirs AND by_media > 0 {among})",
    "filed": "count(*) FILTER (WHERE is_theirs AND is_new {among})",
    "unfounded": "count(*) FILTER (WHERE is_due AND returned > 0 {among})",
    "many_reworked": "count(*) FILTER (WHERE is_due AND done AND reworks >= $many {among})",
    "handled": "count(*) FILTER (WHERE is_due AND done AND worked_minutes IS NOT NULL {among})",
    "supervisions": "sum(by_anyone) FILTER (WHERE is_theirs {among})",
    "public_filed": "count(*) FILTER (WHERE is_theirs AND is_new AND public {among})",
    "worked_minutes": "sum(worked_minutes) FILTER (WHERE is_due AND done {among})",
}
_SELF_HANDLED: Final = """
SELECT unit_id, count(*), count(*) FILTER (WHERE urgent),
       count(*) FILTER (WHERE list_contains($attention, channel)),
       count(*) FILTER (WHERE list_contains($public, channel)),
       count(*) FILTER (WHERE list_contains($sensed, channel))
FROM self_handled WHERE closed_at >= $start AND closed_at < $end AND unit_id IS NOT NULL
GROUP BY unit_id
"""


class Duck:
    """The facts of a database, in a Parquet file, and DuckDB over it."""

    def __init__(self, connection: psycopg.Connection[Any], folder: Path) -> None:
        self._duck = duckdb.connect()
        self._duck.execute("SET TimeZone = 'UTC'")
        for name, query in _EXPORTS.items():
            written, kept = folder / f"{name}.csv", folder / f"{name}.parquet"
            copied = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)"
            with written.open("wb") as file, connection.cursor().copy(copied) as copy:
                for block in copy:
                    file.write(block)
            types = _types(connection, query)
            read = f"read_csv('{written}', header = TRUE, columns = {types})"
            self._duck.execute(f"COPY (SELECT * FROM {read}) TO '{kept}' (FORMAT parquet)")
            self._duck.execute(f"CREATE VIEW {name} AS SELECT * FROM '{kept}'")
            written.unlink()

    def tallies(self, period: Period, rules: CountingRules) -> dict[str, dict[int, Tally]]:
        """Count a month by the usual rules: of each population, each unit by itself."""
        bound: dict[str, Any] = {
            "start": period.start,
            "end": period.end,
            "attention": list(rules.attention_channels),
        }
        public, sensed = list(rules.public_channels), list(rules.sensed_channels)
        names = [name for name in ALL_COUNTS if name in _COUNTS]
        wanted = ", ".join(
            _COUNTS[name].format(among="" if population == ALL else f"AND {population}")
            for population in POPULATIONS
            for name in names
        )
        rows = self._duck.execute(
            f"{_MONTH} SELECT unit_id, {wanted} FROM judged GROUP BY unit_id",
            {**bound, "public": public, "sensed": sensed, "many": rules.many_reworks},
        ).fetchall()
        channels = {"attention": bound["attention"], "public": public, "sensed": sensed}
        alone = self._duck.execute(_SELF_HANDLED, {**bound, **channels}).fetchall()
        self_handled = {unit_id: counts for unit_id, *counts in alone}
        found: dict[str, dict[int, Tally]] = {population: {} for population in POPULATIONS}
        by_unit = {row[0]: row[1:] for row in rows}
        for unit_id in by_unit.keys() | self_handled.keys():
            values = by_unit.get(unit_id, (0,) * (len(names) * len(POPULATIONS)))
            for place, population in enumerate(POPULATIONS):
                counts = values[place * len(names) : (place + 1) * len(names)]
                mine = {name: int(value or 0) for name, value in zip(names, counts, strict=True)}
                mine["self_handled"] = self_handled.get(unit_id, (0,) * len(POPULATIONS))[place]
                found[population][unit_id] = Tally(**mine)
        return found


def _types(connection: psycopg.Connection[Any], query: str) -> str:
    """Return DuckDB's types of a query's columns, as read_csv takes them."""
    described = connection.execute(f"SELECT * FROM ({query}) q LIMIT 0").description or ()
    known = {16: "BOOLEAN", 20: "BIGINT", 25: "VARCHAR", 1184: "TIMESTAMPTZ"}
    pairs = (f"'{column.name}': '{known[column.type_code]}'" for column in described)
    return f"{{{', '.join(pairs)}}}"
