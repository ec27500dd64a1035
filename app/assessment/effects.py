"""What the topics of an appeal and of a month's run do."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, text

from app.accounts.roles import SUPERVISOR, UNIT_MANAGER
from app.assessment.appeals import (
    REFUSED,
    UPHELD,
    appeal_of_process,
    appeal_rules,
    decided_the_contested,
    open_appeals_in,
)
from app.assessment.editions import (
    ABANDONED,
    CONFIRMING,
    PUBLISHED,
    RULING,
    SIGNING,
    changes_between,
    open_run,
    published_edition,
    ranking_of_run,
    run_of_process,
)
from app.assessment.queries import Basis
from app.assessment.ranking import Month, counting_rules
from app.assessment.running import begin_edition, count, month_of_run, zone_of
from app.assessment.snapshots import keep_snapshot, take_snapshot
from app.assessment.tables import Appeal, Run
from app.cases.commands.rulings import log_appeal, take_from_figures
from app.engine.moment import ServiceCall
from app.errors import Forbidden
from app.processes.effects import Outcome, ProcessContext, guards, process_topic
from app.processes.queries import items_of
from app.processes.steps import locked, receive
from app.processes.tables import ProcessItem
from app.run import Tx
from sla.appeal_rules import AfterPublishing
from sla.scheme_files import parse_scheme

APPEAL: Final = "appeal"

# A run that counts its open appeals and an appeal that is decided must not pass each other by.
_SETTLING: Final = "SELECT pg_advisory_xact_lock(hashtext('assessment.settling'))"


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
    """Let what was appealed against no longer count."""
    appeal = _decided(context, UPHELD)
    take_from_figures(context.tx, appeal.case_id, appeal.ground, appeal.contested_at, appeal.id)
    context.notify("appeal_upheld", UNIT_MANAGER, appeal.unit_id)
    _settle_runs(context.tx)
    _correct(context, appeal)
    return None


@process_topic("appeal.refuse")
def refuse(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Let the figures stand."""
    appeal = _decided(context, REFUSED)
    log_appeal(context.tx, appeal.case_id, appeal.ground, "appeal_refused", appeal.id)
    context.notify("appeal_refused", UNIT_MANAGER, appeal.unit_id)
    _settle_runs(context.tx)
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
    context.tx.session.execute(text(_SETTLING))
    waiting = open_appeals_in(context.tx.session, *_span(run))
    run.state = RULING if waiting else SIGNING
    return {"open_appeals": waiting}


@process_topic("assessment.freeze")
def freeze(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Draw the figures as of now, keep the facts behind them, and say what changed against the edition before."""
    run, session = _run(context), context.tx.session
    count(context.tx, run, context.now)
    start, end = _span(run)
    basis = Basis.of(month_of_run(run).period(zone_of(context.tx)), context.now, counting_rules())
    assert (basis.period.start, basis.period.end) == (start, end), "a month keeps its time"
    taken = take_snapshot(session, basis)
    keep_snapshot(session, taken)
    run.facts_hash = taken.hash
    before = published_edition(session, run.month)
    former = None if before is None else ranking_of_run(before, zone_of(context.tx))
    run.changes = changes_between(former, ranking_of_run(run, zone_of(context.tx)))
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
    """Publish the edition that was signed."""
    run = _run(context)
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


def _correct(context: ProcessContext, appeal: Appeal) -> None:
    """Begin a new edition where the month was published already, unless policy puts the points into the next one."""
    tx = context.tx
    month = Month.of(appeal.contested_at, zone_of(tx)).first_on
    published = published_edition(tx.session, month)
    if published is None or open_run(tx.session, month) is not None:
        return
    carried = appeal_rules().after_publishing is AfterPublishing.NEXT_MONTH
    # A scheme without points has none to put right later.
    if not (carried and parse_scheme(published.scheme).has_score):
        begin_edition(tx, month, appeal_id=appeal.id)


def _settle_runs(tx: Tx) -> None:
    """Let runs go on that waited for the last appeal of their month."""
    tx.session.flush()
    tx.session.execute(text(_SETTLING))
    for run in tx.session.scalars(select(Run).where(Run.state == RULING).order_by(Run.id)):
        if not open_appeals_in(tx.session, *_span(run)):
            receive(locked(tx, run.process_id), "appeals_settled", {})


def _decided(context: ProcessContext, decision: str) -> Appeal:
    appeal = _appeal(context)
    appeal.decision, appeal.decided_at = decision, context.now
    return appeal


def _appeal(context: ProcessContext) -> Appeal:
    appeal = appeal_of_process(context.tx.session, context.process.id)
    assert appeal is not None, "an appeal is made with its process"
    return appeal


def _run(context: ProcessContext) -> Run:
    return run_of_process(context.tx.session, context.process.id)


def _span(run: Run) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(run.counted["start"]), datetime.fromisoformat(run.counted["end"])
