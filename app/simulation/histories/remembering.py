"""A connection that remembers its answers: while histories are loaded, classes, units and people stand still."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from types import TracebackType
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row

_EDITIONS: Final = "SELECT valid_from FROM catalogue_versions ORDER BY valid_from"


class Remembering:
    """Offer what the look-ups of app.cases.reference ask of a connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._answers: dict[tuple[str, str], Any] = {}
        with connection.cursor(row_factory=tuple_row) as cursor:
            self._editions = [row[0] for row in cursor.execute(_EDITIONS).fetchall()]

    def use(self, connection: Connection[Any]) -> None:
        """Look up over another connection from now on."""
        self._connection = connection

    def cursor(self, *, row_factory: Any) -> _Cursor:
        """Return a cursor whose first row is looked up once for each statement and its parameters."""
        return _Cursor(self, row_factory)

    def first_row(self, statement: str, parameters: Sequence[Any], row_factory: Any) -> Any:
        """Return the first row that a statement finds, None when it finds none."""
        parameters = [self._in_force(value) for value in parameters]
        key = statement, repr(parameters)
        if key not in self._answers:
            with self._connection.cursor(row_factory=row_factory) as cursor:
                self._answers[key] = cursor.execute(statement, parameters).fetchone()
        return self._answers[key]

    def _in_force(self, value: Any) -> Any:
        """Return, for a day, the first one on which the same edition of the catalogue holds: nothing else is dated."""
        if not isinstance(value, date):
            return value
        place = bisect_right(self._editions, value)
        return self._editions[place - 1] if place else value


class _Cursor:
    def __init__(self, connection: Remembering, row_factory: Any) -> None:
        self._connection = connection
        self._row_factory = row_factory
        self._row: Any = None

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def execute(
        self, statement: str, parameters: Sequence[Any] = (), *, prepare: bool = False
    ) -> _Cursor:
        self._row = self._connection.first_row(statement, parameters, self._row_factory)
        return self

    def fetchone(self) -> Any:
        return self._row
