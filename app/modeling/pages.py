"""Pages of the analyst's desk."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("modeling", __name__, template_folder="templates", url_prefix="/modeling")
navigation = ()
