"""What the sensors of a simulated city measure at a moment: calm days, a storm, a heat station that fails.

A value depends on nothing but the device, the moment and the scenarios, so that it can be asked for again.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

STORM: Final = "storm"
HEAT_FAILURE: Final = "heat_failure"
SCENARIOS: Final = (STORM, HEAT_FAILURE)

# Kind of device -> metric -> (usual value, swing over the day, noise).
USUAL: Final[Mapping[str, Mapping[str, tuple[float, float, float]]]] = {
    "heat_station": {
        "supply_c": (52, 3, 0.6),
        "return_c": (41, 2, 0.5),
        "pressure_mpa": (0.45, 0.02, 0.01),
        "makeup_m3h": (2, 0.5, 0.4),
    },
    "heat_chamber": {"temperature_c": (31, 2, 0.5)},
    "heated_room": {"room_c": (20.5, 0.6, 0.2)},
    "water_plant": {
        "turbidity_ntu": (0.3, 0.05, 0.05),
        "chlorine_mgl": (0.5, 0.05, 0.04),
        "ph": (7.3, 0.1, 0.05),
    },
    "booster_station": {"pressure_mpa": (0.38, 0.04, 0.01), "flow_m3h": (420, 160, 15)},
    "pressure_point": {"pressure_mpa": (0.33, 0.04, 0.01)},
    "gas_station": {"pressure_mpa": (0.32, 0.02, 0.01), "gas_lel": (0.5, 0, 0.4)},
    "gas_point": {"gas_pa": (2150, 80, 20), "temperature_c": (12, 4, 0.5)},
    "depth": {"depth_cm": (0, 0, 0)},
    "rain_gauge": {"rain_mm": (0, 0, 0)},
}
# How fast a station without heat cools, and the rooms behind its pipes.
_STATION_COOLS: Final = timedelta(minutes=12)
_ROOM_COOLS: Final = timedelta(hours=5)
_WARMS: Final = timedelta(minutes=8)
_COLD: Final = 15.0
_COLD_ROOM: Final = 11.0
# A storm: mm an hour at its height, reached after a third of its time, and how fast water runs off.
_HEAVIEST: Final = 70.0
_RUNS_OFF: Final = timedelta(minutes=25)
# mm of rain standing on the streets that the drains of a dry place take.
_DRAINS_TAKE: Final = 4.0


@dataclass(frozen=True)
class Scenario:
    """Something that happens from a moment on. sites: codes of what it happens to; of a storm, all."""

    kind: str
    begins_at: datetime
    lasts: timedelta
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sensor:
    """A device: what it is, at which site, and the site above that one."""

    code: str
    kind: str
    site: str = ""
    above: str = ""


@dataclass
class Measuring:
    """The values at a moment."""

    at: datetime
    scenarios: Sequence[Scenario] = ()
    _standing: dict[Scenario, float] = field(default_factory=dict)

    def values(self, sensor: Sensor) -> dict[str, float]:
        """Return what a device measures, by metric."""
        usual = USUAL.get(sensor.kind, {})
        found = {metric: self._usual(sensor, metric, *usual[metric]) for metric in usual}
        for scenario in self.scenarios:
            if scenario.begins_at <= self.at:
                found |= self._changed(scenario, sensor, found)
        return {metric: round(value, 3) for metric, value in found.items()}

    def rain(self, scenario: Scenario, at: datetime | None = None) -> float:
        """Return mm an hour of a storm: up to its height in a third of its time, down to nothing at its end."""
        share = ((at or self.at) - scenario.begins_at) / scenario.lasts
        if not 0 < share < 1:
            return 0.0
        return _HEAVIEST * (3 * share if share < 1 / 3 else 1.5 * (1 - share))

    def _usual(
        self, sensor: Sensor, metric: str, value: float, swing: float, noise: float
    ) -> float:
        day = (self.at.hour + self.at.minute / 60) / 24 * 2 * math.pi
        own = _unit(sensor.code, metric) - 0.5
        now = _unit(sensor.code, metric, self.at.isoformat(timespec="seconds")) - 0.5
        return value + swing * (math.sin(day) + own) + 2 * noise * now

    def _changed(
        self, scenario: Scenario, sensor: Sensor, usual: Mapping[str, float]
    ) -> dict[str, float]:
        if scenario.kind == STORM:
            return self._in_storm(scenario, sensor)
        if sensor.kind == "heat_station" and sensor.site in scenario.sites:
            supply = self._cooled(scenario, usual["supply_c"], _COLD, _STATION_COOLS)
            back = self._cooled(scenario, usual["return_c"], _COLD - 1, _STATION_COOLS)
            return {"supply_c": supply, "return_c": min(back, supply - 1)}
        if sensor.kind == "heated_room" and sensor.above in scenario.sites:
            return {"room_c": self._cooled(scenario, usual["room_c"], _COLD_ROOM, _ROOM_COOLS)}
        return {}

    def _cooled(self, scenario: Scenario, usual: float, cold: float, cools: timedelta) -> float:
        """Return a temperature that falls while the scenario lasts and comes back after it."""
        since = self.at - scenario.begins_at
        fallen = cold + (usual - cold) * math.exp(-min(since, scenario.lasts) / cools)
        over = since - scenario.lasts
        if over <= timedelta(0):
            return fallen
        return usual - (usual - fallen) * math.exp(-over / min(cools, _WARMS * 4))

    def _in_storm(self, scenario: Scenario, sensor: Sensor) -> dict[str, float]:
        if sensor.kind == "rain_gauge":
            # Of the five minutes before; gauges do not all stand under the same cloud.
            return {"rain_mm": self.rain(scenario) / 12 * (0.7 + 0.6 * _unit(sensor.code, "rain"))}
        if sensor.kind == "depth":
            low = _unit(sensor.code, "low") ** 5
            standing = max(self._standing_water(scenario) - _DRAINS_TAKE * (1.2 - low), 0)
            return {"depth_cm": standing * 4 * low}
        return {}

    def _standing_water(self, scenario: Scenario) -> float:
        """Return mm of rain that has fallen and not run off yet, summed minute by minute."""
        if scenario not in self._standing:
            total, minute = 0.0, timedelta(minutes=1)
            steps = int(min(self.at - scenario.begins_at, scenario.lasts * 4) / minute)
            keeps = math.exp(-minute / _RUNS_OFF)
            for n in range(1, steps + 1):
                total = total * keeps + self.rain(scenario, scenario.begins_at + n * minute) / 60
            self._standing[scenario] = total
        return self._standing[scenario]


def _unit(*parts: str) -> float:
    """Return a number from 0 to 1 that belongs to some texts."""
    return zlib.crc32("/".join(parts).encode()) / 2**32
