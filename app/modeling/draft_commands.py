"""Use cases of drafts: begin one from what is deployed, save, restore, and have a second person deploy it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from app.accounts.roles import ADMINISTRATOR, ANALYST
from app.errors import DefinitionError, Forbidden, InvalidInput, NotFound, StateChanged, Text
from app.modeling.bundles import find_faults
from app.modeling.commands import DeployBundle, deploy_bundle
from app.modeling.draft_queries import (
    DEPLOYED,
    LARGEST_FILE,
    OPEN,
    PROPOSED,
    FileState,
    active_version,
    compressed,
    contents_of,
    newest_state,
    state_of,
)
from app.modeling.tables import DefinitionDraft, DefinitionDraftFile
from app.run import Tx, handles

_WHERE_IT_STANDS: Final = {
    OPEN: Text("草稿未在审批中，请刷新后再看。"),
    PROPOSED: Text("草稿已提交审批，撤回或退回后才能修改。"),
    DEPLOYED: Text("草稿已部署，请另起一份草稿。"),
}
_PATH: Final = re.compile(r"[A-Za-z0-9_][\w.-]{0,80}\.(bpmn|dmn|json)", re.ASCII)


@dataclass(frozen=True)
class StartDraft:
    """Begin a draft from the version that is active."""

    key: str
    title: str


@dataclass(frozen=True)
class SaveDraftFile:
    """Keep a file's new content, whatever it says; only a proposed draft must be without fault.

    seen_version: of the file, that the content was made from; 0 for a file the draft has not.
    """

    draft_id: int
    path: str
    content: bytes = field(repr=False)
    seen_version: int


@dataclass(frozen=True)
class RemoveDraftFile:
    """Take a file out of a draft; its saved states stay, to be restored."""

    draft_id: int
    path: str
    seen_version: int


@dataclass(frozen=True)
class RestoreDraftFile:
    """Make an older state of a file the newest again."""

    draft_id: int
    path: str
    version: int


@dataclass(frozen=True)
class ProposeDraft:
    """Ask a second person to deploy a draft."""

    draft_id: int
    note: str
    topics: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class WithdrawDraft:
    """Take a proposal back to work on it."""

    draft_id: int


@dataclass(frozen=True)
class ApproveDraft:
    """Deploy a proposed draft, as the second person.

    seen_version: of the draft. seen_active: the hash that was active when the reader looked.
    """

    draft_id: int
    seen_version: int
    seen_active: str
    topics: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class RejectDraft:
    """Give a proposed draft back to its maker, with the reason."""

    draft_id: int
    reason: str


@handles(StartDraft, ANALYST, ADMINISTRATOR)
def start_draft(command: StartDraft, tx: Tx) -> int:
    """Begin a draft and return its id. Raises NotFound when nothing is deployed."""
    title = command.title.strip()
    if not title:
        raise InvalidInput({"title": "请填写草稿的名称"})
    active = active_version(tx.session, command.key)
    if active is None:
        raise NotFound(
            "还没有部署流程“%(key)s”：请先运行 flask definitions deploy-shipped。", key=command.key
        )
    now = tx.clock.now()
    draft = DefinitionDraft(
        key=command.key,
        title=title,
        base_hash=active.hash,
        owner_id=tx.actor.person_id,
        status=OPEN,
        version=1,
        created_at=now,
        updated_at=now,
        note="",
        decision="",
    )
    tx.session.add(draft)
    tx.session.flush()
    for path, content in sorted(active.files.items()):
        _add(tx, draft, path, 1, content)
    tx.session.flush()
    return draft.id


@handles(SaveDraftFile, ANALYST, ADMINISTRATOR)
def save_draft_file(command: SaveDraftFile, tx: Tx) -> int:
    """Keep the content and return the file's version; the same content again makes no new one."""
    if not _PATH.fullmatch(command.path):
        raise InvalidInput({"path": "文件名须由字母、数字、_、-组成，以 .bpmn、.dmn 或 .json 结尾"})
    if len(command.content) > LARGEST_FILE:
        raise InvalidInput({"file": "文件超过 2 MB，请拆分后再存"})
    try:
        command.content.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput({"file": "文件须为 UTF-8 编码，请在原软件中另存"}) from exc
    draft = _locked(tx, command.draft_id, OPEN)
    newest = _unchanged(tx, draft, command.path, command.seen_version)
    if newest is not None and newest.content == command.content:
        return newest.version
    _touch(tx, draft)
    version = newest.version + 1 if newest else 1
    return _add(tx, draft, command.path, version, command.content)


@handles(RemoveDraftFile, ANALYST, ADMINISTRATOR)
def remove_draft_file(command: RemoveDraftFile, tx: Tx) -> None:
    """Take the file out."""
    draft = _locked(tx, command.draft_id, OPEN)
    newest = _unchanged(tx, draft, command.path, command.seen_version)
    if newest is None or newest.content is None:
        raise NotFound("草稿中没有文件 %(path)s。", path=command.path)
    _touch(tx, draft)
    _add(tx, draft, command.path, newest.version + 1, None)


