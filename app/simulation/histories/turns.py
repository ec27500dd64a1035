"""The ways through the shipped diagrams, as far as rows come of them: what each decision does.

A test holds them against the diagrams: the same happenings through the real commands give the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Deed:
    """A service task: its topic, its element, its inputs. takes: inputs that are answers of the same name."""

    topic: str
    element: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows from a decision.

    stage: of the work item that opens; None when none opens, or one beside others. waiting: the timers that wait
    from then on; None: those that waited go on. over: the handling is over, and an extension asked for lapses.
    """

    deeds: tuple[Deed, ...] = ()
    stage: str | None = None
    waiting: tuple[str, ...] | None = None
    over: bool = False


def _clock(topic: str, name: str) -> Deed:
    return Deed(f"clock.{topic}", f"S_{name}_clock_{topic}", {"clock": name})


def _end(how: str, element: str) -> Turn:
    return Turn((Deed("case.end", element, {"how": how}),), waiting=())


def _after(deed: Deed, turn: Turn, *, over: bool = False) -> Turn:
    return Turn((deed, *turn.deeds), turn.stage, turn.waiting, over or turn.over)


_HANDLING: Final = ("B_near_due", "B_due", "B_long_overdue")
ACCEPTING: Final = Turn((_clock("start", "accept"),), "accepting", ())
VERIFYING: Final = Turn((_clock("start", "verify"),), "verifying", ("B_verify_due",))
SELF_HANDLED: Final = _end("self_handled", "S_end_self_handled")
RETURNING: Final = Turn(stage="ruling", waiting=())
HOLDING: Final = Turn(stage="holding", waiting=())
_FILING: Final = Turn(stage="filing")
_DISPATCHING: Final = Turn((_clock("start", "dispatch"),), "dispatching", ())
_WITH_UNIT: Final = Turn(stage="handling", waiting=_HANDLING)
_AT_WORK: Final = Turn(stage="handling")
_HANDED_IN: Final = Turn((Deed("case.hand_in", "S_hand_in"),), "feedback", (), over=True)
_CLOSING: Final = Turn(stage="closing", waiting=())
_REWORK: Final = _after(Deed("case.rework", "S_rework"), _WITH_UNIT)
RELEASED: Final = _after(Deed("case.release", "S_release"), _WITH_UNIT)
LAPSING: Final = Deed("case.lapse_extension", "S_lapse_extension")

_ACCEPT_STOP: Final = _clock("stop", "accept")
_DISPATCH_STOP: Final = _clock("stop", "dispatch")
_VERIFY_STOP: Final = _clock("stop", "verify")
_CHECK_STOP: Final = _clock("stop", "check")
_FILE: Final = Deed("case.file", "S_file", takes=("class_code", "condition_seq", "limit"))
_VOID: Final = _end("void", "S_end_void")

TURNS: Final[Mapping[tuple[str, str], Turn]] = {
    ("T_verify", "exists"): _after(_VERIFY_STOP, ACCEPTING),
    ("T_verify", "unclear"): _after(_VERIFY_STOP, ACCEPTING),
    ("T_verify", "absent"): _after(_VERIFY_STOP, _end("rejected", "S_end_absent")),
    ("T_accept", "accept"): _after(_ACCEPT_STOP, _FILING),
    ("T_accept", "verify"): _after(_ACCEPT_STOP, VERIFYING),
    ("T_accept", "reject"): _after(_ACCEPT_STOP, _end("rejected", "S_end_rejected")),
    ("T_accept", "void"): _after(_ACCEPT_STOP, _VOID),
    ("T_file", "file"): _after(_FILE, _DISPATCHING),
    ("T_file", "void"): _VOID,
    ("T_dispatch", "back"): _after(_DISPATCH_STOP, ACCEPTING),
    ("T_dispatch", "dispatch"): Turn(
        (_DISPATCH_STOP, Deed("case.dispatch", "S_dispatch", takes=("unit_id",))),
        "handling",
        _HANDLING,
    ),
    ("T_assign", "assign"): _AT_WORK,
    ("T_assign", "direct"): _HANDED_IN,
    ("T_handle", "done"): _AT_WORK,
    ("T_confirm", "redo"): _AT_WORK,
    ("T_confirm", "hand_in"): _HANDED_IN,
    ("T_review", "rework"): _REWORK,
    ("T_review", "pass_by_photo"): _CLOSING,
    ("T_review", "pass"): Turn((_clock("start", "check"),), "checking", ("B_check_due",)),
    ("T_check", "fail"): _after(_CHECK_STOP, _REWORK),
    ("T_check", "pass"): _after(_CHECK_STOP, _CLOSING),
    ("T_check", "unclear"): _after(_CHECK_STOP, _CLOSING),
    ("T_close", "rework"): _REWORK,
    ("T_close", "close"): _end("closed", "S_end_closed"),
    ("T_rule_return", "founded"): Turn(
        (Deed("case.take_back", "S_take_back"), LAPSING, *_DISPATCHING.deeds),
        "dispatching",
        (),
    ),
    ("T_rule_return", "unfounded"): _after(
        Deed("case.count_unfounded", "S_count_unfounded"), _WITH_UNIT
    ),
    ("T_approve_hold", "grant"): Turn(
        (Deed("case.hold", "S_hold"),), waiting=("C_hold_until",), over=True
    ),
    ("T_approve_hold", "refuse"): _after(Deed("case.refuse_hold", "S_refuse_hold"), _WITH_UNIT),
    ("T_approve_extension", "grant"): Turn((Deed("case.extend", "S_extend"),)),
    ("T_approve_extension", "refuse"): Turn((Deed("case.refuse_extension", "S_refuse_extension"),)),
    ("T_answer_supervision", "answered"): Turn(
        (Deed("case.supervision_answered", "S_supervision_answered"),)
    ),
}

FIRED: Final[Mapping[str, Turn]] = {
    "B_near_due": Turn((Deed("case.near_due", "S_near_due"),)),
    "B_due": Turn((Deed("case.overdue", "S_overdue"),)),
    "B_long_overdue": Turn((Deed("case.long_overdue", "S_long_overdue"),)),
    "B_check_due": Turn((Deed("case.late", "S_check_late", {"what": "check"}),)),
    "B_verify_due": Turn((Deed("case.late", "S_verify_late", {"what": "verify"}),)),
    "C_hold_until": RELEASED,
}
