"""The months before one, drawn: a small curve for each unit, and how many places it went up or down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import dropwhile
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import format_date
from flask_babel import gettext as _

from app.assessment.history import Standing, Standings, shown_in, standings_of
from app.assessment.pages.charts import Axis, Curve, Frame, foot_below, points_of, stretches
from app.assessment.ranking import Month
from app.db.session import db
from app.run import Runtime
from app.web.kept import kept
from app.web.language import language_code
from sla.figures import Value

MONTHS_OF_SPARK = 6
MONTHS_OF_CHART = 12


@dataclass(frozen=True)
class Trends:
    """How units stood in the months before one. months: the oldest first, without the one itself.

    low: what all curves stand on, so that they can be held against each other.
    """

    month: Month
    months: tuple[tuple[Month, Standings], ...]
    low: Decimal

    def steps(self, unit_id: int, rank: int | None) -> int | None:
        """Return how many places a unit went up against the month before; None where either has no rank."""
        before = self.months[-1][1].get(unit_id) if self.months else None
        if before is None or before.rank is None or rank is None:
            return None
        return before.rank - rank

    def standings(self, unit_id: int) -> list[tuple[Month, Standing | None]]:
        """Return how one unit stood month by month."""
        return [(month, standings.get(unit_id)) for month, standings in self.months]

    def spark(self, unit_id: int, rate: Value) -> Curve | None:
        """Draw a unit's rates up to that of the month itself; None with fewer than two months to draw."""
        values = [*(None if one is None else one.rate for _m, one in self.standings(unit_id)), rate]
        if sum(value is not None for value in values) < 2:
            return None
        frame = Frame(84, 24, 3, 4, 4, 4, self.low, Decimal(100))
        points = points_of(values, frame)
        dots = tuple(point for point in points[-1:] if point is not None)
        months = [month for month, _standings in self.months] + [self.month]
        return Curve(84, 24, stretches(points), dots, _said(months, values))


def trends_before(
    month: Month, months: int = MONTHS_OF_SPARK, rates: Iterable[Value] = ()
) -> Trends:
    """Return how units stood in the months before one, so that with it there are so many. rates: of the month itself."""
    before = [month.plus(-back) for back in range(months - 1, 0, -1)]
    moment = _runtime().clock.now()
    begun = [one for one in before if one.period(_zone()).end <= moment]
    shown = shown_in(db.session(), [one.first_on for one in begun])
    found = []
    for one in begun:
        edition = shown.get(one.first_on)
        ask = partial(standings_of, db.session(), one, edition, _zone())
        _at, standings = kept(("standings", one, edition), ask, of_past=True)
        found.append((one, standings))
    # A city's curves begin with its first figures.
    found = list(dropwhile(lambda one: not _has_rates(one[1]), found))
    before_it = [one.rate for _month, standings in found for one in standings.values()]
    return Trends(month, tuple(found), foot_below([*before_it, *rates]))


def _has_rates(standings: Standings) -> bool:
    return any(one.rate is not None for one in standings.values())


def chart_of(months: Sequence[Month], values: Sequence[Value], title: str) -> Curve | None:
    """Draw one unit's rates large, with the months below; None with fewer than two months to draw."""
    if sum(value is not None for value in values) < 2:
        return None
    low = foot_below(values)
    frame = Frame(420, 170, 38, 14, 10, 24, low, Decimal(100))
    points = points_of(values, frame)
    axes = tuple(Axis(frame.y(at), f"{at:.0f}%") for at in (low, (low + 100) / 2, Decimal(100)))
    # Of many every other month is named: there is no room for all on a phone.
    step = 2 if len(months) > MONTHS_OF_SPARK else 1
    labels = tuple(
        (frame.x(at, len(months)), _short(month))
        for at, month in enumerate(months)
        if (len(months) - 1 - at) % step == 0
    )
    dots = tuple(point for point in points if point is not None)
    said = f"{title}{_('：')}{_said(months, values, named=False)}"
    return Curve(420, 170, stretches(points), dots, said, axes, labels)


def _said(months: Sequence[Month], values: Sequence[Value], *, named: bool = True) -> str:
    known = list(zip(months, values, strict=True))
    # Before its first figure a unit was not there, or not ranked.
    told = dropwhile(lambda one: one[1] is None, known)
    listed = _("，").join(
        f"{month} {_('无数据') if value is None else f'{value}%'}" for month, value in told
    )
    return str(_("按期结案率：%(listed)s", listed=listed)) if named else listed


def _short(month: Month) -> str:
    chinese = language_code().startswith("zh")
    return str(format_date(month.first_on, "M月" if chinese else "MMM"))


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["jingwei"]
    return found


def _zone() -> ZoneInfo:
    return _runtime().services.settings.timezone
