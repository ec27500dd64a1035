"""run(command): look up the handler, open one transaction, call it, commit once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.clock import Clock, SystemClock
from app.db.session import Database, is_lost_connection
from app.db.transaction import Transaction
from app.errors import DatabaseLost, Forbidden
from app.settings import Settings

SYSTEM_ROLE: Final = "system"


@dataclass(frozen=True)
class Actor:
    """Who acts: a person in a unit with roles, or the platform itself."""

    person_id: int | None
    unit_id: int | None
    unit_path: str
    roles: frozenset[str]
    label: str
    # Stands in a unit that the assessment ranks: the centre's work is not theirs to do.
    ranked: bool = False

    def has(self, *roles: str) -> bool:
        """Tell whether the actor holds one of the roles; the platform holds all."""
        return SYSTEM_ROLE in self.roles or not self.roles.isdisjoint(roles)

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the actor holds one of the roles."""
        if not self.has(*roles):
            raise Forbidden


SYSTEM: Final = Actor(None, None, "", frozenset({SYSTEM_ROLE}), "系统")


@dataclass(frozen=True)
class Services:
    """What handlers use besides the database and the clock."""

    settings: Settings


@dataclass(frozen=True)
class Tx:
    """One transaction of one actor at one moment."""

    transaction: Transaction
    clock: Clock
    actor: Actor
    services: Services

    @property
    def session(self) -> Session:
        """Return a session in this very transaction."""
        return self.transaction.session

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """Return the psycopg connection of this very transaction, for pipelines and COPY."""
        return self.transaction.connection


@dataclass(frozen=True)
class Runtime:
    """What a process runs commands with."""

    database: Database
    services: Services
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def of(cls, settings: Settings, database: Database | None = None) -> Runtime:
        """Return the runtime of an installation."""
        return cls(database or Database.at(settings), Services(settings))


Handler = Callable[[Any, Tx], Any]

_handlers: dict[type, Handler] = {}
_doers: dict[type, frozenset[str]] = {}
# Instead of roles: every person there is; what they may do it to is the handler's to say.
PERSON: Final = "person"
_installed: list[Runtime] = []


def handles(command_type: type, *by: str) -> Callable[[Handler], Handler]:
    """Register the decorated function as the one handler of a command type.

    by: the roles that may run it; PERSON for everybody with an account; none for the platform alone.
    """

    def register(handler: Handler) -> Handler:
        other = _handlers.setdefault(command_type, handler)
        if other is not handler:
            raise TypeError(f"{command_type.__name__} is handled by {other.__qualname__} already")
        _doers[command_type] = frozenset(by)
        return handler

    return register


def doers_of_commands() -> dict[type, frozenset[str]]:
    """Return who may run each command there is."""
    return dict(_doers)


def require_doer(command_type: type, actor: Actor) -> None:
    """Raise Forbidden unless the actor is one of those who may run a command."""
    by = _doers[command_type]
    if not (PERSON in by and actor.person_id is not None):
        actor.require(*by)


def install(runtime: Runtime) -> None:
    """Make the runtime the one that run() uses in this process; the last one installed counts."""
    _installed[:] = [runtime]


def installed_runtime() -> Runtime:
    """Return the runtime of this process."""
    if not _installed:
        raise RuntimeError(
            "no runtime installed: call create_app() or install(Runtime.of(settings))"
        )
    return _installed[0]


def run(
    command: object, *, actor: Actor, clock: Clock | None = None, database: Database | None = None
) -> Any:
    """Run a command in one transaction and return what its handler returns.

    Raises: DatabaseLost when the server goes away; what the handler raises otherwise. Either way
    nothing of the step is kept, except when the connection is lost during the commit itself:
    then it happened wholly or not at all, and only a look can tell.
    """
    runtime = installed_runtime()
    handler = _handlers[type(command)]
    require_doer(type(command), actor)
    database = database or runtime.database
    transaction = Transaction(database)
    try:
        result = handler(command, Tx(transaction, clock or runtime.clock, actor, runtime.services))
        transaction.commit()
    except BaseException as error:
        transaction.abandon()
        if isinstance(error, DBAPIError | psycopg.Error) and is_lost_connection(error):
            database.drop_connections()
            raise DatabaseLost from error
        raise
    transaction.close()
    return result
