"""What each named clock does: read from sla/policies/clocks.yml."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path

from app.errors import InvalidInput
from sla.limits import Limit
from sla.policy_files import POLICIES, Section, read_policy

CLOCKS_FILE = POLICIES / "clocks.yml"
FROM_FILING_CONDITION = "filing_condition"
_KEYS = (
    "name",
    "name_en",
    "limit",
    "pauses_for",
    "rework",
    "redispatch_same",
    "redispatch_other",
    "extension",
)
LARGEST_TIMES = 100  # more is a slip of the pen
_EXTENSION_KEYS = ("times", "amount", "max_grants", "ask")


class AfterRework(StrEnum):
    """What a stopped clock does when a failed check sends the work back."""

    RESUME_REMAINING = "resume_remaining"
    RESTART = "restart"
    KEEP = "keep"


class AfterRedispatch(StrEnum):
    """What a clock does when the work is dispatched again."""

    RESUME_REMAINING = "resume_remaining"
    RESTART = "restart"


class AskBy(StrEnum):
    """Until when an extension may be asked for."""

    BEFORE_DUE = "before_due"
    ANY_TIME = "any_time"


class Happening(StrEnum):
    """What a clock may stand still for."""

    HELD = "held"
    RETURNED = "returned"
    VERIFICATION = "verification"


@dataclass(frozen=True)
class ExtensionRule:
    """What a granted extension gives: a multiple of the limit or a fixed amount."""

    times: Decimal | None = Decimal(1)
    amount: Limit | None = None
    max_grants: int = 2
    ask: AskBy = AskBy.BEFORE_DUE


@dataclass(frozen=True)
class ClockPolicy:
    """How one named clock behaves; `limit` is None where the case's filing condition gives it."""

    code: str
    name: str
    name_en: str
    limit: Limit | None = None
    pauses_for: frozenset[str] = frozenset()
    rework: AfterRework = AfterRework.RESUME_REMAINING
    redispatch_same: AfterRedispatch = AfterRedispatch.RESUME_REMAINING
    redispatch_other: AfterRedispatch = AfterRedispatch.RESTART
    extension: ExtensionRule | None = None

    def label(self, locale: str) -> str:
        """Return the clock's name in the reader's language."""
        return self.name if locale.startswith("zh") else self.name_en


def load_clock_policies(path: Path = CLOCKS_FILE) -> dict[str, ClockPolicy]:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(["clocks"])
    clocks = file.section("clocks")
    return {code: _policy(code, clocks.section(code)) for code in clocks.content}


def _policy(code: str, entry: Section) -> ClockPolicy:
    entry.refuse_unknown(_KEYS)
    usual = ClockPolicy(code, code, code)
    return ClockPolicy(
        code=code,
        name=entry.text("name", code),
        name_en=entry.text("name_en", code),
        limit=_limit(entry),
        pauses_for=_happenings(entry),
        rework=entry.choice("rework", AfterRework, usual.rework),
        redispatch_same=entry.choice("redispatch_same", AfterRedispatch, usual.redispatch_same),
        redispatch_other=entry.choice("redispatch_other", AfterRedispatch, usual.redispatch_other),
        extension=_extension(entry.section("extension")) if "extension" in entry.content else None,
    )


def _limit(entry: Section) -> Limit | None:
    if entry.get("limit", FROM_FILING_CONDITION) == FROM_FILING_CONDITION:
        return None
    return _amount(entry, "limit", f", or {FROM_FILING_CONDITION}")


def _happenings(entry: Section) -> frozenset[str]:
    value = entry.get("pauses_for", [])
    if not isinstance(value, list) or not {str(word) for word in value} <= set(Happening):
        raise entry.refusal(
            "pauses_for", f"is {value!r}", f"write a list of {', '.join(Happening)}"
        )
    return frozenset(str(word) for word in value)


def _extension(entry: Section) -> ExtensionRule:
    entry.refuse_unknown(_EXTENSION_KEYS)
    if ("times" in entry.content) == ("amount" in entry.content):
        remedy = "write one of times: 1 and amount: 2 working_day"
        raise entry.refusal("times", "an extension says once how much it gives", remedy)
    usual = ExtensionRule()
    return ExtensionRule(
        times=_times(entry) if "times" in entry.content else None,
        amount=_amount(entry, "amount") if "amount" in entry.content else None,
        max_grants=entry.whole_number("max_grants", usual.max_grants),
        ask=entry.choice("ask", AskBy, usual.ask),
    )


def _amount(entry: Section, key: str, otherwise: str = "") -> Limit:
    value = entry.get(key)
    try:
        return Limit.parse(str(value))
    except InvalidInput as exc:
        remedy = f'write "2 working_hour" or "30 minutes"{otherwise}'
        raise entry.refusal(key, f"is {value!r}", remedy) from exc


def _times(entry: Section) -> Decimal:
    value = entry.get("times")
    try:
        times = Decimal(str(value))
    except InvalidOperation:
        times = Decimal(0)
    if not 0 < times <= LARGEST_TIMES:
        raise entry.refusal(
            "times", f"is {value!r}", f"write a number above 0, at most {LARGEST_TIMES}"
        )
    return times
