"""Use cases of the utilities room: which homes a site serves, and which complaints are about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from app.accounts.roles import INTAKE_OFFICER
from app.cases.commands.work import CompleteWork, complete_work
from app.cases.tables import Case, WorkItem
from app.errors import NotFound, StateChanged
from app.run import Tx, handles
from app.sensing.tables import Site
from app.utilities.queries import main_case_of
from app.utilities.tables import LinkedCase
from sla.utilities import shipped_utilities

# A complaint may be classed days after it was made.
LOOKED_BACK: Final = timedelta(days=14)
ACCEPT_FORM: Final = "accept"

_LINK: Final = """
INSERT INTO linked_cases (case_id, site_id, linked_at)
SELECT DISTINCT ON (c.id) c.id, s.id, %(now)s
FROM cases c
JOIN served_grids g ON g.grid_code = c.grid_code
JOIN sites s ON s.id = g.site_id AND s.active
JOIN unnest(%(classes)s::text[], %(kinds)s::text[]) AS w (class_code, kind)
    ON w.class_code = c.class_code AND w.kind = s.kind
WHERE c.reported_at > %(since)s AND c.channel <> 'sensor'
    AND NOT EXISTS (SELECT FROM linked_cases l WHERE l.case_id = c.id)
ORDER BY c.id, s.id
LIMIT %(limit)s
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class ServeGrids:
    """Put on record which unit grids a site's homes lie in. pairs: (site's id, grid's code)."""

    pairs: Iterable[tuple[int, str]]


@dataclass(frozen=True)
class LinkComplaints:
    """Tie complaints to the sites that serve their places."""

    limit: int = 1000


@dataclass(frozen=True)
class MergeComplaint:
    """Merge a complaint that waits to be accepted into the open case of the site that serves it."""

    site_id: int
    case_id: int


@handles(ServeGrids)
def serve_grids(command: ServeGrids, tx: Tx) -> int:
    """Write the pairs and return how many."""
    count = 0
    with tx.connection.cursor().copy("COPY served_grids (site_id, grid_code) FROM STDIN") as copy:
        for pair in command.pairs:
            copy.write_row(pair)
            count += 1
    return count


@handles(LinkComplaints)
def link_complaints(command: LinkComplaints, tx: Tx) -> int:
    """Link what is not linked yet and return how many."""
    now, trades = tx.clock.now(), shipped_utilities().trades.values()
    wanted = [(code, trade.serving) for trade in trades for code in trade.classes]
    parameters = {
        "now": now,
        "since": now - LOOKED_BACK,
        "limit": command.limit,
        "classes": [code for code, _ in wanted],
        "kinds": [kind for _, kind in wanted],
    }
    return tx.connection.execute(_LINK, parameters).rowcount


@handles(MergeComplaint, INTAKE_OFFICER)
def merge_complaint(command: MergeComplaint, tx: Tx) -> int:
    """Merge a complaint and return the case it went into. Raises StateChanged when either has gone on."""
    link = tx.session.get(LinkedCase, command.case_id)
    if link is None or link.site_id != command.site_id:
        raise NotFound("这件案件不属于这个点位。")
    site = tx.session.get_one(Site, command.site_id)
    main = main_case_of(tx.session, site.id)
    if main is None or main.id == command.case_id:
        raise StateChanged("这个点位没有在办的预警案件，不能并案。")
    item_id = tx.session.scalar(
        select(WorkItem.id).where(
            WorkItem.case_id == command.case_id,
            WorkItem.form_key == ACCEPT_FORM,
            WorkItem.status == "open",
        )
    )
    if item_id is None:
        number = tx.session.get_one(Case, command.case_id).number
        raise StateChanged("案件 %(number)s 不在受理环节，不能并案。", number=number)
    answers = {"outcome": "merge", "merged_into": main.number}
    complete_work(CompleteWork(item_id, answers), tx)
    return main.id
