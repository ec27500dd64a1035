"""A period's figures by class, grid, channel, person, unit or group, and the cases of each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.assessment.breakdown import BY, Breakdown, Part
from app.assessment.pages.part_names import NOTES, WORDS, names_of_parts, nobodys
from app.assessment.pages.periods import Days, last_month, usual_periods
from app.assessment.pages.ranking import (
    basis_for,
    blueprint,
    by_reason_of,
    carried,
    count_opened,
    marks_of,
    month_name,
    month_or_404,
    page_of_cases,
    reason_or_404,
    runtime,
    shared_words,
    zone,
)
from app.assessment.pages.scope import Scope, scope
from app.assessment.queries import Basis
from app.assessment.ranking import Month
from app.cases.pages import room
from app.db.session import db
from app.errors import InvalidInput, NotFound
from app.web.access import SIGNED_IN, open_to
from app.web.errors import status_of
from app.web.kept import kept
from sla.indicators import Tally, every_indicator, indicators


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. days: None for what is no period. month: where the period is one."""

    days: Days
    by: str
    scope: Scope
    month: Month | None

    def values(self) -> dict[str, str]:
        """Return what every link of the page carries on."""
        kept_on = {"by": self.by}
        code = request.args.get("unit", "").strip()
        if code:
            kept_on["unit"] = code
        if self.month is None:
            return kept_on | self.span()
        return kept_on | {"written": str(self.month)}

    def span(self) -> dict[str, str]:
        """Return the period as an address has it."""
        return {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}


@blueprint.get("/ranking/<written>/breakdown")
@open_to(SIGNED_IN)
def breakdown(written: str) -> ResponseReturnValue:
    """Show a month's figures part by part."""
    month = month_or_404(written)
    days = Days(month.first_on, month.last_on)
    return _page(Asked(days, _by(), scope(), month))


@blueprint.get("/ranking/period")
@open_to(SIGNED_IN)
def period_page() -> ResponseReturnValue:
    """Show the figures of any days part by part; without any in the address those of last month."""
    asked_for = scope()
    try:
        if request.args.get("from") or request.args.get("to"):
            days = Days.parse(request.args)
        else:
            days = last_month(room.today())
    except InvalidInput as error:
        return _refused(asked_for, error)
    days.require_calendar(room.calendar())
    return _page(Asked(days, _by(), asked_for, None))


@blueprint.get("/ranking/period/cases")
@open_to(SIGNED_IN)
def part_cases() -> str:
    """List the cases behind a figure of one part of a period."""
    asked = Asked(_days_or_404(), _by(), scope(), None)
    basis = _basis_or_404(asked)
    code, key = request.args.get("code", "due"), request.args.get("key", "")
    figure = every_indicator(basis.rules).get(code)
    counted = count_opened(figure, code)
    broken = _broken(asked, basis)
    facts = broken.facts_of(key)
    entering = facts.entering(counted)
    by_reason = by_reason_of(entering, basis)
    reason = reason_or_404(by_reason)
    lines, next_place = page_of_cases(facts, entering, reason, BY[asked.by], broken.narrowed(key))
    names = names_of_parts(db.session(), asked.by, [key])
    return render_template(
        "assessment/part_cases.html",
        asked=asked,
        values=asked.values() | {"code": code, "key": key},
        name=names.get(key) or nobodys(asked.by),
        figure=figure,
        counted=counted,
        tally=facts.tally,
        by_reason=by_reason,
        reason=reason,
        lines=lines,
        next_place=next_place,
        marks_of=marks_of,
        **shared_words(),
    )


def _page(asked: Asked) -> str:
    basis = basis_for(asked.days.period(zone()))
    parts: tuple[Part, ...] = ()
    if basis is not None and not asked.scope.empty:
        unit = asked.scope.unit
        key = ("breakdown", asked.days, asked.by, unit and unit.id, request.args.get("as_of"))
        ask = partial(_counted, asked, basis)
        # What many look at is kept, with the moment it was counted at: its figures open to the very cases.
        basis, parts = kept(key, ask)[1] if _is_usual(asked) else ask()
    shown, next_key = _shown(parts)
    final = basis is not None and basis.period.end == asked.days.period(zone()).end
    return render_template(
        "assessment/breakdown.html",
        asked=asked,
        month=asked.month or Month(asked.days.first.year, asked.days.first.month),
        month_name=month_name,
        address=address,
        basis=basis,
        final=final,
        as_of=carried(basis, final=final) if basis else None,
        parts=shown,
        number=len(parts),
        total=sum((part.tally for part in parts), Tally()),
        names=names_of_parts(db.session(), asked.by, [part.key for part in shown]),
        nobodys=nobodys(asked.by),
        next_key=next_key,
        figures=indicators(basis.rules) if basis else {},
        **_choices(asked.days, asked.by, asked.scope),
    )


def _refused(asked_for: Scope, error: InvalidInput) -> ResponseReturnValue:
    """Show the form again with what is wrong in it."""
    page = render_template(
        "assessment/breakdown.html",
        asked=None,
        errors=error.fields,
        month=Month.of(room.now(), zone()).plus(-1),
        month_name=month_name,
        **_choices(None, _by(), asked_for),
    )
    return page, status_of(error)


def _choices(days: Days | None, by: str, asked_for: Scope) -> Mapping[str, object]:
    """Return what the form offers."""
    typed = {name: request.args.get(name, "") for name in ("from", "to")}
    if days is not None:
        typed = {"from": days.first.isoformat(), "to": days.last.isoformat()}
    return {
        "typed": typed,
        "by": by,
        "tabs": WORDS,
        "note": NOTES.get(by),
        "usual": usual_periods(room.today()),
        "scope": asked_for,
        "section": "breakdown",
        **shared_words(),
    }


def _shown(parts: Sequence[Part]) -> tuple[Sequence[Part], str | None]:
    """Return the page of parts that the address names, and the last of them where there are more."""
    size, after, begin = runtime().services.settings.page_size, request.args.get("after"), 0
    if after is not None:
        keys = [part.key for part in parts]
        if after not in keys:
            raise NotFound("网址中的翻页位置无效，请从第一页看起。")
        begin = keys.index(after) + 1
    shown = parts[begin : begin + size]
    return shown, shown[-1].key if begin + size < len(parts) else None


def _is_usual(asked: Asked) -> bool:
    usual = [days for _name, days in usual_periods(room.today())]
    return asked.month is not None or asked.days in usual


def _counted(asked: Asked, basis: Basis) -> tuple[Basis, tuple[Part, ...]]:
    return basis, _broken(asked, basis).parts()


def _broken(asked: Asked, basis: Basis) -> Breakdown:
    return Breakdown(db.session(), basis, asked.by, asked.scope.unit)


def _by() -> str:
    by = request.args.get("by", "class")
    if by not in BY:
        raise NotFound
    return by


def _days_or_404() -> Days:
    if not (request.args.get("from") or request.args.get("to")):
        return last_month(room.today())
    try:
        return Days.parse(request.args)
    except InvalidInput as error:
        raise NotFound("网址中的日期无效，应写作 2025-10-01 的样子。") from error


def _basis_or_404(asked: Asked) -> Basis:
    basis = basis_for(asked.days.period(zone()))
    if basis is None or asked.scope.empty:
        raise NotFound
    return basis


def address(asked: Asked, **more: str | None) -> str:
    """Return the address of this page with something else asked for."""
    endpoint = "assessment.breakdown" if asked.month else "assessment.period_page"
    return url_for(endpoint, **(asked.values() | more))  # type: ignore[arg-type]  # names of ours
