"""Every page of the product: no serious fault for axe, nothing for the policy, nothing over the edge.

The pages are those that the application says it has; one that is new is looked at without a test of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask, url_for
from playwright.sync_api import Page

from app.accounts.roles import ANALYST
from app.assessment.commands import BeginRun, FileAppeal, SaveScheme
from app.cases.commands import RaiseSupervision
from app.cases.commands.moving import MoveCases
from app.cases.commands.reassigning import ReassignUnit
from app.cases.effects import topics
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.modeling.draft_commands import StartDraft
from app.run import SYSTEM, Actor, installed_runtime, run
from app.tryouts.commands import AdvanceReplay, StartReplay
from app.web.access import PUBLIC, SIGNED_IN, rule_of
from sla.scheme_files import shipped_schemes
from tests.browser.axe import serious_faults
from tests.browser.conftest import Reader
from tests.browser.people import add_analysts_and_administrator, add_assessor, give_password
from tests.browser.test_main_jobs import PNG
from tests.edited_diagrams import edited
from tests.factories import Desk
from tests.flood.staged import rain_over_a_point
from tests.sensing.underpass import flooded_underpass
from tests.utilities.quarter import STATION, heated_quarter

# What answers with a file, with data, with a part of a page or by leading elsewhere: no page of its own.
NO_PAGE = frozenset({
    "static", "web.home", "web.health", "web.favicon", "oidc.leave", "oidc.come_back",
    "places.map_tile", "places.at", "cases.inbox_events", "cases.inbox_counts", "cases.conditions", "cases.photo",
    "cases.nearby_open", "oversight.points", "cases.choose_move", "modeling.content", "modeling.check",
    "oversight.diagram", "tryouts.file", "tryouts.last",
    "assessment.notice_as_pdf", "assessment.notice_as_word", "assessment.notice_as_csv",
    "sensing.waiting_line", "sensing.alert_item", "flood.waiting_line", "utilities.boards", "utilities.serving",
    "flood.report_as_word", "flood.report_as_pdf", "flood.note_photo", "flood.cockpit_state", "flood.cockpit_events",
    "assessment.edition_file", "assessment.facts_file", "assessment.evidence", "assessment.waiting_line",
})  # fmt: skip
FILES_OF_EACH_EDITOR = ("check.bpmn", "routing.dmn", "accept.json")
MORE: dict[str, tuple[dict[str, Any], ...]] = {
    "sensing.area": ({"district": "140106", "trade": "flood", "element": "T_confirm_alert"},),
    "sensing.alerts": ({"state": "all"},),
    "sensing.device": ({"span": "year"},),
    "utilities.board": ({"trade": "water"},),
    "utilities.register": ({"trade": "gas"},),
    "cases.inbox": ({"tab": "group"}, {"tab": "all"}, {"tab": "done"}),
    "tryouts.replay": ({"show": "passed-T_accept"},),
    "assessment.month_run": ({"written": "2025-10"},),
    "assessment.month": ({"written": "2025-10"},),
    "assessment.appeal_list": ({"undecided": 1},),
    "assessment.compare_page": ({"unit": "D1", "month": "2025-11", "other": "D2"},),
    "assessment.breakdown": ({"by": "person"},),
    "assessment.forecast": ({"unit": "D1"},),
    "assessment.part_cases": (
        {"from": "2025-11-01", "to": "2025-11-30", "key": "E-01-02", "code": "filed"},
    ),
}
EDITORS = {"modeling.edit", "modeling.compare", "modeling.history"}
EARLIER = ('before_due("handling", "2 working_hour")', 'before_due("handling", "1 working_hour")')
# Colours that other makers give to what they draw into our page: bpmn-js-bpmnlint's sum of its findings, and the
# headings of empty groups in the properties panel of bpmn.io. Both say the same in words beside it.
THEIRS = (".bjsl-button", ".bio-properties-panel-group-header-title")
# Who may do most in a room looks at its pages.
ROLES_FIRST = ("supervisor", "analyst", "administrator")
# A page that shows more to some than its rule says; the door is for nobody who is in already.
WHO = {
    "assessment.new_appeal": "manager1", "assessment.month_run": "supervisor",
    "assessment.appeal_list": "supervisor", "assessment.appeal": "supervisor",
    "assessment.cases": "supervisor", "assessment.scores": "supervisor", "assessment.scheme": "assessor",
    "assessment.month": "supervisor", "assessment.unit_page": "supervisor",
    "assessment.counted_case": "supervisor", "assessment.compare_page": "supervisor",
    "assessment.breakdown": "supervisor", "assessment.period_page": "supervisor",
    "assessment.part_cases": "supervisor", "assessment.month_map": "supervisor",
    "assessment.forecast": "supervisor",
    "sensing.alert": "supervisor", "sensing.alerts": "watch", "sensing.area": "watch",
    "sensing.new_rule": "analyst", "flood.me": "staff1",
    **dict.fromkeys(
        (f"flood.{name}" for name in (
            "board", "point_page", "events_page", "event_page", "report_page", "forecasts_page", "duty_page",
            "roll_call_page", "orders_page", "order_page", "pumps_page",
        )),
        "commander",
    ),
    "accounts.sign_in": "",
}  # fmt: skip


@pytest.fixture
def values(product: Flask, desk: Desk) -> dict[str, Any]:
    """Return what the variables of addresses stand for in this city; product: so that the clock is its own."""
    add_analysts_and_administrator(desk)
    closed, waiting, moved = desk.closed_case(), desk.reported_case(), desk.dispatched_case()
    new = run(
        DeployBundle("case", edited(shipped_files(), "case.bpmn", EARLIER), topics(), "提前"),
        actor=SYSTEM,
    )
    move = run(MoveCases((moved,), new), actor=SYSTEM)
    reassigned = run(ReassignUnit(11, 12, "合并"), actor=desk.city.supervisor)
    assessor = add_assessor(desk)
    charged = desk.dispatched_case()
    run(RaiseSupervision(charged, "media", "电视台曝光"), actor=desk.city.supervisor)
    appeal = FileAppeal(charged, "media_supervision", "当日已处置", (("照片.png", PNG),))
    run(BeginRun(date(2025, 10, 1)), actor=assessor)
    analyst = Actor(901, 1, "/1/", frozenset({ANALYST}), "分析员甲")
    draft = run(StartDraft("case", "改核查"), actor=analyst)
    replay = run(StartReplay(draft, date(2025, 11, 1), 50, "2 working_hour"), actor=analyst)
    run(AdvanceReplay(replay), actor=analyst)
    underpass = flooded_underpass(desk)
    give_password(desk, "watch")
    underpass.water(16)
    underpass.follow()
    heated_quarter(desk).live(2)
    site_id = desk.rows("SELECT id FROM sites WHERE trade = 'flood' ORDER BY id LIMIT 1")[0]["id"]
    rain = rain_over_a_point(desk, site_id, installed_runtime().clock.now())
    for login in ("commander", "staff1"):
        give_password(desk, login)
    return {
        **rain,
        "device_id": desk.rows("SELECT id FROM devices ORDER BY id LIMIT 1")[0]["id"],
        "trade": "heat",
        "site_code": STATION,
        "alert_id": underpass.alert()["id"],
        "site_id": desk.rows("SELECT min(id) AS id FROM sites")[0]["id"],
        "rule_id": desk.rows("SELECT id FROM sensor_rules")[0]["id"],
        "number": desk.case(closed)["number"],
        "item_id": desk.item(waiting, "T_accept"),
        "from_hash": desk.city.definition_hash,
        "to_hash": new,
        "move_id": move.move_id,
        "reassignment_id": reassigned.reassignment_id,
        "draft_id": draft,
        "replay_id": replay,
        "scheme_id": run(SaveScheme(None, shipped_schemes()["jinhua"].as_plain()), actor=assessor),
        "unit_id": 11,
        "person_id": 104,
        "written": "2025-11",
        "unit_code": "D1",
        "code": "left_out",
        "flow": "in",
        "appeal_id": run(appeal, actor=desk.city.manager1),
    }


def pages(product: Flask, desk: Desk, values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who opens which address: every page, each by somebody who may."""
    found = desk.rows(
        "SELECT r.role, p.login FROM person_roles r JOIN people p ON p.id = r.person_id"
    )
    logins = {row["role"]: row["login"] for row in found}
    listed = set()
    with product.test_request_context():
        for rule in product.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGE:
                continue
            if rule.rule.endswith(".xlsx") or rule.rule.startswith("/api/"):
                continue
            rules = rule_of(product, rule.endpoint)
            if rule.endpoint in WHO:
                who = WHO[rule.endpoint]
            elif PUBLIC in rules or SIGNED_IN in rules:
                who = "intake"
            else:
                who = next(
                    logins[role]
                    for role in (*ROLES_FIRST, *sorted(rules))
                    if role in rules & logins.keys()
                )
            listed |= {(who, path) for path in addresses(rule.endpoint, rule.arguments, values)}
    return sorted(listed)


