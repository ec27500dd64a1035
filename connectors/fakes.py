"""Connectors for tests: they remember what was delivered and fail when told to."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.errors import ConnectorError
from connectors.messages import Message


@dataclass
class FakeConnector:
    """Remember each delivery. failures: what the next deliveries raise, first to last, None for none."""

    delivered: list[Message] = field(default_factory=list)
    failures: list[ConnectorError | None] = field(default_factory=list)

    def deliver(self, message: Message) -> None:
        """Take the message, or fail as told."""
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.delivered.append(message)

    @property
    def keys(self) -> list[str]:
        """Return the keys of what was delivered, in order."""
        return [message.key for message in self.delivered]
