"""The city at a glance: figures that open to their cases, small charts with their tables."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.cases.pages import room as cases_room
from app.cases.pages.words import Words
from app.cases.queries.case_file import names_of
from app.cases.queries.keyset import Place
from app.db.session import db
from app.errors import NotFound
from app.oversight.pages import room
from app.oversight.pages.overdue import group_name
from app.oversight.pages.room import READERS, blueprint
from app.oversight.queries.city_map import MOST_POINTS, points_of
from app.oversight.queries.glance import FLOWS, flow_cases, glance_of, punctual_days
from app.oversight.queries.overdue import NONE, Group, count_late, late_groups
from app.places.queries import district_labels
from app.web.access import open_to

TREND_DAYS: Final = 30
WORST: Final = 8
FLOW_WORDS: Final[Words] = {"in": _l("上报"), "out": _l("办结"), "open": _l("在办")}


@blueprint.get("/oversight")
@open_to(*READERS)
def glance() -> ResponseReturnValue:
    """Show today's figures, the trend of the last days, and where late cases pile up."""
    session, sight, now = db.session(), room.sight(), cases_room.now()
    today = cases_room.today()
    start, end = _day(today)
    trend_start = _day(today - timedelta(days=TREND_DAYS - 1))[0]
    classes = late_groups(session, sight, {}, now, "class")[:WORST]
    grids = late_groups(session, sight, {}, now, "grid")[:WORST]
    class_names = names_of(session, classes=[group.key for group in classes]).classes
    page = render_template(
        "oversight/glance.html",
        today=today,
        figures=glance_of(session, sight, start, end),
        late=count_late(session, sight, {}, now),
        days=punctual_days(session, sight, trend_start, end, cases_room.zone().key),
        classes=[(group_name(g, "class", class_names), g.count, _late_url("class", g)) for g in classes],
        grids=[(group_name(g, "grid", {}), g.count, _late_url("grid", g)) for g in grids],
        worst_grids=[group.key for group in grids if group.key],
        most_points=MOST_POINTS,
    )  # fmt: skip
    return room.with_library_styles(page)


@blueprint.get("/oversight/points")
@open_to(*READERS)
def points() -> ResponseReturnValue:
    """Return the open cases that have a place, with their traffic light, and where districts are named."""
    session = db.session()
    cases = points_of(session, room.sight(), cases_room.now())
    for case in cases:
        case["url"] = url_for("cases.case_page", number=case["number"])
    return jsonify(cases=cases, districts=district_labels(session))


@blueprint.get("/oversight/flow/<flow>")
@open_to(*READERS)
def flow(flow: str) -> ResponseReturnValue:
    """List the cases behind a figure: reported or ended on a day, or open now."""
    if flow not in FLOWS:
        raise NotFound
    session, on = db.session(), _date(request.args.get("on", ""))
    before, size = Place.read(request.args.get("before")), cases_room.settings().page_size
    page = flow_cases(session, room.sight(), flow, _day(on), before=before, size=size)
    asked = {"flow": flow} if flow == "open" else {"flow": flow, "on": on.isoformat()}
    return render_template(
        "oversight/flow.html",
        flow=flow,
        word=FLOW_WORDS[flow],
        on=on,
        lines=page.lines,
        class_names=names_of(session, classes=[line.class_code for line in page.lines]).classes,
        next_url=url_for("oversight.flow", **asked, before=str(page.next)) if page.next else None,  # type: ignore[arg-type]  # names of ours
        first_url=url_for("oversight.flow", **asked) if before else None,  # type: ignore[arg-type]  # names of ours
    )


def _day(on: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day of the city and of the next."""
    zone = cases_room.zone()
    following = on + timedelta(days=1)
    return datetime.combine(on, time(), zone), datetime.combine(following, time(), zone)


def _date(written: str) -> date:
    """Return the day an address names, or today. Raises NotFound for what is no day."""
    if not written:
        return cases_room.today()
    try:
        return min(date.fromisoformat(written), date(9000, 1, 1))
    except ValueError as exc:
        raise NotFound from exc


def _late_url(by: str, group: Group) -> str:
    key = NONE if group.key is None else group.key
    return url_for("oversight.overdue", by=by, **{by: key})  # type: ignore[arg-type]  # names of ours
