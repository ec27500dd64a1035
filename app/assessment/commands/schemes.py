"""Use cases of schemes: write one, have a second person put it in force, enter points by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select

from app.accounts.roles import ASSESSOR, SUPERVISOR
from app.accounts.tables import Unit
from app.assessment.editions import ABANDONED
from app.assessment.ranking import Month
from app.assessment.scored import scheme_in_force
from app.assessment.tables import AssessmentMark, AssessmentScheme, Run
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged, Text
from app.run import Tx, handles
from sla.scheme_files import parse_scheme
from sla.schemes import Kind, written

DRAFT: Final = "draft"
IN_FORCE: Final = "in_force"
DROPPED: Final = "dropped"
_WHERE_IT_STANDS: Final = {
    DRAFT: Text("方案还是草稿，请刷新后再看。"),
    IN_FORCE: Text("方案已生效，不能再改；请由它另起一份草稿。"),
    DROPPED: Text("草稿已作废。"),
}


@dataclass(frozen=True)
class SaveScheme:
    """Keep a scheme as a draft; a scheme with a fault is refused, naming the line.

    scheme_id: None for a new one. data: JSON as sla.scheme_files.parse_scheme reads it. seen_version: of the draft.
    """

    scheme_id: int | None
    data: Mapping[str, Any] = field(repr=False)
    note: str = ""
    seen_version: int = 0


@dataclass(frozen=True)
class AdoptScheme:
    """Put a draft in force from a month on, as the second person. valid_from: the month's first day."""

    scheme_id: int
    valid_from: date
    seen_version: int


@dataclass(frozen=True)
class DropScheme:
    """Lay a draft aside; it stays to be read."""

    scheme_id: int
    seen_version: int


@dataclass(frozen=True)
class EnterMarks:
    """Enter points by hand for a month.

    marks: (unit id, code of the line) -> points, None to take an entry back; one like the present changes nothing.
    """

    month: date
    marks: Mapping[tuple[int, str], Decimal | None]
    note: str = ""


@handles(SaveScheme, ASSESSOR)
def save_scheme(command: SaveScheme, tx: Tx) -> int:
    """Keep the scheme and return its id. Raises InvalidInput with every fault."""
    scheme = parse_scheme(command.data)
    now, person_id = tx.clock.now(), tx.actor.person_id
    assert person_id is not None, "the platform writes no schemes"
    if command.scheme_id is None:
        row = AssessmentScheme(
            name=scheme.name,
            edition=_next_edition(tx, scheme.name),
            state=DRAFT,
            version=0,
            created_by=person_id,
            created_at=now,
        )
        tx.session.add(row)
    else:
        row = _locked(tx, command.scheme_id, command.seen_version)
        if row.name != scheme.name:
            row.name, row.edition = scheme.name, _next_edition(tx, scheme.name)
    row.data, row.note = scheme.as_plain(), command.note.strip()
    row.version += 1
    row.changed_by, row.changed_at = person_id, now
    tx.session.flush()
    return row.id


@handles(AdoptScheme, ASSESSOR, SUPERVISOR)
def adopt_scheme(command: AdoptScheme, tx: Tx) -> None:
    """Put the draft in force. Raises Forbidden for one who wrote it, InvalidInput for a month that is too early."""
    row = _locked(tx, command.scheme_id, command.seen_version)
    if tx.actor.person_id in (row.created_by, row.changed_by):
        raise Forbidden("起草人不能让自己的方案生效，请由另一人审定。")
    if command.valid_from.day != 1:
        raise InvalidInput({"valid_from": "方案从某月一日起生效"})
    adopted = select(AssessmentScheme).where(AssessmentScheme.state == IN_FORCE)
    others = tx.session.scalars(adopted).all()
    zone = tx.services.settings.timezone
    earliest = Month.of(tx.clock.now(), zone).plus(-1).first_on
    # The month before may not be published yet; the first scheme of all may look further back.
    if others and command.valid_from < earliest:
        fault = Text("最早从 %(month)s 起生效", month=earliest.strftime("%Y-%m"))
        raise InvalidInput({"valid_from": fault})
    begun = tx.session.scalar(
        select(func.max(Run.month)).where(Run.month >= command.valid_from, Run.state != ABANDONED)
    )
    if begun is not None:
        fault = Text(
            "%(month)s 的考核已经开始，方案须从以后的月份起", month=begun.strftime("%Y-%m")
        )
        raise InvalidInput({"valid_from": fault})
    if any(other.valid_from == command.valid_from for other in others):
        raise InvalidInput({"valid_from": "已有方案从这个月起生效"})
    # It was whole when it was saved; what it names may have gone since.
    parse_scheme(row.data)
    row.state, row.valid_from = IN_FORCE, command.valid_from
    row.adopted_by, row.adopted_at = tx.actor.person_id, tx.clock.now()
    row.version += 1


