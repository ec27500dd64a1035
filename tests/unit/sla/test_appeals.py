"""What an appeal won does to a score, whatever the unit's cases and the scheme: it never hurts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DefinitionError
from sla.appeal_rules import AfterPublishing, load_appeal_rules
from sla.counting_rules import CountingRules, ExemptAs
from sla.figures import POPULATIONS, figure_key
from sla.indicators import Fact, Period, Tally, counts_as, every_indicator, in_population
from sla.scheme_files import shipped_schemes
from sla.schemes import Scheme
from sla.scoring import rank_key, score
from tests.unit.sla.test_scoring import schemes

OCTOBER = Period(datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC))
RULES = CountingRules()
days = st.integers(-20, 50).map(lambda n: OCTOBER.start + timedelta(days=n))


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """Any case of the unit: due before, in or after the month, closed or open, with or without conduct."""
    due, closed = draw(days), draw(st.none() | days)
    return Fact(
        1,
        11,
        due_at=due,
        closed_at=closed,
        stopped_at=closed,
        on_time=None if closed is None else draw(st.booleans()),
        extensions=draw(st.integers(0, 1)),
        reworks=draw(st.integers(0, 4)),
        unfounded_returns=draw(st.integers(0, 2)),
        media_supervisions=draw(st.integers(0, 2)),
        held_at_end=draw(st.booleans()) and closed is None,
        supervised=draw(st.booleans()),
        urgent=draw(st.booleans()),
        channel=draw(st.sampled_from(("hotline", "collector", "media"))),
        worked_minutes=draw(st.none() | st.integers(0, 5000)),
    )


def figures(of: Sequence[Fact]) -> dict[str, Any]:
    known = every_indicator(RULES)
    tallies = {
        population: Tally.of(
            counts_as(fact, OCTOBER, RULES) for fact in of if in_population(fact, population, RULES)
        )
        for population in POPULATIONS
    }
    return {
        figure_key(code, population): indicator.value(tally)
        for population, tally in tallies.items()
        for code, indicator in known.items()
    }


def won(fact: Fact, ground: str) -> Fact:
    if ground == "late":
        return replace(fact, exempt=True)
    return replace(fact, **{ground: max(getattr(fact, ground) - 1, 0)})


@given(
    st.one_of(schemes(), st.sampled_from(list(shipped_schemes().values()))),
    st.lists(facts(), min_size=1, max_size=12),
    st.sampled_from(("late", "unfounded_returns", "media_supervisions")),
)
def test_an_appeal_won_never_hurts(scheme: Scheme, of: list[Fact], ground: str) -> None:
    before, after = figures(of), figures([won(of[0], ground), *of[1:]])
    scores = [score(scheme, one) for one in (before, after)]
    keys = [rank_key(scheme, *pair) for pair in zip(scores, (before, after), strict=True)]
    assert (keys[0] is None) == (keys[1] is None)
    if keys[0] is not None and keys[1] is not None:
        assert keys[1] >= keys[0] if scheme.highest_first else keys[1] <= keys[0]


def test_left_out_a_case_won_can_lower_the_closing_rate() -> None:
    at = OCTOBER.start + timedelta(days=5)
    late = Fact(1, 11, due_at=at, closed_at=at, stopped_at=at, on_time=False)
    open_ = Fact(2, 11, due_at=at)
    rules = replace(RULES, exempt=ExemptAs.LEAVE_OUT)
    rates = [
        every_indicator(rules)["closing_rate"].value(
            Tally.of(counts_as(one, OCTOBER, rules) for one in (case, open_))
        )
        for case in (late, won(late, "late"))
    ]
    assert [str(one) for one in rates] == ["50.00", "0.00"], "why counting.yml says on_time"


def test_the_rules_are_read_and_refused_by_name(tmp_path: Path) -> None:
    rules = load_appeal_rules()
    assert (str(rules.window), rules.after_publishing) == (
        "5 working_day",
        AfterPublishing.CORRECT_MONTH,
    )
    file = tmp_path / "appeals.yml"
    for written, named in (
        ("window: soon", "window"),
        ("after_publishing: never", "after_publishing"),
        ("limit: 3", "limit"),
    ):
        file.write_text(written)
        with pytest.raises(DefinitionError, match=f"appeals.yml:{named}"):
            load_appeal_rules(file)