@handles(RestoreDraftFile, ANALYST, ADMINISTRATOR)
def restore_draft_file(command: RestoreDraftFile, tx: Tx) -> int:
    """Save an older state again, as the newest; return the new version."""
    draft = _locked(tx, command.draft_id, OPEN)
    older = state_of(tx.session, draft.id, command.path, command.version)
    if older.content is None:
        raise NotFound("草稿中没有文件 %(path)s 的这一稿。", path=command.path)
    newest = newest_state(tx.session, draft.id, command.path)
    assert newest is not None
    _touch(tx, draft)
    version = newest.version + 1
    return _add(tx, draft, command.path, version, older.content, restored_from=older.version)


@handles(ProposeDraft, ANALYST, ADMINISTRATOR)
def propose_draft(command: ProposeDraft, tx: Tx) -> None:
    """Close the draft for saving until somebody decides. Raises DefinitionError with every fault."""
    if not command.note.strip():
        raise InvalidInput({"note": "请说明改了什么、为什么"})
    draft = _locked(tx, command.draft_id, OPEN)
    faults = find_faults(contents_of(tx.session, draft.id), topics=command.topics)
    if faults:
        raise DefinitionError(faults)
    _touch(tx, draft)
    draft.status, draft.note = PROPOSED, command.note.strip()
    draft.proposed_by, draft.proposed_at = tx.actor.person_id, tx.clock.now()
    draft.decision, draft.decided_by, draft.decided_at = "", None, None


@handles(WithdrawDraft, ANALYST, ADMINISTRATOR)
def withdraw_draft(command: WithdrawDraft, tx: Tx) -> None:
    """Open the draft again; only who proposed it may."""
    draft = _locked(tx, command.draft_id, PROPOSED)
    if draft.proposed_by != tx.actor.person_id:
        raise Forbidden("只有提交人可以撤回。")
    _touch(tx, draft)
    draft.status = OPEN


@handles(ApproveDraft, ANALYST, ADMINISTRATOR)
def approve_draft(command: ApproveDraft, tx: Tx) -> str:
    """Deploy the draft and return the hash of the version. Raises DefinitionError with every fault."""
    draft = _locked(tx, command.draft_id, PROPOSED)
    _require_second_person(draft, tx)
    active = active_version(tx.session, draft.key)
    if draft.version != command.seen_version or (active and active.hash) != command.seen_active:
        raise StateChanged("您查看之后，草稿或现行版本又有变化，请刷新后再审。")
    files = contents_of(tx.session, draft.id)
    deployed: str = deploy_bundle(DeployBundle(draft.key, files, command.topics, draft.note), tx)
    _touch(tx, draft)
    draft.status, draft.deployed_hash = DEPLOYED, deployed
    draft.decided_by, draft.decided_at = tx.actor.person_id, tx.clock.now()
    return deployed


@handles(RejectDraft, ANALYST, ADMINISTRATOR)
def reject_draft(command: RejectDraft, tx: Tx) -> None:
    """Open the draft for its maker again."""
    if not command.reason.strip():
        raise InvalidInput({"reason": "请说明退回的理由"})
    draft = _locked(tx, command.draft_id, PROPOSED)
    _require_second_person(draft, tx)
    _touch(tx, draft)
    draft.status, draft.decision = OPEN, command.reason.strip()
    draft.decided_by, draft.decided_at = tx.actor.person_id, tx.clock.now()


def _require_second_person(draft: DefinitionDraft, tx: Tx) -> None:
    if draft.proposed_by == tx.actor.person_id:
        raise Forbidden("提交人不能审批自己的草稿，请由另一人审批。")


def _locked(tx: Tx, draft_id: int, status: str) -> DefinitionDraft:
    """Lock a draft that must be in a state. Raises NotFound, StateChanged."""
    draft = tx.session.scalar(
        select(DefinitionDraft).where(DefinitionDraft.id == draft_id).with_for_update()
    )
    if draft is None:
        raise NotFound("没有这份草稿。")
    if draft.status != status:
        raise StateChanged(_WHERE_IT_STANDS[draft.status])
    return draft


def _unchanged(tx: Tx, draft: DefinitionDraft, path: str, seen_version: int) -> FileState | None:
    """Return a file's newest state. Raises StateChanged, saying who saved since and when."""
    newest = newest_state(tx.session, draft.id, path)
    if newest is None and seen_version:
        raise NotFound("草稿中没有文件 %(path)s。", path=path)
    # Who adds a file that was taken out need not know that it was there once.
    if (
        newest is None
        or newest.version == seen_version
        or (not seen_version and newest.content is None)
    ):
        return newest
    raise StateChanged(
        "%(who)s 已于 %(at)s 保存了这个文件；您的内容仍在本页，没有丢失。",
        who=newest.saved_by,
        at=newest.saved_at.astimezone(tx.services.settings.timezone).strftime("%Y-%m-%d %H:%M:%S"),
    )


def _touch(tx: Tx, draft: DefinitionDraft) -> None:
    draft.version += 1
    draft.updated_at = tx.clock.now()


def _add(
    tx: Tx,
    draft: DefinitionDraft,
    path: str,
    version: int,
    content: bytes | None,
    *,
    restored_from: int | None = None,
) -> int:
    tx.session.add(
        DefinitionDraftFile(
            draft_id=draft.id,
            path=path,
            version=version,
            content=None if content is None else compressed(content),
            saved_by=tx.actor.person_id,
            saved_at=tx.clock.now(),
            restored_from=restored_from,
        )
    )
    return version
