"""What the pages of this room share: the blueprint, who may open them, what a reader sees."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from flask import Blueprint, current_app
from flask_babel import LazyString, lazy_pgettext
from flask_babel import lazy_gettext as _l

from app.accounts.roles import (
    ADMINISTRATOR,
    ANALYST,
    AUDITOR,
    FLOOD_COMMANDER,
    LEADER,
    SUPERVISOR,
    UNIT_MANAGER,
    WATCH_OFFICER,
)
from app.run import Actor
from app.sensing.pages import words
from app.sensing.rule_commands import MAINTAINERS
from app.web.access import SIGNED_IN, rule_of
from app.web.current import reader
from app.web.navigation import NavigationItem

# Who sees every device; a unit's manager sees those of the unit and of the units below it.
WHOLE_CITY: Final = (WATCH_OFFICER, FLOOD_COMMANDER, LEADER, AUDITOR, SUPERVISOR, ADMINISTRATOR)
READERS: Final = (*WHOLE_CITY, UNIT_MANAGER)
# Whoever writes rules looks devices and their codes up, and what the rules raised; it is not theirs to confirm.
REGISTER_READERS: Final = (*READERS, ANALYST)

SECTIONS: Final[tuple[tuple[str, LazyString], ...]] = (
    ("sensing.alerts", _l("预警")),
    ("sensing.devices", lazy_pgettext("many", "设备")),
    ("sensing.sites", lazy_pgettext("many", "点位")),
    ("sensing.rule_list", lazy_pgettext("many", "规则")),
    ("sensing.maintenance", _l("检修")),
    ("sensing.speed", _l("处置时效")),
    ("sensing.refused", _l("被拒数据")),
)

blueprint = Blueprint("sensing", __name__, url_prefix="/sensing", template_folder="../templates")
navigation = (
    NavigationItem(
        "sensing.alerts",
        _l("监测"),
        roles=frozenset({*READERS, ANALYST}),
        position=45,
        home_of=frozenset({WATCH_OFFICER}),
    ),
)


@blueprint.context_processor
def _offer_words() -> dict[str, object]:
    """Offer names, and the sections that the reader may open, to the templates of this room."""
    actor = reader()
    opened = [one for one in SECTIONS if _may_open(actor, rule_of(current_app, one[0]))]
    return {
        "words": words,
        "sections": opened,
        "may_change": actor.has(ADMINISTRATOR),
        "may_maintain": actor.has(*MAINTAINERS),
    }


def _may_open(actor: Actor, rules: Collection[str]) -> bool:
    return SIGNED_IN in rules or actor.has(*rules)


def bound_to(*besides: str) -> str:
    """Return the path of the unit whose devices are all that the reader sees; empty where nothing is hidden.

    besides: roles that see the whole city on this page, such as who writes rules about any device.
    """
    actor = reader()
    return "" if actor.has(*WHOLE_CITY, *besides) else actor.unit_path
