"""The choices a city makes about its figures: read from sla/policies/counting.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Final

from sla.policy_files import POLICIES, Section, read_policy

COUNTING_FILE = POLICIES / "counting.yml"


class Count(StrEnum):
    """Whether cases of a sort enter the figures."""

    COUNT = "count"
    LEAVE_OUT = "leave_out"


class ExemptAs(StrEnum):
    """What an exemption by ruling does to a case."""

    LEAVE_OUT = "leave_out"
    ON_TIME = "on_time"
    COUNT = "count"


class OnTimeBy(StrEnum):
    """Which moment is held against the due time."""

    HANDED_IN = "handed_in"
    CLOSED = "closed"


class ClosedBy(StrEnum):
    """Until when a closing is counted."""

    PERIOD_END = "period_end"
    ANY_TIME = "any_time"


class Per(StrEnum):
    """Whether conduct deducts once a case or each time."""

    CASE = "per_case"
    EACH = "each"


class SelfHandled(StrEnum):
    """Whether matters put right on the spot enter the due ones."""

    APART = "apart"
    COUNT = "count"


class NothingDue(StrEnum):
    """What a rate with nothing below the line is."""

    NO_DATA = "no_data"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One count over another, by their names in a tally."""

    of: str
    over: str


USUAL_RATES: Final[Mapping[str, Ratio]] = {
    "closing_rate": Ratio("closed", "due"),
    "on_time_closing_rate": Ratio("on_time", "due"),
    "extension_rate": Ratio("extended", "due"),
    "first_pass_rate": Ratio("first_pass", "closed"),
    "rework_rate": Ratio("closed_reworked", "closed"),
}
# Of a scheme alone: not in the published table, and the same in every city.
SCHEME_RATES: Final[Mapping[str, Ratio]] = {
    "late_rate": Ratio("late", "closed"),
    "unfounded_rate": Ratio("unfounded", "due"),
    "public_report_rate": Ratio("public_filed", "filed"),
    "satisfaction_rate": Ratio("satisfied", "rated"),
}
# A rate compares cases with cases; the counts of conduct are not cases of the period.
RATE_COUNTS: Final = frozenset(
    {
        "due",
        "closed",
        "on_time",
        "late",
        "extended",
        "first_pass",
        "reworked",
        "closed_reworked",
        "overdue_open",
    }
)


@dataclass(frozen=True)
class CountingRules:
    """How cases enter the figures; each field is a key of the file, explained there."""

    taken_back: Count = Count.LEAVE_OUT
    descendants: Count = Count.COUNT
    on_time_by: OnTimeBy = OnTimeBy.HANDED_IN
    due_in_period: Count = Count.COUNT
    carried_over: Count = Count.COUNT
    void: Count = Count.LEAVE_OUT
    held_at_end: Count = Count.LEAVE_OUT
    exempt: ExemptAs = ExemptAs.ON_TIME
    closed_by: ClosedBy = ClosedBy.PERIOD_END
    rates: Mapping[str, Ratio] = field(default_factory=lambda: dict(USUAL_RATES))
    unfounded_returns: Per = Per.CASE
    media_supervisions: Per = Per.CASE
    self_handled: SelfHandled = SelfHandled.APART
    nothing_due: NothingDue = NothingDue.NO_DATA
    decimals: int = 2
    many_reworks: int = 3
    public_channels: tuple[str, ...] = ("hotline", "public")
    attention_channels: tuple[str, ...] = ("media", "leader")
    sensed_channels: tuple[str, ...] = ("sensor",)


def load_counting_rules(path: Path = COUNTING_FILE) -> CountingRules:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(entry.name for entry in fields(CountingRules))
    usual = CountingRules()
    return CountingRules(
        taken_back=file.choice("taken_back", Count, usual.taken_back),
        descendants=file.choice("descendants", Count, usual.descendants),
        on_time_by=file.choice("on_time_by", OnTimeBy, usual.on_time_by),
        due_in_period=file.choice("due_in_period", Count, usual.due_in_period),
        carried_over=file.choice("carried_over", Count, usual.carried_over),
        void=file.choice("void", Count, usual.void),
        held_at_end=file.choice("held_at_end", Count, usual.held_at_end),
        exempt=file.choice("exempt", ExemptAs, usual.exempt),
        closed_by=file.choice("closed_by", ClosedBy, usual.closed_by),
        rates=_rates(file.section("rates")),
        unfounded_returns=file.choice("unfounded_returns", Per, usual.unfounded_returns),
        media_supervisions=file.choice("media_supervisions", Per, usual.media_supervisions),
        self_handled=file.choice("self_handled", SelfHandled, usual.self_handled),
        nothing_due=file.choice("nothing_due", NothingDue, usual.nothing_due),
        decimals=file.whole_number("decimals", usual.decimals),
        many_reworks=file.whole_number("many_reworks", usual.many_reworks),
        public_channels=_channels(file, "public_channels", usual.public_channels),
        attention_channels=_channels(file, "attention_channels", usual.attention_channels),
        sensed_channels=_channels(file, "sensed_channels", usual.sensed_channels),
    )


def _channels(file: Section, key: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    value = file.get(key, list(usual))
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise file.refusal(key, f"is {value!r}", "write a list of channels of channels.yml")
    return tuple(value)


def _rates(given: Section) -> dict[str, Ratio]:
    given.refuse_unknown(USUAL_RATES)
    rates = dict(USUAL_RATES)
    for code in given.content:
        entry = given.section(code).content
        if (
            set(entry) != {"of", "over"}
            or not {str(name) for name in entry.values()} <= RATE_COUNTS
        ):
            wanted = ", ".join(sorted(RATE_COUNTS))
            raise given.refusal(
                code, f"is {entry!r}", f"write {{of: ..., over: ...}} with {wanted}"
            )
        rates[code] = Ratio(str(entry["of"]), str(entry["over"]))
    return rates
