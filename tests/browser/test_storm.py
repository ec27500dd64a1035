"""A storm over a generated city, from its forecast to the report after it: by the worker, three people and a phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.clock import FixedClock
from app.db.session import Database
from app.flood.commands.forecasts import AddForecasts
from app.flood.commands.trucks import ChangeTruck
from app.flood.forecast_files import NewForecast
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, Runtime, install, run
from app.settings import Settings
from app.simulation.city import build_city
from app.simulation.equipping import equip
from app.simulation.flooding import EquipForFlood
from app.simulation.measuring import BeginScenario, measure
from app.simulation.sensors import STORM
from app.simulation.watching import WatchCity
from app.worker.alerts import AlertLoop
from app.worker.flood import FloodLoop
from app.worker.timers import OF_PROCESSES, TimerLoop
from tests.browser.conftest import PASSWORD

EVENING = datetime(2025, 7, 26, 12, 30, tzinfo=UTC)
LASTS = timedelta(minutes=60)
OF_FLOOD = (
    " FROM alerts a JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id"
    " WHERE s.trade = 'flood'"
)
WET = frozenset({"depth", "rain_gauge"})


@dataclass
class Storm:
    """The city under the storm, and its worker."""

    database: Database
    clock: FixedClock

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.database.sessions() as session:
            return [dict(row._mapping) for row in session.execute(text(statement), parameters)]

    def one(self, statement: str, **parameters: Any) -> Any:
        (row,) = self.rows(statement, **parameters)
        (value,) = row.values()
        return value

    def live(self, minutes: int) -> None:
        """Let minutes pass: sensors measure, the worker does what follows."""
        loops = (
            AlertLoop(self.database, self.clock),
            FloodLoop(self.database, self.clock),
            TimerLoop(self.database, self.clock, OF_PROCESSES),
        )
        for _ in range(minutes):
            self.clock.move_to(self.clock.now() + timedelta(minutes=1))
            measure(self.database, self.clock, self.clock.now(), WET)
            for loop in loops:
                while loop.step():
                    pass

    def run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)


@pytest.fixture
def desk(database: Database, settings: Settings, clock: FixedClock) -> Storm:
    """Return a generated city with everything that a flood needs; whoever can sign in has one password."""
    clock.move_to(EVENING)
    runtime = Runtime.of(settings, database)
    install(runtime)
    with database.sessions() as session:
        build_city(session, "demo", 1, clock.now())
        session.commit()
    equip(runtime)
    storm = Storm(database, clock)
    storm.run(WatchCity("demo", 1))
    storm.run(EquipForFlood("demo", 1))
    with database.sessions() as session:
        statement = text("UPDATE people SET password_hash = :it WHERE is_demo")
        session.execute(statement, {"it": hash_of(PASSWORD)})
        # Rules hold for what is measured from now on; the city's are of the moment it was built.
        session.execute(text("UPDATE sensor_rules SET valid_from = :at"), {"at": EVENING})
        session.commit()
    # Half an hour into a shift of the one with the phone, by day or by night.
    begins = storm.one(
        "SELECT min(s.starts_at) FROM duty_shifts s JOIN people p ON p.id = s.person_id"
        " WHERE p.login = 'flood' AND s.ends_at > :at",
        at=EVENING,
    )
    clock.move_to(max(EVENING, begins + timedelta(minutes=30)))
    return storm


def signed_in(chromium: Browser, address: str, login: str, **context: Any) -> Page:
    page = chromium.new_context(locale="zh-CN", **context).new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{address}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


@dataclass
class Story:
    """The people of the storm, each before a screen of their own."""

    storm: Storm
    address: str
    chromium: Browser
    pictures: Path
    event: int = 0

    def __post_init__(self) -> None:
        wide = {"width": 1440, "height": 900}
        self.commander = signed_in(self.chromium, self.address, "commander", viewport=wide)
        self.watch = signed_in(self.chromium, self.address, "watch", viewport=wide)
        (self.shift,) = self.storm.rows(
            "SELECT s.id, t.id AS site_id, t.lon, t.lat FROM duty_shifts s JOIN people p ON p.id = s.person_id"
            " JOIN sites t ON t.id = s.site_id WHERE p.login = 'flood' AND s.starts_at <= :at AND s.ends_at > :at",
            at=self.storm.clock.now(),
        )
        here = {"longitude": self.shift["lon"], "latitude": self.shift["lat"], "accuracy": 20}
        self.phone = signed_in(
            self.chromium,
            self.address,
            "flood",
            viewport={"width": 390, "height": 844},
            geolocation=here,
            permissions=["geolocation"],
        )

    def forecast(self) -> None:
        """Open an event by its forecast; its first report says which points will probably flood."""
        now = self.storm.clock.now()
        districts = [row["code"] for row in self.storm.rows("SELECT code FROM districts")]
        rain = [NewForecast("气象台", now, code, now, (5, 35, 20, 2)) for code in districts]
        self.storm.run(AddForecasts(rain))
        self.storm.live(1)
        self.event = self.storm.one("SELECT id FROM rain_events")
        page = self.commander
        page.goto(f"{self.address}/flood/events/{self.event}")
        page.check('input[name="outcome"][value="activate"]')
        page.select_option('select[name="response_level"]', "3")
        page.fill('textarea[name="opinion"]', "各单位上岗，泵车前置")
        page.click("#decide button.primary")
        expect(page.locator("main")).to_contain_text("各单位上岗，泵车前置")
        likely = _figure(self.report("before"), "likely_to_flood")
        assert likely["value"] == len(likely["lines"]) > 0
        self.open_report("before")
        expect(page.locator("main")).to_contain_text(str(int(likely["value"])))

    def report(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self.storm.one(
            "SELECT data FROM rain_reports WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind
        )
        return found

    def open_report(self, kind: str) -> None:
        number = self.storm.one(
            "SELECT id FROM rain_reports WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind
        )
        self.commander.goto(f"{self.address}/flood/reports/{number}")
        self.commander.screenshot(path=self.pictures / f"{kind}.png", full_page=True)

    def sign_on(self) -> None:
        """Sign on by phone, where one stands."""
        self.phone.goto(f"{self.address}/flood/duty/me")
        self.phone.click("#duty button.primary")
        expect(self.phone.locator("#duty")).to_contain_text("签退")
        assert self.storm.one("SELECT in_place FROM duty_sign_ons") is True

    def look_at_the_wall(self) -> None:
        """See on the wall screen what the tables hold."""
        page = self.commander
        page.goto(f"{self.address}/flood/cockpit")
        expect(page.locator("#alerts li a").first).to_be_visible()
        opened = self.storm.one(f"SELECT count(*){OF_FLOOD} AND a.closed_at IS NULL")
        expect(page.locator("#alerts-count")).to_have_text(str(opened))
        expect(page.locator("#people")).to_contain_text("1 /")
        page.wait_for_selector("#cockpit[data-drawn]")
        page.screenshot(path=self.pictures / "cockpit.png")

    def order(self) -> None:
        """Give an order; it is answered by phone, one step of it while the line is down: sent later, and once."""
        page, phone = self.commander, self.phone
        page.goto(f"{self.address}/flood/orders")
        page.click("#issue summary")
        page.fill("#login", "flood")
        page.select_option("#site_id", str(self.shift["site_id"]))
        page.fill("#text", "封闭下穿通道，引导绕行")
        page.click("#issue button.primary")
        step = phone.locator(".order > form button.primary")
        phone.reload()
        step.click()
        expect(step).to_have_text("已出发")
        phone.context.set_offline(True)
        step.click()
        expect(phone.locator("#waiting")).to_contain_text("1 项待发送")
        expect(step).to_be_disabled()
        expect(step).to_have_text("已保存在手机里，等待发送")
        expect(phone.locator("#offline")).to_contain_text("自动发出")
        phone.screenshot(path=self.pictures / "phone.png")
        assert self.storm.one("SELECT on_way_at FROM flood_orders") is None
        phone.context.set_offline(False)
        expect(step).to_have_text("已到现场", timeout=20_000)
        expect(phone.locator("#waiting")).to_be_hidden()
        step.click()
        phone.fill(".order textarea", "已封闭")
        step.click()
        expect(phone.locator(".order")).to_have_count(0)
        (order,) = self.storm.rows("SELECT * FROM flood_orders")
        steps = ("acknowledged_at", "on_way_at", "on_site_at", "done_at")
        assert None not in [order[name] for name in steps]
        done = "SELECT count(*) FROM process_log WHERE process_id = :id AND kind = 'completed'"
        assert self.storm.one(done, id=order["process_id"]) == 4

    def confirm(self) -> None:
        """Confirm what must be confirmed, a whole area at once."""
        page = self.watch
        page.goto(f"{self.address}/sensing/alerts")
        page.screenshot(path=self.pictures / "alerts.png", full_page=True)
        while page.locator(".area").count():
            page.click(".area >> nth=0")
            page.check('input[name="outcome"][value="real"]')
            page.click("form.stacked button.primary")
            page.goto(f"{self.address}/sensing/alerts")
        waiting = "SELECT count(*) FROM process_items WHERE status = 'open' AND element = 'T_confirm_alert'"
        assert self.storm.one(waiting) == 0

    def pump(self, minutes: int) -> None:
        """Let a truck pump for so long."""
        truck = self.storm.one("SELECT id FROM pump_trucks ORDER BY id LIMIT 1")
        self.storm.run(ChangeTruck(truck, "working", self.shift["site_id"]))
        self.storm.live(minutes)
        self.storm.run(ChangeTruck(truck, "standby"))

    def clear(self) -> None:
        """Let the water fall and the sky dry; somebody looks on the spot, the commander reviews."""
        self.storm.live(60)
        waiting = "SELECT id FROM process_items WHERE status = 'open' AND element = 'T_field'"
        for item in self.storm.rows(waiting):
            self.storm.run(CompleteProcessItem(item["id"], {"outcome": "cleared"}))
        for _ in range(5):
            self.storm.clock.move_to(self.storm.clock.now() + timedelta(minutes=55))
            self.storm.live(5)
        assert self.storm.one("SELECT closed_at FROM rain_events") is not None
        page = self.commander
        page.goto(f"{self.address}/flood/events/{self.event}")
        page.check('input[name="outcome"][value="reviewed"]')
        page.fill('textarea[name="opinion"]', "封闭两处下穿，无人员伤亡")
        page.click("#decide button.primary")
        expect(page.locator("main")).to_contain_text("封闭两处下穿")
        self.open_report("after")

    def look_back(self) -> None:
        """See the worst moment again on the slider of the wall screen."""
        page = self.commander
        page.goto(f"{self.address}/flood/cockpit?event={self.event}")
        gravest = self.storm.one(f"SELECT max(a.top_level){OF_FLOOD}")
        shown = page.locator(f"#level-{gravest}")
        expect(shown).to_have_text("0")
        peak = self.storm.one(
            f"SELECT a.peak_at{OF_FLOOD} ORDER BY a.top_level DESC, a.peak DESC LIMIT 1"
        )
        slider = page.locator("#slider")
        slider.fill(str(int(peak.timestamp())))
        deep = self.storm.one(
            "SELECT count(DISTINCT d.site_id) FROM alerts a JOIN devices d ON d.id = a.device_id"
            " CROSS JOIN LATERAL (SELECT level FROM alert_levels WHERE alert_id = a.id AND at <= :at"
            " ORDER BY at DESC, id DESC LIMIT 1) l"
            " WHERE l.level = :level AND (a.closed_at IS NULL OR a.closed_at > :at)",
            level=gravest,
            at=datetime.fromtimestamp(int(slider.input_value()), UTC),
        )
        assert deep > 0
        expect(shown).to_have_text(str(deep))
        page.screenshot(path=self.pictures / "replay.png")


def test_storm_from_forecast_to_review(
    product: Flask, address: str, chromium: Browser, desk: Storm, tmp_path: Path
) -> None:
    story = Story(desk, address, chromium, tmp_path)
    story.forecast()
    story.sign_on()
    desk.run(BeginScenario(STORM, desk.clock.now(), LASTS))
    desk.live(35)
    assert desk.one(f"SELECT count(*){OF_FLOOD} AND a.top_level >= 3") > 0
    assert desk.one("SELECT count(*) FROM cases WHERE channel = 'sensor'") > 0
    story.look_at_the_wall()
    story.order()
    story.confirm()
    story.pump(45)
    story.clear()
    _agrees(desk, story.report("after"))
    story.look_back()


def _figure(data: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for one in data["figures"] if one["key"] == key)


def _agrees(storm: Storm, report: dict[str, Any]) -> None:
    """Hold the report after the rain against plain counts over the same tables."""
    counted = {
        "alerts_by_level": storm.one(f"SELECT count(*){OF_FLOOD}"),
        "peaks": storm.one(
            "SELECT max(r.value) FROM readings r JOIN devices d ON d.id = r.device_id WHERE d.kind = 'depth'"
        ),
        "cases_raised": storm.one(f"SELECT count(DISTINCT a.case_id){OF_FLOOD}"),
        "orders": storm.one("SELECT count(*) FROM flood_orders"),
        "people_deployed": storm.one("SELECT count(DISTINCT person_id) FROM duty_sign_ons"),
    }
    for key, value in counted.items():
        assert _figure(report, key)["value"] == pytest.approx(float(value)), key
    hours = storm.one(
        "SELECT sum(extract(epoch FROM b.at - a.at)) / 3600 FROM pump_truck_changes a JOIN pump_truck_changes b"
        " ON b.truck_id = a.truck_id AND b.at > a.at WHERE a.state = 'working'"
    )
    assert _figure(report, "pump_hours")["value"] == pytest.approx(float(hours), abs=0.01)
