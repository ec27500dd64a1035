"""The catalogue in force: loaded once, found by code, day and words."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.catalogue import queries
from app.catalogue.commands import LoadCatalogue
from app.catalogue.tables import CaseClass, CatalogueVersion, FilingCondition
from app.errors import Forbidden, NotFound, StateChanged
from app.run import SYSTEM, Actor, run

IN_FORCE = date(2025, 11, 25)
DISPATCHER = Actor(1, 1, "/1/", frozenset({"dispatcher"}), "派遣员")


@pytest.fixture
def loaded(session: Session) -> int:
    version_id: int = run(LoadCatalogue("2024-01"), actor=SYSTEM)
    return version_id


def test_edition_is_loaded_whole(session: Session, loaded: int) -> None:
    classes = queries.all_classes(session, IN_FORCE)
    assert Counter(entry.kind for entry in classes) == {
        "component": 125,
        "event": 102,
        "service": 22,
    }
    assert session.scalar(select(func.count(FilingCondition.id))) == 647


def test_loading_twice_changes_nothing(session: Session, loaded: int) -> None:
    before = session.scalars(select(FilingCondition.id)).all()
    assert run(LoadCatalogue("2024-01"), actor=SYSTEM) == loaded
    assert session.scalars(select(FilingCondition.id)).all() == before


def test_edition_in_force_is_not_overwritten(session: Session, loaded: int) -> None:
    changed = queries.class_by_code(session, "C-01-01", IN_FORCE)
    assert changed is not None
    session.execute(
        update(FilingCondition)
        .where(FilingCondition.class_id == changed.id, FilingCondition.seq == 1)
        .values(limit_value=Decimal(9))
    )
    session.commit()
    with pytest.raises(StateChanged, match="2024-01"):
        run(LoadCatalogue("2024-01"), actor=SYSTEM)


def test_only_an_administrator_loads(session: Session) -> None:
    with pytest.raises(Forbidden):
        run(LoadCatalogue("2024-01"), actor=DISPATCHER)


@pytest.mark.parametrize("version", ["1999-01", "../../etc/passwd", ""])
def test_edition_without_a_file_is_not_found(session: Session, version: str) -> None:
    with pytest.raises(NotFound):
        run(LoadCatalogue(version), actor=SYSTEM)


def test_code_means_the_class_of_the_edition_in_force_that_day(
    session: Session, loaded: int
) -> None:
    later = session.execute(
        insert(CatalogueVersion)
        .values(valid_from=date(2026, 1, 1), note="下一版")
        .returning(CatalogueVersion.id)
    ).scalar_one()
    session.add(
        CaseClass(
            version_id=later,
            kind="component",
            major_code="01",
            major_name="公用设施",
            minor_code="01",
            minor_name="给水井盖",
            code="C-01-01",
            duty="water",
            name_en="Water cover",
        )
    )
    session.flush()
    named = [
        found.minor_name if (found := queries.class_by_code(session, "C-01-01", day)) else None
        for day in (date(2023, 12, 31), date(2025, 12, 31), date(2026, 1, 1))
    ]
    assert named == [None, "上水井盖", "给水井盖"]
    assert [entry.code for entry in queries.all_classes(session, date(2026, 2, 1))] == ["C-01-01"]


def test_conditions_come_in_order_with_their_limits(session: Session, loaded: int) -> None:
    cover = queries.class_by_code(session, "C-01-01", IN_FORCE)
    assert cover is not None
    conditions = queries.conditions_of(session, cover.id)
    assert [(row.seq, row.limit_value, row.limit_unit) for row in conditions] == [
        (1, 2, "urgent_hour"),
        (2, 4, "working_hour"),
        (3, 2, "working_day"),
        (4, 5, "working_day"),
    ]
    assert queries.condition_of(session, cover.id, 3) == conditions[2]
    assert queries.condition_of(session, cover.id, 5) is None


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("上水井盖", "C-01-01"),
        ("manhole water", "C-01-01"),
        ("道路积水", "E-05-06"),
        ("e-05-06", "E-05-06"),
        ("盲道 单车", "E-04-93"),
    ],
)
def test_search_finds_by_name_code_and_condition(
    session: Session, loaded: int, words: str, first: str
) -> None:
    assert queries.search_classes(session, words, IN_FORCE)[0].code == first


def test_search_takes_percent_and_underscore_literally(session: Session, loaded: int) -> None:
    assert queries.search_classes(session, "%", IN_FORCE) == []
    assert queries.search_classes(session, "_", IN_FORCE) == []


def test_search_keeps_to_kind_and_limit(session: Session, loaded: int) -> None:
    services = queries.search_classes(session, "", IN_FORCE, kind="service", limit=5)
    assert len(services) == 5
    assert {entry.kind for entry in services} == {"service"}


def test_classes_come_with_their_conditions_in_one_go(session: Session, loaded: int) -> None:
    classes = queries.all_classes(session, IN_FORCE, "event")
    items = queries.with_conditions(session, classes)
    assert [item.entry.code for item in items] == [entry.code for entry in classes]
    assert all([c.seq for c in i.conditions] == [*range(1, len(i.conditions) + 1)] for i in items)
