"""What counts: the one place that decides how a case enters a period's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from app.clock import require_aware
from app.errors import InvalidInput, Text
from sla.counting_rules import ClosedBy, Count, CountingRules, ExemptAs, OnTimeBy, Per, SelfHandled


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open time, usually a local month; figures are drawn as of its end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if require_aware(self.start) >= require_aware(self.end):
            fault = Text(
                "统计期须先开始后结束，现为 %(start)s 至 %(end)s", start=self.start, end=self.end
            )
            raise InvalidInput({"period": fault})

    def holds(self, at: datetime) -> bool:
        """Tell whether a moment lies in the period."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Fact:
    """What the figures need to know of one unit's case.

    due_at: of the handling clock, pauses and granted extensions included; None: never dispatched, or still paused.
    on_time: what the handling clock says; None: stopped_at and due_at decide.
    held_at_end, unfounded_returns, media_supervisions, supervisions: as of, and within, the period counted.
    taken_back: dispatched elsewhere after a founded return.
    worked_minutes: what the handling clock had counted when the unit handed in; None: not handed in.
    supervised: by anybody, in the period or before.
    """

    case_id: int
    unit_id: int | None
    due_at: datetime | None = None
    closed_at: datetime | None = None
    stopped_at: datetime | None = None
    on_time: bool | None = None
    extensions: int = 0
    reworks: int = 0
    unfounded_returns: int = 0
    media_supervisions: int = 0
    held_at_end: bool = False
    void: bool = False
    exempt: bool = False
    taken_back: bool = False
    self_handled: bool = False
    dispatched_at: datetime | None = None
    worked_minutes: int | None = None
    supervisions: int = 0
    supervised: bool = False
    urgent: bool = False
    channel: str = ""


class Reason(StrEnum):
    """Why a case is among the due ones, or why not."""

    DUE_IN_PERIOD = "due_in_period"
    CARRIED_OVER = "carried_over"
    SELF_HANDLED = "self_handled"
    VOID = "void"
    TAKEN_BACK = "taken_back"
    HELD = "held"
    EXEMPT = "exempt"
    NO_DEADLINE = "no_deadline"
    DUE_LATER = "due_later"
    SETTLED_BEFORE = "settled_before"
    LEFT_OUT = "left_out"

    def label(self, locale: str) -> str:
        """Say the reason in the reader's language."""
        chinese, english = _REASONS[self]
        return chinese if locale.startswith("zh") else english


_REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.DUE_IN_PERIOD: ("本期到期", "due in the period"),
    Reason.CARRIED_OVER: ("上期结转未结", "carried over, still open"),
    Reason.SELF_HANDLED: ("自行处置，单独统计", "handled on the spot, counted apart"),
    Reason.VOID: ("已作废", "void"),
    Reason.TAKEN_BACK: ("退单成立，已改派", "returned with reason, dispatched elsewhere"),
    Reason.HELD: ("期末挂账", "on hold at the end of the period"),
    Reason.EXEMPT: ("裁定免责", "exempted by a ruling"),
    Reason.NO_DEADLINE: ("没有处置时限", "without a deadline"),
    Reason.DUE_LATER: ("期后到期", "due after the period"),
    Reason.SETTLED_BEFORE: ("期前已结", "closed before the period"),
    Reason.LEFT_OUT: ("按统计口径不计", "left out by the counting rules"),
}
_COUNTED: Final = frozenset({Reason.DUE_IN_PERIOD, Reason.CARRIED_OVER})


