"""The diagrams of a version: which element is drawn in which file, and where messages come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.engine.documents import BPMN, read_document

MAIN: Final = "case"


@dataclass(frozen=True, slots=True)
class Drawings:
    """The diagrams of a bundle.

    names: of each diagram by file, the main one first. file_of: where an element is drawn.
    receiver_of: the element that takes a message, by the message's name. start: of the main process.
    """

    names: Mapping[str, str]
    file_of: Mapping[str, str]
    receiver_of: Mapping[str, str]
    start: str | None

    @property
    def main(self) -> str:
        """Return the file of the main process."""
        return next(iter(self.names))


def drawings_of(files: Mapping[str, bytes]) -> Drawings:
    """Return the diagrams of a bundle; it was checked when it was deployed."""
    return _drawings(tuple(sorted(files.items())))


@lru_cache(maxsize=32)
def _drawings(files: tuple[tuple[str, bytes], ...]) -> Drawings:
    names: dict[str, str] = {}
    file_of: dict[str, str] = {}
    receiver_of: dict[str, str] = {}
    start = None
    roots = {
        path: read_document(path, content) for path, content in files if path.endswith(".bpmn")
    }
    # The main process first: where two diagrams use one id, the main one's stands.
    for path, root in sorted(roots.items(), key=lambda one: not _holds_main(one[1])):
        process = next(root.iter(f"{{{BPMN}}}process"))
        names[path] = process.get("name") or process.get("id", "")
        for node in process.iter(f"{{{BPMN}}}*"):
            file_of.setdefault(node.get("id", ""), path)
        if start is None:
            start = next(
                (node.get("id") for node in process.findall(f"{{{BPMN}}}startEvent")), None
            )
        messages = {m.get("id"): m.get("name", "") for m in root.iter(f"{{{BPMN}}}message")}
        for node in process.iter(f"{{{BPMN}}}messageEventDefinition"):
            parent = node.getparent()
            if parent is not None:
                receiver_of[messages.get(node.get("messageRef"), "")] = parent.get("id", "")
    return Drawings(names, file_of, receiver_of, start)


def _holds_main(root: object) -> bool:
    return any(node.get("id") == MAIN for node in root.iter(f"{{{BPMN}}}process"))  # type: ignore[attr-defined]  # an lxml element
