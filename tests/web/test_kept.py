"""Costly figures are counted once a minute, by whoever asks first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from flask import Flask

from app import create_app
from app.clock import FixedClock
from app.db.session import Database
from app.settings import Settings
from app.web.kept import kept


@pytest.fixture
def keeping(settings: Settings, open_database: Database, clock: FixedClock) -> Flask:
    return create_app(replace(settings, answers_kept_s=60), database=open_database, clock=clock)


def test_answer_is_counted_again_when_it_is_old(keeping: Flask, clock: FixedClock) -> None:
    begun, counted = clock.now(), []
    with keeping.app_context():
        for _ in range(2):
            assert kept("heat", lambda: counted.append(1) or len(counted)) == (begun, 1)
        assert kept("other", lambda: 7) == (begun, 7)
        clock.advance(timedelta(seconds=61))
        assert kept("heat", lambda: counted.append(1) or len(counted)) == (clock.now(), 2)


def test_answer_about_the_past_is_kept_much_longer(keeping: Flask, clock: FixedClock) -> None:
    counted: list[int] = []
    with keeping.app_context():
        for _ in range(3):
            assert kept("october", lambda: counted.append(1) or len(counted), of_past=True)[1] == 1
            clock.advance(timedelta(minutes=10))
        clock.advance(timedelta(minutes=31))
        assert kept("october", lambda: counted.append(1) or len(counted), of_past=True)[1] == 2


def test_who_asks_meanwhile_waits_for_the_first(keeping: Flask) -> None:
    counting, go_on, answers = Event(), Event(), []

    def slowly() -> str:
        counting.set()
        assert go_on.wait(10)
        return "first"

    def ask(counted: object) -> None:
        with keeping.app_context():
            answers.append(kept("heat", counted)[1])

    first = Thread(target=ask, args=(slowly,))
    first.start()
    assert counting.wait(10)
    second = Thread(target=ask, args=(lambda: "second",))
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert answers == ["first", "first"]


def test_fault_is_not_kept(keeping: Flask) -> None:
    def fails() -> int:
        raise ZeroDivisionError

    with keeping.app_context():
        with pytest.raises(ZeroDivisionError):
            kept("heat", fails)
        assert kept("heat", lambda: 1)[1] == 1
