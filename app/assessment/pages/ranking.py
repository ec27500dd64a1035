"""The ranking as pages: the month's tables, and the cases behind each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.accounts.queries import unit_by_code
from app.accounts.roles import (
    ADMINISTRATOR,
    ASSESSOR,
    AUDITOR,
    DISPATCHER,
    INTAKE_OFFICER,
    LEADER,
    SUPERVISOR,
    UNIT_HANDLER,
    UNIT_MANAGER,
)
from app.accounts.tables import Unit
from app.assessment.editions import figures_of_run, shown_edition
from app.assessment.pages.trends import trends_before
from app.assessment.queries import FIRST, Alike, Basis, CountedCase, Place, counted_cases
from app.assessment.ranking import (
    LEFT_OUT_CODE,
    Month,
    RankedGroup,
    Ranking,
    UnitFacts,
    counting_rules,
    facts_of,
    ranking_of,
    tallies_by_unit,
)
from app.assessment.tables import Run
from app.assessment.wording import rule_sentences
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound
from app.run import Actor, Runtime
from app.web.access import SIGNED_IN, open_to
from app.web.language import language_code
from app.web.navigation import NavigationItem
from sla.figures import ALL, POPULATIONS
from sla.indicators import (
    COUNT_NAMES,
    Indicator,
    Membership,
    Period,
    Reason,
    Tally,
    every_indicator,
    in_population,
)

SEE_ALL: Final = frozenset({SUPERVISOR, ASSESSOR, LEADER, AUDITOR, ADMINISTRATOR})

blueprint = Blueprint("assessment", "app.assessment", template_folder="templates")
navigation = (
    NavigationItem(
        "assessment.latest",
        _l("考核排名"),
        roles=SEE_ALL | {UNIT_MANAGER, UNIT_HANDLER},
        position=60,
    ),
    NavigationItem(
        "assessment.appeal_list",
        _l("申诉"),
        roles=frozenset(
            {UNIT_MANAGER, DISPATCHER, INTAKE_OFFICER, SUPERVISOR, ASSESSOR, LEADER, AUDITOR}
        ),
        position=62,
    ),
)

# Marks of a listed case, in the order of the published table.
_MARKS: Final = ("on_time", "late", "overdue_open", "extended", "reworked")


@blueprint.get("/ranking")
@open_to(SIGNED_IN)
def latest() -> ResponseReturnValue:
    """Lead to the month that was asked for, or to the last one that is over."""
    chosen = request.args.get("month", "").strip()
    month = month_or_404(chosen) if chosen else Month.of(now(), zone()).plus(-1)
    return redirect(url_for("assessment.month", written=month))


@blueprint.get("/ranking/<written>")
@open_to(SIGNED_IN)
def month(written: str) -> ResponseReturnValue:
    """Show the month's tables: all of them, or the reader's own unit."""
    chosen = month_or_404(written)
    run = edition_shown(chosen)
    ranking = figures_of_run(run, zone()) if run else _ranking(chosen)
    return render_template(
        "assessment/month.html",
        month=chosen,
        run=run,
        month_name=month_name,
        ranking=ranking,
        groups=_groups_for(reader(), ranking) if ranking else (),
        may_see_all=reader().has(*SEE_ALL),
        may_print=is_of_centre(),
        is_running=ranking is not None and not ranking.is_final,
        as_of=carried(ranking.basis, final=ranking.is_final and not run) if ranking else None,
        figures=ranking.figures if ranking else {},
        rules=rule_sentences(counting_rules(), language_code()),
        now_month=Month.of(now(), zone()),
        now_at=now().isoformat(),
        trends=trends_before(chosen, rates=_rates(ranking)),
        section="month",
        **shared_words(),
    )


@blueprint.get("/ranking/<written>/<unit_code>/<code>")
@open_to(SIGNED_IN)
def cases(written: str, unit_code: str, code: str) -> ResponseReturnValue:
    """List the cases behind one figure of a unit. code: a figure, a count, or left_out."""
    chosen, unit = month_or_404(written), unit_or_404(unit_code)
    basis = basis_or_404(chosen)
    figure = every_indicator(basis.rules).get(code)
    counted, among = count_opened(figure, code), among_or_404()
    facts = facts_of(db.session(), unit, basis)
    by_reason = by_reason_of(facts.entering(counted, among), basis)
    reason = reason_or_404(by_reason)
    lines, next_place = page_of_cases(facts, facts.entering(counted, among), reason)
    return render_template(
        "assessment/cases.html",
        month=chosen,
        month_name=month_name,
        unit=unit,
        code=code,
        figure=figure,
        counted=counted,
        among=among,
        among_name=population_name(among),
        facts=facts,
        tally=_tally_among(facts, among),
        by_reason=by_reason,
        reason=reason,
        lines=lines,
        next_place=next_place,
        as_of=carried(basis, final=basis.period.end == chosen.period(zone()).end),
        left_out=sum(one.number for one in facts.entering(LEFT_OUT_CODE)),
        marks_of=marks_of,
        **shared_words(),
    )


def month_name(chosen: Month) -> str:
    """Write a month: 2025年10月."""
    chinese = language_code().startswith("zh")
    return str(format_date(chosen.first_on, "yyyy年M月" if chinese else "MMMM yyyy"))


def figure_text(value: int | Decimal | None) -> str:
    """Write a figure: a count, a percentage, or that there is no data."""
    if value is None:
        return str(_("无数据"))
    return f"{value}%" if isinstance(value, Decimal) else str(value)


def unit_name(unit: Unit) -> str:
    """Return a unit's name in the reader's language."""
    return unit.name if language_code().startswith("zh") else unit.name_en or unit.name


def count_name(code: str) -> str:
    """Return the name of a count in the reader's language."""
    if code == LEFT_OUT_CODE:
        return str(_("不计入的案卷"))
    return COUNT_NAMES[code][0 if language_code().startswith("zh") else 1]


