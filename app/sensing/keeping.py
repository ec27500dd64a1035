"""Throw away what is older than sla/policies/retention.yml says."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.run import Tx, handles
from app.sensing.partitions import drop_months_before, month_of
from sla.retention import Retention, shipped_retention

log = logging.getLogger(__name__)

_OLD_REFUSALS: Final = "DELETE FROM refused_readings WHERE day_on < %s"


@dataclass(frozen=True)
class DropOldReadings:
    """Throw away the months that are no longer kept."""

    at: datetime
    retention: Retention | None = None


@handles(DropOldReadings)
def drop_old_readings(command: DropOldReadings, tx: Tx) -> list[str]:
    """Drop whole partitions, and the counts of refusals; return the names of the partitions."""
    kept = command.retention or shipped_retention()
    month = month_of(command.at, tx.services.settings.timezone)
    months = {"readings": kept.readings} | {
        f"reading_summaries_{minutes}": kept.of_minutes(minutes) for minutes in (5, 60, 1440)
    }
    dropped = []
    for table, number in months.items():
        dropped += drop_months_before(tx.connection, table, months_before(month, number))
    tx.connection.execute(_OLD_REFUSALS, (months_before(month, kept.refused).date(),))
    if dropped:
        log.info("no longer kept: %s", ", ".join(dropped))
    return dropped


def months_before(month: datetime, number: int) -> datetime:
    """Return the beginning of a month so many before another, in the city's time."""
    for _ in range(number):
        month = (month - timedelta(days=1)).replace(day=1)
    return month
