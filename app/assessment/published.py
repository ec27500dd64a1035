"""The files of a published edition: made from its own snapshot, and so the same bytes whenever they are made.

Nothing of the live tables goes in: the counts are those that the edition kept, the cases those of the snapshot, the
months before those that were published by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from app.assessment.editions import (
    PUBLISHED,
    hash_of_result,
    ranking_of_run,
    rules_from,
)
from app.assessment.notice.csv_file import notice_csv
from app.assessment.notice.imprint import Imprint
from app.assessment.notice.months import MONTHS_BEFORE
from app.assessment.notice.pdf import notice_pdf
from app.assessment.notice.word import notice_word
from app.assessment.notice.workbook import notice_workbook
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, counted, scored_by
from app.assessment.snapshots import facts_changed, in_place_of_tables, kept_snapshot
from app.assessment.tables import NoticeFile, Run
from app.processes.tables import ProcessLog
from sla.indicators import COUNT_NAMES


@dataclass(frozen=True, slots=True)
class Edition:
    """A month with all that is printed of it. imprint: None for a preview."""

    ranking: ScoredRanking
    month: Month
    zone: ZoneInfo
    imprint: Imprint | None
    earlier: tuple[ScoredRanking, ...]


Maker = Callable[[Session, Edition, str], bytes]


def _workbook(session: Session, edition: Edition, address: str) -> bytes:
    return notice_workbook(
        session, edition.ranking, edition.month, edition.zone,
        imprint=edition.imprint, earlier=edition.earlier, address=address,
    )  # fmt: skip


def _pdf(session: Session, edition: Edition, address: str) -> bytes:
    return notice_pdf(
        edition.ranking, edition.month, edition.zone,
        imprint=edition.imprint, earlier=edition.earlier,
    )  # fmt: skip


def _word(session: Session, edition: Edition, address: str) -> bytes:
    return notice_word(
        edition.ranking, edition.month, edition.zone,
        imprint=edition.imprint, earlier=edition.earlier,
    )  # fmt: skip


def _csv(session: Session, edition: Edition, address: str) -> bytes:
    return notice_csv(
        edition.ranking, edition.month, imprint=edition.imprint, earlier=edition.earlier
    )


FILES: Final[Mapping[str, Maker]] = {
    "ranking.xlsx": _workbook,
    "notice.pdf": _pdf,
    "notice.docx": _word,
    "notice.csv": _csv,
}
"""What there is of a published edition, by name."""


def edition_of(session: Session, run: Run, zone: ZoneInfo) -> Edition:
    """Return a published edition as it is printed."""
    month = Month.beginning(run.month)
    return Edition(
        ranking_of_run(run, zone),
        month,
        zone,
        imprint_of(session, run),
        tuple(_earlier(session, run, zone)),
    )


def imprint_of(session: Session, run: Run) -> Imprint:
    """Return what an edition says of itself."""
    signed = session.scalar(
        select(ProcessLog.actor_label).where(
            ProcessLog.process_id == run.process_id, ProcessLog.kind == "published"
        )
    )
    return Imprint(
        run.edition,
        run.as_of,
        run.facts_hash or "",
        signed or "",
        run.published_at,
        tuple(_said_changes(run)),
    )


def kept_file(session: Session, run_id: int, name: str) -> NoticeFile | None:
    """Return a file of an edition as it was first made."""
    query = select(NoticeFile).where(NoticeFile.run_id == run_id, NoticeFile.name == name)
    return session.scalar(query)


def frozen_facts(session: Session, run: Run) -> bytes:
    """Return the snapshot that a published edition was counted from, zstd."""
    assert run.facts_hash is not None, "a published edition has its facts"
    return kept_snapshot(session, run.facts_hash)


def made_files(
    bind: Engine | Connection, facts: bytes, edition: Edition, address: str
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a published edition, made from its snapshot, by name."""
    with in_place_of_tables(bind, facts) as frozen:
        for name, maker in FILES.items():
            yield name, maker(frozen, edition, address)


def faults_of(session: Session, run: Run, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yield what of a published edition does not come out again as it was published: what, and how it differs."""
    content = frozen_facts(session, run)
    edition = edition_of(session, run, zone)
    if hash_of_result(edition.ranking) != run.result_hash:
        yield "result", "the kept counts give another result than the published hash"
    rules = rules_from(run.rules)
    period = edition.month.period(zone)
    with in_place_of_tables(session.get_bind(), content) as frozen:
        again = scored_by(counted(frozen, period, run.as_of, rules), edition.ranking.scheme)
        if _tallies(again) != _tallies(edition.ranking):
            yield "snapshot", "its facts give other figures than those published"
        for name, maker in FILES.items():
            kept = kept_file(session, run.id, name)
            if kept is not None and maker(frozen, edition, kept.address) != kept.content:
                yield name, "made again it has other bytes"
    changed = facts_changed(session, content, run.as_of)
    if changed:
        yield "facts", f"{changed} facts, as of then, are no longer those of the snapshot"


def _tallies(ranking: ScoredRanking) -> dict[str, object]:
    return {row.unit.code: row.figures.tallies for row in ranking.rows}


def published_runs(session: Session, month: date) -> list[Run]:
    """Return the published editions of a month, oldest first."""
    query = select(Run).where(Run.month == month, Run.state == PUBLISHED).order_by(Run.edition)
    return list(session.scalars(query))


def _earlier(session: Session, run: Run, zone: ZoneInfo) -> Iterator[ScoredRanking]:
    """Yield the months before as they stood when the edition was published, oldest first."""
    month = Month.beginning(run.month)
    for back in range(MONTHS_BEFORE, 0, -1):
        editions = published_runs(session, month.plus(-back).first_on)
        by_then = [one for one in editions if _before(one, run)]
        if by_then:
            yield ranking_of_run(by_then[-1], zone)


def _before(one: Run, run: Run) -> bool:
    assert one.published_at is not None, "it is a published one"
    assert run.published_at is not None, "it is a published one"
    return one.published_at <= run.published_at


def _said_changes(run: Run) -> Iterator[str]:
    for change in run.changes:
        parts = [
            f"{COUNT_NAMES[code][0]} {old} 改为 {new}"
            for code, (old, new) in change["counts"].items()
        ]
        for name, (old, new) in (("得分", change["total"]), ("名次", change["rank"])):
            if old != new:
                parts.append(f"{name} {_or_none(old)} 改为 {_or_none(new)}")
        yield f"{change['name']}：{'，'.join(parts)}"


def _or_none(value: object) -> object:
    return "无" if value is None else value
