"""Use cases of rules: add one, put another in its place, end it; maintenance of devices and sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from app.accounts.roles import ADMINISTRATOR, ANALYST, WATCH_OFFICER
from app.cases.answers import clean_text
from app.clock import require_aware
from app.errors import InvalidInput, NotFound, StateChanged, Text
from app.run import Tx, handles
from app.sensing.records import withdraw_of_rule
from app.sensing.rules import shipped_metrics
from app.sensing.shapes import Shape, shape_of
from app.sensing.tables import Device, MaintenanceWindow, SensorRule, Site
from sla.looking import Look
from sla.sites import kind_named

RULE_MAKERS: Final = (ANALYST, ADMINISTRATOR)
MAINTAINERS: Final = (WATCH_OFFICER, ADMINISTRATOR)


@dataclass(frozen=True)
class RuleText:
    """A rule as somebody writes it. metric: its name, empty for silence. data: see app/sensing/shapes.py."""

    name: str
    kind: str
    metric: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    samples: int = 1
    name_en: str = ""
    device_ids: tuple[int, ...] = ()
    device_kinds: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    valid_to: datetime | None = None

    def shape(self) -> Shape:
        """Return its checked shape. Raises InvalidInput naming the field."""
        if self.kind == Look.SILENT and self.metric:
            raise InvalidInput({"metric": "失联规则没有监测指标。"})
        if self.kind != Look.SILENT and not self.metric:
            raise InvalidInput({"metric": "请选择监测指标。"})
        if self.metric and self.metric not in shipped_metrics().by_name:
            raise InvalidInput({"metric": Text("没有指标“%(name)s”", name=self.metric)})
        return shape_of(self.kind, self.data, self.samples, shipped_metrics().by_name)


@dataclass(frozen=True)
class AddRule:
    """Let a rule raise alerts from now on."""

    rule: RuleText


@dataclass(frozen=True)
class ReplaceRule:
    """Put a rule in the place of another from now on; its open alerts end with it."""

    rule_id: int
    rule: RuleText


@dataclass(frozen=True)
class EndRule:
    """Let a rule raise no more alerts; its open ones end now."""

    rule_id: int


@dataclass(frozen=True)
class AddMaintenance:
    """Let a device, or all devices of a site, raise nothing for a time."""

    starts_at: datetime
    ends_at: datetime
    reason: str
    device_id: int | None = None
    site_id: int | None = None


@dataclass(frozen=True)
class EndMaintenance:
    """End a maintenance window now; one that has not begun is taken back."""

    window_id: int


@handles(AddRule, *RULE_MAKERS)
def add_rule(command: AddRule, tx: Tx) -> int:
    """Add a rule and return its id. Raises InvalidInput naming the field."""
    return _added(tx, command.rule, None)


@handles(ReplaceRule, *RULE_MAKERS)
def replace_rule(command: ReplaceRule, tx: Tx) -> int:
    """End a rule, add the other and return its id."""
    _end(tx, command.rule_id)
    return _added(tx, command.rule, command.rule_id)


@handles(EndRule, *RULE_MAKERS)
def end_rule(command: EndRule, tx: Tx) -> None:
    """End a rule."""
    _end(tx, command.rule_id)


@handles(AddMaintenance, *MAINTAINERS)
def add_maintenance(command: AddMaintenance, tx: Tx) -> int:
    """Add a window and return its id. Raises InvalidInput naming the field."""
    starts_at, ends_at = require_aware(command.starts_at), require_aware(command.ends_at)
    if ends_at <= starts_at:
        raise InvalidInput({"ends_at": "结束时间应晚于开始时间。"})
    if (command.device_id is None) == (command.site_id is None):
        raise InvalidInput({"device_id": "请选一台设备或一个点位。"})
    if ends_at <= tx.clock.now():
        ended = Text("检修在 %(at)s 就已结束，请改开始时间或时长", at=_local(ends_at, tx))
        raise InvalidInput({"starts_at": ended})
    # Of two who enter the same one at once, the second waits here and is refused.
    lock: dict[str, Any] = {"key_share": True}
    found = (
        tx.session.get(Device, command.device_id, with_for_update=lock)
        if command.device_id is not None
        else tx.session.get(Site, command.site_id, with_for_update=lock)
    )
    if found is None:
        raise NotFound("没有这台设备或这个点位。")
    _refuse_overlap(tx, command)
    window = MaintenanceWindow(
        device_id=command.device_id,
        site_id=command.site_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=clean_text("reason", command.reason, longest=500, required=True),
        added_by=tx.actor.person_id,
        added_at=tx.clock.now(),
    )
    tx.session.add(window)
    tx.session.flush()
    return window.id


@handles(EndMaintenance, *MAINTAINERS)
def end_maintenance(command: EndMaintenance, tx: Tx) -> None:
    """End a window."""
    window, now = tx.session.get(MaintenanceWindow, command.window_id), tx.clock.now()
    if window is None:
        raise NotFound
    if window.ends_at <= now:
        raise StateChanged("这次检修已经结束。")
    if window.starts_at >= now:
        tx.session.delete(window)
    else:
        window.ends_at = now


def _refuse_overlap(tx: Tx, command: AddMaintenance) -> None:
    window = MaintenanceWindow
    same = (
        window.device_id == command.device_id
        if command.device_id is not None
        else window.site_id == command.site_id
    )
    overlapping = same, window.starts_at < command.ends_at, window.ends_at > command.starts_at
    other = tx.session.scalar(select(window).where(*overlapping).order_by(window.starts_at))
    if other is not None:
        fault = Text(
            "与已登记的检修重叠：%(begin)s 至 %(end)s，%(reason)s",
            begin=_local(other.starts_at, tx),
            end=_local(other.ends_at, tx),
            reason=other.reason,
        )
        raise InvalidInput({"starts_at": fault})


def _local(at: datetime, tx: Tx) -> str:
    return at.astimezone(tx.services.settings.timezone).strftime("%Y-%m-%d %H:%M")


def _added(tx: Tx, text: RuleText, replaces: int | None) -> int:
    shape, now = text.shape(), tx.clock.now()
    for scene in text.scenes:
        if kind_named(scene) is None:
            raise InvalidInput({"scenes": Text("没有点位类型“%(kind)s”", kind=scene[:40])})
    if shape.decided is not None:
        lines_of = shape.decided.of(tx.connection)
        used = select(Device.scene).where(Device.active).distinct()
        for scene in text.scenes or tx.session.scalars(used):
            lines_of(scene)
    if text.valid_to is not None and require_aware(text.valid_to) <= now:
        raise InvalidInput({"valid_to": "失效时间应晚于现在。"})
    rule = SensorRule(
        name=clean_text("name", text.name, longest=100, required=True),
        name_en=clean_text("name_en", text.name_en, longest=100),
        kind=text.kind,
        metric=shipped_metrics().by_name[text.metric].number if text.metric else None,
        data=dict(text.data),
        samples=text.samples,
        device_ids=list(text.device_ids),
        device_kinds=list(text.device_kinds),
        scenes=list(text.scenes),
        valid_from=now,
        valid_to=text.valid_to,
        added_at=now,
        added_by=tx.actor.person_id,
        replaces_id=replaces,
    )
    tx.session.add(rule)
    tx.session.flush()
    return rule.id


def _end(tx: Tx, rule_id: int) -> None:
    # FOR UPDATE waits for batches that walk it now: what they open is ended here.
    rule, now = tx.session.get(SensorRule, rule_id, with_for_update=True), tx.clock.now()
    if rule is None:
        raise NotFound("没有这条规则。")
    if rule.valid_to is not None and rule.valid_to <= now:
        raise StateChanged("这条规则已经停用。")
    # The database wants every rule to have been in force for a moment at least.
    rule.valid_to = max(now, rule.valid_from + timedelta(microseconds=1))
    rule.ended_by = tx.actor.person_id
    tx.session.flush()
    withdraw_of_rule(tx.connection, rule_id, now)
    tx.connection.execute("DELETE FROM sensor_rule_states WHERE rule_id = %s", (rule_id,))
