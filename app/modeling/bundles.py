"""Bundles: diagrams, decisions and forms that belong together, checked as one and packed for storing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Final, cast

import msgpack
import zstandard
from cachetools import LRUCache

from app.accounts.roles import ROLES
from app.engine.definitions import bundle_hash, check_bundle
from app.engine.documents import BPMN, CAMUNDA, read_document
from app.errors import Fault, InvalidInput
from app.modeling.forms import check_form
from app.settings import REPOSITORY

Files = Mapping[str, bytes]

SHIPPED_FOLDERS: Final = ("bpmn", "forms")
_DIAGRAM_SUFFIXES: Final = frozenset({".bpmn", ".dmn"})
_FORM_SUFFIX: Final = ".json"
_LARGEST_BUNDLE: Final = 64 * 2**20
_KEPT: Final = 32
# Only to see which shipped file a given one replaces; what a file says is read by the hardened parser.
_DEFINED: Final = re.compile(rb"""<(?:\w+:)?(?:process|decision)\s[^>]*?\bid=["']([^"']+)["']""")


def shipped_files() -> dict[str, bytes]:
    """Return the diagrams, decisions and forms shipped with the product."""
    paths = (path for folder in SHIPPED_FOLDERS for path in (REPOSITORY / folder).iterdir())
    return {path.name: path.read_bytes() for path in sorted(paths) if _is_ours(path.name)}


def read_files(paths: Collection[Path]) -> dict[str, bytes]:
    """Return the contents of files by name. Raises InvalidInput for two of one name."""
    files: dict[str, bytes] = {}
    for path in paths:
        if path.name in files:
            raise InvalidInput({path.name: "有两个文件同名"})
        files[path.name] = path.read_bytes()
    return files


def surrounding(given: Files, shipped: Files) -> dict[str, bytes]:
    """Return the shipped files that stand around given ones: those that none of them takes the place of."""
    replaced = {found for content in given.values() for found in _DEFINED.findall(content)}
    return {
        path: content
        for path, content in shipped.items()
        if path not in given and replaced.isdisjoint(_DEFINED.findall(content))
    }


def diagrams_of(files: Files) -> dict[str, bytes]:
    """Return the diagrams and decisions of a bundle, which the engine compiles."""
    return {path: content for path, content in files.items() if _suffix(path) in _DIAGRAM_SUFFIXES}


def forms_of(files: Files) -> dict[str, bytes]:
    """Return the schemas of a bundle's forms by form key: the file's name without its ending."""
    return {
        PurePosixPath(path).stem: content
        for path, content in files.items()
        if _suffix(path) == _FORM_SUFFIX
    }


def find_faults(
    files: Files, *, topics: Collection[str] | None, form_keys: Collection[str] | None = None
) -> list[Fault]:
    """Return every fault of a bundle; of the same content they are looked for once a process.

    form_keys: forms that exist besides the bundle's own; None when the bundle brings all its own.
    """
    key = (
        bundle_hash(files),
        None if topics is None else frozenset(topics),
        None if form_keys is None else frozenset(form_keys),
    )
    with _lock:
        known = _found.get(key)
    if known is None:
        known = tuple(_faults(files, topics=topics, form_keys=form_keys))
        with _lock:
            _found[key] = known
    return list(known)


def _faults(
    files: Files, *, topics: Collection[str] | None, form_keys: Collection[str] | None
) -> list[Fault]:
    faults = [
        Fault(path, "", "neither a diagram, a decision nor a form", "name it .bpmn, .dmn or .json")
        for path in files
        if not _is_ours(path)
    ]
    for path, content in files.items():
        if _suffix(path) == _FORM_SUFFIX:
            faults += check_form(path, content)
    known_forms = {*forms_of(files), *(form_keys or ())}
    diagrams = diagrams_of(files)
    faults += check_bundle(diagrams, form_keys=known_forms, topics=topics, roles=frozenset(ROLES))
    return faults or _shared_tasks(diagrams)


def _shared_tasks(diagrams: Files) -> list[Fault]:
    """Return a fault for each user task of several roles: the inbox asks by one."""
    return [
        Fault(path, node.get("id") or "", f"given to {groups}", "give the task to one role")
        for path, content in diagrams.items()
        for node in read_document(path, content).iter(f"{{{BPMN}}}userTask")
        if "," in (groups := node.get(f"{{{CAMUNDA}}}candidateGroups") or "")
        and not groups.startswith(("${", "#{"))
    ]


def pack(files: Files) -> bytes:
    """Return a bundle as stored: zstd of msgpack {path: bytes}."""
    return zstandard.ZstdCompressor(level=10).compress(msgpack.packb(dict(sorted(files.items()))))


def unpack(packed: bytes) -> dict[str, bytes]:
    """Return the files of a stored bundle."""
    content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST_BUNDLE)
    return cast("dict[str, bytes]", msgpack.unpackb(content))


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix


def _is_ours(path: str) -> bool:
    return _suffix(path) in _DIAGRAM_SUFFIXES | {_FORM_SUFFIX}


# By content: what a hash names never changes, so nothing here can be out of date.
_found: Final[LRUCache[object, tuple[Fault, ...]]] = LRUCache(_KEPT)
_lock: Final = Lock()
