"""What every page that shows a case says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.accounts.roles import COLLECTOR, DISPATCHER, DUTY_CHIEF, INTAKE_OFFICER
from app.cases.pages import room, words
from app.cases.pages.deadlines import Deadline, case_deadline
from app.cases.pages.timeline import TimelineEntry, timeline_of
from app.cases.queries import case_file
from app.cases.queries.case_file import ConditionLine
from app.cases.queries.moving import other_versions
from app.cases.queries.outline import Outline, outline_of
from app.cases.queries.places import PlaceNames, place_names
from app.cases.tables import Case, Photo
from app.modeling.queries import Deployed, deployed
from app.run import Actor

_CENTRE: tuple[str, ...] = (COLLECTOR, INTAKE_OFFICER, DUTY_CHIEF, DISPATCHER)


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case in words."""

    deadline: Deadline
    class_name: str | None
    unit_name: str | None
    people: dict[int, str]
    place: PlaceNames
    condition: ConditionLine | None
    limit: str | None
    merged_into: str | None
    sees_reporter: bool
    photos: Sequence[Photo]
    timeline: list[TimelineEntry]
    older_log: int | None
    outline: Outline


def summary_of(
    session: Session, case: Case, version: Deployed, *, log_before: int | None = None
) -> CaseSummary:
    """Return what a page says of a case."""
    outline = _with_former_names(session, case, version, outline_of(version.files, "case"))
    names = case_file.names_of(
        session,
        people=[case.handler_id, case.reported_by],
        units=[case.unit_id],
        classes=[case.class_code],
    )
    merged = case_file.case_by_id(session, case.merged_into_id) if case.merged_into_id else None
    log = case_file.log_of(session, case.id, before=log_before)
    return CaseSummary(
        deadline=case_deadline(case, room.now()),
        class_name=words.chosen_name(names.classes.get(case.class_code or ""), "") or None,
        unit_name=words.chosen_name(names.units.get(case.unit_id or 0), "") or None,
        people=names.people,
        place=place_names(session, case),
        condition=case_file.condition_of_case(session, case.condition_id),
        limit=words.case_limit_words(case.limit_value, case.limit_unit),
        merged_into=None if merged is None else merged.number,
        sees_reporter=_sees_reporter(room.reader(), case),
        photos=case_file.photos_of(session, case.id),
        timeline=timeline_of(session, log.rows, version, outline),
        older_log=log.before,
        outline=outline,
    )


def _with_former_names(
    session: Session, case: Case, version: Deployed, outline: Outline
) -> Outline:
    """Return an outline that also knows what a moved case did on its former versions by name."""
    former = [
        outline_of(deployed(room.connection(), version_hash).files, "case")
        for version_hash in other_versions(session, case.id, version.hash)
    ]
    known: dict[str, str] = {}
    keys: dict[str, str] = {}
    for one in (*former, outline):
        known.update(one.names)
        keys.update(one.form_keys)
    return replace(outline, names=known, form_keys=keys) if former else outline


def _sees_reporter(actor: Actor, case: Case) -> bool:
    """Tell whether the reporter's name and number are for this reader: the centre, and the unit that has the case."""
    return actor.has(*_CENTRE) or (case.unit_id is not None and case.unit_id == actor.unit_id)
