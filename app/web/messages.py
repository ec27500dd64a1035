"""python -m app.web.messages: collect the texts of code and templates into the catalogues.

A text that lost its last use is dropped; a new one is added without a translation, and
tests/web/test_messages.py names it until it has one.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app import errors
from app.settings import REPOSITORY
from app.web.language import TRANSLATIONS

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
# An error's first argument is a text for its reader too.
KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "lazy_gettext": None,
    "ngettext": (1, 2), "Text": None, "NotFound": None, "Forbidden": None, "StateChanged": None,
    "EngineError": None, "ConnectorError": None, "DatabaseUnusable": None, "AppError": None,
}  # fmt: skip


def collected_catalogue() -> Catalog:
    """Return every text in use."""
    catalogue = Catalog(charset="utf-8")
    for name, line, text, comments, context in extract_from_dir(
        REPOSITORY / "app", METHODS, keywords=KEYWORDS, comment_tags=()
    ):
        catalogue.add(text, None, [(f"app/{name}", line)], auto_comments=comments, context=context)
    for text in (*_default_messages(), *_field_messages()):
        catalogue.add(text, None, [("app/errors.py", 1)])
    return catalogue


def _default_messages() -> Iterator[str]:
    """Yield the docstrings of the errors: their messages when none is given."""
    for _name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.AppError) and kind.__doc__:
            yield kind.__doc__


def _field_messages() -> Iterator[str]:
    """Yield what is wrong with fields: the plain texts inside a dict given to InvalidInput."""
    for path in (REPOSITORY / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InvalidInput":
                faults = [v for d in node.args if isinstance(d, ast.Dict) for v in d.values]
                texts = [v.value for v in faults if isinstance(v, ast.Constant)]
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
