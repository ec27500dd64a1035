"""What is going to happen to a case, drawn when it is reported."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from app.simulation.habits import happens, rate


@dataclass(frozen=True, slots=True)
class Fate:
    """The way of one case through the diagram, as far as people decide it.

    returned: 'founded' when it is dispatched to the wrong unit first, 'unfounded' when the right one
    tries to be rid of it. held: 'granted' or 'refused' when a hold is asked for. extensions: how many
    are asked for. lateness: 0 to 1; late where it is below the unit's share of late cases. diligence:
    what part of its time the handling takes. supervised: by whom. stops_at: elements where nobody does
    anything any more. prompt: whoever has something to do does it at once, day or night.
    """

    verified: str = "exists"
    acceptance: str = "accept"
    filing: str = "file"
    is_sent_back: bool = False
    returned: str | None = None
    held: str | None = None
    extensions: int = 0
    longer: bool = False
    extension_refused: bool = False
    lateness: float = 1.0
    diligence: float = 0.4
    direct: bool = False
    redo: bool = False
    reworked: bool = False
    by_photo: bool = False
    checked: str = "pass"
    close_rework: bool = False
    supervised: str | None = None
    stops_at: frozenset[str] = frozenset()
    account: str | None = None
    prompt: bool = False


def fate_of(random: Random) -> Fate:
    """Draw a fate."""
    return Fate(
        verified=_one_of(random, absent="absent", unclear="unclear") or "exists",
        acceptance=_one_of(random, rejected="reject", merged="merge", verify_again="verify")
        or "accept",
        filing=_one_of(random, void="void") or "file",
        is_sent_back=happens(random, rate("sent_back")),
        returned=_one_of(random, misdispatched="founded", return_unfounded="unfounded"),
        held=_held(random),
        extensions=_extensions(random),
        longer=happens(random, rate("extension_longer")),
        extension_refused=happens(random, rate("extension_refused")),
        lateness=random.random(),
        diligence=random.betavariate(2, 3),
        direct=happens(random, rate("direct")),
        redo=happens(random, rate("redo")),
        reworked=happens(random, rate("review_rework")),
        by_photo=happens(random, rate("by_photo")),
        checked=_one_of(random, check_failed="fail", check_unclear="unclear") or "pass",
        close_rework=happens(random, rate("close_rework")),
        supervised=_one_of(
            random, media_supervised="media", leader_supervised="leader", supervised="duty"
        ),
    )


def _one_of(random: Random, **outcomes: str) -> str | None:
    """Return the outcome of one of the rates, or None for none of them."""
    drawn = random.random()
    for name, outcome in outcomes.items():
        drawn -= rate(name)
        if drawn < 0:
            return outcome
    return None


def _held(random: Random) -> str | None:
    refused = happens(random, rate("hold_refused"))
    return ("refused" if refused else "granted") if happens(random, rate("hold")) else None


def _extensions(random: Random) -> int:
    again = happens(random, rate("extension_again"))
    return 1 + again if happens(random, rate("extension")) else 0
