"""Rain, what it probably does to points, and who counts as in place: pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Final

from sla.sensing import Level

_EARTH_M: Final = 6_371_008.8

# Returns the most mm of rain that fell, or will fall, in so many hours.
RainIn = Callable[[int], float]


class Origin(StrEnum):
    """Where mm of rain come from."""

    MEASURED = "measured"
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class RainColour:
    """The colour of a rain of so many mm in so many hours."""

    level: Level
    hours: int
    mm: float


@dataclass(frozen=True, slots=True)
class Opening:
    """The rain that opens an event."""

    origin: Origin
    hours: int
    mm: float


@dataclass(frozen=True, slots=True)
class Close:
    """How dry it must have been, and for how long, for an event to close."""

    dry_hours: int
    dry_mm: float


@dataclass(frozen=True, slots=True)
class History:
    """How much the alerts of the last days add to what a point is expected to suffer."""

    days: int
    per_alert: float
    most: float

    def factor(self, alerts: int) -> float:
        """Return what the mm are multiplied by."""
        return 1 + min(self.per_alert * alerts, self.most)


@dataclass(frozen=True, slots=True)
class SceneLines:
    """The mm of one hour and of three from which a point of a scene will probably reach each level."""

    hours_1: Mapping[Level, float]
    hours_3: Mapping[Level, float]


@dataclass(frozen=True, slots=True)
class DutyRules:
    """Who is in place, and from when somebody counts as missing."""

    radius_m: int
    accuracy_m: int
    grace: timedelta

    def in_place(self, distance_m: float, accuracy_m: float) -> bool:
        """Tell whether a position that is so uncertain is near enough."""
        return distance_m - min(accuracy_m, self.accuracy_m) <= self.radius_m


@dataclass(frozen=True)
class FloodPolicy:
    """All that sla/policies/flood.yml says; each field is explained there."""

    colours: tuple[RainColour, ...]
    ahead_hours: int
    openings: tuple[Opening, ...]
    close: Close
    forecast_hours: int
    during_every: str
    history: History
    scenes: Mapping[str, SceneLines]
    duty: DutyRules
    answer_within: timedelta
    actions: Mapping[str, tuple[str, ...]]
    wet_cm: float

    def is_wet(self, depth_cm: float | None) -> bool:
        """Tell whether a point of such a depth counts as under water."""
        return depth_cm is not None and depth_cm >= self.wet_cm

    def opening(self, measured: RainIn, forecast: RainIn) -> Opening | None:
        """Return the first rule that would open an event, or none."""
        by_origin = {Origin.MEASURED: measured, Origin.FORECAST: forecast}
        return next(
            (one for one in self.openings if by_origin[one.origin](one.hours) >= one.mm), None
        )

    def colour(self, measured: RainIn, forecast: RainIn) -> Level:
        """Return the colour of the rain that fell or is to come, whichever is graver."""
        reached = (
            one.level
            for one in self.colours
            if max(measured(one.hours), forecast(one.hours)) >= one.mm
        )
        return max(reached, default=Level.NONE)

    def is_dry(self, measured: RainIn) -> bool:
        """Tell whether it has been dry for long enough for an event to close."""
        return measured(self.close.dry_hours) <= self.close.dry_mm

    def likely(
        self, scene: str, hour_mm: float, three_hours_mm: float, *, factor: float, alerts: int
    ) -> Level:
        """Return the level that a point will probably reach in the rain that is forecast."""
        lines = self.scenes.get(scene)
        if lines is None:
            return Level.NONE
        by = factor * self.history.factor(alerts)
        given = ((lines.hours_1, hour_mm * by), (lines.hours_3, three_hours_mm * by))
        reached = (level for levels, mm in given for level, line in levels.items() if mm >= line)
        return max(reached, default=Level.NONE)


def wettest(hours_mm: Sequence[float], hours: int) -> float:
    """Return the most mm in so many hours on end; of fewer hours, all there is."""
    if len(hours_mm) <= hours:
        return sum(hours_mm)
    window = most = sum(hours_mm[:hours])
    for number in range(hours, len(hours_mm)):
        window += hours_mm[number] - hours_mm[number - hours]
        most = max(most, window)
    return most


def distance_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return how far two places are apart, on a sphere: half a percent at most from the truth."""
    up, across = radians(other_lat - lat), radians(other_lon - lon)
    part = sin(up / 2) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(across / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(min(part, 1.0)))
