"""What the pages of this room share."""

from __future__ import annotations

from datetime import date

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import InvalidInput
from app.web.navigation import NavigationItem

blueprint = Blueprint("catalogue", __name__, template_folder="../templates")
navigation = (NavigationItem("catalogue.index", _l("案件分类"), position=70),)


def day_of(field: str, text: str) -> date:
    """Read a typed date. Raises InvalidInput naming the field."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as exc:
        raise InvalidInput({field: _("请填写日期，例如 2027-01-01")}) from exc
