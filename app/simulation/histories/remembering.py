"""A connection that remembers its answers: while histories are loaded, classes, units and people stand still."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from psycopg import Connection


class Remembering:
    """Offer what the look-ups of app.cases.reference ask of a connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._answers: dict[tuple[str, str], Any] = {}

    def use(self, connection: Connection[Any]) -> None:
        """Look up over another connection from now on."""
        self._connection = connection

    def cursor(self, *, row_factory: Any) -> _Cursor:
        """Return a cursor whose first row is looked up once for each statement and its parameters."""
        return _Cursor(self, row_factory)

    def first_row(self, statement: str, parameters: Sequence[Any], row_factory: Any) -> Any:
        """Return the first row that a statement finds, None when it finds none."""
        key = statement, repr(parameters)
        if key not in self._answers:
            with self._connection.cursor(row_factory=row_factory) as cursor:
                self._answers[key] = cursor.execute(statement, parameters).fetchone()
        return self._answers[key]


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
