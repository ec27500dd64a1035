"""How pages write moments, dates, durations and rates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from flask import Flask, current_app
from flask_babel import format_date, format_datetime, get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from app.clock import require_aware
from app.run import Runtime
from app.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Offer the filters to templates."""
    app.add_template_filter(local_at)
    app.add_template_filter(local_on)
    app.add_template_filter(working_minutes)
    app.add_template_filter(percent)
    app.jinja_env.globals["settings"] = settings


def local_at(moment: datetime | None) -> Markup:
    """Write a moment in the city's time: 11月25日 14:30, with the year unless it is the current one."""
    if moment is None:
        return Markup("—")
    runtime: Runtime = current_app.extensions["jingwei"]
    zone = runtime.services.settings.timezone
    local = require_aware(moment).astimezone(zone)
    pattern = _pattern("M月d日 HH:mm", "d MMM HH:mm")
    if local.year != runtime.clock.now().astimezone(zone).year:
        pattern = _pattern("yyyy年M月d日 HH:mm", "d MMM yyyy HH:mm")
    text = format_datetime(moment, pattern)
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), text)


def local_on(day: date | None) -> str:
    """Write a date: 2025年11月25日."""
    return "—" if day is None else format_date(day, _pattern("yyyy年M月d日", "d MMM yyyy"))


def working_minutes(minutes: int | None) -> str:
    """Write working time: 2 工作时 15 分."""
    if minutes is None:
        return "—"
    hours, rest = divmod(abs(minutes), 60)
    parts = [_("%(n)s 工作时", n=hours)] if hours else []
    if rest or not hours:
        parts.append(_("%(n)s 分", n=rest))
    return ("−" if minutes < 0 else "") + " ".join(parts)


def percent(rate: Decimal | float | None) -> str:
    """Write a rate (0.9312) as a percentage with two places, half up: 93.12%."""
    if rate is None:
        return str(_("无数据"))
    exact = Decimal(str(rate)) * 100
    return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def _pattern(chinese: str, english: str) -> str:
    locale = get_locale()
    return chinese if locale is None or locale.language == "zh" else english
