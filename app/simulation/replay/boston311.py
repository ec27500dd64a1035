"""Read the requests that the City of Boston publishes: one CSV file a month, plain or gzipped."""

from __future__ import annotations

import csv
import gzip
import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO
from zoneinfo import ZoneInfo

from app.simulation.replay.history import Problem, Request, moment_of

NAME: Final = "boston311"
ZONE: Final = "America/New_York"

_NEEDED: Final = (
    "case_enquiry_id", "open_dt", "target_dt", "closed_dt", "department",
)  # fmt: skip
_CHANNELS: Final = {
    "Constituent Call": "hotline",
    "Self Service": "public",
    "Citizens Connect App": "public",
    "Employee Generated": "collector",
    "City Worker App": "patrol",
    "Maximo Integration": "upper",
}
_OTHER_CHANNEL: Final = "public"
# What surrogateescape makes of a byte that is no UTF-8.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _Unreadable(ValueError):
    """A row that cannot be read; the message says why."""


class _Misshapen(ValueError):
    """A record that does not end where it should."""


def read_requests(path: Path, zone: ZoneInfo) -> Iterator[Request | Problem]:
    """Return the requests of a file, and in place of each row that cannot be read the problem with it."""
    try:
        with _opened(path) as file:
            yield from _rows(str(path), file, zone)
    except (OSError, EOFError) as error:
        # gzip raises these in the middle of a damaged file; what came before is whole.
        yield Problem(str(path), 0, f"the file cannot be read to its end: {error}")


def _opened(path: Path) -> TextIO:
    # surrogateescape: one wrong byte spoils its row, not the file.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


class _Lines:
    """The lines of a file, to be read again from the second line of a record that has no good end."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self._record.append(line)
        self._number += 1
        return line

    def begin(self) -> int:
        """Return the number of the line that the next record begins with."""
        self._record.clear()
        return self._number + 1

    def step_back(self) -> None:
        """Read on from the second line of the record: an open quotation mark spoils one row, not the rest."""
        self._again.extendleft(reversed(self._record[1:]))
        self._number -= len(self._record) - 1


def _rows(name: str, file: TextIO, zone: ZoneInfo) -> Iterator[Request | Problem]:
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    columns: list[str] | None = None
    while True:
        line = lines.begin()
        try:
            fields = next(reader)
            if columns is None:
                columns = _columns(fields)
            elif fields:
                yield _request(name, line, _named(columns, fields), zone)
        except StopIteration:
            return
        except (csv.Error, _Misshapen) as error:
            lines.step_back()
            yield Problem(name, line, str(error))
        except _Unreadable as error:
            yield Problem(name, line, str(error))
            if columns is None:
                return


def _columns(fields: list[str]) -> list[str]:
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise _Unreadable(f"no column {', '.join(missing)}")
    return fields


def _named(columns: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) != len(columns):
        raise _Misshapen(f"{len(fields)} fields, {len(columns)} wanted")
    row = {column: value.strip() for column, value in zip(columns, fields, strict=True)}
    for column, value in row.items():
        if "\x00" in value or (not value.isascii() and _SURROGATE.search(value)):
            raise _Unreadable(f"{column} is not UTF-8 text")
    return row


def _request(name: str, line: int, row: Mapping[str, str], zone: ZoneInfo) -> Request:
    number = row["case_enquiry_id"]
    if not number:
        raise _Unreadable("case_enquiry_id is empty")
    opened_at = _moment(row, "open_dt", zone)
    if opened_at is None:
        raise _Unreadable("open_dt is empty")
    kind = row.get("type", "")
    lon, lat = _degrees(row, "longitude", 180), _degrees(row, "latitude", 90)
    return Request(
        file=name,
        line=line,
        source_key=f"{NAME}:{number}",
        channel=_CHANNELS.get(row.get("source", ""), _OTHER_CHANNEL),
        category=row.get("reason", "") or kind,
        department=row["department"],
        title=(row.get("case_title", "") or kind or number)[:200],
        description=" / ".join(filter(None, (row.get("subject"), kind, row.get("queue")))),
        address=(row.get("location", "") or row.get("neighborhood", ""))[:500],
        lon=None if lat is None else lon,
        lat=None if lon is None else lat,
        opened_at=opened_at,
        promised_at=_moment(row, "target_dt", zone),
        closed_at=_moment(row, "closed_dt", zone),
    )


def _moment(row: Mapping[str, str], column: str, zone: ZoneInfo) -> datetime | None:
    text = row[column]
    if not text:
        return None
    try:
        return moment_of(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError) as exc:
        raise _Unreadable(f"{column} is no time: {text!r}") from exc


def _degrees(row: Mapping[str, str], column: str, limit: int) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        degrees = float(text)
    except ValueError as exc:
        raise _Unreadable(f"{column} is no number: {text!r}") from exc
    if not abs(degrees) <= limit:
        raise _Unreadable(f"{column} is not within {limit} degrees: {text}")
    return degrees
