"""Rules as pages: the list, the editor with its try-out, and maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ANALYST
from app.cases.commands.report import CASE_KEY
from app.cases.pages import room as cases_room
from app.db.session import db
from app.errors import Forbidden, InvalidInput, StateChanged
from app.modeling.queries import active_hash, deployed
from app.sensing.pages import words
from app.sensing.pages.room import READERS, blueprint, bound_to
from app.sensing.rule_commands import (
    MAINTAINERS,
    RULE_MAKERS,
    AddMaintenance,
    AddRule,
    EndMaintenance,
    EndRule,
    ReplaceRule,
)
from app.sensing.rule_forms import CONDITIONS, LEVELS, RuleForm, form_of
from app.sensing.rule_lists import (
    codes_of,
    device_with,
    open_alerts_of_rule,
    rule_with,
    rules,
    site_with,
    successor_of,
    tables_giving_lines,
    windows,
)
from app.sensing.rules import shipped_metrics
from app.sensing.tables import SensorRule
from app.sensing.trying import Tried, try_rule
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, runtime
from app.web.errors import status_of, text_of
from app.web.typed import END_YEAR, FIRST_YEAR, plain_typed

SHOWN_ALERTS: Final = 200
KINDS: Final = {
    "threshold": _l("越限"),
    "rate": _l("变化率"),
    "difference": _l("两指标之差"),
    "silent": _l("设备失联"),
}
DIRECTIONS: Final = {"above": _l("高于"), "below": _l("低于")}
OPS: Final = {"at_least": _l("不低于"), "at_most": _l("不高于")}
# What each field of the editor is called; those of levels and conditions carry their number.
FIELDS: Final = {
    "name": _l("名称"),
    "name_en": _l("英文名称"),
    "kind": _l("类型"),
    "metric": _l("监测指标"),
    "direction": _l("越限方向"),
    "window_minutes": _l("变化率的计算时段"),
    "minus": _l("减去的指标"),
    "level": _l("失联的等级"),
    "lines": _l("警戒线"),
    "decision": _l("决策表"),
    "hysteresis": _l("决策表的回差"),
    "samples": _l("连续次数"),
    "lasting_minutes": _l("持续时间"),
    "conditions": _l("附加条件"),
    "season_from": _l("季节"),
    "hour_from": _l("每日自"),
    "hour_to": _l("每日至"),
    "valid_to": _l("失效日期"),
    "scenes": _l("适用点位类型"),
    "devices": _l("只用于这些设备"),
    "until": _l("试算时段"),
    "try_from": _l("试算自"),
    "try_to": _l("试算至"),
}
# What a rule's data call otherwise than the form does.
_TYPED_AS: Final = {"season": "season_from", "hours": "hour_from"}
_RULE: Final = f"int(max={2**63 - 1}):rule_id"
SEEN_BY: Final = (*READERS, ANALYST)


@dataclass(frozen=True)
class Shown:
    """What the editor shows. rule_id: None for a new rule. tried: what a try-out found."""

    form: RuleForm
    rule_id: int | None = None
    errors: Mapping[str, str] | None = None
    tried: Tried | None = None


@blueprint.get("/rules")
@open_to(*SEEN_BY)
def rule_list() -> str:
    """List the rules in force, or those that ended."""
    ended = request.args.get("ended") == "1"
    return render_template(
        "sensing/rules.html",
        lines=rules(db.session(), now(), ended=ended),
        ended=ended,
        may_write=cases_room.reader().has(*RULE_MAKERS),
        **_shared(),
    )


@blueprint.get("/rules/new")
@open_to(*SEEN_BY)
def new_rule() -> str:
    """Show an empty rule to be written. Raises Forbidden, saying who may, to those who only read rules."""
    if not cases_room.reader().has(*RULE_MAKERS):
        raise Forbidden("规则由流程分析员或管理员新建、替换和停用。")
    return _editor(Shown(RuleForm({"kind": "threshold", "samples": "2", **_last_month()})))


@blueprint.post("/rules/new")
@open_to(*RULE_MAKERS)
def add_rule() -> ResponseReturnValue:
    """Try the rule out, or let it raise alerts from now on."""
    return _written(None)


@blueprint.get(f"/rules/<{_RULE}>")
@open_to(*SEEN_BY)
def rule(rule_id: int) -> str:
    """Show a rule; who may write rules can put another in its place."""
    session = db.session()
    found = rule_with(session, rule_id)
    form = form_of(found, codes_of(session, found.device_ids), cases_room.zone())
    return _editor(Shown(RuleForm({**form.typed, **_last_month()}, form.scenes), rule_id))


@blueprint.post(f"/rules/<{_RULE}>")
@open_to(*RULE_MAKERS)
def replace_rule(rule_id: int) -> ResponseReturnValue:
    """Try the changed rule out, or put it in the place of the one on record."""
    rule_with(db.session(), rule_id)
    return _written(rule_id)


@blueprint.post(f"/rules/<{_RULE}>/end")
@open_to(*RULE_MAKERS)
def end_rule(rule_id: int) -> ResponseReturnValue:
    """Let a rule raise no more alerts; ask first where that ends alerts that are open."""
    open_alerts = open_alerts_of_rule(db.session(), rule_id)
    if open_alerts and not request.form.get("sure"):
        found = rule_with(db.session(), rule_id)
        return render_template("sensing/end_rule.html", rule=found, open_alerts=open_alerts)
    try:
        act(EndRule(rule_id))
    except StateChanged as error:
        flash(text_of(error), "error")
    else:
        flash(_("规则已停用，随之终止的预警：%(n)s 条。", n=open_alerts), "success")
    return redirect(url_for("sensing.rule_list"))


@blueprint.get("/maintenance")
@open_to(*READERS)
def maintenance() -> ResponseReturnValue:
    """List maintenance windows, with the form of a new one; the address may name what it is of."""
    return _maintenance({"code": plain_typed(request.args.get("code", ""))}, {})


@blueprint.post("/maintenance")
@open_to(*MAINTAINERS)
def add_maintenance() -> ResponseReturnValue:
    """Add a window, or show the form again with what is wrong."""
    typed = request.form.to_dict()
    try:
        act(_window(typed))
    except InvalidInput as error:
        return _maintenance(typed, error.fields), status_of(error)
    flash(_("检修已登记：其间照常收数，不发预警。"), "success")
    return redirect(url_for("sensing.maintenance"))


@blueprint.post(f"/maintenance/<int(max={2**63 - 1}):window_id>/end")
@open_to(*MAINTAINERS)
def end_maintenance(window_id: int) -> ResponseReturnValue:
    """End a window now."""
    try:
        act(EndMaintenance(window_id))
    except StateChanged as error:
        flash(text_of(error), "error")
    else:
        flash(_("检修已结束。"), "success")
    return redirect(url_for("sensing.maintenance"))


def _written(rule_id: int | None) -> ResponseReturnValue:
    form = RuleForm(request.form.to_dict(), tuple(request.form.getlist("scene")))
    try:
        return _tried(form, rule_id) if request.form.get("wish") == "try" else _kept(form, rule_id)
    except InvalidInput as error:
        return _editor(Shown(form, rule_id, error.fields)), status_of(error)
    except StateChanged as error:
        return _editor(Shown(form, rule_id, {"": text_of(error)})), status_of(error)


def _tried(form: RuleForm, rule_id: int | None) -> ResponseReturnValue:
    zone = cases_room.zone()
    text = form.rule(zone, partial(device_with, db.session()))
    first, last = form.day("try_from", zone), form.day("try_to", zone)
    found = try_rule(cases_room.connection(), text, first, last + timedelta(days=1), zone)
    return _editor(Shown(form, rule_id, None, found))


def _kept(form: RuleForm, rule_id: int | None) -> ResponseReturnValue:
    text = form.rule(cases_room.zone(), partial(device_with, db.session()))
    number = act(AddRule(text) if rule_id is None else ReplaceRule(rule_id, text))
    flash(_("规则已启用。"), "success")
    return redirect(url_for("sensing.rule", rule_id=number))


def _editor(shown: Shown) -> str:
    session = db.session()
    found = None if shown.rule_id is None else rule_with(session, shown.rule_id)
    standing = _standing(found)
    if request.method == "GET" and found is not None:
        may_write = cases_room.reader().has(*RULE_MAKERS)
        if found is not standing or not may_write:
            return _rule_shown(found, shown.form, ended=found is not standing)
    ended = found is not standing
    faults = {key: fault for key, fault in (shown.errors or {}).items() if key or not ended}
    version = deployed(cases_room.connection(), active_hash(cases_room.connection(), CASE_KEY))
    return render_template(
        "sensing/rule.html",
        rule=standing,
        ended=ended,
        open_alerts=open_alerts_of_rule(session, standing.id) if standing else 0,
        form=shown.form,
        errors={_TYPED_AS.get(key, key): fault for key, fault in faults.items()},
        labels=_labels(),
        tried=shown.tried,
        shown_alerts=SHOWN_ALERTS,
        tables=tables_giving_lines(version),
        metrics=[(name, words.name_of(one), one.unit) for name, one in _metrics().items()],
        levels=LEVELS,
        conditions=CONDITIONS,
        ops=OPS,
        directions=DIRECTIONS,
        kind_choices=words.kind_choices(),
        **_shared(),
    )


def _rule_shown(found: SensorRule, form: RuleForm, *, ended: bool) -> str:
    return render_template(
        "sensing/rule_shown.html",
        rule=found,
        ended=ended,
        open_alerts=open_alerts_of_rule(db.session(), found.id),
        successor=successor_of(db.session(), found.id),
        form=form,
        directions=DIRECTIONS,
        **_shared(),
    )


def _standing(found: SensorRule | None) -> SensorRule | None:
    """Return the rule, or what others put in its place meanwhile; None where it just ended."""
    while found is not None and found.valid_to is not None and found.valid_to <= now():
        successor = successor_of(db.session(), found.id)
        found = None if successor is None else rule_with(db.session(), successor)
    return found


def _labels() -> dict[str, str]:
    """Return what each field of the editor is called in the summary of faults."""
    of_levels = {
        f"{part}_{level}": f"{words.level_name(level)} {label}"
        for level in LEVELS
        for part, label in (("rise", _("触发值")), ("fall", _("解除值")))
    }
    of_conditions = {
        f"condition_{n}_{part}": _("同时满足 %(n)s", n=n)
        for n in CONDITIONS
        for part in ("metric", "op", "value")
    }
    return {**{key: str(label) for key, label in FIELDS.items()}, **of_levels, **of_conditions}


def _metrics() -> Mapping[str, Any]:
    return shipped_metrics().by_name


def _window(typed: Mapping[str, str]) -> AddMaintenance:
    """Return the window that was typed. Raises InvalidInput naming each faulty field."""
    session, code = db.session(), plain_typed(typed.get("code", "")).strip()
    device_id = device_with(session, code)
    site_id = None if device_id is not None else site_with(session, code)
    faults: dict[str, str] = {}
    if not code:
        faults["code"] = _("请填写设备或点位的编码。")
    elif device_id is None and site_id is None:
        faults["code"] = _("没有编码为“%(code)s”的设备或点位。", code=code)
    form, first = RuleForm(typed), now()
    try:
        first = _moment(typed.get("starts_at", ""))
    except InvalidInput as error:
        faults |= error.fields
    hours = form.get("hours")
    if not hours.isdecimal() or not 0 < int(hours[:5]) <= 24 * 90:
        faults["hours"] = _("请填写 1 至 2160 小时。")
    if not form.get("reason"):
        faults["reason"] = _("请填写事由。")
    if faults:
        raise InvalidInput(faults)
    until = first + timedelta(hours=int(hours[:5]))
    return AddMaintenance(first, until, typed.get("reason", ""), device_id, site_id)


def _moment(text: str) -> datetime:
    """Return the moment of a datetime-local field; now where it is empty. Raises InvalidInput."""
    if not text:
        return now()
    try:
        naive = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidInput({"starts_at": _("请填写日期和时间。")}) from exc
    if not FIRST_YEAR <= naive.year < END_YEAR:
        raise InvalidInput({"starts_at": _("请填写日期和时间。")})
    return naive.replace(tzinfo=cases_room.zone())


def _maintenance(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    session = db.session()
    return render_template(
        "sensing/maintenance.html",
        coming=windows(session, now(), past=False, path=bound_to()),
        past=windows(session, now(), past=True, path=bound_to()),
        typed=typed,
        errors=errors,
        now=now(),
        may_write=cases_room.reader().has(*MAINTAINERS),
        **_shared(),
    )


def _last_month() -> dict[str, str]:
    """Return the days that a try-out begins and ends with until somebody chooses others."""
    today = now().astimezone(runtime().services.settings.timezone).date()
    return {"try_from": (today - timedelta(days=30)).isoformat(), "try_to": today.isoformat()}


def _shared() -> dict[str, Any]:
    return {"kinds": KINDS}
