"""What other rooms want of a version before it becomes the active one; they register it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.engine.definitions import Definition
from app.errors import Fault
from app.run import Tx

Check = Callable[[Tx, Definition], list[Fault]]

_checks: Final[list[Check]] = []


def checks_activation(check: Check) -> Check:
    """Register the decorated function: it returns what would no longer work with a version."""
    _checks.append(check)
    return check


def activation_faults(tx: Tx, definition: Definition) -> list[Fault]:
    """Return what any room finds wrong with a version."""
    return [fault for check in _checks for fault in check(tx, definition)]
