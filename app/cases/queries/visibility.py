"""Who may see a case: the centre and its watch, its reporter, whoever works on it, the units that have or had it.

A unit sees its own cases and those of the units below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.queries import stands_in_ranked_unit
from app.accounts.roles import (
    ADMINISTRATOR,
    ANALYST,
    ASSESSOR,
    AUDITOR,
    COLLECTOR,
    DISPATCHER,
    DUTY_CHIEF,
    FLOOD_COMMANDER,
    INTAKE_OFFICER,
    LEADER,
    SUPERVISOR,
    WATCH_OFFICER,
)
from app.cases.queries.case_file import case_by_number
from app.cases.queries.matching import without_nul
from app.cases.tables import Case
from app.errors import Forbidden, NotFound
from app.run import Actor

CENTRE: Final = (
    INTAKE_OFFICER, DUTY_CHIEF, DISPATCHER, SUPERVISOR, ASSESSOR, LEADER, AUDITOR, ADMINISTRATOR,
    ANALYST,
)  # fmt: skip
# Alerts lead to cases, and may join any that is open; the centre's other papers are not theirs.
_SEE_CASES: Final = (*CENTRE, WATCH_OFFICER, FLOOD_COMMANDER)

# Every unit that has or had a case was given work items in it.
_PERSONAL: Final = """
(c.reported_by = :reader OR c.handler_id = :reader OR c.unit_id = ANY(CAST(:seen_units AS bigint[]))
 OR EXISTS (SELECT FROM work_items w WHERE w.case_id = c.id AND (
    w.unit_id = ANY(CAST(:seen_units AS bigint[])) OR w.assignee_id = :reader OR w.finished_by = :reader
    OR (w.status = 'open' AND w.role = ANY(CAST(:reader_roles AS text[]))
        AND (w.unit_id IS NULL AND NOT :reader_ranked OR w.unit_id = :reader_unit)))))
"""
_WITHIN: Final = text("SELECT id FROM units WHERE path LIKE :path || '%'")


@dataclass(frozen=True, slots=True)
class Sight:
    """The cases that a person may see: a condition over rows `c` of cases, and what it is bound to."""

    condition: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Tell whether nothing is hidden."""
        return self.condition == "TRUE"


WHOLE: Final = Sight("TRUE")


def sight_of(session: Session, actor: Actor) -> Sight:
    """Return which cases a person may see.

    A centre's role held in a ranked unit, such as a district's own leader, sees that unit's cases.
    """
    if actor.has(*_SEE_CASES) and not stands_in_ranked_unit(session, actor.unit_path):
        return WHOLE
    # Collectors stand high in the tree, with every unit below them, and see only what they do themselves.
    of_unit = actor.roles - {COLLECTOR}
    units = session.execute(_WITHIN, {"path": actor.unit_path}).scalars() if of_unit else ()
    values = {
        "reader": actor.person_id,
        "reader_unit": actor.unit_id,
        "reader_roles": sorted(actor.roles),
        "reader_ranked": actor.ranked,
        "seen_units": list(units),
    }
    return Sight(_PERSONAL, values)


def may_see(session: Session, actor: Actor, case_id: int) -> bool:
    """Tell whether a person may see a case."""
    sight = sight_of(session, actor)
    statement = f"SELECT EXISTS (SELECT FROM cases c WHERE c.id = :case AND {sight.condition})"  # noqa: S608 because only our own names are put in
    return bool(session.scalar(text(statement), {**sight.values, "case": case_id}))


def require_sight(session: Session, actor: Actor, case: Case) -> None:
    """Raise Forbidden unless the person may see the case."""
    if not may_see(session, actor, case.id):
        raise Forbidden(
            "您无权查看案卷 %(number)s：它不是您上报或经办的，也没有派到您的单位。",
            number=case.number,
        )


def visible_case(session: Session, actor: Actor, number: str) -> Case:
    """Return the case with this number. Raises NotFound, or Forbidden when it is not for this person."""
    found = case_by_number(session, without_nul(number))
    if found is None:
        raise NotFound("没有案卷号为 %(number)s 的案件。", number=number)
    require_sight(session, actor, found)
    return found
