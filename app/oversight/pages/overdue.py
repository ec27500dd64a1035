"""What is overdue and why, and a supervision raised right from it."""

from __future__ import annotations

from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import LEADER
from app.cases.commands import RaiseSupervision
from app.cases.pages import room as cases_room
from app.cases.pages.requests import moment_typed
from app.cases.pages.words import Words, chosen_name
from app.cases.queries.case_file import names_of
from app.cases.queries.keyset import Place
from app.cases.queries.matching import without_nul
from app.db.session import db
from app.errors import AppError, InvalidInput, StateChanged
from app.oversight.pages import room
from app.oversight.pages.room import READERS, SUPERVISORS, blueprint
from app.oversight.queries.overdue import (
    GROUPINGS,
    GROUPS_SHOWN,
    NONE,
    Group,
    count_late,
    late_cases,
    late_groups,
    readable,
)
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of, text_of

BY: Final[Words] = {
    "unit": _l("承办单位"),
    "class": _l("分类"),
    "street": _l("街道"),
    "grid": _l("责任网格"),
    "person": _l("处置人员"),
}
WHY: Final[Words] = {
    "unclaimed": _l("派遣后一直无人接手"),
    "extension": _l("等待延期审批"),
    "return": _l("等待退单裁定"),
    "rework": _l("返工后未办结"),
    "handling": _l("处置中"),
}
_LONGEST_KEY: Final = 60


@blueprint.get("/oversight/overdue")
@open_to(*READERS)
def overdue() -> ResponseReturnValue:
    """List open cases past due, the longest overdue first, with where they pile up."""
    session, now, sight = db.session(), cases_room.now(), room.sight()
    by = request.args.get("by", "unit")
    by = by if by in GROUPINGS else "unit"
    narrowed = _narrowed()
    after = Place.read(request.args.get("after"))
    size = cases_room.settings().page_size
    page = late_cases(session, sight, narrowed, now, after=after, size=size)
    groups = late_groups(session, sight, narrowed, now, by)
    class_codes = [line.class_code for line in page.lines]
    if by == "class":
        class_codes += [group.key for group in groups]
    class_names = names_of(session, classes=class_codes).classes
    return render_template(
        "oversight/overdue.html",
        by=by,
        tabs=[(key, label, _address(narrowed, key)) for key, label in BY.items()],
        groups=[(group, group_name(group, by, class_names), _toggled(narrowed, by, group))
                for group in groups],
        groups_shown=GROUPS_SHOWN,
        most=max((group.count for group in groups), default=1),
        narrowed=narrowed,
        chosen=narrowed.get(by),
        total=count_late(session, sight, narrowed, now),
        lines=page.lines,
        class_names=class_names,
        late={line.id: room.lateness(line.due_at, now, line.limit_unit) for line in page.lines},
        why=WHY,
        may_supervise=cases_room.reader().has(*SUPERVISORS),
        own_source=_own_source(),
        sees_all=sight.whole,
        next_url=_address(narrowed, by, after=str(page.next)) if page.next else None,
        first_url=_address(narrowed, by) if after else None,
        clear_url=url_for("oversight.overdue", by=by),
        here=request.full_path,
    )  # fmt: skip


@blueprint.post("/oversight/supervise/<number>")
@open_to(*SUPERVISORS)
def supervise(number: str) -> ResponseReturnValue:
    """Raise a supervision and go back to the list, or ask again with what is wrong."""
    case = cases_room.case_or_404(number)
    typed = request.form.to_dict()
    case_id, title = case.id, case.title
    try:
        command = RaiseSupervision(
            case_id, typed.get("source", ""), typed.get("reason", ""), moment_typed(typed, "due_at")
        )
        act(command)
    except InvalidInput as error:
        return _asked_again(number, title, typed, dict(error.fields), error)
    except StateChanged as error:
        return _asked_again(number, title, typed, {"": text_of(error)}, error)
    flash(_("案卷 %(number)s 的督办已发出。", number=number), "success")
    return redirect(_back(typed))


def _asked_again(
    number: str, title: str, typed: dict[str, str], faults: dict[str, Any], error: AppError
) -> ResponseReturnValue:
    page = render_template(
        "oversight/supervise.html",
        number=number,
        title=title,
        typed=typed,
        faults=faults,
        own_source=_own_source(),
    )
    return page, status_of(error)


def _back(typed: dict[str, str]) -> str:
    """Return the list that the form was on; never an address of another site."""
    back = typed.get("back", "")
    return back if back.startswith("/oversight/") else url_for("oversight.overdue")


def _own_source() -> str:
    return "leader" if cases_room.reader().has(LEADER) else "duty"


def _narrowed() -> dict[str, str]:
    typed = {
        name: without_nul(request.args.get(name, "")).strip()[:_LONGEST_KEY] for name in GROUPINGS
    }
    return {name: value for name, value in typed.items() if value and readable(name, value)}


def _toggled(narrowed: dict[str, str], by: str, group: Group) -> str:
    """Return the address with one group chosen, or let go where it is the one chosen."""
    key = NONE if group.key is None else group.key
    chosen = {name: value for name, value in narrowed.items() if name != by}
    if narrowed.get(by) != key:
        chosen[by] = key
    return _address(chosen, by)


def _address(narrowed: dict[str, str], by: str, after: str | None = None) -> str:
    return url_for("oversight.overdue", by=by, after=after, **narrowed)  # type: ignore[arg-type]  # names of ours


def group_name(group: Group, by: str, class_names: dict[str, tuple[str, str]]) -> str:
    """Return what a group of late cases is called."""
    if group.key is None:
        return str(_("无"))
    if by == "class":
        return chosen_name(class_names.get(group.key), group.key)
    if group.name is None:
        return group.key
    return chosen_name((group.name, group.name_en or ""), group.key)
