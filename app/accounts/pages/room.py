"""What the pages of this room share: the blueprint, the runtime, the names of roles and groups."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ADMINISTRATOR, AUDITOR, ROLES
from app.accounts.tables import Unit
from app.run import Runtime
from app.web.language import language_code
from app.web.navigation import NavigationItem

# Administrators change, auditors read.
READERS: Final = frozenset({ADMINISTRATOR, AUDITOR})

blueprint = Blueprint("accounts", __name__, template_folder="../templates")
navigation = (
    NavigationItem("accounts.admin", _l("管理"), roles=READERS, position=90),
)  # fmt: skip

RANK_GROUP_WORDS: Final = {
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
