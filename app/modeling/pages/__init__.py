"""Pages of the analyst's desk: drafts, the editor, the comparison with what is deployed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.modeling.pages import drafts as drafts
from app.modeling.pages import editor as editor
from app.modeling.pages.room import READERS, blueprint
from app.web.navigation import NavigationItem

__all__ = ["blueprint", "navigation"]

navigation = (
    NavigationItem("modeling.index", _l("流程建模"), roles=frozenset(READERS), position=80),
)
