"""Give a unit's open cases to another when units are restructured: look first, then batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.queries import unit_tree
from app.accounts.roles import ADMINISTRATOR, SUPERVISOR
from app.accounts.tables import Unit
from app.cases.commands import ReassignUnit
from app.cases.commands.reassigning import BATCH
from app.cases.pages import room as cases_room
from app.cases.pages.words import chosen_name
from app.cases.queries.case_file import names_of
from app.cases.queries.keyset import Place
from app.cases.queries.reassigning import (
    Selected,
    cases_to_reassign,
    classes_of,
    grids_of,
    latest_reassignments,
    outlook_of,
    reassigned_cases,
    reassignment_of,
    units_with_open_cases,
)
from app.db.session import db
from app.errors import Forbidden, InvalidInput
from app.oversight.pages import room
from app.oversight.pages.room import blueprint
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of

REASSIGNERS: Final = (SUPERVISOR, ADMINISTRATOR)
# What the command calls them -> the fields of the page.
_FIELDS: Final = {"from_unit_id": "from", "to_unit_id": "to"}


@blueprint.get("/oversight/reassign")
@open_to(*REASSIGNERS)
def reassign() -> ResponseReturnValue:
    """Ask between which units, and list what would go along before anything does."""
    return _page(request.args, {})


@blueprint.post("/oversight/reassign")
@open_to(*REASSIGNERS)
def reassign_batch() -> ResponseReturnValue:
    """Reassign the next batch and show how far it is; the page asks for the one after by itself."""
    typed = request.form
    from_id, to_id = _number(typed.get("from")) or 0, _number(typed.get("to")) or 0
    command = ReassignUnit(
        from_id,
        to_id,
        typed.get("reason", "").replace("\r\n", "\n"),
        typed.get("class") or None,
        typed.get("grid") or None,
        _number(typed.get("reassignment")),
    )
    try:
        result = act(command)
    except InvalidInput as error:
        faults = {_FIELDS.get(name, name): fault for name, fault in error.fields.items()}
        return _page(typed, faults), status_of(error)
    moved = (_number(typed.get("moved")) or 0) + result.moved
    shown = {
        "typed": typed,
        "reassignment_id": result.reassignment_id,
        "moved": moved,
        "released": (_number(typed.get("released")) or 0) + result.released,
        "total": max(_number(typed.get("total")) or 0, moved),
        "finished": result.finished,
        "pair": _pair(from_id, to_id),
    }
    part = "HX-Request" in request.headers
    return render_template(
        "oversight/reassign_progress.html" if part else "oversight/reassigning.html", **shown
    )


@blueprint.get("/oversight/reassignments/<int:reassignment_id>")
@open_to(*REASSIGNERS)
def reassigned(reassignment_id: int) -> ResponseReturnValue:
    """List the cases of a reassignment."""
    _require_whole_city()
    session, size = db.session(), cases_room.settings().page_size
    found = reassignment_of(session, min(reassignment_id, 2**62))
    after = _number(request.args.get("after")) or 0
    lines, onward = reassigned_cases(session, found.id, after=after, size=size)
    address = url_for("oversight.reassigned", reassignment_id=found.id)
    return render_template(
        "oversight/reassigned.html",
        found=found,
        class_names=names_of(session, classes=[found.class_code]).classes,
        lines=lines,
        next_url=f"{address}?after={onward}" if onward else None,
        first_url=address if after else None,
    )


def _page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    _require_whole_city()
    session, size = db.session(), cases_room.settings().page_size
    units = units_with_open_cases(session)
    targets = _targets()
    source = next((unit for unit in units if unit.id == _number(typed.get("from"))), None)
    target = next((unit for unit in targets if unit.id == _number(typed.get("to"))), None)
    lines: Any = ()
    shown: dict[str, Any] = {"outlook": None, "next_url": None, "first_url": None}
    classes = grids = []
    if source is not None:
        classes, grids = classes_of(session, source.id), grids_of(session, source.id)
    same = source is not None and target is not None and source.id == target.id
    if source is not None and target is not None and not same:
        selected = Selected(source.id, typed.get("class") or None, typed.get("grid") or None)
        after = Place.read(typed.get("after"))
        page = cases_to_reassign(session, selected, target.path, after=after, size=size)
        lines = page.lines
        shown = {
            "outlook": outlook_of(session, selected, target.path),
            "next_url": _address(typed, str(page.next)) if page.next else None,
            "first_url": _address(typed) if after else None,
        }
    codes = [one.key for one in classes] + [line.class_code for line in lines]
    if same:
        errors = {**errors, "to": _("请选择另一个单位")}
    return render_template(
        "oversight/reassign.html",
        typed=typed,
        errors=errors,
        units=units,
        targets=targets,
        source=source,
        target=target,
        classes=classes,
        grids=grids,
        class_names=names_of(session, classes=codes).classes,
        lines=lines,
        done=latest_reassignments(session),
        batch=BATCH,
        **shown,
    )


def _require_whole_city() -> None:
    if not room.sight().whole:
        raise Forbidden(_("批量改派由市级中心办理。"))


def _targets() -> list[Unit]:
    """Return the units that cases may go to, each after the one it belongs to."""

    def below(nodes: Any) -> list[Unit]:
        return [unit for node in nodes for unit in (node.unit, *below(node.children))]

    return [unit for unit in below(unit_tree(db.session())) if unit.level > 1]


def _pair(from_id: int, to_id: int) -> tuple[str, str]:
    names = names_of(db.session(), units=[from_id, to_id]).units
    return chosen_name(names.get(from_id)), chosen_name(names.get(to_id))


def _address(typed: Mapping[str, str], after: str | None = None) -> str:
    kept = {name: typed[name] for name in ("from", "to", "class", "grid") if typed.get(name)}
    return url_for("oversight.reassign", **kept, after=after)  # type: ignore[arg-type]  # names of ours


def _number(text: str | None) -> int | None:
    """Return a number as a form holds it; None for none."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        abort(400)
    return int(text)
