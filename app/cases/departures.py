"""Whose open work would be out of reach when a person or a unit moves to another place in the tree."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.objections import Departure, objects
from app.errors import Text

_OUT_OF_REACH: Final = text("""
SELECT count(*), min(c.number), min(p.name)
FROM work_items w JOIN cases c ON c.id = w.case_id LEFT JOIN people p ON p.id = w.assignee_id
WHERE w.status = 'open'
  AND w.assignee_id = ANY(CAST(:people AS bigint[]))
  AND (w.unit_id = ANY(CAST(:left AS bigint[])) OR (w.unit_id IS NULL AND :into_ranked))
""")
_OF_THE_UNIT: Final = text("""
SELECT count(*), min(number) FROM cases WHERE unit_id = :unit AND closed_at IS NULL
""")


@objects
def open_work(session: Session, departure: Departure) -> Text | None:
    """Say how much open work stands in the way, and name a case."""
    values = {
        "people": list(departure.people),
        "left": list(departure.left),
        "into_ranked": departure.into_ranked,
    }
    count, number, name = session.execute(_OUT_OF_REACH, values).one()
    if count:
        return Text(
            "还有 %(n)s 项已派给本人的未办工作将办不了（如案卷 %(number)s，承办人%(name)s），请先办结、退回或改派",
            n=count,
            number=number,
            name=name,
        )
    if departure.demoted is not None:
        count, number = session.execute(_OF_THE_UNIT, {"unit": departure.demoted}).one()
        if count:
            return Text(
                "还有 %(n)s 件在办案卷派在这个单位（如 %(number)s），第二级单位才能承办，请先办结或改派",
                n=count,
                number=number,
            )
    return None
