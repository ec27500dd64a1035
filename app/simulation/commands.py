"""Use cases of the simulation room: begin a span of simulated days, in a city built for it, and end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, update

from app.accounts.tables import Unit
from app.errors import StateChanged
from app.run import Tx, handles
from app.simulation.city import build_city
from app.simulation.tables import SimulationRun


@dataclass(frozen=True)
class BeginRun:
    """Begin a span; an empty database gets a city first, in the same transaction.

    progress: called with what is being built, how much of it is done and how much there is.
    """

    size: str
    seed: int
    per_day: float
    is_demo: bool
    from_at: datetime
    until_at: datetime
    progress: Callable[[str, int, int], None] = field(
        default=lambda stage, done, total: None, repr=False, compare=False
    )


@dataclass(frozen=True)
class FinishRun:
    """Mark a span as lived through to its end."""

    run_id: int


@handles(BeginRun)
def begin_run(command: BeginRun, tx: Tx) -> int:
    """Record the span and return its id. Raises StateChanged in a city that nobody simulated."""
    if tx.session.scalar(select(Unit.id).limit(1)) is None:
        build_city(tx.session, command.size, command.seed, tx.clock.now(), command.progress)
    elif tx.session.scalar(select(SimulationRun.id).limit(1)) is None:
        raise StateChanged("数据库中的城市不是模拟的，不能在其中模拟办案。")
    run_id: int = tx.session.execute(
        insert(SimulationRun)
        .values(
            size=command.size,
            seed=command.seed,
            per_day=command.per_day,
            is_demo=command.is_demo,
            from_at=command.from_at,
            until_at=command.until_at,
            begun_at=tx.clock.now(),
        )
        .returning(SimulationRun.id)
    ).scalar_one()
    return run_id


@handles(FinishRun)
def finish_run(command: FinishRun, tx: Tx) -> None:
    """Record the end."""
    tx.session.execute(
        update(SimulationRun)
        .where(SimulationRun.id == command.run_id)
        .values(finished_at=tx.clock.now())
    )
