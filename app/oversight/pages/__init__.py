"""Pages of the supervisor's room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.accounts.roles import ADMINISTRATOR
from app.oversight.pages import glance as glance
from app.oversight.pages import heat as heat
from app.oversight.pages import lists as lists
from app.oversight.pages import overdue as overdue
from app.oversight.pages import reassign as reassign
from app.oversight.pages import replay as replay
from app.oversight.pages.room import READERS, blueprint
from app.web.navigation import NavigationItem

__all__ = ["blueprint", "navigation"]

navigation = (
    NavigationItem("oversight.glance", _l("督察"), roles=frozenset(READERS), position=50),
    # The rest of the room is not theirs.
    NavigationItem(
        "oversight.reassign", _l("批量改派"), roles=frozenset({ADMINISTRATOR}), position=78
    ),
)
