"""One device: its values as a chart and as a table, its alerts, what was refused of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from flask import render_template, request, url_for
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ANALYST
from app.db.session import db
from app.errors import NotFound
from app.sensing.beyond import beyond_lines
from app.sensing.charts import alerts_in, lines_of, series
from app.sensing.device_card import Card, card_of
from app.sensing.device_lists import telling_metric
from app.sensing.maintenance import under_maintenance
from app.sensing.pages import words
from app.sensing.pages.refused import REASON_WORDS
from app.sensing.pages.room import REGISTER_READERS, blueprint, bound_to
from app.sensing.rules import shipped_metrics
from app.sensing.storing import Known
from app.sensing.wording import metrics_by_number
from app.web.access import open_to
from app.web.current import now, runtime

SPANS: Final = {
    "day": (_l("日"), timedelta(days=1)),
    "week": (_l("周"), timedelta(days=7)),
    "month": (_l("月"), timedelta(days=30)),
    "year": (_l("年"), timedelta(days=365)),
}
_DEVICE: Final = f"int(max={2**63 - 1}):device_id"


@dataclass(frozen=True)
class Window:
    """The time that a chart shows. end_on: the last day of it, None where it ends now."""

    span: str
    first: datetime
    until: datetime
    end_on: date | None

    def beside(self, *, later: bool) -> str:
        """Return the last day of the window before or after."""
        days = SPANS[self.span][1].days
        end = self.end_on or (self.until - timedelta(microseconds=1)).date()
        return (end + timedelta(days=days if later else -days)).isoformat()


@blueprint.get(f"/devices/<{_DEVICE}>")
@open_to(*REGISTER_READERS)
def device(device_id: int) -> str:
    """Show a device."""
    card = card_or_404(device_id)
    window = _window()
    asked = request.args.get("metric", "")
    session, zone = db.session(), runtime().services.settings.timezone
    number = int(asked) if asked.isdecimal() and len(asked) < 6 else None
    metric = card.metric(number, telling_metric(session, device_id, now()))
    known = Known.of(card.device)
    drawn = series(
        session, device_id, metric, window.first, window.until,
        silent_after=timedelta(seconds=card.device.silent_after_s),
    )  # fmt: skip
    return render_template(
        "sensing/device.html",
        card=card,
        window=window,
        spans=SPANS,
        metric=metric,
        metrics=[(one.metric, words.metric_name(one.metric)) for one in card.latest],
        unit=metrics_by_number()[metric].unit,
        drawn=drawn,
        zone=zone,
        lines=[
            {"name": words.level_name(line.level), "level": int(line.level), "rise": line.rise}
            for line in lines_of(session, known, metric, now(), zone)
        ],
        maintained=under_maintenance(session, [device_id], now()),
        beyond=beyond_lines(session, [known], now(), zone),
        alerts=alerts_in(session, device_id, window.first, window.until),
        reasons=REASON_WORDS,
        now=now(),
        later_url=_beside(card, window, metric, later=True),
        earlier_url=_beside(card, window, metric, later=False),
    )


def card_or_404(device_id: int) -> Card:
    """Return a device that the reader may see."""
    card = card_of(db.session(), device_id, bound_to(ANALYST))
    if card is None:
        raise NotFound("没有编号为 %(id)s 的设备。", id=device_id)
    return card


def _window() -> Window:
    """Return the time that the address asks for: up to the end of a day, or up to now."""
    span = request.args.get("span", "day")
    span = span if span in SPANS else "day"
    zone, moment = runtime().services.settings.timezone, now()
    try:
        end_on = date.fromisoformat(request.args.get("end", ""))
    except ValueError:
        end_on = None
    # Before the first or after the last year that a date can hold there is no window.
    if end_on is not None and 1970 < end_on.year < 9000:
        after = end_on + timedelta(days=1)
        until = datetime(after.year, after.month, after.day, tzinfo=zone)
        if until < moment:
            return Window(span, until - SPANS[span][1], until, end_on)
    # A device's clock may be ahead of ours by so much.
    return Window(span, moment - SPANS[span][1], moment + shipped_metrics().ahead, None)


def _beside(card: Card, window: Window, metric: int, *, later: bool) -> str | None:
    if later and window.end_on is None:
        return None
    return url_for(
        "sensing.device",
        device_id=card.device.id,
        span=window.span,
        metric=metric,
        end=window.beside(later=later),
    )
