"""What the topics of an appeal and of a month's run do."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from app.accounts.roles import SUPERVISOR, UNIT_MANAGER
from app.assessment.appeals import (
    REFUSED,
    UPHELD,
    appeal_of_process,
    contested_by,
    decided_the_contested,
    open_appeals_in,
    won_since,
)
from app.assessment.carrying import carries_later, mark_carried
from app.assessment.editions import (
    ABANDONED,
    CONFIRMING,
    PUBLISHED,
    RULING,
    SIGNING,
    changes_between,
    published_edition,
    ranking_of_run,
    run_of_process,
)
from app.assessment.running import (
    DECIDING,
    FREEZING,
    basis_of_run,
    count,
    span_of,
    wait_for_older_writers,
    zone_of,
)
from app.assessment.snapshots import in_place_of_tables, keep_snapshot, take_snapshot
from app.assessment.tables import Appeal, Run
from app.cases.commands.rulings import log_appeal, take_from_figures
from app.engine.moment import ServiceCall
from app.errors import Forbidden, StateChanged
from app.processes.effects import Outcome, ProcessContext, guards, process_topic
from app.processes.queries import items_of
from app.processes.tables import ProcessItem

APPEAL: Final = "appeal"


@guards(APPEAL)
def guard_appeal(context: ProcessContext, item: ProcessItem) -> None:
    """Refuse the second approval to whoever gave the first, and either to who made the ruling."""
    session, person_id = context.tx.session, context.tx.actor.person_id
    before = [one.finished_by for one in items_of(session, context.process.id) if one.id != item.id]
    if person_id is not None and person_id in before:
        raise Forbidden("初审与终审须由两人办理。")
    appeal = _appeal(context)
    if person_id is not None and person_id == decided_the_contested(session, appeal):
        raise Forbidden("申诉针对您作出的裁定，须由他人审批。")


@process_topic("appeal.uphold")
def uphold(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Let what was appealed against no longer count. What follows for the month is the worker's (commands.settling)."""
    appeal = _undecided(context)
    at = take_from_figures(context.tx, contested_by(appeal))
    appeal.decision, appeal.decided_at = UPHELD, at
    context.notify("appeal_upheld", UNIT_MANAGER, appeal.unit_id)
    return None


@process_topic("appeal.refuse")
def refuse(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Let the figures stand."""
    appeal = _undecided(context)
    at = log_appeal(context.tx, contested_by(appeal), "appeal_refused")
    appeal.decision, appeal.decided_at = REFUSED, at
    context.notify("appeal_refused", UNIT_MANAGER, appeal.unit_id)
    return None


@process_topic("assessment.draft")
def draft(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Lay the month's figures out for the units, who confirm them or appeal."""
    run = _run(context)
    run.state = CONFIRMING
    run.confirm_until = context.after(str(call.inputs["within"]))
    count(context.tx, run, context.now)
    for one in run.counted["units"]:
        context.notify("confirm_month", UNIT_MANAGER, one["id"], until=run.confirm_until)
    return {"confirm_until": run.confirm_until.isoformat()}


@process_topic("assessment.settle")
def settle(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Tell how many appeals of the month are still to be decided."""
    run = _run(context)
    waiting = open_appeals_in(context.tx.session, *span_of(run))
    run.state = RULING if waiting else SIGNING
    return {"open_appeals": waiting}


@process_topic("assessment.freeze")
def freeze(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Keep the facts as of now, draw the figures from them, and say what changed against the edition before."""
    run, tx = _run(context), context.tx
    session = tx.session
    # Decisions that are being written are waited for; those that come later are later than this moment.
    session.execute(text(FREEZING))
    as_of = tx.clock.now()
    wait_for_older_writers(session)
    taken = take_snapshot(session, basis_of_run(tx, run, as_of))
    keep_snapshot(session, taken)
    run.facts_hash = taken.hash
    with in_place_of_tables(session.get_bind(), taken.content) as frozen:
        count(tx, run, as_of, frozen)
    before = published_edition(session, run.month)
    former = None if before is None else ranking_of_run(before, zone_of(tx))
    run.changes = changes_between(former, ranking_of_run(run, zone_of(tx)))
    run.state = SIGNING
    context.log(
        "frozen",
        call.element,
        facts=taken.facts,
        facts_hash=taken.hash,
        result_hash=run.result_hash,
    )
    context.notify("sign_month", SUPERVISOR, None)
    return None


@process_topic("assessment.publish")
def publish(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Publish the edition that was signed. Raises StateChanged when an appeal was won after it was frozen."""
    run, session = _run(context), context.tx.session
    session.execute(text(FREEZING))
    won = len(won_since(session, *span_of(run), run.as_of))
    if won and not carries_later(run):
        raise StateChanged("定稿之后又有 %(n)s 件申诉成立，请选“按最新裁定重新定稿”。", n=won)
    mark_carried(session, run, zone_of(context.tx))
    run.state, run.published_at = PUBLISHED, context.now
    run.signed_by = context.tx.actor.person_id
    context.log("published", call.element, edition=run.edition)
    for one in run.counted["units"]:
        context.notify("month_published", UNIT_MANAGER, one["id"], edition=run.edition)
    return None


@process_topic("assessment.abandon")
def abandon(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Lay the edition aside; it stays to be read."""
    _run(context).state = ABANDONED
    return None


def _undecided(context: ProcessContext) -> Appeal:
    """Return the appeal that is decided now; a freeze that has begun is waited for."""
    context.tx.session.execute(text(DECIDING))
    return _appeal(context)


def _appeal(context: ProcessContext) -> Appeal:
    appeal = appeal_of_process(context.tx.session, context.process.id)
    assert appeal is not None, "an appeal is made with its process"
    return appeal


def _run(context: ProcessContext) -> Run:
    return run_of_process(context.tx.session, context.process.id)
