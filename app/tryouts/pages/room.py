"""What the pages of this room share: the blueprint, the world of dry cases, words."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from app.cases.effects import topics
from app.cases.pages import room as cases_room
from app.cases.pages import words
from app.errors import Fault
from app.modeling.bundles import find_faults
from app.modeling.pages.room import may_change
from app.oversight.queries.diagrams import MAIN
from app.run import SYSTEM
from app.tryouts.dry import World

MESSAGES: Final[words.Words] = {
    "extension_requested": _l("申请延期"),
    "hold_requested": _l("申请挂账"),
    "return_requested": _l("申请退单"),
    "supervision_raised": _l("发起督办"),
    "hold_released": _l("解除挂账"),
}

blueprint = Blueprint("tryouts", __name__, template_folder="../templates", url_prefix="/modeling")


@blueprint.context_processor
def _offer_words() -> dict[str, ModuleType | words.Words | bool]:
    """Offer the words of the trade to the templates of this room."""
    return {"words": words, "message_names": MESSAGES, "may_change": may_change()}


def world() -> World:
    """Return what dry cases look up, through the connection that pages only read by."""
    return World(cases_room.connection(), cases_room.calendar(), SYSTEM)


def faults_of(files: Mapping[str, bytes]) -> list[Fault]:
    """Return why a draft could not be deployed, and so not be tried out."""
    faults = find_faults(files, topics=topics())
    if faults or any(f'id="{MAIN}"'.encode() in content for content in files.values()):
        return faults
    return [Fault("", MAIN, f"there is no process {MAIN!r}", "keep the main diagram")]
