"""What open pages are told, that a stream ends, and what lies near a case."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.cases.commands import ClaimItem
from app.cases.pages.live import LONGEST_S, Watch, events, kind_for
from app.cases.queries.watching import changes_between, look
from app.clock import FixedClock
from app.run import Runtime, installed_runtime, run
from tests.factories import City, Desk
from tests.web.conftest import SignIn


class _Quiet(Watch):
    """A watch whose changes the test hands out itself."""

    def join(self, runtime: Runtime):  # type: ignore[no-untyped-def]
        self._running = True
        return super().join(runtime)


def test_changes_are_told_to_whom_they_concern(
    desk: Desk, city: City, session: Session, clock: FixedClock
) -> None:
    connection = session.connection()
    taken, done = (desk.reported_case() for _ in range(2))
    taken_item = desk.item(taken, "T_accept")
    before = look(connection, clock.now())
    run(ClaimItem(taken_item), actor=city.intake2)
    desk.do(done, "T_accept", city.intake2, "accept")
    clock.advance(timedelta(minutes=16))
    changes = changes_between(connection, before, look(connection, clock.now()))
    to_intake = {(kind_for(city.intake, one), one.who) for one in changes}
    assert ("taken", "受理员乙") in to_intake
    assert ("gone", "受理员乙") in to_intake
    assert ("new", None) in to_intake
    # What oneself did is no news, and what is not one's own is not told at all.
    to_intake2 = {kind_for(city.intake2, one) for one in changes}
    assert "gone" not in to_intake2
    assert {kind_for(city.manager1, one) for one in changes} == {None}


def test_item_turns_red_once(desk: Desk, city: City, session: Session, clock: FixedClock) -> None:
    desk.reported_case()
    connection = session.connection()
    before = look(connection, clock.now())
    clock.advance(timedelta(minutes=16))
    red = look(connection, clock.now())
    kinds = [kind_for(city.intake, one) for one in changes_between(connection, before, red)]
    assert kinds == ["red"]
    clock.advance(timedelta(minutes=1))
    assert not changes_between(connection, red, look(connection, clock.now()))


def test_stream_ends_and_gives_its_place_back(desk: Desk, city: City) -> None:
    watch = _Quiet(most=1)
    stream = watch.join(installed_runtime())
    assert stream is not None
    assert watch.join(installed_runtime()) is None
    stream.put([])
    passed = iter([0.0, 1.0, LONGEST_S + 1])
    told = list(events(watch, stream, city.intake, clock=lambda: next(passed)))
    assert told == ["retry: 5000\n\n"]
    assert watch.join(installed_runtime()) is not None


def test_item_shows_similar_cases_nearby(desk: Desk, city: City, signed: SignIn) -> None:
    # 0.001 degree of latitude is 111 metres.
    here = desk.reported_case()
    row = desk.case(here)
    place = {"lon": row["lon"]}
    near = desk.case(desk.reported_case(lat=row["lat"] + 0.001, **place))["number"]
    alike = desk.reported_case(class_code="E-01-02", lat=row["lat"] + 0.0015, **place)
    far = desk.case(desk.reported_case(lat=row["lat"] + 0.002, **place))["number"]
    client = signed(city.intake)
    page = client.get(f"/items/{desk.item(here, 'T_accept')}").text
    assert "相距 111 米" in page
    assert near in page
    assert far not in page
    own = client.get(f"/items/{desk.item(alike, 'T_accept')}").text
    assert "附近的类似案件" in own


def test_item_explains_the_limit(desk: Desk, city: City, signed: SignIn) -> None:
    item = desk.item(desk.dispatched_case(), "T_assign")
    page = signed(city.manager1).get(f"/items/{item}").text
    assert "11月25日 09:00 开始，限 4 工作时" in page
