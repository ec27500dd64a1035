"""Readings that were refused: of which day, from where, why, and an example."""

from __future__ import annotations

from datetime import date
from typing import Final

from flask import render_template, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.db.session import db
from app.sensing.device_card import REASONS, refused_page
from app.sensing.pages.devices import plain
from app.sensing.pages.room import WHOLE_CITY, blueprint
from app.web.access import open_to
from app.web.current import runtime

REASON_WORDS: Final[dict[str, LazyString]] = {
    "duplicate": _l("重复"),
    "unknown_device": _l("未登记的设备"),
    "unknown_metric": _l("未登记的指标"),
    "wrong_unit": _l("单位不符"),
    "impossible": _l("超出量程"),
    "future": _l("时间在未来"),
    "too_old": _l("时间过早"),
    "malformed": _l("报文无法解读"),
}


@blueprint.get("/refused")
@open_to(*WHOLE_CITY)
def refused() -> str:
    """List what was refused, the newest day first."""
    reason = request.args.get("reason", "")
    reason = reason if reason in REASONS else ""
    source = plain(request.args.get("source", ""))
    after = _place()
    page = refused_page(
        db.session(),
        reason=reason,
        source=source,
        after=after,
        size=runtime().services.settings.page_size,
    )
    given = {"reason": reason or None, "source": source or None}
    following = page.next and {"day": page.next[0], "of": page.next[1], "why": page.next[2]}
    return render_template(
        "sensing/refused.html",
        lines=page.lines,
        reason=reason,
        source=source,
        reasons=REASON_WORDS,
        next_url=url_for("sensing.refused", **given, **following) if following else None,  # type: ignore[arg-type]  # names of ours
        first_url=url_for("sensing.refused", **given) if after else None,  # type: ignore[arg-type]  # names of ours
    )


def _place() -> tuple[date, str, str] | None:
    """Return the place that the address names; None for the first page."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None
    return day, plain(request.args.get("of", "")), plain(request.args.get("why", ""))
