"""Use cases of the door: how often somebody may try a password.

An attempt is written before its password is looked at, so that many tried at once over several
processes are counted one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.queries import plain_login, shut_for_address_until, shut_for_login_until
from app.accounts.roles import ADMINISTRATOR
from app.accounts.tables import Person, SignInAttempt
from app.errors import NotFound
from app.run import Tx, handles

_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True)
class Admission:
    """What became of an attempt: its id, or until when none is let through."""

    attempt_id: int | None
    shut_until: datetime | None = None


@dataclass(frozen=True)
class AttemptSignIn:
    """Ask to try a password for a login, whether there is such a login or not."""

    login: str
    address: str


@dataclass(frozen=True)
class RecordFailure:
    """Note that the password of an attempt was wrong."""

    attempt_id: int


@dataclass(frozen=True)
class ForgetAttempts:
    """Clear a login whose password was right."""

    login: str


@dataclass(frozen=True)
class LiftLockOut:
    """Let a person try again at once."""

    person_id: int


@handles(AttemptSignIn)
def attempt_sign_in(command: AttemptSignIn, tx: Tx) -> Admission:
    """Write the attempt down, unless the login or the address has had too many."""
    login, now = plain_login(command.login), tx.clock.now()
    # The attempts of one login stand in line; those of different ones only when the hashes meet.
    tx.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:login, 0))"), {"login": login}
    )
    shut = max(
        filter(
            None,
            (
                shut_for_login_until(tx.session, login, now),
                shut_for_address_until(tx.session, command.address, now),
            ),
        ),
        default=None,
    )
    if shut is not None:
        return Admission(None, shut)
    tx.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - _KEPT))
    attempt_id = tx.session.execute(
        insert(SignInAttempt)
        .values(login=login, address=command.address, at=now, failed=False)
        .returning(SignInAttempt.id)
    ).scalar_one()
    return Admission(attempt_id)


@handles(RecordFailure)
def record_failure(command: RecordFailure, tx: Tx) -> datetime | None:
    """Count the failure and return until when the login is shut because of it."""
    login: str | None = tx.session.execute(
        update(SignInAttempt)
        .where(SignInAttempt.id == command.attempt_id)
        .values(failed=True)
        .returning(SignInAttempt.login)
    ).scalar()
    return shut_for_login_until(tx.session, login, tx.clock.now()) if login is not None else None


@handles(ForgetAttempts)
def forget_attempts(command: ForgetAttempts, tx: Tx) -> None:
    """Delete what was counted against the login."""
    _clear(tx, plain_login(command.login))


@handles(LiftLockOut, ADMINISTRATOR)
def lift_lock_out(command: LiftLockOut, tx: Tx) -> None:
    """Delete what was counted against the person's login."""
    login = tx.session.scalar(select(Person.login).where(Person.id == command.person_id))
    if login is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=command.person_id)
    _clear(tx, login)


def _clear(tx: Tx, login: str) -> None:
    tx.session.execute(delete(SignInAttempt).where(SignInAttempt.login == login))
