"""The record of what was changed in the organisation: who closed, opened or moved a unit or a person, and when."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, text

from app.accounts.tables import OrganisationChange, Unit
from app.run import Tx

# Two who change the tree at once go one after the other: a path is made of the paths above it.
_TREE_LOCK = 4_821_178


def lock_tree(tx: Tx) -> None:
    """Keep everybody else from changing the tree of units until this transaction ends."""
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TREE_LOCK})


def record_change(
    tx: Tx,
    kind: str,
    facts: Mapping[str, object] | None = None,
    *,
    unit_id: int | None = None,
    person_id: int | None = None,
) -> None:
    """Write down a change of a unit or of a person."""
    tx.session.execute(
        insert(OrganisationChange).values(
            at=tx.clock.now(),
            actor_id=tx.actor.person_id,
            kind=kind,
            unit_id=unit_id,
            person_id=person_id,
            facts=dict(facts or {}),
        )
    )


def between(before: Unit | None, after: Unit) -> dict[str, object]:
    """Return the facts of a move: names as they were on that day, ids to find the units by."""
    return {
        "from_id": before.id if before else None,
        "from": before.name if before else "",
        "to_id": after.id,
        "to": after.name,
    }
