"""The message catalogues say everything that the code says, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from app.settings import REPOSITORY
from app.web.messages import ROOTS, catalogue_paths, collected_catalogue, read_catalogue

CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%%")


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return collected_catalogue()


@pytest.fixture(params=catalogue_paths(), ids=lambda path: path.parent.parent.name)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    path: Path = request.param
    return read_catalogue(path)


def _texts(message: Message, part: str) -> list[str]:
    text = getattr(message, part)
    return [text] if isinstance(text, str) else list(text)


def _ids(catalogue: Catalog) -> set[object]:
    return {message.id for message in catalogue if message.id}


def test_every_text_is_translated(catalogue: Catalog, collected: Catalog) -> None:
    missing = [
        message.id
        for message in collected
        if message.id
        and not ((found := catalogue.get(message.id)) and all(_texts(found, "string")))
    ]
    assert not missing, "run make messages, then translate these"


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_no_text_is_left_over(catalogue: Catalog, collected: Catalog) -> None:
    assert not _ids(catalogue) - _ids(collected), "run make messages"


def test_translations_keep_the_facts_of_their_text(catalogue: Catalog) -> None:
    wrong = [
        message.id
        for message in catalogue
        if message.id
        for translation in _texts(message, "string")
        if translation and _facts(translation) != _facts(_texts(message, "id")[0])
    ]
    assert not wrong


def test_no_fault_is_raised_in_one_language_only() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for root in ROOTS
        for path in (REPOSITORY / root).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise) and any(map(_is_written_out, ast.walk(node)))
    ]
    assert not found, "write Text(msgid, name=fact) for an f-string"


def _is_written_out(node: ast.AST) -> bool:
    """Tell whether a node is an f-string with Chinese in it: no catalogue has a sentence with its facts."""
    return isinstance(node, ast.JoinedStr) and CHINESE.search(ast.unparse(node)) is not None


def _facts(text: str) -> set[str]:
    return {found.group() for found in PLACEHOLDER.finditer(text)}
