"""What flood.yml says is checked by name, and its arithmetic is plain."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DefinitionError
from sla.flood import distance_m, wettest
from sla.flood_files import FLOOD_FILE, load_flood_policy, scenes, shipped_flood_policy
from sla.sensing import Level


def test_shipped_file_knows_every_scene() -> None:
    assert tuple(shipped_flood_policy().scenes) == scenes()


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("level: blue, hours: 12", "level: purple, hours: 12", "rain.colours[0].level"),
        ("hours: 12, mm: 50", "hours: 0, mm: 50", "rain.colours[0].hours"),
        ("from: measured, hours: 1", "form: measured, hours: 1", "event.open[0].form"),
        ("from: measured, hours: 1", "from: guessed, hours: 1", "event.open[0].from"),
        ("dry_mm: 0.5", "dry_mm: .nan", "event.close.dry_mm"),
        ("during_every: PT30M", "during_every: soon", "reports.during_every"),
        ("    low_lying:", "    low_laying:", "likely.scenes.low_laying"),
        ("blue: 20, yellow: 30", "blue: 30, yellow: 30", "likely.scenes.low_lying.hours_1.yellow"),
        ("radius_m: 300", "radius_m: -1", "duty.radius_m"),
        ("answer_within_s: 30", "answer_within_s: 0", "devices.answer_within_s"),
        ("wet_cm: 1", "wet_cm: 0", "water.wet_cm"),
        ("siren: [sound, silence]", "siren: sound", "devices.actions.siren"),
    ],
)
def test_wrong_value_is_named(tmp_path: Path, before: str, after: str, named: str) -> None:
    text = FLOOD_FILE.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "flood.yml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        load_flood_policy(path)
    assert [(fault.file, fault.element) for fault in refused.value.faults] == [("flood.yml", named)]


@pytest.mark.parametrize(
    ("mm", "level"),
    [
        ({12: 49.9}, Level.NONE),
        ({12: 50}, Level.BLUE),
        ({6: 50}, Level.YELLOW),
        ({3: 50}, Level.ORANGE),
        ({3: 100}, Level.RED),
    ],
)
def test_colours_are_the_official_ones(mm: dict[int, float], level: Level) -> None:
    policy = shipped_flood_policy()
    assert policy.colour(lambda hours: mm.get(hours, 0), lambda _hours: 0) is level
    assert policy.colour(lambda _hours: 0, lambda hours: mm.get(hours, 0)) is level


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 12))
def test_wettest_hours_are_the_best_window(mm: list[int], hours: int) -> None:
    windows = [sum(mm[n : n + hours]) for n in range(len(mm))]
    assert wettest(mm, hours) == max(windows, default=0)


def test_distance_is_that_of_the_earth() -> None:
    # A degree of latitude: 40,030 km / 360.
    assert distance_m(112.5, 37.0, 112.5, 38.0) == pytest.approx(111_195, rel=0.001)
    assert distance_m(112.5, 37.0, 112.5, 37.0) == 0


def test_accuracy_is_taken_off_up_to_a_limit() -> None:
    duty = shipped_flood_policy().duty
    assert duty.in_place(390, 100)
    assert not duty.in_place(410, 5000)
