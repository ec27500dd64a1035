"""What the pages of this room share: the blueprint, the runtime, the names of roles and groups."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.accounts.pages.words import CHANGE_WORDS
from app.accounts.roles import ADMINISTRATOR, AUDITOR, ROLES
from app.accounts.tables import Unit
from app.run import Runtime
from app.web.language import language_code
from app.web.navigation import NavigationItem

# Administrators change, auditors read.
READERS: Final = frozenset({ADMINISTRATOR, AUDITOR})

blueprint = Blueprint("accounts", __name__, template_folder="../templates")
navigation = (NavigationItem("accounts.admin", _l("管理"), roles=READERS, position=90),)

# The names that spreadsheets hold, whatever the reader's language.
RANK_GROUP_NAMES: Final = {"district": "区县", "department": "市级部门", "enterprise": "企业"}
_RANK_GROUP_WORDS: Final = {
    "district": _l("区县"),
    "department": _l("市级部门"),
    "enterprise": _l("企业"),
}


def runtime() -> Runtime:
    """Return the runtime of this application."""
    found: Runtime = current_app.extensions["jingwei"]
    return found


def role_name(role: str) -> str:
    """Return the name of a role in the reader's language."""
    chinese, english = ROLES[role]
    return chinese if language_code().startswith("zh") else english


def unit_name(unit: Unit) -> str:
    """Return the name of a unit in the reader's language."""
    return unit.name if language_code().startswith("zh") else unit.name_en or unit.name


def admin_words() -> dict[str, object]:
    """Return what the templates of the administration write names with."""
    return {
        "may_change": current_user.actor.has(ADMINISTRATOR),
        "role_codes": tuple(ROLES),
        "role_name": role_name,
        "unit_name": unit_name,
        "rank_groups": _RANK_GROUP_WORDS,
        "change_words": CHANGE_WORDS,
    }
