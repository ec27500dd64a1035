"""Boards of heat, water and gas; their registers; a site with its curve and the complaints of its homes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import INTAKE_OFFICER
from app.accounts.tables import Unit
from app.cases.pages import room as cases_room
from app.cases.pages.words import STAGES
from app.cases.queries.places import district_names
from app.cases.queries.visibility import visible_case
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.sensing.beyond import beyond_lines
from app.sensing.charts import lines_of
from app.sensing.pages import words
from app.sensing.pages.curves import LAST, Curve, curve_of
from app.sensing.pages.room import READERS, bound_to
from app.sensing.rules import shipped_metrics
from app.sensing.storing import Known
from app.sensing.tables import Site
from app.utilities import queries
from app.utilities.commands import MergeComplaint
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.current import now, runtime
from app.web.errors import text_of
from app.web.navigation import NavigationItem
from app.web.typed import number_typed
from sla.sites import shipped_trades
from sla.utilities import Service, shipped_utilities

SEEN_BY: Final = (*READERS, INTAKE_OFFICER)
MOST_MERGED: Final = 100
MOST_CURVES: Final = 4


blueprint = Blueprint(
    "utilities", __name__, url_prefix="/utilities", template_folder="../templates"
)
navigation = (
    NavigationItem("utilities.boards", _l("公用事业"), roles=frozenset(READERS), position=46),
)


@blueprint.context_processor
def _offer_words() -> dict[str, object]:
    return {"words": words, "stages": STAGES}


@blueprint.get("")
@open_to(*SEEN_BY)
def boards() -> ResponseReturnValue:
    """Lead to the first trade's board."""
    return redirect(url_for("utilities.board", trade=next(iter(shipped_utilities().trades))))


@blueprint.get("/<trade>")
@open_to(*SEEN_BY)
def board(trade: str) -> str:
    """Show a trade: its sites by kind and state, and the service of each company."""
    session, service = db.session(), _service(trade)
    metric = shipped_metrics().by_name[service.metric]
    path = _path()
    kinds = {one.kind: one for one in queries.kinds_of(session, trade, path)}
    return render_template(
        "utilities/board.html",
        trade=trade,
        service=service,
        metric=metric,
        kinds=[(kind, kinds.get(kind)) for kind in shipped_trades()[trade].kinds],
        services=queries.services_of(session, trade, service, metric.number, now(), path=path),
        complaint_days=queries.COMPLAINT_DAYS,
        breach_days=queries.BREACH_DAYS,
        at=now(),
        part=request.headers.get("HX-Request") == "true",
        **_trades(),
    )


@blueprint.get("/<trade>/sites")
@open_to(*SEEN_BY)
def register(trade: str) -> str:
    """List the sites of a trade, in order of code."""
    _service(trade)
    chosen = {
        name: request.args.get(name, "").replace("\0", "").strip()[:60]
        for name in ("kind", "district", "unit", "state", "q", "after")
    }
    unit = chosen["unit"]
    wanted: dict[str, Any] = {
        "trade": trade,
        "after": chosen["after"],
        "kind": chosen["kind"],
        "district": chosen["district"],
        "unit": int(unit) if unit.isdecimal() and len(unit) < 19 else 0,
        "state": chosen["state"] if chosen["state"] in ("alert", "silent") else "",
        "words": chosen["q"],
        "path": _path(),
    }
    lines, after = queries.register(db.session(), wanted, runtime().services.settings.page_size)
    given: dict[str, Any] = {
        name: value for name, value in chosen.items() if value and name != "after"
    }
    return render_template(
        "utilities/register.html",
        trade=trade,
        lines=lines,
        chosen=chosen,
        narrowed=bool(given),
        kinds=shipped_trades()[trade].kinds.values(),
        districts=district_names(db.session()),
        next_url=url_for("utilities.register", trade=trade, **given, after=after)
        if after
        else None,
        first_url=url_for("utilities.register", trade=trade, **given) if chosen["after"] else None,
        **_trades(),
    )


