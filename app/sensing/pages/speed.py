"""How fast alerts were dealt with, as a page: a month, by unit."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from flask import render_template, request, url_for
from flask_babel import lazy_gettext as _l

from app.db.session import db
from app.errors import NotFound
from app.sensing.pages.room import READERS, blueprint, bound_to
from app.sensing.speed import LEAST_LEVEL, speed_of_month
from app.web.access import open_to
from app.web.current import now, runtime
from app.web.typed import END_YEAR, FIRST_YEAR

COLUMNS: Final = {
    "alerts": _l("预警"),
    "real": _l("属实"),
    "false_alarms": _l("误报"),
    "returned": _l("自行恢复"),
    "withdrawn": _l("未恢复即终止"),
    "waiting": _l("待确认"),
}
TIMES: Final = {
    "confirm_minutes": _l("确认用时"),
    "dispatch_minutes": _l("派遣用时"),
    "clear_minutes": _l("解除用时"),
}


@blueprint.get("/speed")
@open_to(*READERS)
def speed() -> str:
    """Show the alerts of a month by unit: how many, and how fast."""
    month = month_asked()
    start, end = span_of(month)
    after = _after(month)
    last = now().astimezone(runtime().services.settings.timezone).date().replace(day=1)
    return render_template(
        "sensing/speed.html",
        month=month,
        lines=speed_of_month(db.session(), start, end, bound_to()),
        columns=COLUMNS,
        times=TIMES,
        least=LEAST_LEVEL,
        before_url=url_for("sensing.speed", month=_before(month).isoformat()[:7]),
        after_url=url_for("sensing.speed", month=after.isoformat()[:7]) if after <= last else None,
    )


def month_asked() -> date:
    """Return the first day of the month that the address names; of this month where it names none."""
    text = request.args.get("month", "")
    if not text:
        return now().astimezone(runtime().services.settings.timezone).date().replace(day=1)
    try:
        month = date.fromisoformat(f"{text[:7]}-01")
    except ValueError as exc:
        raise NotFound("网址中的月份无效，应如 2025-06。") from exc
    if not FIRST_YEAR < month.year < END_YEAR:
        raise NotFound("网址中的月份无效，应如 2025-06。")
    return month


def span_of(month: date) -> tuple[datetime, datetime]:
    """Return the moments between which a month lies."""
    zone = runtime().services.settings.timezone
    following = _after(month)
    return datetime.combine(month, time(), zone), datetime.combine(following, time(), zone)


def _after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)
