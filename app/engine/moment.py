"""What a step may know of the world: the time, the functions, the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class ServiceCall(NamedTuple):
    """A service task that was reached: its topic, its evaluated inputs, a read-only view of the data."""

    topic: str
    inputs: Mapping[str, Any]
    data: Mapping[str, Any]
    element: str
    token: int


Service = Callable[[ServiceCall], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Moment:
    """The world as one step sees it.

    now: aware UTC. functions: what expressions may call (due, before_due, ...), each returning an aware datetime.
    services: topic to function. retime: a service adds the name of each clock it changed; waiting timers and due
    dates that name this clock are evaluated again before the step ends.
    """

    now: datetime
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    retime: set[str] = field(default_factory=set)
