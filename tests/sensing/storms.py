"""Storms to replay: readings of street sensors, moved to the days before now."""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

FLOODNET = Path("/work/shared/data/floodnet/2025-10-30.csv.gz")
# New York in October.
LOCAL = timezone(timedelta(hours=-4))

Row = tuple[str, datetime, float]


@dataclass(frozen=True)
class Storm:
    """Readings in order of time."""

    rows: tuple[Row, ...]

    @property
    def devices(self) -> list[str]:
        return sorted({device for device, _, _ in self.rows})

    def messages(self) -> Iterable[tuple[str, bytes]]:
        """Return each reading as its device sends it."""
        for device, at, depth in self.rows:
            reading = {"device": device, "at": at.isoformat(), "values": {"depth_cm": depth}}
            yield f"jingwei/json/{device}", json.dumps(reading).encode()

    def peaks(self, line: float) -> list[Row]:
        """Return the highest reading of each device that reached a line."""
        by_device: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            by_device[row[0]].append(row)
        highest = (max(rows, key=lambda row: row[2]) for rows in by_device.values())
        return [row for row in highest if row[2] >= line]


def floodnet(now: datetime) -> Storm:
    """Return the storm of 30 October 2025 in New York, which has gone down by the day before now."""
    with gzip.open(FLOODNET, "rt") as file:
        rows = [
            (
                r["device"],
                datetime.fromisoformat(r["ts"]).replace(tzinfo=LOCAL),
                float(r["depth_cm"]),
            )
            for r in csv.DictReader(file)
        ]
    return _moved(rows, now)


def synthetic(now: datetime, devices: int = 40, minutes: int = 50) -> Storm:
    """Return a storm of our own: each device rises to a height of its own and falls, with ripples."""
    begin = datetime(2025, 7, 26, 20, 30, tzinfo=LOCAL)
    rows = [
        (
            f"S-{number:03d}",
            begin + timedelta(minutes=minute, seconds=number),
            round(
                max(0.0, (number + 1) * math.sin(math.pi * (minute - number % 9) / 40))
                + 2 * (minute * number % 3 == 1),
                1,
            ),
        )
        for minute in range(minutes)
        for number in range(devices)
    ]
    return _moved(rows, now)


def _moved(rows: list[Row], now: datetime) -> Storm:
    # By whole days, so that hours and minutes stay.
    shift = timedelta(days=(now - max(at for _, at, _ in rows)).days - 1)
    return Storm(tuple((device, at + shift, depth) for device, at, depth in rows))
