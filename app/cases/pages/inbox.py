"""The inbox: my items, my group's, everyone's within my unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.accounts.roles import AUDITOR, DUTY_CHIEF, LEADER, ROLES, SUPERVISOR, UNIT_MANAGER
from app.cases.pages import room
from app.cases.pages.choice_lists import channel_options
from app.cases.pages.deadlines import case_deadline, line_deadline
from app.cases.pages.item import may_assign, pane_of
from app.cases.pages.room import blueprint
from app.cases.pages.words import OPEN_STAGES, STAGES
from app.cases.queries import inbox as lists
from app.cases.queries.case_file import names_of
from app.cases.queries.filters import filters_of
from app.cases.queries.handed_on import DoneLine, done_items
from app.cases.queries.inbox import InboxFilter, InboxLine
from app.cases.queries.keyset import Page, Place
from app.cases.queries.matching import LONGEST_WORDS, without_nul
from app.cases.queries.places import district_names
from app.catalogue.queries import search_classes
from app.db.session import db
from app.run import Actor
from app.web.access import SIGNED_IN, open_to

WATCHERS: Final = (DUTY_CHIEF, SUPERVISOR, LEADER, UNIT_MANAGER, AUDITOR)
TABS: Final = {
    "mine": _l("我的"),
    "group": _l("本组"),
    "waiting": _l("等待他人"),
    "done": _l("今日办结"),
    "all": _l("全部待办"),
}
# What lies longer is found among the cases.
WAITING_DAYS: Final = 90
LONGEST_ID: Final = 19
# As many rows as a person can still read, and a thread can write in a second or two.
EXPORT_LIMIT: Final = 5_000
# The page of each other room that tells what waits there. Of alerts there may be many areas: they come last.
ELSEWHERE: Final = ("flood.waiting_line", "assessment.waiting_line", "sensing.waiting_line")
FILTER_NAMES: Final = ("stage", "class", "channel", "district", "overdue", "q")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    tab: str
    typed: dict[str, str]


@blueprint.get("/inbox")
@open_to(SIGNED_IN)
def inbox() -> ResponseReturnValue:
    """List open work items, the most urgent first."""
    actor, now = room.reader(), room.now()
    asked = asked_for(actor)
    shown = done_lines_of(actor, asked, now) if asked.tab in ("waiting", "done") else None
    page = lines_of(actor, asked, now) if shown is None else None
    return render_template(
        "cases/inbox.html",
        **_frame(actor, asked),
        **_shown_lines(actor, asked, page, now) if page else _shown_done(asked, shown, now),
        opened=_opened(),
    )


@blueprint.get("/inbox/counts")
@open_to(SIGNED_IN)
def inbox_counts() -> ResponseReturnValue:
    """Tell how many items are the reader's own and their group's, as the tabs write it."""
    return jsonify({tab: _count_text(count) for tab, count in _counts(room.reader()).items()})


def _counts(actor: Actor) -> dict[str, int]:
    return dict(zip(("mine", "group"), lists.count_items(db.session(), actor), strict=True))


def _count_text(count: int) -> str:
    return str(count) if count <= lists.COUNT_LIMIT else f"{lists.COUNT_LIMIT}+"


def _frame(actor: Actor, asked: Asked) -> dict[str, Any]:
    """Return what stands around the list."""
    session = db.session()
    values: dict[str, Any] = {"tab": asked.tab, **asked.typed}
    return {
        "tab": asked.tab,
        "tabs": {key: label for key, label in TABS.items() if key != "all" or _watches(actor)},
        "counts": {tab: _count_text(count) for tab, count in _counts(actor).items()},
        "typed": asked.typed,
        "narrowed": bool(asked.typed),
        "filtered": bool(asked.typed.keys() - {"q"}),
        "districts": district_names(session),
        "channels": channel_options(),
        "stages": {key: STAGES[key] for key in OPEN_STAGES},
        "first_url": _address(asked, None) if request.args.get("after") else None,
        "me": actor.person_id,
        "waiting_days": WAITING_DAYS,
        "elsewhere": _elsewhere(),
        "saved": filters_of(session, actor),
        "query": urlencode(values),
        "export_url": url_for("cases.export_inbox", **values),
        "export_limit": EXPORT_LIMIT,
    }


def _shown_lines(
    actor: Actor, asked: Asked, page: Page[InboxLine], now: datetime
) -> dict[str, Any]:
    return {
        "done": None,
        "lines": page.lines,
        "deadlines": {line.item_id: line_deadline(line, now) for line in page.lines},
        "assignable": {line.item_id for line in page.lines if may_assign(actor, line.unit_id)},
        "class_names": _class_names(page),
        "next_url": _address(asked, page.next) if page.next else None,
    }


def _shown_done(asked: Asked, page: Page[DoneLine] | None, now: datetime) -> dict[str, Any]:
    assert page is not None, "a tab of finished work"
    return {
        "done": page.lines,
        "lines": (),
        "assignable": (),
        "deadlines": {line.item_id: case_deadline(line, now) for line in page.lines},
        "class_names": _class_names(page),
        "next_url": _address(asked, page.next) if page.next else None,
    }


def _class_names(page: Page[InboxLine] | Page[DoneLine]) -> dict[str, tuple[str, str]]:
    codes = [line.class_code for line in page.lines]
    return names_of(db.session(), classes=codes).classes


def done_lines_of(
    actor: Actor, asked: Asked, now: datetime, size: int | None = None
) -> Page[DoneLine]:
    """Return what the person finished today, or what of it waits for others."""
    waiting = asked.tab == "waiting"
    midnight = now.astimezone(room.zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    return done_items(
        db.session(),
        actor,
        since=now - timedelta(days=WAITING_DAYS) if waiting else midnight,
        still_open=waiting,
        after=Place.read(request.args.get("after")),
        size=size or room.settings().page_size,
    )


def _opened() -> Markup | None:
    """Return the item that the address opens beside the list."""
    asked = request.args.get("item", "")
    return pane_of(int(asked)) if asked.isdecimal() and len(asked) < LONGEST_ID else None


def _elsewhere() -> dict[str, Markup]:
    """Return what waits in other rooms, by where it is asked for again; told at once, what came later would push."""
    told = current_app.view_functions
    return {url_for(name): Markup(told[name]()) for name in ELSEWHERE}  # noqa: S704 because templates made it


def asked_for(actor: Actor) -> Asked:
    """Return what the address asks for; a tab the reader has not is their first."""
    tab = request.args.get("tab", "")
    known = tab in TABS and (tab != "all" or _watches(actor))
    typed = {name: _typed(name) for name in FILTER_NAMES}
    return Asked(
        tab if known else _first_tab(actor), {key: value for key, value in typed.items() if value}
    )


def _typed(name: str) -> str:
    return without_nul(request.args.get(name, "")).strip()[:LONGEST_WORDS]


def _first_tab(actor: Actor) -> str:
    """Open on the person's own items, or on the group's while they have none."""
    mine, group = lists.count_items(db.session(), actor)
    return "group" if group and not mine else "mine"


def lines_of(actor: Actor, asked: Asked, now: datetime, size: int | None = None) -> Page[InboxLine]:
    """Return a page of open items; size: None for as many as a page shows."""
    session, size = db.session(), size or room.settings().page_size
    after = Place.read(request.args.get("after"))
    wanted = _filter(asked, now)
    if asked.tab == "mine":
        return lists.my_items(session, actor, wanted, after=after, size=size)
    if asked.tab == "group":
        return lists.group_items(session, actor, wanted, after=after, size=size)
    scope = lists.scope_of(session, actor, tuple(ROLES))
    return lists.watched_items(session, scope, wanted, after=after, size=size)


def _filter(asked: Asked, now: datetime) -> InboxFilter:
    typed = asked.typed
    return InboxFilter(
        stage=typed.get("stage"),
        class_codes=_class_codes(typed["class"]) if "class" in typed else None,
        channel=typed.get("channel"),
        district_code=typed.get("district"),
        overdue_at=now if "overdue" in typed else None,
        words=typed.get("q", ""),
    )


def _class_codes(words: str) -> tuple[str, ...]:
    """Return the classes whose code, name or filing condition holds the words."""
    return tuple(entry.code for entry in search_classes(db.session(), words, room.today()))


def _watches(actor: Actor) -> bool:
    return actor.has(*WATCHERS)


def _address(asked: Asked, after: Place | None) -> str:
    values: dict[str, Any] = {"tab": asked.tab, **asked.typed}
    return url_for("cases.inbox", after=str(after) if after else None, **values)
