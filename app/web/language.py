"""Languages: Chinese is the text in the code, other languages are message catalogues."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, has_request_context, request
from flask_babel import Babel, get_locale, gettext

from app.errors import Text

LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "language"
TRANSLATIONS = Path(__file__).parent / "translations"


def init_app(app: Flask) -> None:
    """Compile the catalogues where needed and choose a language for each request."""
    compile_catalogues()
    Babel(app, locale_selector=chosen_language)
    app.jinja_env.globals["languages"] = LANGUAGES
    app.add_template_global(language_code)
    app.add_template_filter(said)


def chosen_language() -> str:
    """Return the language of the reader's cookie, or the installation's own."""
    chosen = request.cookies.get(COOKIE) if has_request_context() else None
    return chosen if chosen in LANGUAGES else str(current_app.config["BABEL_DEFAULT_LOCALE"])


def language_code() -> str:
    """Return the code of the language in use, for the lang attribute."""
    locale = get_locale()
    return "zh-CN" if locale is None or locale.language == "zh" else str(locale.language)


def said(text: str) -> str:
    """Return a sentence that was made without a reader in mind in the reader's language."""
    if not text:
        # The catalogue's own head answers to an empty text.
        return ""
    if isinstance(text, Text):
        facts = {name: _said_fact(fact) for name, fact in text.facts.items()}
        return str(gettext(text.message, **facts))
    return str(gettext(text))


def _said_fact(fact: object) -> object:
    if isinstance(fact, tuple):
        return gettext("、").join(str(_said_fact(one)) for one in fact)
    return said(fact) if isinstance(fact, Text) else fact


def compile_catalogues(folder: Path = TRANSLATIONS) -> None:
    """Compile each catalogue whose source is newer; two processes may do so at once."""
    for source in folder.glob("*/LC_MESSAGES/messages.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        fresh = target.with_suffix(f".{os.getpid()}.new")
        with source.open("rb") as po, fresh.open("wb") as mo:
            write_mo(mo, read_po(po, locale=source.parent.parent.name))
        fresh.replace(target)