def addresses(endpoint: str, names: set[str], values: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of one kind of page. A KeyError wants the fixture to know one more variable."""
    if endpoint in EDITORS:
        known = {"draft_id": values["draft_id"]}
        yield from (url_for(endpoint, path=path, **known) for path in FILES_OF_EACH_EDITOR)
        return
    known = {name: values[name] for name in names}
    yield url_for(endpoint, **known)
    yield from (url_for(endpoint, **known | more) for more in MORE.get(endpoint, ()))


def settled(page: Page) -> None:
    """Wait until what draws on a page has drawn; the inbox listens for news for ever."""
    page.wait_for_load_state("load")
    if page.locator("script[type=module]").count():
        page.wait_for_load_state("networkidle")


LOOKS: tuple[tuple[Any, int], ...] = (("light", 1440), ("dark", 390))
# So that the two processes of a run share the work.
SHARES = 3


@pytest.mark.parametrize("share", range(SHARES))
def test_every_page_can_be_used_and_fits(
    reader: Reader, product: Flask, desk: Desk, values: dict[str, Any], share: int
) -> None:
    page = reader.page
    found = []
    at_desk = ""
    for login, path in pages(product, desk, values)[share::SHARES]:
        if login != at_desk:
            page.context.clear_cookies()
            if login:
                reader.sign_in(login)
            at_desk = login
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(reader.address + path)
            assert answer is not None
            settled(page)
            if answer.status != 200:
                found.append((path, f"answers {answer.status}"))
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                found.append((path, f"is {wide} wide at {width}"))
            found += [(path, fault) for fault in serious_faults(page, apart=THEIRS)]
        found += [(path, said) for said in (*reader.complaints, *reader.outside)]
        reader.complaints.clear()
        reader.outside.clear()
    assert not found, "\n".join(f"{path} {fault}" for path, fault in found)
