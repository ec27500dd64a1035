"""Reads of rules and of maintenance: the lists, one rule, the tables that may give lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import Person, Unit
from app.engine.decisions import DecisionTable
from app.errors import NotFound
from app.modeling.queries import Deployed
from app.sensing.tables import Alert, Device, MaintenanceWindow, SensorRule, Site


@dataclass(frozen=True)
class RuleLine:
    """A rule in a list. open_alerts: how many it has now; alerts: ever."""

    rule: SensorRule
    open_alerts: int
    alerts: int


@dataclass(frozen=True)
class WindowLine:
    """A maintenance window with what it is of and who entered it."""

    window: MaintenanceWindow
    device: Device | None
    site: Site | None
    person: str | None


def rules(session: Session, now: datetime, *, ended: bool) -> list[RuleLine]:
    """Return the rules in force, or those that ended, the newest first."""
    counts = (
        select(
            Alert.rule_id,
            func.count().filter(Alert.closed_at.is_(None)).label("open"),
            func.count().label("all"),
        )
        .group_by(Alert.rule_id)
        .subquery()
    )
    in_force = or_(SensorRule.valid_to.is_(None), SensorRule.valid_to > now)
    query = (
        select(SensorRule, counts.c.open, counts.c.all)
        .outerjoin(counts, counts.c.rule_id == SensorRule.id)
        .where(~in_force if ended else in_force)
        .order_by(SensorRule.id.desc())
        .limit(500)
    )
    return [
        RuleLine(rule, now_open or 0, ever or 0) for rule, now_open, ever in session.execute(query)
    ]


def rule_with(session: Session, rule_id: int) -> SensorRule:
    """Return a rule. Raises NotFound."""
    rule = session.get(SensorRule, rule_id)
    if rule is None:
        raise NotFound("没有这条规则。")
    return rule


def open_alerts_of_rule(session: Session, rule_id: int) -> int:
    """Return how many alerts of a rule are open."""
    query = select(func.count()).where(Alert.rule_id == rule_id, Alert.closed_at.is_(None))
    return session.scalar(query) or 0


def successor_of(session: Session, rule_id: int) -> int | None:
    """Return the rule that took the place of another."""
    return session.scalar(select(SensorRule.id).where(SensorRule.replaces_id == rule_id))


def codes_of(session: Session, device_ids: Sequence[int]) -> dict[int, str]:
    """Return the codes of devices."""
    query = select(Device.id, Device.code).where(Device.id.in_(device_ids))
    return {row[0]: row[1] for row in session.execute(query)}


def device_with(session: Session, code: str) -> int | None:
    """Return the id of a device by its code."""
    return session.scalar(select(Device.id).where(Device.code == code))


def site_with(session: Session, code: str) -> int | None:
    """Return the id of a site by its code."""
    return session.scalar(select(Site.id).where(Site.code == code))


def tables_giving_lines(version: Deployed) -> list[DecisionTable]:
    """Return the decision tables that may give a rule its lines: of scene and value, a level."""
    return [
        table
        for table in version.definition.decisions.values()
        if {"scene", "value"} == set(table.inputs) and "level" in table.outputs
    ]


def windows(session: Session, now: datetime, *, past: bool, path: str) -> list[WindowLine]:
    """Return maintenance windows: those of now and to come, or the last that are over. path: of the reader's unit."""
    query = (
        select(MaintenanceWindow, Device, Site, Person.name)
        .outerjoin(Device, Device.id == MaintenanceWindow.device_id)
        .outerjoin(Site, Site.id == MaintenanceWindow.site_id)
        .outerjoin(Person, Person.id == MaintenanceWindow.added_by)
        .limit(200)
    )
    if path:
        own = select(Unit.id).where(Unit.path.startswith(path, autoescape=True))
        query = query.where(or_(Device.unit_id.in_(own), Site.unit_id.in_(own)))
    if past:
        query = query.where(MaintenanceWindow.ends_at <= now).order_by(
            MaintenanceWindow.ends_at.desc()
        )
    else:
        query = query.where(MaintenanceWindow.ends_at > now).order_by(MaintenanceWindow.starts_at)
    return [WindowLine(*row) for row in session.execute(query)]