@blueprint.get("/sites/<site_code>")
@open_to(*SEEN_BY)
def site(site_code: str) -> str:
    """Show a site: its values, alerts, what it serves and the complaints of its homes."""
    session, found = db.session(), _site(site_code)
    parent, parts, grids = queries.around(session, found)
    since = now() - shipped_utilities().linked - timedelta(days=queries.COMPLAINT_DAYS)
    main, values = queries.main_case_of(session, found.id), queries.values_of(session, found.id)
    complaints = queries.complaints_of(session, found.id, since)
    mergeable = [one for one in complaints if one.accepting and main and one.case.id != main.id]
    return render_template(
        "utilities/site.html",
        site=found,
        unit=None if found.unit_id is None else session.get(Unit, found.unit_id),
        parent=parent,
        below=parts,
        grids=grids,
        values=values,
        curves=[_curve(one) for one in values[:MOST_CURVES]],
        beyond=beyond_lines(session, _known(values), now(), cases_room.zone()),
        alerts=queries.open_alerts_of(session, found.id),
        main=main,
        complaints=complaints,
        mergeable=mergeable if cases_room.reader().has(INTAKE_OFFICER) else [],
        districts=district_names(session),
        **_trades(),
    )


@blueprint.post("/sites/<site_code>/merge")
@open_to(INTAKE_OFFICER)
def merge(site_code: str) -> ResponseReturnValue:
    """Merge the ticked complaints into the case of the site, each in a transaction of its own."""
    found = _site(site_code)
    site_id = found.id
    typed = (number_typed(text) for text in request.form.getlist("case"))
    ticked = [number for number in typed if number is not None]
    if not ticked or len(ticked) > MOST_MERGED:
        flash(_("请勾选 1 至 %(n)s 件案件。", n=MOST_MERGED), "error")
    merged = 0
    for case_id in ticked[:MOST_MERGED]:
        try:
            act(MergeComplaint(site_id, case_id))
        except (StateChanged, InvalidInput, Forbidden, NotFound) as error:
            flash(text_of(error), "error")
        else:
            merged += 1
    if merged:
        flash(_("已并入 %(n)s 件。", n=merged), "success")
    return redirect(url_for("utilities.site", site_code=site_code))


@blueprint.get("/serving/<number>")
@open_to(SIGNED_IN)
def serving(number: str) -> str:
    """Say which site serves the place of a case, with its state; nothing where none does. For the case's page."""
    session = db.session()
    case = visible_case(session, cases_room.reader(), number)
    found = queries.serving_site(session, case.id)
    shown = render_template(
        "utilities/serving.html",
        site=found,
        values=queries.values_of(session, found.id) if found else [],
        alerts=queries.open_alerts_of(session, found.id) if found else [],
        main=queries.main_case_of(session, found.id) if found else None,
        may_open=cases_room.reader().has(*SEEN_BY),
    )
    # A card with nothing in it is not shown; a line break would be something.
    return shown.strip()


def _site(code: str) -> Site:
    """Return a site of a utility that the reader may see. Raises NotFound."""
    found = queries.site_with(db.session(), code)
    path = _path()
    if path:
        unit = None if found.unit_id is None else db.session().get(Unit, found.unit_id)
        if unit is None or not unit.path.startswith(path):
            raise NotFound("没有这个点位。")
    return found


def _curve(value: queries.Value) -> Curve:
    session, moment = db.session(), now()
    (device,) = _known([value])
    lines = lines_of(session, device, value.metric, moment, cases_room.zone())
    return curve_of(session, device.id, value.metric, moment - LAST, moment, lines=lines)


def _known(values: Sequence[queries.Value]) -> list[Known]:
    """Return the devices of values, each once."""
    devices = {value.device.id: value.device for value in values}
    return [Known.of(device) for device in devices.values()]


def _path() -> str:
    """Return the path of the unit that the reader is bound to; intake sees what any home complains about."""
    return "" if cases_room.reader().has(INTAKE_OFFICER) else bound_to()


def _service(trade: str) -> Service:
    service = shipped_utilities().trades.get(trade)
    if service is None:
        raise NotFound
    return service


def _trades() -> dict[str, Any]:
    names = dict(words.trade_choices())
    return {"trades": [(code, names[code]) for code in shipped_utilities().trades]}