def marks_of(case: CountedCase) -> list[str]:
    """Return what is to be said of a listed case beside its reason."""
    membership: Membership = case.membership
    marks = [count_name(code) for code in _MARKS if getattr(membership, code)]
    for code in ("unfounded_returns", "media_supervisions"):
        times = getattr(case.fact, code)
        if times:
            marks.append(f"{count_name(code)} {times}")
    return marks


def population_name(population: str) -> str:
    """Return the name of a population of cases; nothing for all of them."""
    if population == ALL:
        return ""
    return POPULATIONS[population][0 if language_code().startswith("zh") else 1]


def count_opened(figure: Indicator | None, code: str) -> str:
    """Return the count whose cases a figure opens to. Raises NotFound for what has no cases."""
    # A rate opens to the cases below its line; their marks tell which of them are above it.
    quotient = figure and (figure.ratio or figure.average)
    counted = quotient.over if quotient else code
    if counted not in (*COUNT_NAMES, LEFT_OUT_CODE):
        raise NotFound
    return counted


def among_or_404() -> str:
    """Return the population of cases that the address narrows to."""
    among = request.args.get("among", ALL)
    if among not in POPULATIONS:
        raise NotFound
    return among


def _tally_among(facts: UnitFacts, among: str) -> Tally:
    rules = facts.basis.rules
    alike = (one for one in facts.alike if in_population(one.fact, among, rules))
    return sum(tallies_by_unit(alike, facts.basis).values(), Tally())


def shared_words() -> Mapping[str, object]:
    """Return what the templates write names and figures with."""
    return {
        "figure_text": figure_text,
        "unit_name": unit_name,
        "count_name": count_name,
        "locale": language_code(),
    }


def _rates(ranking: Ranking | None) -> Sequence[int | Decimal | None]:
    if ranking is None:
        return ()
    figure = ranking.figures[ranking.ranked_by]
    return [figure.value(row.tally) for row in ranking.rows]


def _groups_for(actor: Actor, ranking: Ranking) -> Sequence[RankedGroup]:
    """Return the groups as the reader may see them; the ranks are those among all."""
    if actor.has(*SEE_ALL):
        return ranking.groups
    own = (
        RankedGroup(group.code, tuple(row for row in group.rows if is_own(actor, row.unit)))
        for group in ranking.groups
    )
    return [group for group in own if group.rows]


def is_own(actor: Actor, unit: Unit) -> bool:
    """Tell whether the reader stands in a unit or below it."""
    return actor.unit_path.startswith(unit.path)


def unit_or_404(code: str) -> Unit:
    """Return a ranked unit. Raises NotFound, or Forbidden when it is not the reader's own."""
    unit = unit_by_code(db.session(), code)
    if unit is None or unit.rank_group is None:
        raise NotFound("没有编码为 %(code)s 的参加排名的单位。", code=code)
    if not reader().has(*SEE_ALL) and not is_own(reader(), unit):
        raise Forbidden
    return unit


def is_of_centre() -> bool:
    """Tell whether the reader may see every unit's cases, which a ranked unit's own people may not."""
    return reader().has(*SEE_ALL) and not reader().ranked


def require_centre() -> None:
    """Raise Forbidden unless the reader may see every unit's cases."""
    if not is_of_centre():
        raise Forbidden("全市的案卷清单只供市平台的人员查看。")


