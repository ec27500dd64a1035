"""Drafts: saved one after the other, restored, and deployed by a second person only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.accounts.commands import CreatePerson
from app.accounts.roles import ANALYST
from app.cases.effects import topics
from app.errors import DefinitionError, Forbidden, InvalidInput, StateChanged
from app.modeling.bundles import shipped_files
from app.modeling.draft_commands import (
    ApproveDraft,
    ProposeDraft,
    RejectDraft,
    RemoveDraftFile,
    RestoreDraftFile,
    SaveDraftFile,
    StartDraft,
    WithdrawDraft,
)
from app.modeling.draft_queries import active_version, contents_of, files_of, history_of
from app.run import SYSTEM, Actor, run
from tests.factories import Desk

RENAMED = shipped_files()["check.bpmn"].replace("现场核查".encode(), "到场核查".encode())


def person(login: str) -> Actor:
    """Return a new analyst of the city platform."""
    person_id = run(
        CreatePerson(1, login, f"分析员{login}", roles=(ANALYST,)),
        actor=SYSTEM,
    )
    return Actor(person_id, 1, "/1/", frozenset({ANALYST}), login)


@pytest.fixture
def maker(desk: Desk) -> Actor:
    return person("maker")


@pytest.fixture
def second(desk: Desk) -> Actor:
    return person("second")


@pytest.fixture
def draft(maker: Actor) -> int:
    return int(run(StartDraft("case", "改核查"), actor=maker))


def files(desk: Desk, draft_id: int) -> dict[str, bytes]:
    with desk.database.sessions() as session:
        return contents_of(session, draft_id)


def seen(desk: Desk, draft_id: int) -> ApproveDraft:
    """Return the approval of somebody who looks now."""
    version = desk.rows("SELECT version FROM definition_drafts WHERE id = :id", id=draft_id)
    with desk.database.sessions() as session:
        active = active_version(session, "case")
    assert active is not None
    return ApproveDraft(draft_id, version[0]["version"], active.hash, topics())


def test_draft_begins_with_the_files_of_the_active_version(desk: Desk, draft: int) -> None:
    assert files(desk, draft) == shipped_files()


def test_saved_content_is_kept_byte_by_byte_even_when_it_cannot_be_deployed(
    desk: Desk, draft: int, maker: Actor
) -> None:
    content = b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<half"
    assert run(SaveDraftFile(draft, "new.bpmn", content, 0), actor=maker) == 1
    assert files(desk, draft)["new.bpmn"] == content


def test_stale_save_is_refused_and_says_who_saved(
    desk: Desk, draft: int, maker: Actor, second: Actor
) -> None:
    assert run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=second) == 2
    with pytest.raises(StateChanged, match="分析员second 已于 2025-11-25 09:00:00"):
        run(SaveDraftFile(draft, "check.bpmn", b"<mine/>", 1), actor=maker)
    assert files(desk, draft)["check.bpmn"] == RENAMED


def test_same_content_makes_no_new_version(draft: int, maker: Actor) -> None:
    same = shipped_files()["check.bpmn"]
    assert run(SaveDraftFile(draft, "check.bpmn", same, 1), actor=maker) == 1


def test_older_state_is_restored_as_the_newest(desk: Desk, draft: int, maker: Actor) -> None:
    run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=maker)
    assert run(RestoreDraftFile(draft, "check.bpmn", 1), actor=maker) == 3
    assert files(desk, draft)["check.bpmn"] == shipped_files()["check.bpmn"]
    with desk.database.sessions() as session:
        states = history_of(session, draft, "check.bpmn", before=None, limit=9)
    assert [(state.version, state.restored_from) for state in states] == [
        (3, 1),
        (2, None),
        (1, None),
    ]


def test_removed_file_can_be_added_again(desk: Desk, draft: int, maker: Actor) -> None:
    run(RemoveDraftFile(draft, "check.bpmn", 1), actor=maker)
    assert "check.bpmn" not in files(desk, draft)
    assert run(SaveDraftFile(draft, "check.bpmn", RENAMED, 0), actor=maker) == 3
    assert files(desk, draft)["check.bpmn"] == RENAMED


@pytest.mark.parametrize("path", ["../x.bpmn", "a/b.bpmn", "x.exe", ".bpmn", "名.bpmn", "x.bpmn\n"])
def test_name_that_is_no_file_of_ours_is_refused(draft: int, maker: Actor, path: str) -> None:
    with pytest.raises(InvalidInput):
        run(SaveDraftFile(draft, path, b"<x/>", 0), actor=maker)


def test_other_encodings_and_large_files_are_refused(draft: int, maker: Actor) -> None:
    for content in ("流程".encode("gbk"), b"x" * 2_000_001):
        with pytest.raises(InvalidInput):
            run(SaveDraftFile(draft, "new.bpmn", content, 0), actor=maker)


def test_faulty_draft_cannot_be_proposed(draft: int, maker: Actor) -> None:
    script = RENAMED.replace(b"userTask", b"scriptTask")
    run(SaveDraftFile(draft, "check.bpmn", script, 1), actor=maker)
    with pytest.raises(DefinitionError) as refused:
        run(ProposeDraft(draft, "why", topics()), actor=maker)
    assert ("check.bpmn", "T_check") in {(f.file, f.element) for f in refused.value.faults}


def test_second_person_deploys_and_the_proposer_cannot(
    desk: Desk, draft: int, maker: Actor, second: Actor
) -> None:
    run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=maker)
    run(ProposeDraft(draft, "改名", topics()), actor=maker)
    with pytest.raises(Forbidden):
        run(seen(desk, draft), actor=maker)
    deployed = run(seen(desk, draft), actor=second)
    with desk.database.sessions() as session:
        active = active_version(session, "case")
    assert active is not None
    assert (active.hash, active.note, active.files["check.bpmn"]) == (deployed, "改名", RENAMED)
    with pytest.raises(StateChanged):
        run(SaveDraftFile(draft, "check.bpmn", b"<x/>", 2), actor=maker)


def test_approval_of_what_was_not_seen_is_refused(
    desk: Desk, draft: int, maker: Actor, second: Actor
) -> None:
    run(ProposeDraft(draft, "why", topics()), actor=maker)
    look = seen(desk, draft)
    run(WithdrawDraft(draft), actor=maker)
    run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=maker)
    run(ProposeDraft(draft, "why", topics()), actor=maker)
    with pytest.raises(StateChanged):
        run(look, actor=second)
    with pytest.raises(StateChanged):
        run(replace(seen(desk, draft), seen_active="another"), actor=second)


def test_rejected_draft_is_open_again_with_the_reason(
    desk: Desk, draft: int, maker: Actor, second: Actor
) -> None:
    run(ProposeDraft(draft, "why", topics()), actor=maker)
    with pytest.raises(Forbidden):
        run(RejectDraft(draft, "no"), actor=maker)
    run(RejectDraft(draft, "名称不妥"), actor=second)
    found = desk.rows("SELECT status, decision FROM definition_drafts WHERE id = :id", id=draft)
    assert found == [{"status": "open", "decision": "名称不妥"}]
    run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=maker)


def test_clerks_cannot_touch_drafts(desk: Desk, draft: int) -> None:
    for command in (StartDraft("case", "x"), SaveDraftFile(draft, "check.bpmn", b"<x/>", 1)):
        with pytest.raises(Forbidden):
            run(command, actor=desk.city.dispatcher)


def test_files_carry_who_saved_them(desk: Desk, draft: int, second: Actor) -> None:
    run(SaveDraftFile(draft, "check.bpmn", RENAMED, 1), actor=second)
    with desk.database.sessions() as session:
        assert files_of(session, draft)["check.bpmn"].saved_by == "分析员second"
