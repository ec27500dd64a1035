"""What goes out: a message, and what a connector is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the outside. key: the receiver drops a message whose key it has seen."""

    topic: str
    key: str
    payload: Mapping[str, Any]


class Connector(Protocol):
    """Deliver messages to one outside system."""

    def deliver(self, message: Message) -> None:
        """Deliver a message. Raises ConnectorError, permanent when trying again will not help."""
        ...
