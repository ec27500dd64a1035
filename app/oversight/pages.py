"""Pages of the supervisor's room."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("oversight", __name__, template_folder="templates")
navigation = ()
