"""Replace facts that the log contradicts by those it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, text

from app.assessment.rebuild import changes_of
from app.assessment.rebuilding import Rebuilt, rebuilt, these_cases
from app.assessment.tables import Fact
from app.run import Tx, handles

# Instance first, as in every step: none of these cases moves on meanwhile.
_LOCK: Final = """
SELECT id FROM process_instances WHERE case_id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True)
class RewriteFacts:
    """Write the facts of cases anew where they are not those that the log tells of."""

    case_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """How many versions of a case's facts there were, and how many there are."""

    number: str
    before: int
    after: int


@handles(RewriteFacts)
def rewrite_facts(command: RewriteFacts, tx: Tx) -> list[Rewritten]:
    """Rebuild under lock, and replace all versions of each case that still differs."""
    session, done = tx.session, []
    session.execute(text(_LOCK), {"ids": list(command.case_ids)})
    for one in rebuilt(session, these_cases(session, command.case_ids)):
        if not one.checked.differences:
            continue
        rows = list(_rows(one))
        session.execute(delete(Fact).where(Fact.case_id == one.case["id"]))
        if rows:
            session.execute(insert(Fact), rows)
        done.append(Rewritten(one.case["number"], len(one.stored), len(rows)))
    return done


def _rows(one: Rebuilt) -> Iterator[dict[str, Any]]:
    """Return the versions as rows: each ends where the next of its dispatch begins."""
    kept = changes_of(one.versions)
    versions = [
        version for version in one.versions if (version.dispatch_no, version.valid_from) in kept
    ]
    for version, following in zip(versions, [*versions[1:], None], strict=True):
        goes_on = following is not None and following.dispatch_no == version.dispatch_no
        yield {
            **version.values,
            "case_id": one.case["id"],
            "dispatch_no": version.dispatch_no,
            "valid_from": version.valid_from,
            "valid_to": following.valid_from if goes_on and following is not None else None,
        }
