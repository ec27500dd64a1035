"""Instances just left, kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from app.engine.workflow import CaseWorkflow


class HotStates:
    """Instances just left, by their very bytes, so that the next step need not read them again.

    An entry is taken out when used and put back under the new bytes, so a step that failed or was rolled back
    leaves nothing wrong behind: the old bytes are simply read again.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[bytes, CaseWorkflow] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, state: bytes, definition_hash: str) -> CaseWorkflow | None:
        with self._lock:
            return self._entries.pop(definition_hash.encode() + state, None)

    def put(self, state: bytes, definition_hash: str, workflow: CaseWorkflow) -> None:
        with self._lock:
            self._entries[definition_hash.encode() + state] = workflow
            while len(self._entries) > self.capacity:
                self._entries.popitem(last=False)


HOT = HotStates(capacity=1000)
