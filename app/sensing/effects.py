"""What the topics of an alert's process do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

import app.sensing.holding_tables  # noqa: F401 because it registers a check
from app.accounts.roles import DUTY_CHIEF, UNIT_MANAGER
from app.accounts.tables import Unit
from app.cases.commands.report import ReportCase, report_case
from app.cases.commands.work import CompleteWork, complete_work
from app.cases.tables import Case, WorkItem
from app.engine.moment import ServiceCall
from app.processes.effects import Outcome, ProcessContext, process_topic
from app.run import SYSTEM, Tx
from app.sensing.tables import Alert, Device, SensorRule, Site
from app.sensing.wording import LEVEL_NAMES, value_text

PROCESS: Final = "sensor_alert"
CHANNEL: Final = "sensor"
# A device that stands at no site is its own place.
_LOCK_PLACE: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('case of place ' || coalesce('s' || site_id, 'd' || id), 0))
FROM devices WHERE id = %(device)s
"""
# Ends of the process -> what is written down as the verdict, where none was given before.
_VERDICTS: Final = {"returned": "returned", "false_alarm": "false_alarm"}


@process_topic("alert.raise_case")
def raise_case(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Raise a case through the ordinary intake, or join the open one that the same site has of this class."""
    alert = _alert(context)
    by_person = context.item is not None
    alert.verdict = "real" if by_person else "automatic"
    # Nobody's time is taken for what the platform decides by itself.
    if by_person:
        _confirm(alert, context)
    class_code = str(call.data.get("class_code") or "") or None
    case_id = _open_case_of(context.tx, alert, class_code)
    joined = case_id is not None
    if case_id is None:
        case_id = _reported(context.tx, alert, class_code, int(call.data.get("condition_seq") or 0))
    alert.case_id = case_id
    context.log("case_raised", call.element, case_id=case_id, joined=joined)
    return {"case_id": case_id}


@process_topic("alert.escalate")
def escalate(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Tell the duty chief and the unit that a confirmed alert has risen."""
    alert = _alert(context)
    context.log("alert_risen", call.element, level=alert.level)
    context.notify("alert_risen", DUTY_CHIEF, None, level=alert.level)
    if context.process.unit_id is not None:
        context.notify("alert_risen", UNIT_MANAGER, context.process.unit_id, level=alert.level)
    return None


@process_topic("alert.remind")
def remind(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Tell the duty chief that nobody has confirmed an alert."""
    context.notify("alert_unconfirmed", DUTY_CHIEF, None)
    return None


@process_topic("alert.settle")
def settle(call: ServiceCall, context: ProcessContext) -> Outcome:
    """End what an alert asked for: it returned to normal by itself, was false, or was cleared on the spot.

    The diagram knows no other way out of waiting than that it is normal; what was withdrawn stays so.
    """
    alert, how = _alert(context), str(call.inputs["how"])
    if how == "returned" and alert.verdict == "withdrawn":
        how = alert.verdict
    # What somebody found counts, though the alert ended with its rule while they were finding it.
    if alert.verdict in (None, "withdrawn") and how in _VERDICTS:
        alert.verdict = _VERDICTS[how]
    if how == "false_alarm":
        _confirm(alert, context)
    if how == "cleared":
        alert.cleared_at = context.now
    alert.settled_at = context.now
    context.log("settled", call.element, how=how)
    return None


def _confirm(alert: Alert, context: ProcessContext) -> None:
    alert.confirmed_at = context.now
    alert.confirmed_by = context.tx.actor.person_id


def _alert(context: ProcessContext) -> Alert:
    alert = context.tx.session.scalar(select(Alert).where(Alert.process_id == context.process.id))
    assert alert is not None, "the process was begun for it"
    return alert


def _open_case_of(tx: Tx, alert: Alert, class_code: str | None) -> int | None:
    """Return the case that an earlier alert of the same site raised and that is still open.

    Of two alerts of a site that are followed at once, the second waits here and finds the first one's case.
    """
    tx.connection.execute(_LOCK_PLACE, {"device": alert.device_id})
    here = select(Device.site_id).where(Device.id == alert.device_id).scalar_subquery()
    same_place = (Device.site_id == here) | (Device.id == alert.device_id)
    found = (
        select(Case.id)
        .join(Alert, Alert.case_id == Case.id)
        .join(Device, Device.id == Alert.device_id)
        .where(Case.closed_at.is_(None), same_place)
        .order_by(Case.id)
    )
    if class_code is not None:
        found = found.where(Case.class_code == class_code)
    return tx.session.scalar(found.limit(1))


def _reported(tx: Tx, alert: Alert, class_code: str | None, condition_seq: int) -> int:
    """Report a case of an alert; with its class and filing condition known, the platform accepts and files it."""
    device, rule, site = alert_about(tx, alert)
    place = site or device
    command = ReportCase(
        channel=CHANNEL,
        title=f"{place.name} {rule.name}"[:200],
        description=_description(alert, device, rule, tx),
        class_code=class_code,
        address=site.address if site else "",
        lon=place.lon,
        lat=place.lat,
        source_key=f"alert:{alert.id}",
    )
    # The platform reports and files, whoever confirmed: the watch officer's roles do not reach so far.
    platform = replace(tx, actor=SYSTEM)
    case_id: int = report_case(command, platform).case_id
    if class_code is not None and condition_seq:
        _complete(platform, case_id, "accept", {"outcome": "accept"})
        answers = {"outcome": "file", "class_code": class_code, "condition_seq": condition_seq}
        _complete(platform, case_id, "file", answers)
    return case_id


def _complete(tx: Tx, case_id: int, form_key: str, answers: dict[str, Any]) -> None:
    """Complete the open item of a form; where the city's diagram has none, a person goes on."""
    wanted = select(WorkItem.id).where(
        WorkItem.case_id == case_id, WorkItem.form_key == form_key, WorkItem.status == "open"
    )
    item_id = tx.session.scalar(wanted)
    if item_id is not None:
        complete_work(CompleteWork(item_id, answers), tx)


def alert_about(tx: Tx, alert: Alert) -> tuple[Device, SensorRule, Site | None]:
    """Return the device, the rule and the site of an alert."""
    device, rule = (
        tx.session.get_one(Device, alert.device_id),
        tx.session.get_one(SensorRule, alert.rule_id),
    )
    site = None if device.site_id is None else tx.session.get(Site, device.site_id)
    return device, rule, site


def _description(alert: Alert, device: Device, rule: SensorRule, tx: Tx) -> str:
    at = _local(alert.opened_at, tx)
    level = LEVEL_NAMES[alert.level or alert.top_level][0]
    reached = value_text(rule.metric, alert.peak)
    return f"{device.name}（{device.code}）于 {at} 触发{level}预警，最高 {reached}。"


def _local(at: datetime, tx: Tx) -> str:
    return at.astimezone(tx.services.settings.timezone).strftime("%Y-%m-%d %H:%M")


def unit_of(tx: Tx, device: Device, site: Site | None) -> int | None:
    """Return the unit that an alert is the matter of: the site's or device's own, if it is there."""
    unit_id = (site.unit_id if site else None) or device.unit_id
    return None if unit_id is None or tx.session.get(Unit, unit_id) is None else unit_id
