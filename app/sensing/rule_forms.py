"""A rule as a form holds it: texts in, a checked rule out, and back again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.errors import InvalidInput, Text
from app.sensing.rule_commands import RuleText
from app.sensing.rules import shipped_metrics
from app.sensing.tables import SensorRule
from sla.looking import Look

LEVELS: Final = (1, 2, 3, 4)
CONDITIONS: Final = (1, 2)
# At the edges of these dates can still be reckoned with.
_FIRST_YEAR: Final = 1970
_END_YEAR: Final = 2200
# From a device's code to its id; None where there is none.
FindDevice = Callable[[str], int | None]


@dataclass(frozen=True)
class RuleForm:
    """What was typed, by field; the lists of scenes apart."""

    typed: Mapping[str, str]
    scenes: tuple[str, ...] = ()

    def get(self, field: str) -> str:
        """Return what was typed into a field, without blanks around it."""
        return self.typed.get(field, "").replace("\0", "").strip()

    def rule(self, zone: ZoneInfo, find_device: FindDevice) -> RuleText:
        """Return the rule. Raises InvalidInput naming each field that is missing or cannot be read."""
        kind = self.get("kind") or Look.THRESHOLD.value
        silent = kind == Look.SILENT
        faults = self._missing(silent=silent)

        def taken(read: Callable[[], Any], *, unless: Any = None) -> Any:
            try:
                return read()
            except InvalidInput as error:
                for field, fault in error.fields.items():
                    faults.setdefault(field, fault)
                return unless

        text = RuleText(
            self.get("name"),
            kind,
            "" if silent else self.get("metric"),
            taken(self._silent_data if silent else lambda: self._data(kind), unless={}),
            1 if silent else taken(lambda: self._whole("samples", 1), unless=1),
            self.get("name_en"),
            taken(lambda: self._devices(find_device), unless=()),
            (),
            self.scenes,
            taken(lambda: self._valid_to(zone)),
        )
        if faults:
            raise InvalidInput(faults)
        return text

    def _missing(self, *, silent: bool) -> dict[str, str]:
        faults: dict[str, str] = {}
        # What is only tried out needs no name.
        if not self.get("name") and self.get("wish") != "try":
            faults["name"] = "不能为空"
        if silent:
            return faults
        if not self.get("metric"):
            faults["metric"] = "请选择监测指标。"
        fields = [f"{part}_{level}" for level in LEVELS for part in ("rise", "fall")]
        if not any(self.get(field) for field in ("decision", *fields)):
            faults["lines"] = "请填写警戒线，或选择一张决策表，二者取一。"
        return faults

    def _silent_data(self) -> dict[str, Any]:
        return {"level": self._whole("level", 1), **self._times()}

    def _data(self, kind: str) -> dict[str, Any]:
        data: dict[str, Any] = {"direction": self.get("direction") or "above", **self._times()}
        if self.get("decision"):
            hysteresis = self._number("hysteresis") if self.get("hysteresis") else 0.0
            data["decision"] = {"key": self.get("decision"), "hysteresis": hysteresis}
        else:
            data["lines"] = self._lines(data["direction"])
        if self.get("lasting_minutes"):
            data["lasting_minutes"] = self._whole("lasting_minutes", 0)
        if kind == Look.RATE:
            data["window_minutes"] = self._whole("window_minutes", 60)
        if kind == Look.DIFFERENCE:
            data["minus"] = self.get("minus")
        conditions = [self._condition(n) for n in CONDITIONS if self.get(f"condition_{n}_metric")]
        return {**data, "conditions": conditions} if conditions else data

    def _lines(self, direction: str) -> list[dict[str, Any]]:
        lines = []
        for level in LEVELS:
            rise, fall = self.get(f"rise_{level}"), self.get(f"fall_{level}")
            if not rise and not fall:
                continue
            if not rise:
                raise InvalidInput({f"rise_{level}": "请填写触发值，或把解除值也清空。"})
            start = self._number(f"rise_{level}")
            lines.append(
                {
                    "level": level,
                    "rise": start,
                    "fall": self._number(f"fall_{level}") if fall else start,
                }
            )
        return lines

    def _condition(self, n: int) -> dict[str, Any]:
        return {
            "metric": self.get(f"condition_{n}_metric"),
            "op": self.get(f"condition_{n}_op") or "at_least",
            "value": self._number(f"condition_{n}_value"),
        }

    def _times(self) -> dict[str, Any]:
        times: dict[str, Any] = {}
        if self.get("season_from") or self.get("season_to"):
            times["season"] = [self.get("season_from"), self.get("season_to")]
        if self.get("hour_from") or self.get("hour_to"):
            times["hours"] = [self._whole("hour_from", 0), self._whole("hour_to", 24)]
        return times

    def _devices(self, find_device: FindDevice) -> tuple[int, ...]:
        codes = [code for code in self.get("devices").replace("，", ",").split(",") if code.strip()]
        found = [(code.strip(), find_device(code.strip())) for code in codes]
        missing = [code for code, number in found if number is None]
        if missing:
            raise InvalidInput({"devices": Text("没有设备“%(code)s”", code=missing[0])})
        return tuple(number for _, number in found if number is not None)

    def _valid_to(self, zone: ZoneInfo) -> datetime | None:
        return self.day("valid_to", zone) if self.get("valid_to") else None

    def day(self, field: str, zone: ZoneInfo) -> datetime:
        """Return the beginning of the day typed into a field. Raises InvalidInput."""
        try:
            day = date.fromisoformat(self.get(field))
        except ValueError as exc:
            raise InvalidInput({field: "请填写日期，如 2025-06-01。"}) from exc
        if not _FIRST_YEAR <= day.year < _END_YEAR:
            raise InvalidInput({field: "请填写日期，如 2025-06-01。"})
        return datetime.combine(day, time(), zone)

    def _number(self, field: str) -> float:
        try:
            return float(self.get(field))
        except ValueError as exc:
            fault = Text("应为数字，现为“%(value)s”", value=self.get(field)[:40])
            raise InvalidInput({field: fault}) from exc

    def _whole(self, field: str, default: int) -> int:
        text = self.get(field)
        if not text:
            return default
        if not text.lstrip("-").isdecimal() or len(text) > 9:
            raise InvalidInput({field: Text("应为整数，现为“%(value)s”", value=text[:40])})
        return int(text)


def form_of(rule: SensorRule, codes: Mapping[int, str], zone: ZoneInfo) -> RuleForm:
    """Return the form of a rule on record. codes: of devices, by id."""
    data = rule.data
    typed: dict[str, Any] = {
        "name": rule.name,
        "name_en": rule.name_en,
        "kind": rule.kind,
        "metric": _name_of(rule.metric),
        "samples": rule.samples,
        "direction": data.get("direction", "above"),
        "lasting_minutes": data.get("lasting_minutes", ""),
        "window_minutes": data.get("window_minutes", ""),
        "minus": data.get("minus", ""),
        "level": data.get("level", ""),
        "devices": ", ".join(codes[number] for number in rule.device_ids if number in codes),
    }
    if rule.valid_to is not None:
        typed["valid_to"] = rule.valid_to.astimezone(zone).date().isoformat()
    for line in data.get("lines") or ():
        typed[f"rise_{line['level']}"] = _plain(line["rise"])
        typed[f"fall_{line['level']}"] = _plain(line["fall"])
    if data.get("decision"):
        typed["decision"] = data["decision"]["key"]
        typed["hysteresis"] = _plain(data["decision"].get("hysteresis", 0))
    for n, condition in enumerate(data.get("conditions") or (), start=1):
        typed[f"condition_{n}_metric"] = condition["metric"]
        typed[f"condition_{n}_op"] = condition["op"]
        typed[f"condition_{n}_value"] = _plain(condition["value"])
    if data.get("season"):
        typed["season_from"], typed["season_to"] = data["season"]
    if data.get("hours"):
        typed["hour_from"], typed["hour_to"] = data["hours"]
    return RuleForm({key: str(value) for key, value in typed.items()}, tuple(rule.scenes))


def _name_of(metric: int | None) -> str:
    names = shipped_metrics().by_name.items()
    return next((name for name, found in names if found.number == metric), "")


def _plain(number: float) -> str:
    return f"{number:g}"
