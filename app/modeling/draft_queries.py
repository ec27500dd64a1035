"""Reads of drafts: what is being worked on, by whom, and each file's saved states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import zstandard
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.accounts.tables import Person
from app.errors import NotFound
from app.modeling.bundles import unpack
from app.modeling.tables import DefinitionDraft, DefinitionDraftFile, DefinitionVersion

OPEN: Final = "open"
PROPOSED: Final = "proposed"
DEPLOYED: Final = "deployed"
LARGEST_FILE: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A draft in a list."""

    id: int
    title: str
    status: str
    updated_at: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class FileState:
    """One saved state of a file; content None where the file was taken out."""

    path: str
    version: int
    content: bytes | None
    saved_at: datetime
    saved_by: str
    restored_from: int | None


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """The version that new cases start on, with its files."""

    hash: str
    deployed_at: datetime
    note: str
    files: dict[str, bytes]


def compressed(content: bytes) -> bytes:
    """Return a file as stored."""
    return zstandard.ZstdCompressor().compress(content)


def drafts(session: Session, *, before: tuple[datetime, int] | None, limit: int) -> list[DraftLine]:
    """Return the drafts last changed, newest first, after a place in the list."""
    asked = (
        select(
            DefinitionDraft.id,
            DefinitionDraft.title,
            DefinitionDraft.status,
            DefinitionDraft.updated_at,
            Person.name,
        )
        .outerjoin(Person, Person.id == DefinitionDraft.owner_id)
        .order_by(DefinitionDraft.updated_at.desc(), DefinitionDraft.id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(tuple_(DefinitionDraft.updated_at, DefinitionDraft.id) < before)
    return [
        DraftLine(row.id, row.title, row.status, row.updated_at, row.name or "")
        for row in session.execute(asked)
    ]


def draft_of(session: Session, draft_id: int) -> DefinitionDraft:
    """Return a draft. Raises NotFound."""
    found = session.get(DefinitionDraft, draft_id) if draft_id < 2**63 else None
    if found is None:
        raise NotFound("没有这份草稿。")
    return found


def files_of(session: Session, draft_id: int) -> dict[str, FileState]:
    """Return the newest state of each file of a draft by path, those taken out left out."""
    # A draft is locked while it is saved to: a later state has the greater id.
    newest = (
        select(func.max(DefinitionDraftFile.id))
        .where(DefinitionDraftFile.draft_id == draft_id)
        .group_by(DefinitionDraftFile.path)
    )
    rows = session.execute(_states().where(DefinitionDraftFile.id.in_(newest)))
    states = [_state(row) for row in rows]
    return {
        state.path: state
        for state in sorted(states, key=lambda state: state.path)
        if state.content is not None
    }


def contents_of(session: Session, draft_id: int) -> dict[str, bytes]:
    """Return the files of a draft as a bundle."""
    files = files_of(session, draft_id)
    return {path: state.content for path, state in files.items() if state.content is not None}


def newest_state(session: Session, draft_id: int, path: str) -> FileState | None:
    """Return the newest state of a file, be it that it was taken out; None for an unknown one."""
    found = session.execute(
        _states()
        .where(DefinitionDraftFile.draft_id == draft_id, DefinitionDraftFile.path == path)
        .order_by(DefinitionDraftFile.version.desc())
        .limit(1)
    ).first()
    return None if found is None else _state(found)


def state_of(session: Session, draft_id: int, path: str, version: int) -> FileState:
    """Return one saved state of a file. Raises NotFound."""
    found = session.execute(
        _states().where(
            DefinitionDraftFile.draft_id == draft_id,
            DefinitionDraftFile.path == path,
            DefinitionDraftFile.version == version,
        )
    ).first()
    if found is None:
        raise NotFound("草稿中没有文件 %(path)s 的这一稿。", path=path)
    return _state(found)


def history_of(
    session: Session, draft_id: int, path: str, *, before: int | None, limit: int
) -> list[FileState]:
    """Return the saved states of a file, newest first, from before a version on."""
    asked = (
        _states()
        .where(DefinitionDraftFile.draft_id == draft_id, DefinitionDraftFile.path == path)
        .order_by(DefinitionDraftFile.version.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(DefinitionDraftFile.version < before)
    return [_state(row) for row in session.execute(asked)]


def active_version(session: Session, key: str) -> ActiveVersion | None:
    """Return the version of a key that new cases start on; None when nothing was deployed."""
    found = session.scalar(
        select(DefinitionVersion).where(DefinitionVersion.key == key, DefinitionVersion.active)
    )
    if found is None:
        return None
    return ActiveVersion(found.hash, found.deployed_at, found.note, unpack(found.bundle))


def version_files(session: Session, version_hash: str) -> dict[str, bytes]:
    """Return the files of a deployed version. Raises NotFound."""
    bundle = session.scalar(
        select(DefinitionVersion.bundle).where(DefinitionVersion.hash == version_hash)
    )
    if bundle is None:
        raise NotFound("没有流程版本 %(hash)s。", hash=version_hash[:12])
    return unpack(bundle)


def person_name(session: Session, person_id: int | None) -> str:
    """Return somebody's name; empty for the platform itself."""
    return session.scalar(select(Person.name).where(Person.id == person_id)) or ""


def _states() -> Select[DefinitionDraftFile, str]:
    saver = aliased(Person)
    return select(DefinitionDraftFile, saver.name).outerjoin(
        saver, saver.id == DefinitionDraftFile.saved_by
    )


def _state(row: Row[DefinitionDraftFile, str]) -> FileState:
    file: DefinitionDraftFile = row[0]
    name: str | None = row[1]
    content = None
    if file.content is not None:
        content = zstandard.ZstdDecompressor().decompress(
            file.content, max_output_size=LARGEST_FILE
        )
    return FileState(
        file.path, file.version, content, file.saved_at, name or "", file.restored_from
    )
