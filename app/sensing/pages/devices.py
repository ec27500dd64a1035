"""The list of devices."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.accounts.roles import ANALYST
from app.accounts.tables import Unit
from app.db.session import db
from app.places.tables import District
from app.sensing.device_lists import LONGEST_WORDS, Wanted, device_page
from app.sensing.maintenance import under_maintenance
from app.sensing.pages import words
from app.sensing.pages.room import REGISTER_READERS, blueprint, bound_to
from app.web.access import open_to
from app.web.current import now, runtime
from sla.sites import shipped_trades

STATES = {
    "alert": _l("有未解除预警"),
    "silent": _l("失联"),
    "unheard": _l("尚无数据"),
    "ended": _l("已停用"),
}
_FILTERS = ("q", "trade", "kind", "district", "unit", "state")


@blueprint.get("/devices")
@open_to(*REGISTER_READERS)
def devices() -> str:
    """List devices, in order of code."""
    chosen = {name: plain(request.args.get(name, "")) for name in _FILTERS}
    after = plain(request.args.get("after", ""))
    size = runtime().services.settings.page_size
    page = device_page(db.session(), _wanted(chosen), now(), after=after, size=size)
    given = {name: value for name, value in chosen.items() if value}
    onward = url_for("sensing.devices", **given, after=page.next) if page.next else None  # type: ignore[arg-type]  # names of ours
    return render_template(
        "sensing/devices.html",
        lines=page.lines,
        maintained=under_maintenance(db.session(), (line.id for line in page.lines), now()),
        now=now(),
        chosen=chosen,
        narrowed=bool(given),
        trades=words.trade_choices(),
        kinds=words.kind_choices(),
        districts=db.session.execute(
            select(District.code, District.name).order_by(District.code)
        ).all(),
        units=units(),
        states=STATES,
        bound=bool(bound_to(ANALYST)),
        next_url=onward,
        first_url=url_for("sensing.devices", **given) if after else None,  # type: ignore[arg-type]  # names of ours
    )


def units() -> list[tuple[int, str]]:
    """Return the units in use, in the order of the tree."""
    path = bound_to(ANALYST)
    found = db.session.scalars(
        select(Unit).where(Unit.active, Unit.path.startswith(path)).order_by(Unit.path)
    )
    return [(unit.id, "　" * (unit.level - 1) + words.name_of(unit)) for unit in found]


def plain(text: str) -> str:
    """Return a typed text without what PostgreSQL cannot store."""
    return text.replace("\0", " ").strip()[:LONGEST_WORDS]


def _wanted(chosen: dict[str, str]) -> Wanted:
    trade = shipped_trades().get(chosen["trade"])
    scenes = tuple(trade.kinds) if trade else None
    if chosen["kind"]:
        # Of another trade than the one chosen there is none.
        scenes = (chosen["kind"],) if scenes is None or chosen["kind"] in scenes else ()
    unit = chosen["unit"]
    return Wanted(
        chosen["q"],
        scenes,
        chosen["district"],
        int(unit) if unit.isdecimal() and len(unit) < 19 else None,
        chosen["state"],
        bound_to(ANALYST),
    )
