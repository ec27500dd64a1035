"""What the pages of this room share: the blueprint, who may open them, what a reader sees."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4

from flask import Blueprint, current_app, request, url_for
from flask_babel import LazyString, lazy_pgettext
from flask_babel import lazy_gettext as _l

from app.accounts.roles import (
    ADMINISTRATOR,
    AUDITOR,
    FLOOD_COMMANDER,
    FLOOD_STAFF,
    LEADER,
    SUPERVISOR,
    UNIT_MANAGER,
    WATCH_OFFICER,
)
from app.errors import Forbidden, InvalidInput
from app.flood.pages import words
from app.flood.points import Point
from app.web.access import rule_of
from app.web.current import reader
from app.web.navigation import NavigationItem
from sla.flood import FloodPolicy
from sla.flood_files import shipped_flood_policy

# Who sees the whole city; a unit's manager sees what is of the unit and of those below it.
WHOLE_CITY: Final = (FLOOD_COMMANDER, WATCH_OFFICER, LEADER, AUDITOR, ADMINISTRATOR)
READERS: Final = (*WHOLE_CITY, UNIT_MANAGER)

SECTIONS: Final[tuple[tuple[str, LazyString], ...]] = (
    ("flood.board", lazy_pgettext("many", "点位")),
    ("flood.events_page", _l("降雨场次")),
    ("flood.forecasts_page", _l("降雨预报")),
    ("flood.duty_page", _l("值守")),
    ("flood.orders_page", lazy_pgettext("many", "指令")),
    ("flood.pumps_page", _l("泵车")),
)
ID: Final = f"int(max={2**63 - 1})"

blueprint = Blueprint("flood", __name__, url_prefix="/flood", template_folder="../templates")
navigation = (
    NavigationItem(
        "flood.board",
        _l("防汛"),
        roles=frozenset(READERS),
        position=46,
        home_of=frozenset({FLOOD_COMMANDER}),
    ),
    NavigationItem(
        "flood.cockpit", _l("驾驶舱"), roles=frozenset((*READERS, SUPERVISOR)), position=48
    ),
    NavigationItem(
        "flood.me",
        _l("我的值守"),
        roles=frozenset({FLOOD_STAFF}),
        position=47,
        home_of=frozenset({FLOOD_STAFF}),
    ),
)


@blueprint.context_processor
def _offer_words() -> dict[str, object]:
    """Offer names, and the sections that the reader may open, to the templates of this room."""
    actor = reader()
    opened = [one for one in SECTIONS if actor.has(*rule_of(current_app, one[0]))]
    return {
        "words": words,
        "sections": opened,
        "commands_all": actor.has(FLOOD_COMMANDER),
        "new_key": uuid4,
    }


def bound_to() -> str:
    """Return the path of the unit whose things are all that the reader sees; empty where nothing is hidden."""
    actor = reader()
    return "" if actor.has(*WHOLE_CITY) else actor.unit_path


def refuse_other_units(path: str | None) -> None:
    """Raise Forbidden for what is of a unit that the reader does not see."""
    if not (path or "").startswith(bound_to()):
        raise Forbidden


def is_bound_from(point: Point, path: str | None) -> None:
    """Raise Forbidden for a point of a unit that the reader does not see."""
    if bound_to() and (point.unit_id is None or not (path or "").startswith(bound_to())):
        raise Forbidden


def policy() -> FloodPolicy:
    """Return what the city decided about floods."""
    return shipped_flood_policy()


def typed_key() -> UUID | None:
    """Return the key of the request, which its sender made. Raises InvalidInput for what is none."""
    given = request.form.get("key", "")
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError as exc:
        raise InvalidInput({"key": "请求编号有误，请刷新后重试。"}) from exc


def live_url(page: str, **values: int) -> str:
    """Return where the present page renews itself from: as it was asked for, not as a form was handed in."""
    if request.method == "GET":
        return request.full_path
    return url_for(page, **values)  # type: ignore[arg-type]  # names of ours


def number_of(name: str, given: str | None = None) -> int | None:
    """Return the whole number that was typed or chosen under a name, or none."""
    text = request.values.get(name, "") if given is None else given
    return int(text) if text.isdecimal() and len(text) < 19 else None


def plain(name: str, *, longest: int = 60) -> str:
    """Return a typed text without what PostgreSQL cannot store."""
    return request.values.get(name, "").replace("\0", " ").strip()[:longest]
