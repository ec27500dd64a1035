"""Reads of the modeling room: the definition that a case starts on, or runs on."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.definitions import Definition, compile_bundle
from app.errors import NotFound
from app.modeling.bundles import diagrams_of, forms_of, unpack
from app.modeling.forms import Form, read_form
from app.modeling.tables import DefinitionVersion

_ACTIVE: Final = "SELECT hash FROM definition_versions WHERE key = %s AND active"
_BUNDLE: Final = "SELECT bundle FROM definition_versions WHERE hash = %s"
_KEPT: Final = 64


@dataclass(frozen=True)
class Deployed:
    """One version, compiled, with its forms."""

    hash: str
    definition: Definition
    files: dict[str, bytes]
    forms: dict[str, Form]

    def form(self, key: str) -> Form:
        """Return a form of this version. Raises NotFound."""
        form = self.forms.get(key)
        if form is None:
            raise NotFound("流程版本 %(hash)s 中没有表单 %(key)s。", hash=self.hash[:12], key=key)
        return form


@dataclass(frozen=True)
class VersionLine:
    """One version in the list of a definition's versions."""

    hash: str
    deployed_at: datetime
    deployed_by: int | None
    note: str
    active: bool


def active_hash(connection: Connection[Any], key: str) -> str:
    """Return the hash of the version that new instances start on. Raises NotFound."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_ACTIVE, (key,), prepare=True).fetchone()
    if row is None:
        raise NotFound(
            "还没有部署流程“%(key)s”：请先运行 flask definitions deploy-shipped。", key=key
        )
    return str(row[0])


def deployed(connection: Connection[Any], version_hash: str) -> Deployed:
    """Return a version, compiled once a process. Raises NotFound."""
    with _lock:
        found = _kept.get(version_hash)
        if found is not None:
            _kept.move_to_end(version_hash)
            return found
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_BUNDLE, (version_hash,)).fetchone()
    if row is None:
        raise NotFound("没有流程版本 %(hash)s。", hash=version_hash[:12])
    files = unpack(row[0])
    forms = {key: read_form(schema) for key, schema in forms_of(files).items()}
    found = Deployed(version_hash, compile_bundle(diagrams_of(files)), files, forms)
    with _lock:
        _kept[version_hash] = found
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


def versions_of(session: Session, key: str) -> list[VersionLine]:
    """Return the versions of a definition, newest first."""
    rows = session.execute(
        select(
            DefinitionVersion.hash,
            DefinitionVersion.deployed_at,
            DefinitionVersion.deployed_by,
            DefinitionVersion.note,
            DefinitionVersion.active,
        )
        .where(DefinitionVersion.key == key)
        .order_by(DefinitionVersion.id.desc())
    )
    return [VersionLine(*row) for row in rows]


# By content: what a hash names never changes, so nothing here can be out of date.
_kept: Final[OrderedDict[str, Deployed]] = OrderedDict()
_lock: Final = Lock()
