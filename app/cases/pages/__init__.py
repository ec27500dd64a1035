"""Pages of the cases room: inbox, case, work item, report, search."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.cases.commands.authority import REPORTERS
from app.cases.pages import bulk as bulk
from app.cases.pages import case as case
from app.cases.pages import export as export
from app.cases.pages import feedback as feedback
from app.cases.pages import filters as filters
from app.cases.pages import inbox as inbox
from app.cases.pages import item as item
from app.cases.pages import live as live
from app.cases.pages import moving as moving
from app.cases.pages import photos as photos
from app.cases.pages import report as report
from app.cases.pages import requests as requests
from app.cases.pages import search as search
from app.cases.pages.room import blueprint
from app.web.navigation import NavigationItem

__all__ = ["blueprint", "navigation"]

navigation = (
    NavigationItem("cases.inbox", _l("待办"), position=10),
    NavigationItem("cases.search", _l("案卷"), position=20),
    NavigationItem("cases.new_case", _l("登记"), roles=frozenset(REPORTERS), position=30),
    NavigationItem("cases.versions", _l("流程版本"), roles=frozenset(moving.READERS), position=76),
)