def month_or_404(written: str) -> Month:
    """Read a month as an address holds it. Raises NotFound."""
    try:
        return Month.parse(written)
    except InvalidInput as error:
        raise NotFound("网址中的月份无效，应写作 2025-10 的样子。") from error


def by_reason_of(alike: Sequence[Alike], basis: Basis) -> dict[Reason, int]:
    """Return how many there are for each reason, in the order the reasons are asked in."""
    counted = Counter[Reason]()
    for one in alike:
        counted[one.membership(basis).reason] += one.number
    return {reason: counted[reason] for reason in Reason if counted[reason]}


def reason_or_404(listed: Mapping[Reason, int]) -> Reason | None:
    """Return the reason that the address narrows to."""
    written = request.args.get("reason")
    if not written:
        return None
    if written not in listed:
        raise NotFound
    return Reason(written)


def page_of_cases(
    facts: UnitFacts,
    entering: Sequence[Alike],
    reason: Reason | None,
    by: str | None = None,
    parts: Sequence[str] | None = None,
) -> tuple[list[CountedCase], str | None]:
    """Return the page of cases that the address names, and where the next one begins."""
    size = runtime().services.settings.page_size
    wanted = [one for one in entering if reason in (None, one.membership(facts.basis).reason)]
    found = counted_cases(
        db.session(),
        facts.basis,
        facts.unit_ids,
        wanted,
        by=by,
        parts=parts,
        after=_place_or_404(),
        size=size + 1,
    )
    lines = list(found)
    return lines[:size], _place_after(lines[:size]) if len(lines) > size else None


def _place_or_404() -> Place:
    written = request.args.get("after")
    if not written:
        return FIRST
    case_id, _dash, dispatch_no = written.partition("-")
    if not (case_id.isdecimal() and dispatch_no.isdecimal() and len(written) < 30):
        raise NotFound("网址中的翻页位置无效，请从第一页看起。")
    return int(case_id), int(dispatch_no)


def _place_after(lines: Sequence[CountedCase]) -> str:
    return f"{lines[-1].fact.case_id}-{lines[-1].dispatch_no}"


def _ranking(chosen: Month) -> Ranking | None:
    """Return the month's ranking; None for a month to come."""
    basis = basis_of(chosen)
    if basis is None:
        return None
    return ranking_of(db.session(), chosen.period(zone()), basis.as_of, basis.rules)


def edition_shown(chosen: Month) -> Run | None:
    """Return the edition whose figures the page shows: none where the month runs or the address asks for a moment.

    The moment of the edition itself is one that its links carry: it is the edition that they come from.
    """
    asked = _moment_or_404(request.args.get("as_of"))
    run = shown_edition(db.session(), chosen.first_on)
    return run if asked is None or (run is not None and run.as_of == asked) else None


def basis_of(chosen: Month) -> Basis | None:
    """Return the basis of a month, as basis_for does; None for a month to come."""
    return basis_for(chosen.period(zone()))


def basis_or_404(chosen: Month) -> Basis:
    """Return the basis of a month. Raises NotFound for a month to come."""
    basis = basis_of(chosen)
    if basis is None:
        raise NotFound("这个月还没有开始。")
    return basis


def basis_for(period: Period) -> Basis | None:
    """Return the basis as of the moment that the address names, of now while the period runs, else of its end."""
    moment = now()
    if period.start > moment:
        return None
    as_of = _moment_or_404(request.args.get("as_of"))
    if as_of is None and moment < period.end:
        as_of = moment
    try:
        return Basis.of(period, as_of, counting_rules())
    except InvalidInput as error:
        raise NotFound("网址中的截至时间早于这个月。") from error


def _moment_or_404(written: str | None) -> datetime | None:
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NotFound("网址中的截至时间无效，应写作 2025-10-31T18:00+08:00 的样子。")
    return moment


def carried(basis: Basis, *, final: bool) -> str | None:
    """Return the moment that links carry on, so that a figure opens to the very cases it was counted from."""
    asked = request.args.get("as_of")
    return None if final and not asked else basis.as_of.isoformat()


def reader() -> Actor:
    """Return who reads."""
    actor: Actor = current_user.actor
    return actor


def runtime() -> Runtime:
    """Return what this process runs with."""
    found: Runtime = current_app.extensions["jingwei"]
    return found


def now() -> datetime:
    """Return the present moment."""
    return runtime().clock.now()


def zone() -> ZoneInfo:
    """Return the city's time zone."""
    return runtime().services.settings.timezone