@dataclass(frozen=True, slots=True)
class Membership:
    """Which counts one case enters, and why it is or is not due; those with a number are to add."""

    reason: Reason
    due: bool = False
    closed: bool = False
    on_time: bool = False
    late: bool = False
    extended: bool = False
    first_pass: bool = False
    reworked: bool = False
    closed_reworked: bool = False
    overdue_open: bool = False
    self_handled: int = 0
    unfounded_returns: int = 0
    media_supervisions: int = 0
    filed: bool = False
    unfounded: bool = False
    many_reworked: bool = False
    handled: bool = False
    supervisions: int = 0
    public_filed: bool = False
    worked_minutes: int = 0
    appeals: int = 0
    appeals_upheld: int = 0
    rated: int = 0
    satisfied: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of many cases; tallies of parts add up. SQL may fill one directly."""

    due: int = 0
    closed: int = 0
    on_time: int = 0
    late: int = 0
    extended: int = 0
    first_pass: int = 0
    reworked: int = 0
    closed_reworked: int = 0
    overdue_open: int = 0
    self_handled: int = 0
    unfounded_returns: int = 0
    media_supervisions: int = 0
    filed: int = 0
    unfounded: int = 0
    many_reworked: int = 0
    handled: int = 0
    supervisions: int = 0
    public_filed: int = 0
    worked_minutes: int = 0
    appeals: int = 0
    appeals_upheld: int = 0
    rated: int = 0
    satisfied: int = 0

    @classmethod
    def of(cls, memberships: Iterable[Membership]) -> Tally:
        """Count memberships."""
        totals = dict.fromkeys(ALL_COUNTS, 0)
        for membership in memberships:
            for name in ALL_COUNTS:
                totals[name] += getattr(membership, name)
        return cls(**totals)

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in ALL_COUNTS})

    def __sub__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) - getattr(other, name) for name in ALL_COUNTS})

    def count(self, name: str) -> int:
        """Return the count of that name."""
        if name not in ALL_COUNTS:
            fault = Text("没有“%(name)s”这个数，应为 %(counts)s 之一", name=name, counts=ALL_COUNTS)
            raise InvalidInput({"count": fault})
        return int(getattr(self, name))


ALL_COUNTS: Final = tuple(field.name for field in fields(Tally))
COUNTS: Final = ALL_COUNTS[: ALL_COUNTS.index("filed")]
"""The counts of the published table; the others are for schemes."""

VOICED: Final = ("appeals", "appeals_upheld", "rated", "satisfied")
"""What units and citizens say, counted in the period in which they say it: of no listed case."""


def counts_as(fact: Fact, period: Period, rules: CountingRules) -> Membership:
    """Decide which counts of a period a case enters."""
    reason = due_reason(fact, period, rules)
    conduct = _conduct(fact, reason, period, rules)
    if reason is Reason.SELF_HANDLED:
        done = int(fact.closed_at is not None and period.holds(fact.closed_at))
        both = bool(done) and rules.self_handled is SelfHandled.COUNT
        return Membership(
            reason, due=both, closed=both, on_time=both, first_pass=both, self_handled=done
        )
    if reason not in _COUNTED:
        return Membership(reason, **conduct)
    closed = _is_closed(fact, period, rules)
    on_time = closed and _is_on_time(fact, rules)
    reworked = fact.reworks > 0
    return Membership(
        reason,
        due=True,
        closed=closed,
        on_time=on_time,
        late=closed and not on_time,
        extended=fact.extensions > 0,
        first_pass=closed and not reworked,
        reworked=reworked,
        closed_reworked=closed and reworked,
        overdue_open=not closed,
        unfounded=fact.unfounded_returns > 0,
        many_reworked=closed and fact.reworks >= rules.many_reworks,
        handled=closed and fact.worked_minutes is not None,
        worked_minutes=(fact.worked_minutes or 0) if closed else 0,
        **conduct,
    )


def in_population(fact: Fact, population: str, rules: CountingRules) -> bool:
    """Tell whether a case is one of a population: all, urgent, supervised, public or sensed."""
    if population == "urgent":
        return fact.urgent
    if population == "supervised":
        return fact.supervised or fact.channel in rules.attention_channels
    if population == "public":
        return fact.channel in rules.public_channels
    if population == "sensed":
        return fact.channel in rules.sensed_channels
    return True


def due_reason(fact: Fact, period: Period, rules: CountingRules) -> Reason:
    """Say why a case is or is not among the due ones of a period."""
    if fact.void and rules.void is Count.LEAVE_OUT:
        return Reason.VOID
    if fact.self_handled:
        return Reason.SELF_HANDLED
    if fact.taken_back and rules.taken_back is Count.LEAVE_OUT:
        return Reason.TAKEN_BACK
    if fact.held_at_end and rules.held_at_end is Count.LEAVE_OUT:
        return Reason.HELD
    reason = _reason_by_time(fact, period, rules)
    if reason in _COUNTED and fact.exempt and rules.exempt is ExemptAs.LEAVE_OUT:
        return Reason.EXEMPT
    return reason


def tally(facts: Iterable[Fact], period: Period, rules: CountingRules) -> Tally:
    """Count cases in a period."""
    return Tally.of(counts_as(fact, period, rules) for fact in facts)


def tally_by_unit(
    facts: Iterable[Fact], period: Period, rules: CountingRules
) -> dict[int | None, Tally]:
    """Count cases of each unit by itself, without the units below it."""
    by_unit: dict[int | None, list[Membership]] = {}
    for fact in facts:
        by_unit.setdefault(fact.unit_id, []).append(counts_as(fact, period, rules))
    return {unit_id: Tally.of(memberships) for unit_id, memberships in by_unit.items()}


def roll_up(
    tallies: Mapping[int, Tally], parents: Mapping[int, int | None], rules: CountingRules
) -> dict[int, Tally]:
    """Give each unit of `parents` (unit -> parent) its own count and, by the rules, those of all below it."""
    nothing = Tally()
    totals = {unit_id: tallies.get(unit_id, nothing) for unit_id in parents}
    if rules.descendants is Count.LEAVE_OUT:
        return totals
    for unit_id, own in tallies.items():
        seen = {unit_id}
        above = parents.get(unit_id)
        while above is not None:
            if above in seen:
                fault = Text("编号为 %(unit)s 的单位是它自己的上级", unit=above)
                raise InvalidInput({"parents": fault})
            seen.add(above)
            totals[above] = totals.get(above, Tally()) + own
            above = parents.get(above)
    return totals


def _reason_by_time(fact: Fact, period: Period, rules: CountingRules) -> Reason:
    if fact.due_at is None:
        return Reason.NO_DEADLINE
    if fact.due_at >= period.end:
        return Reason.DUE_LATER
    if fact.due_at >= period.start:
        return Reason.DUE_IN_PERIOD if rules.due_in_period is Count.COUNT else Reason.LEFT_OUT
    if fact.closed_at is not None and fact.closed_at < period.start:
        return Reason.SETTLED_BEFORE
    return Reason.CARRIED_OVER if rules.carried_over is Count.COUNT else Reason.LEFT_OUT


def _is_closed(fact: Fact, period: Period, rules: CountingRules) -> bool:
    if fact.closed_at is None:
        return False
    return rules.closed_by is ClosedBy.ANY_TIME or fact.closed_at < period.end


def _is_on_time(fact: Fact, rules: CountingRules) -> bool:
    if fact.exempt and rules.exempt is ExemptAs.ON_TIME:
        return True
    if rules.on_time_by is OnTimeBy.HANDED_IN and fact.on_time is not None:
        return fact.on_time
    done_at = fact.closed_at if rules.on_time_by is OnTimeBy.CLOSED else fact.stopped_at
    return done_at is not None and fact.due_at is not None and done_at <= fact.due_at


def _conduct(fact: Fact, reason: Reason, period: Period, rules: CountingRules) -> dict[str, Any]:
    """Count what a unit is charged with and was given, due or not; a case not the unit's is neither."""
    if reason in (Reason.VOID, Reason.TAKEN_BACK, Reason.SELF_HANDLED):
        return {}
    filed = fact.dispatched_at is not None and period.holds(fact.dispatched_at)
    return {
        "unfounded_returns": _per(rules.unfounded_returns, fact.unfounded_returns),
        "media_supervisions": _per(rules.media_supervisions, fact.media_supervisions),
        "supervisions": fact.supervisions,
        "filed": filed,
        "public_filed": filed and fact.channel in rules.public_channels,
    }


def _per(per: Per, times: int) -> int:
    return min(times, 1) if per is Per.CASE else times
