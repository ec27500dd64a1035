"""python -m app.web.messages: collect the texts of code and templates into the catalogues.

A text that lost its last use is dropped; a new one is added without a translation, and
tests/web/test_messages.py names it until it has one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app import errors
from app.settings import REPOSITORY
from app.web.language import TRANSLATIONS

ROOTS = ("app", "sla", "connectors")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
# An error's first argument is a text for its reader too.
KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "lazy_gettext": None,
    "ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2), "Text": None, "NotFound": None, "Forbidden": None, "StateChanged": None,
    "EngineError": None, "ConnectorError": None, "DatabaseUnusable": None, "AppError": None,
}  # fmt: skip
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}


def collected_catalogue() -> Catalog:
    """Return every text in use."""
    catalogue = Catalog(charset="utf-8")
    for root in ROOTS:
        for name, line, text, comments, context in extract_from_dir(
            REPOSITORY / root, METHODS, keywords=KEYWORDS, comment_tags=()
        ):
            places = [(f"{root}/{name}", line)]
            catalogue.add(text, None, places, auto_comments=comments, context=context)
        for path in (REPOSITORY / root).rglob("*.py"):
            place = (str(path.relative_to(REPOSITORY)), 1)
            for node in ast.walk(ast.parse(path.read_text())):
                for text in (*_default_message(node), *_field_messages(node)):
                    catalogue.add(text, None, [place])
    return catalogue


def _default_message(node: ast.AST) -> Iterator[str]:
    """Yield the docstring of an error: its message when none is given."""
    if isinstance(node, ast.ClassDef):
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        text = ast.get_docstring(node)
        if text and (node.name == "AppError" or bases & ERRORS):
            yield text


def _field_messages(node: ast.AST) -> Iterator[str]:
    """Yield what is wrong with fields: the plain texts inside a dict given to InvalidInput."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InvalidInput":
        faults = [
            value for given in node.args if isinstance(given, ast.Dict) for value in given.values
        ]
        texts = [fault.value for fault in faults if isinstance(fault, ast.Constant)]
        yield from (text for text in texts if isinstance(text, str))


def catalogue_paths() -> list[Path]:
    """Return the source of each catalogue."""
    return sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))


def read_catalogue(path: Path) -> Catalog:
    """Read one catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def main() -> None:
    """Bring every catalogue up to date with the code."""
    collected = collected_catalogue()
    for path in catalogue_paths():
        catalogue = read_catalogue(path)
        catalogue.update(collected, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as file:
            # No line numbers: they would change with every edit of the code.
            write_po(file, catalogue, width=100, include_lineno=False, sort_output=True)
        missing = [str(m.id) for m in catalogue if m.id and not m.string]
        print(f"{path}: {len(catalogue)} texts, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
