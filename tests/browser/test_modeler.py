"""The modeler in a real browser: what is drawn is kept, and opening a file and saving it loses nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.accounts.roles import ANALYST
from app.cases.effects import topics
from app.modeling.bundles import shipped_files
from app.modeling.draft_commands import ProposeDraft, SaveDraftFile, StartDraft
from app.modeling.draft_queries import files_of
from app.run import Actor, run
from tests.browser.conftest import PASSWORD, Reader
from tests.commands.test_modeling_drafts import person
from tests.factories import Desk

MODELS = sorted((Path(__file__).parent / "models").glob("*.bpmn"))
DIAGRAMS = sorted(path for path in shipped_files() if path.endswith(".bpmn"))
# What the schema says of an attribute that is not written: written out or not, it says the same.
DEFAULTS = {
    "completionQuantity": "1",
    "startQuantity": "1",
    "isForCompensation": "false",
    "isInterrupting": "true",
    "parallelMultiple": "false",
    "isClosed": "false",
    "processType": "None",
    "expressionLanguage": "http://www.w3.org/TR/XPath",
    "typeLanguage": "http://www.w3.org/2001/XMLSchema",
}
SAVED = "#save-state[data-state=saved]"


@pytest.fixture
def maker(desk: Desk) -> Actor:
    maker = person("maker")
    with desk.database.sessions() as session:
        session.execute(
            text("UPDATE people SET password_hash = :it, must_change_password = FALSE"),
            {"it": hash_of(PASSWORD)},
        )
        session.commit()
    assert ANALYST in maker.roles
    return maker


@pytest.fixture
def draft(maker: Actor) -> int:
    return int(run(StartDraft("case", "改核查"), actor=maker))


@pytest.fixture
def analyst(reader: Reader, draft: int) -> Reader:
    reader.open("/sign-in")
    reader.page.fill("#login", "maker")
    reader.page.fill("#password", PASSWORD)
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_load_state("networkidle")
    return reader


def content(desk: Desk, draft: int, path: str) -> bytes:
    with desk.database.sessions() as session:
        found = files_of(session, draft)[path].content
    assert found is not None
    return found


def open_file(analyst: Reader, draft: int, path: str) -> None:
    analyst.open(f"/modeling/drafts/{draft}/{path}")
    analyst.page.wait_for_selector(SAVED)


def rename(analyst: Reader, element: str, name: str) -> None:
    """Select an element in the outline and rename it in the properties panel."""
    page = analyst.page
    page.click(f"#outline [data-element={element}]")
    group = page.locator("#properties .bio-properties-panel-group-header").first
    if not page.locator("#bio-properties-panel-name").is_visible():
        group.click()
    page.fill("#bio-properties-panel-name", name)
    page.locator("#bio-properties-panel-name").blur()


def test_a_new_name_is_saved_by_itself_and_shown_after_a_reload(
    analyst: Reader, desk: Desk, draft: int
) -> None:
    open_file(analyst, draft, "check.bpmn")
    rename(analyst, "T_check", "到场核查")
    analyst.page.wait_for_selector("#save-state:not([data-state=saved])")
    analyst.page.wait_for_selector(SAVED)
    assert "到场核查" in content(desk, draft, "check.bpmn").decode()
    analyst.page.reload()
    analyst.page.wait_for_selector(SAVED)
    assert "到场核查" in analyst.page.text_content("#outline")
    assert "到场核查" in analyst.page.text_content("#canvas")
    assert not analyst.complaints


def test_what_the_server_did_not_get_is_offered_after_a_reload(
    analyst: Reader, desk: Desk, draft: int
) -> None:
    open_file(analyst, draft, "check.bpmn")
    analyst.page.on("dialog", lambda dialog: dialog.accept())
    analyst.page.route("**/check.bpmn?seen=*", lambda route: route.abort())
    rename(analyst, "T_check", "断线时改的")
    analyst.page.wait_for_selector("#save-state[data-state=offline]")
    analyst.page.reload()
    analyst.page.unroute("**/check.bpmn?seen=*")
    analyst.page.wait_for_selector("#kept:not([hidden])")
    analyst.page.click("#kept-use")
    analyst.page.wait_for_selector(SAVED)
    assert "断线时改的" in content(desk, draft, "check.bpmn").decode()


def test_a_stale_page_says_who_saved_and_keeps_its_content(
    analyst: Reader, desk: Desk, draft: int, maker: Actor
) -> None:
    open_file(analyst, draft, "check.bpmn")
    run(SaveDraftFile(draft, "check.bpmn", shipped_files()["verification.bpmn"], 1), actor=maker)
    rename(analyst, "T_check", "我改的")
    analyst.page.wait_for_selector("#conflict:not([hidden])")
    assert "分析员maker" in analyst.page.text_content("#conflict-text")
    analyst.page.click("#conflict-mine")
    analyst.page.wait_for_selector(SAVED)
    assert "我改的" in content(desk, draft, "check.bpmn").decode()


def test_a_fault_of_the_server_leads_to_its_element(
    analyst: Reader, draft: int, maker: Actor
) -> None:
    broken = shipped_files()["check.bpmn"].replace(
        b'camunda:formKey="check"', b'camunda:formKey="no"'
    )
    run(SaveDraftFile(draft, "check.bpmn", broken, 1), actor=maker)
    open_file(analyst, draft, "check.bpmn")
    analyst.page.click("#check")
    analyst.page.click("#faults-list button")
    analyst.page.wait_for_selector("#outline [data-element=T_check][aria-current]")


def test_a_file_that_cannot_be_drawn_is_shown_as_text(
    analyst: Reader, desk: Desk, draft: int, maker: Actor
) -> None:
    run(SaveDraftFile(draft, "half.bpmn", b"<half", 0), actor=maker)
    open_file(analyst, draft, "half.bpmn")
    analyst.page.fill("#raw-text", "<halves/>")
    analyst.page.wait_for_selector("#save-state:not([data-state=saved])")
    analyst.page.wait_for_selector(SAVED)
    assert content(desk, draft, "half.bpmn") == b"<halves/>"


@pytest.mark.parametrize("path", ["accept.json", "routing.dmn"])
def test_forms_and_decisions_open(analyst: Reader, draft: int, path: str) -> None:
    open_file(analyst, draft, path)
    assert analyst.page.is_visible("#canvas > *")
    assert not analyst.page.is_visible("#raw")
    assert not analyst.complaints


def test_lone_table_opens_at_once_in_the_language_of_the_page(analyst: Reader, draft: int) -> None:
    open_file(analyst, draft, "routing.dmn")
    assert "命中规则：" in analyst.page.inner_text(".dmn-decision-table-container")


@pytest.mark.parametrize(
    ("path", "shown"),
    [("accept.json", ".fjs-form"), ("routing.dmn", ".dmn-decision-table-container")],
)
def test_forms_and_decisions_of_a_proposal_are_drawn(
    analyst: Reader, draft: int, maker: Actor, desk: Desk, path: str, shown: str
) -> None:
    form = json.loads(content(desk, draft, "accept.json")) | {"schemaVersion": 17}
    run(SaveDraftFile(draft, "accept.json", json.dumps(form).encode(), 1), actor=maker)
    run(ProposeDraft(draft, "改了版本号", topics()), actor=maker)
    analyst.open(f"/modeling/drafts/{draft}/{path}")
    analyst.page.wait_for_selector("#save-state[data-state=locked]")
    analyst.page.wait_for_selector(f"#canvas {shown}")
    assert not analyst.page.is_visible("#raw")
    assert not analyst.complaints


def test_comparison_steps_through_what_changed(analyst: Reader, draft: int, maker: Actor) -> None:
    changed = shipped_files()["check.bpmn"].replace("现场核查".encode(), "到场核查".encode())
    run(SaveDraftFile(draft, "check.bpmn", changed, 1), actor=maker)
    analyst.open(f"/modeling/drafts/{draft}/compare/check.bpmn")
    analyst.page.wait_for_selector("#changes button")
    analyst.page.click("#next")
    line = analyst.page.text_content("#changes [aria-current]") or ""
    assert "改动" in line
    assert "原为 现场核查，现为 到场核查" in line
    assert analyst.page.locator("#newer .change-mark.changed").count() == 1
    assert not analyst.complaints


def test_comparison_sees_a_timer_and_a_mapping_inside_their_elements(
    analyst: Reader, draft: int, maker: Actor
) -> None:
    changed = shipped_files()["check.bpmn"].replace(b'due("check")</', b'due("verify")</')
    changed = changed.replace(b'value="checking"', b'value="verifying"')
    run(SaveDraftFile(draft, "check.bpmn", changed, 1), actor=maker)
    analyst.open(f"/modeling/drafts/{draft}/compare/check.bpmn")
    analyst.page.wait_for_selector("#changes button")
    lines = analyst.page.locator("#changes li").all_text_contents()
    assert len(lines) == 2
    assert any("现场核查" in line and "verifying" in line for line in lines)
    assert any("核查到期" in line and 'due("verify")' in line for line in lines)
    assert analyst.page.locator("#older .change-mark.changed").count() == 2


def test_the_same_diagram_twice_has_no_difference(analyst: Reader, draft: int) -> None:
    analyst.open(f"/modeling/drafts/{draft}/compare/case.bpmn")
    analyst.page.wait_for_function("document.getElementById('position').textContent !== ''")
    assert analyst.page.text_content("#position") == "两份流程图没有差别。"
    assert not analyst.complaints


def test_a_limit_is_chosen_with_its_unit(analyst: Reader, desk: Desk, draft: int) -> None:
    open_file(analyst, draft, "check.bpmn")
    page = analyst.page
    page.click("#outline [data-element=B_check_due]")
    page.click("#properties [data-group-id=group-jingwei-limit] .bio-properties-panel-group-header")
    page.select_option("#bio-properties-panel-jingwei-limit-kind", "duration")
    page.fill("#bio-properties-panel-jingwei-limit-amount", "25")
    page.locator("#bio-properties-panel-jingwei-limit-amount").blur()
    page.select_option("#bio-properties-panel-jingwei-limit-unit", "hours")
    page.wait_for_selector("#save-state:not([data-state=saved])")
    page.wait_for_selector(SAVED)
    saved = content(desk, draft, "check.bpmn").decode()
    assert ">PT25H</bpmn:timeDuration>" in saved
    assert "bpmn:timeDate" not in saved


def test_a_template_fills_in_topic_and_is_shown_again_after_a_reload(
    analyst: Reader, desk: Desk, draft: int
) -> None:
    open_file(analyst, draft, "check.bpmn")
    page = analyst.page
    page.click("#outline [data-element=S_check_clock_stop]")
    page.click("#properties .bio-properties-panel-select-template-button")
    page.fill("#templates-search", "case.late")
    page.click("#templates-list button")
    page.wait_for_selector("#save-state:not([data-state=saved])")
    page.wait_for_selector(SAVED)
    saved = content(desk, draft, "check.bpmn").decode()
    element = saved.split('id="S_check_clock_stop"')[1].split(">")[0]
    assert 'camunda:topic="case.late"' in element
    assert 'camunda:modelerTemplate="jingwei.topic.case.late"' in element
    page.click("#check")
    page.wait_for_selector("#faults-pane:not([hidden])")
    assert page.locator("#faults-list button").count() == 0
    page.reload()
    page.wait_for_selector(SAVED)
    page.click("#outline [data-element=S_check_clock_stop]")
    page.wait_for_selector("#properties :text('case.late')")


@pytest.mark.parametrize("path", DIAGRAMS)
def test_shipped_diagram_loses_nothing(analyst: Reader, desk: Desk, draft: int, path: str) -> None:
    assert_lossless(analyst, desk, draft, path, shipped_files()[path])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_diagram_of_another_tool_loses_nothing(
    analyst: Reader, desk: Desk, draft: int, maker: Actor, model: Path
) -> None:
    run(SaveDraftFile(draft, model.name, model.read_bytes(), 0), actor=maker)
    assert_lossless(analyst, desk, draft, model.name, model.read_bytes())


def assert_lossless(analyst: Reader, desk: Desk, draft: int, path: str, before: bytes) -> None:
    """Open a file, change nothing, and hold what would be saved against what was opened."""
    open_file(analyst, draft, path)
    after = analyst.page.evaluate("() => document.getElementById('editor').written()")
    assert facts(before) - facts(after.encode()) == Counter()
    assert not analyst.complaints


def facts(xml: bytes) -> Counter[tuple[str, ...]]:
    """Return each element with its way from the root, its attributes and its text."""
    found: Counter[tuple[str, ...]] = Counter()
    for node in etree.fromstring(xml).iter("*"):
        way = "/".join(str(one.tag) for one in reversed([node, *node.iterancestors()]))
        owner = next(
            (one.get("id") or "" for one in (node, *node.iterancestors()) if one.get("id")), ""
        )
        found[(way, owner, "", (node.text or "").strip())] += 1
        for name, value in node.attrib.items():
            if DEFAULTS.get(str(name)) == value:
                continue
            found[(way, owner, str(name), _said(str(name), value))] += 1
    return found


def _said(name: str, value: str) -> str:
    """Return an attribute's value as it counts: 100.0 is 100, and a type's prefix is only a name."""
    if name.endswith("}type"):
        return value.rpartition(":")[2]
    try:
        return f"{float(value):g}"
    except ValueError:
        return value