@handles(DropScheme, ASSESSOR)
def drop_scheme(command: DropScheme, tx: Tx) -> None:
    """Lay the draft aside."""
    row = _locked(tx, command.scheme_id, command.seen_version)
    row.state = DROPPED
    row.version += 1


@handles(EnterMarks, ASSESSOR)
def enter_marks(command: EnterMarks, tx: Tx) -> int:
    """Enter the points and return how many changed. Raises InvalidInput: {"<unit id>.<line>": what is wrong}."""
    scheme = scheme_in_force(tx.session, command.month).scheme
    most = {line.code: line.points for line in scheme.lines if line.kind is Kind.ENTERED}
    faults: dict[str, str] = {}
    for (unit_id, line), points in command.marks.items():
        limit = most.get(line)
        if limit is None:
            faults[f"{unit_id}.{line}"] = Text("这个月的方案没有“%(line)s”这项评分", line=line)
        elif points is not None and not 0 <= points <= limit:
            faults[f"{unit_id}.{line}"] = Text("须在 0 到 %(most)s 分之间", most=written(limit))
        elif points is not None and points != round(points, scheme.decimals):
            faults[f"{unit_id}.{line}"] = Text("最多 %(n)s 位小数", n=scheme.decimals)
    if faults:
        raise InvalidInput(faults)
    ranked = set(tx.session.scalars(select(Unit.id).where(Unit.rank_group.is_not(None))))
    if not ranked >= {unit_id for unit_id, _line in command.marks}:
        raise NotFound("没有这个参加排名的单位。")
    return sum(
        _enter(tx, command, unit_id, line, points)
        for (unit_id, line), points in sorted(command.marks.items(), key=lambda item: item[0])
    )


def _enter(tx: Tx, command: EnterMarks, unit_id: int, line: str, points: Decimal | None) -> bool:
    mark, now = AssessmentMark, tx.clock.now()
    query = select(mark).where(
        mark.month == command.month,
        mark.unit_id == unit_id,
        mark.line == line,
        mark.replaced_at.is_(None),
    )
    present = tx.session.scalar(query.with_for_update())
    if (present.points if present else None) == points:
        return False
    if present is not None:
        present.replaced_at = now
        tx.session.flush()
    if points is not None:
        entered_by = tx.actor.person_id
        assert entered_by is not None, "the platform gives no points"
        new = mark(
            month=command.month,
            unit_id=unit_id,
            line=line,
            points=points,
            note=command.note.strip(),
            entered_by=entered_by,
            entered_at=now,
        )
        tx.session.add(new)
        tx.session.flush()
    return True


def _locked(tx: Tx, scheme_id: int, seen_version: int) -> AssessmentScheme:
    """Lock a draft. Raises NotFound, and StateChanged when it is no draft or was saved since it was looked at."""
    row = tx.session.scalar(
        select(AssessmentScheme).where(AssessmentScheme.id == scheme_id).with_for_update()
    )
    if row is None:
        raise NotFound("没有这份考核方案。")
    if row.state != DRAFT:
        raise StateChanged(_WHERE_IT_STANDS[row.state])
    if row.version != seen_version:
        raise StateChanged("您查看之后，方案又有改动，请刷新后再办。")
    return row


def _next_edition(tx: Tx, name: str) -> int:
    last = tx.session.scalar(
        select(func.max(AssessmentScheme.edition)).where(AssessmentScheme.name == name)
    )
    return (last or 0) + 1
