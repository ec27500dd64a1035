"""A connector that writes each message as a line of a file: for trying out, and for handing over by file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from app.errors import ConnectorError
from connectors.messages import Message


@dataclass(frozen=True)
class LogFile:
    """Append messages to a file, one JSON object a line."""

    path: Path

    def deliver(self, message: Message) -> None:
        """Append the message; it is on disk when this returns."""
        line = json.dumps(
            {"key": message.key, "topic": message.topic, **message.payload}, ensure_ascii=False
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # O_APPEND: lines of several workers do not run into each other.
            with self.path.open("ab") as file:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise ConnectorError(
                "无法写入 %(path)s：%(reason)s",
                permanent=False,
                path=self.path,
                reason=exc.strerror,
            ) from exc
