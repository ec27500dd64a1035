"""Use cases of the try-outs room: begin the replay of a draft, and go on with it slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select, text

from app.accounts.roles import ADMINISTRATOR, ANALYST
from app.cases.calendars import working_calendar
from app.cases.effects import topics
from app.catalogue.calendar_years import entered_years
from app.engine.definitions import bundle_hash
from app.errors import AppError, DefinitionError, InvalidInput, NotFound, StateChanged
from app.modeling.bundles import find_faults
from app.modeling.draft_queries import active_version, contents_of, draft_of
from app.modeling.queries import Deployed, deployed
from app.run import SYSTEM, Tx, handles
from app.tryouts.dry import World, version_of
from app.tryouts.lives import Life, lives_of
from app.tryouts.replaying import replayed, why
from app.tryouts.tables import DraftReplay, DraftReplayCase
from sla.limits import Limit

SIZES: Final = (50, 200, 500)
SLICE: Final = 20
"""How many cases one request replays: it answers within a few seconds."""

# Spread evenly over the month: its first days alone would be other days than its last.
_CHOOSE: Final = text("""
INSERT INTO draft_replay_cases (replay_id, case_id, done)
SELECT :replay, e.id, FALSE
FROM (SELECT id, row_number() OVER (ORDER BY closed_at, id) - 1 AS n, count(*) OVER () AS total
      FROM cases WHERE closed_at >= :since AND closed_at < :until) e
WHERE e.total <= :wanted OR ((e.n + 1) * :wanted) / e.total <> (e.n * :wanted) / e.total
ORDER BY e.n
""")


@dataclass(frozen=True)
class StartReplay:
    """Replay ended cases of a month on a draft and, beside it, on the version that is deployed.

    month_on: its first day. assumed: how long a step takes that a case never answered.
    """

    draft_id: int
    month_on: date
    wanted: int
    assumed: str


@dataclass(frozen=True)
class AdvanceReplay:
    """Replay the next cases of a replay."""

    replay_id: int


@handles(StartReplay, ANALYST, ADMINISTRATOR)
def start_replay(command: StartReplay, tx: Tx) -> int:
    """Choose the cases and return the replay's id. Raises DefinitionError for a draft that could not be deployed."""
    if command.wanted not in SIZES:
        raise InvalidInput({"wanted": "请选择回放多少件"})
    assumed = _limit(command.assumed)
    draft = draft_of(tx.session, command.draft_id)
    files = contents_of(tx.session, draft.id)
    faults = find_faults(files, topics=topics())
    if faults:
        raise DefinitionError(faults)
    active = active_version(tx.session, draft.key)
    if active is None:
        raise NotFound("还没有部署流程“%(key)s”。", key=draft.key)
    replay = DraftReplay(
        draft_id=draft.id,
        draft_hash=bundle_hash(files),
        base_hash=active.hash,
        month_on=command.month_on.replace(day=1),
        assumed=str(assumed),
        begun_at=tx.clock.now(),
        begun_by=tx.actor.person_id,
    )
    tx.session.add(replay)
    tx.session.flush()
    since, until = _month(tx, replay.month_on)
    bounds = {"replay": replay.id, "since": since, "until": until, "wanted": command.wanted}
    tx.session.execute(_CHOOSE, bounds)
    chosen = select(DraftReplayCase.id).where(DraftReplayCase.replay_id == replay.id).limit(1)
    if tx.session.scalar(chosen) is None:
        raise InvalidInput({"month": "这个月没有办结的案卷，请另选一个月"})
    return replay.id


@handles(AdvanceReplay, ANALYST, ADMINISTRATOR)
def advance_replay(command: AdvanceReplay, tx: Tx) -> int:
    """Replay a slice and return how many cases are still to come.

    Raises StateChanged when the draft was saved since: the cases would be held against two different drafts.
    """
    session = tx.session
    replay = session.scalar(
        select(DraftReplay).where(DraftReplay.id == command.replay_id).with_for_update()
    )
    if replay is None:
        raise NotFound
    pending = (
        select(DraftReplayCase)
        .where(DraftReplayCase.replay_id == replay.id, ~DraftReplayCase.done)
        .order_by(DraftReplayCase.case_id)
    )
    rows = list(session.scalars(pending.limit(SLICE)))
    if rows:
        _replay(tx, replay, rows)
    session.flush()
    left = session.scalar(select(func.count()).select_from(pending.subquery())) or 0
    if not left and replay.ended_at is None:
        replay.ended_at = tx.clock.now()
    return left


def _replay(tx: Tx, replay: DraftReplay, rows: list[DraftReplayCase]) -> None:
    files = contents_of(tx.session, replay.draft_id)
    if bundle_hash(files) != replay.draft_hash:
        raise StateChanged("回放期间草稿又有改动，请重新回放。")
    calendar = working_calendar(tx.services.settings, lambda: entered_years(tx.connection))
    world = World(tx.connection, calendar, SYSTEM)
    deployed_one, draft = deployed(tx.connection, replay.base_hash), version_of(files)
    lives = lives_of(tx.connection, [row.case_id for row in rows])
    for row in rows:
        row.before, row.after, row.failure = _both(
            world, lives.get(row.case_id), deployed_one, draft, Limit.parse(replay.assumed)
        )
        row.done = True


def _both(
    world: World, life: Life | None, before: Deployed, after: Deployed, assumed: Limit
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, dict[str, Any] | None]:
    """Return how a case goes on both versions, or why it cannot be told."""
    if life is None:
        return None, None, {"on": "before", **why(world, StateChanged("案卷没有流程记录。"))}
    on = "before"
    try:
        one = replayed(before, world, life, assumed).plain()
        on = "after"
        return one, replayed(after, world, life, assumed).plain(), None
    except AppError as error:
        return None, None, {"on": on, **why(world, error)}


def _limit(written: str) -> Limit:
    try:
        return Limit.parse(written.strip())
    except InvalidInput as error:
        raise InvalidInput({"assumed": next(iter(error.fields.values()))}) from error


def _month(tx: Tx, first: date) -> tuple[datetime, datetime]:
    """Return when a month of the city begins and ends."""
    zone = tx.services.settings.timezone
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    begin, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, following))
    return begin, end
