"""Alerts as pages: what waits by area, the list, one alert, and one answer for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ANALYST
from app.accounts.tables import Person
from app.cases.pages.form_view import Control
from app.cases.queries.places import district_names
from app.db.keyset import Place
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.processes.commands import CompleteProcessItem
from app.processes.pages.deciding import decide, deciding_of, typed_decision
from app.processes.queries import items_of
from app.sensing.alert_lists import (
    ELSEWHERE,
    STATES,
    AlertLine,
    WaitingLine,
    WantedAlerts,
    alert_of,
    alert_page,
    count_waiting,
    levels_of,
    open_levels,
    waiting_areas,
    waiting_in,
)
from app.sensing.charts import lines_of_rule
from app.sensing.maintenance import under_maintenance
from app.sensing.pages import words
from app.sensing.pages.curves import AFTER, BEFORE, Curve, curve_of
from app.sensing.pages.media import last_taken, media_of
from app.sensing.pages.room import REGISTER_READERS, blueprint, bound_to
from app.sensing.pages.speed import month_asked, span_of
from app.sensing.storing import Known
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.current import now, reader, runtime
from app.web.errors import status_of, text_of
from sla.sensing import Line

MOST: Final = 100
LONGEST_ID: Final = 19
VERDICTS: Final = {
    None: ("…", _l("待确认")),
    "real": ("✓", _l("属实")),
    "automatic": ("✓", _l("自动确认")),
    "false_alarm": ("✕", _l("误报")),
    "returned": ("○", _l("自行恢复")),
    "withdrawn": ("–", _l("未恢复即终止")),
}
# What ended an alert, where no reading did.
ENDINGS: Final = {
    "rule": _l("随规则停用终止"),
    "device": _l("随设备停用终止"),
    "change": _l("随设备改类终止"),
    "lapse": _l("规则到期或不在监测时段"),
}
STATE_NAMES: Final = {"open": _l("未解除"), "closed": _l("已解除"), "all": _l("全部")}
# What a person is asked to do, by the element of the diagram.
TASKS: Final = {"T_confirm_alert": _l("待确认"), "T_field": _l("待现场确认")}
# The questions that can be answered for many at once.
_ANSWERED: Final = ("outcome", "opinion")
_ITEM: Final = f"int(max={2**63 - 1}):item_id"
_ALERT: Final = f"int(max={2**63 - 1}):alert_id"


@dataclass(frozen=True)
class Answered:
    """What became of one of many answers."""

    line: WaitingLine
    done: bool
    text: str


@dataclass(frozen=True)
class _Sent:
    """What the form of an area holds. ticked: ids of items, None for all of them."""

    ticked: frozenset[int] | None
    answers: Mapping[str, str]


@blueprint.get("/alerts")
@open_to(SIGNED_IN)
def alerts() -> str:
    """List what waits for the reader by area, and alerts, the newest first."""
    session, actor = db.session(), reader()
    wanted = _wanted()
    sees = actor.has(*REGISTER_READERS)
    size = runtime().services.settings.page_size
    after = Place.read(request.args.get("after"))
    lines, next_place = alert_page(session, wanted, after, size) if sees else ([], None)
    given: dict[str, Any] = {key: value for key, value in request.args.items() if key != "after"}
    return render_template(
        "sensing/alerts.html",
        areas=waiting_areas(session, actor),
        levels=open_levels(session, wanted.path) if sees else {},
        sees=sees,
        here=request.full_path.rstrip("?"),
        now=now(),
        lines=lines,
        maintained=_maintained(lines),
        wanted=wanted,
        narrowed=bool(given.keys() - {"state"}),
        next_url=url_for("sensing.alerts", **given, after=str(next_place)) if next_place else None,
        first_url=url_for("sensing.alerts", **given) if after else None,
        trades=[*words.trade_choices(), (ELSEWHERE, _("其他"))],
        **_shared(),
    )


@blueprint.get("/alerts/waiting")
@open_to(SIGNED_IN)
def waiting_line() -> str:
    """Say in one line what waits for the reader, by area; nothing when nothing does. For the inbox."""
    session, actor = db.session(), reader()
    number = count_waiting(session, actor)
    if not number:
        return ""
    areas = waiting_areas(session, actor)
    # The inbox of another room shows it, too, which has words of its own.
    return render_template(
        "sensing/waiting_line.html", number=number, areas=areas, words=words, **_shared()
    )


@blueprint.get("/alerts/area")
@open_to(SIGNED_IN)
def area() -> ResponseReturnValue:
    """List what waits for the reader in one area, to be answered one by one or together."""
    return _area_page(_Sent(None, {}))


@blueprint.post("/alerts/area")
@open_to(SIGNED_IN)
def answer_area() -> ResponseReturnValue:
    """Give one answer to the ticked alerts of an area, each in a transaction of its own."""
    ticked = {int(text) for text in request.form.getlist("item") if _is_id(text)}
    answers = {key: request.form[key] for key in _ANSWERED if request.form.get(key)}
    sent = _Sent(frozenset(ticked), answers)
    if request.form.get("tick"):
        return _area_page(_ticked_anew(sent))
    found = [line for line in _waiting() if line.item.id in ticked]
    if not found:
        return _area_page(sent, {"": _("请先勾选预警。")}), HTTPStatus.BAD_REQUEST
    if "outcome" not in answers:
        return _area_page(sent, {"outcome": _("请选择结论。")}), HTTPStatus.BAD_REQUEST
    items = [(line, line.item.id) for line in found]
    answered, faults = [], dict[str, str]()
    for line, number in items:
        try:
            answered.append(_answered(line, CompleteProcessItem(number, answers)))
        except InvalidInput as error:
            faults |= error.fields
    if faults:
        return _area_page(sent, faults, answered), HTTPStatus.UNPROCESSABLE_ENTITY
    # What was left unticked is not to be answered by the next click.
    return _area_page(_Sent(sent.ticked, {}), {}, answered)


@blueprint.get(f"/alerts/<{_ALERT}>")
@open_to(SIGNED_IN)
def alert(alert_id: int) -> ResponseReturnValue:
    """Show an alert: what it is about, how its level moved, what was done, and what is to be done."""
    return _page(_visible(alert_id), None, {})


@blueprint.get(f"/alerts/<{_ALERT}>/items/<{_ITEM}>")
@open_to(SIGNED_IN)
def alert_item(alert_id: int, item_id: int) -> ResponseReturnValue:
    """Lead from where an answer went to, as after signing in again, to the alert."""
    return redirect(url_for("sensing.alert", alert_id=alert_id))


@blueprint.post(f"/alerts/<{_ALERT}>/items/<{_ITEM}>")
@open_to(SIGNED_IN)
def answer_alert(alert_id: int, item_id: int) -> ResponseReturnValue:
    """Hand an answer in, or show the alert again with what is wrong and what was typed."""
    _visible(alert_id)
    answers = typed_decision(item_id)
    try:
        decide(item_id, answers)
    except InvalidInput as error:
        return _page(_visible(alert_id), answers, error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _page(_visible(alert_id), answers, {"": text_of(error)}), status_of(error)
    flash(_("已提交。"), "success")
    return redirect(url_for("sensing.alert", alert_id=alert_id))


def _visible(alert_id: int) -> AlertLine:
    """Return an alert of the reader's: seen by those who watch or write rules, and by those asked about it.

    Raises: NotFound.
    """
    session, actor = db.session(), reader()
    if actor.has(*REGISTER_READERS):
        return alert_of(session, alert_id, bound_to(ANALYST))
    found = alert_of(session, alert_id, "")
    process_id = found.alert.process_id
    if process_id is not None:
        deciding = deciding_of(process_id)
        if deciding is not None and deciding.mine:
            return found
    raise NotFound("没有这条预警。")


def _page(line: AlertLine, typed: Mapping[str, Any] | None, errors: Mapping[str, Any]) -> str:
    session, process_id = db.session(), line.alert.process_id
    items = items_of(session, process_id) if process_id is not None else []
    people = {item.finished_by for item in items if item.finished_by is not None}
    names = {person.id: person.name for person in map(_person, people) if person}
    known = Known.of(line.device)
    limits = lines_of_rule(session, line.rule.id, known, runtime().services.settings.timezone)
    return render_template(
        "sensing/alert.html",
        line=line,
        levels=levels_of(session, line.alert.id),
        curve=_curve(line, limits),
        limits=limits,
        maintained=_maintained([line]),
        may_see_rules=reader().has(*REGISTER_READERS),
        image=media_of(line.site, "image"),
        video=media_of(line.site, "video"),
        taken=last_taken(line.site, line.alert),
        done=[item for item in items if item.status == "done"],
        people=names,
        deciding=deciding_of(process_id, typed) if process_id is not None else None,
        errors=errors,
        now=now(),
        **_shared(),
    )


def _curve(line: AlertLine, limits: Sequence[Line]) -> Curve | None:
    """Return the metric around the alert, up to now while it lasts; a rule of silence looks at none."""
    metric, alert = line.rule.metric, line.alert
    if metric is None:
        return None
    until = now() if alert.closed_at is None else min(alert.closed_at + AFTER, now())
    first = max(alert.opened_at - BEFORE, until - timedelta(days=2))
    # Readings of the past can be stored by a clock that stands before them.
    until = max(until, alert.opened_at + timedelta(minutes=1))
    return curve_of(db.session(), line.device.id, metric, first, until, lines=limits)


def _maintained(lines: Sequence[AlertLine]) -> dict[int, datetime]:
    return under_maintenance(db.session(), (line.device.id for line in lines), now())


def _person(person_id: int) -> Person | None:
    return db.session().get(Person, person_id)


def _area_page(
    sent: _Sent, errors: Mapping[str, str] | None = None, answered: Sequence[Answered] = ()
) -> str:
    lines = _waiting()
    controls = _controls(lines, sent.answers)
    return render_template(
        "sensing/area.html",
        where=_where(),
        lines=lines,
        maintained=_maintained([one.line for one in lines]),
        most=MOST,
        ticked={line.item.id for line in lines} if sent.ticked is None else sent.ticked,
        answered=answered,
        errors=_said_of(errors or {}, controls, sent.answers),
        controls=controls,
        now=now(),
        **_shared(),
    )


def _ticked_anew(sent: _Sent) -> _Sent:
    """Return what was sent with all ticks set, or none of them."""
    return _Sent(None if request.form.get("tick") == "all" else frozenset(), sent.answers)


def _said_of(
    errors: Mapping[str, str], controls: Mapping[str, Control], answers: Mapping[str, str]
) -> dict[str, str]:
    """Return the faults, those of what is left empty with the finding that asks for it."""
    found, asking = dict(errors), controls.get("outcome")
    options = asking.options if asking else ()
    finding = next((one.text for one in options if one.value == answers.get("outcome")), "")
    for key in errors:
        if finding and key in controls and key not in answers:
            found[key] = _(
                "结论为“%(finding)s”时，请填写%(field)s。",
                finding=finding,
                field=controls[key].label,
            )
    return found


def _waiting() -> list[WaitingLine]:
    return waiting_in(db.session(), reader(), _where(), MOST)


def _where() -> tuple[str, str, str]:
    given = request.values
    district, trade, element = (given.get(key, "")[:40] for key in ("district", "trade", "element"))
    return tuple(text.replace("\0", "") for text in (district, trade, element))  # type: ignore[return-value]  # three


def _controls(lines: Sequence[WaitingLine], answers: Mapping[str, str]) -> dict[str, Control]:
    """Return the questions that every alert of an area is asked: they wait at one element."""
    process_id = lines[0].item.process_id if lines else None
    deciding = deciding_of(process_id, answers) if process_id is not None else None
    found = {control.key: control for control in deciding.controls} if deciding else {}
    return {key: found[key] for key in _ANSWERED if key in found}


def _answered(line: WaitingLine, command: CompleteProcessItem) -> Answered:
    """Complete an item; what hinders it hinders no other. Raises InvalidInput for an answer that none takes."""
    try:
        act(command)
    except (StateChanged, Forbidden) as error:
        return Answered(line, done=False, text=text_of(error))
    return Answered(line, done=True, text=_("已提交"))


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < LONGEST_ID


def _wanted() -> WantedAlerts:
    given = request.args
    level, unit = given.get("level", ""), given.get("unit", "")
    since, until = span_of(month_asked()) if given.get("month") else (None, None)
    return WantedAlerts(
        given["state"] if given.get("state") in STATES else "open",
        given.get("trade", "")[:40].replace("\0", ""),
        given.get("district", "")[:40].replace("\0", ""),
        int(level) if level in {"1", "2", "3", "4"} else 0,
        given.get("silent") == "1",
        None,
        bound_to(ANALYST),
        int(unit) if _is_id(unit) else None,
        since,
        until,
    )


def _shared() -> dict[str, Any]:
    return {
        "districts": district_names(db.session()),
        "verdicts": VERDICTS,
        "endings": ENDINGS,
        "state_names": STATE_NAMES,
        "tasks": TASKS,
        "elsewhere": ELSEWHERE,
        "trade_names": dict(words.trade_choices()),
    }
