"""Versions of the diagrams: which cases live on each, and moving them from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ADMINISTRATOR, ANALYST, AUDITOR
from app.cases.commands.moving import BATCH, MoveCases, UndoMove
from app.cases.commands.report import CASE_KEY
from app.cases.pages import room, words
from app.cases.pages.room import blueprint
from app.cases.queries.case_file import names_of
from app.cases.queries.moving import (
    DryRun,
    dry_run,
    move_of,
    moved_cases,
    moves_between,
    next_cases,
    numbers_of,
    versions_in_use,
)
from app.db.session import db
from app.engine.move_plans import Element, Verdict, elements_of
from app.errors import NotFound, StateChanged
from app.modeling.queries import VersionLine, deployed, versions_of
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import text_of
from app.web.language import said

READERS: Final = (ANALYST, ADMINISTRATOR, AUDITOR)
MOVERS: Final = (ANALYST, ADMINISTRATOR)

VERDICTS: Final[words.Words] = {
    Verdict.FINE: _l("可以迁移"),
    Verdict.NEEDS_MAPPING: _l("须指定对应环节"),
    Verdict.IMPOSSIBLE: _l("不能迁移"),
}
MARKS: Final = {Verdict.FINE: "✓", Verdict.NEEDS_MAPPING: "▲", Verdict.IMPOSSIBLE: "✕"}
_FIELD: Final = "map-"


@dataclass(frozen=True, slots=True)
class Choice:
    """An element of the old version and what may take its place in the new one."""

    element: Element
    candidates: tuple[Element, ...]
    chosen: str


@blueprint.get("/modeling/versions")
@open_to(*READERS)
def versions() -> ResponseReturnValue:
    """List the versions of the diagrams, newest first, and how many cases live on each."""
    session = db.session()
    lines, living = versions_of(session, CASE_KEY), versions_in_use(session)
    return render_template(
        "cases/versions.html",
        lines=lines,
        living=living,
        people=names_of(session, people=[line.deployed_by for line in lines]).people,
        active=next((line.hash for line in lines if line.active), None),
        can_move=room.reader().has(*MOVERS),
    )


@blueprint.get("/modeling/versions/move")
@open_to(*READERS)
def choose_move() -> ResponseReturnValue:
    """Lead to the move between the two versions that were chosen."""
    from_hash, to_hash = request.args.get("from", ""), request.args.get("to", "")
    if from_hash == to_hash:
        flash(_("请选择两个不同的版本。"), "error")
        return redirect(url_for("cases.versions"))
    return redirect(url_for("cases.move", from_hash=from_hash, to_hash=to_hash))


@blueprint.get("/modeling/versions/<from_hash>/move/<to_hash>")
@open_to(*READERS)
def move(from_hash: str, to_hash: str) -> ResponseReturnValue:
    """Tell what would become of every case on a version, and offer to move those that can."""
    session, size = db.session(), room.settings().page_size
    from_line, to_line = _versions(from_hash, to_hash)
    old, new = _elements(from_hash), _elements(to_hash)
    mapping = _mapping(request.args, old, new)
    fields: dict[str, Any] = dict(_fields(mapping))
    only = _verdict(request.args.get("verdict"))
    after = _number(request.args.get("after"))
    found = dry_run(session, from_hash, to_hash, mapping, after=after, size=size, only=only)

    def address(**more: Any) -> str:
        return url_for("cases.move", from_hash=from_hash, to_hash=to_hash, **fields, **more)

    return render_template(
        "cases/move.html",
        from_line=from_line,
        to_line=to_line,
        found=found,
        only=only,
        verdicts=VERDICTS,
        marks=MARKS,
        Verdict=Verdict,
        said=said,
        choices=_choices(found, mapping, old, new),
        mapping=fields,
        names={element.id: element.name for element in old.values()},
        moves=moves_between(session, from_hash, to_hash),
        links={verdict: address(verdict=verdict.value) for verdict in Verdict},
        all_url=address(),
        next_url=address(verdict=only, after=found.next_after) if found.next_after else None,
        first_url=address(verdict=only) if after else None,
        can_move=room.reader().has(*MOVERS),
        batch=BATCH,
    )


@blueprint.post("/modeling/versions/<from_hash>/move/<to_hash>")
@open_to(*MOVERS)
def move_batch(from_hash: str, to_hash: str) -> ResponseReturnValue:
    """Move the next batch and show how far it is; the page asks for the one after by itself."""
    _versions(from_hash, to_hash)
    mapping = _mapping(request.form, _elements(from_hash), _elements(to_hash))
    after = _number(request.form.get("after"))
    case_ids = next_cases(db.session(), from_hash, after, BATCH)
    move_id = _number(request.form.get("move_id")) or None
    moved, refused = _number(request.form.get("moved")), _number(request.form.get("refused"))
    reasons: list[tuple[str, str]] = []
    if case_ids:
        result = act(MoveCases(case_ids, to_hash, mapping, move_id))
        move_id = result.move_id
        moved, refused = moved + len(result.moved), refused + len(result.refused)
        numbers = numbers_of(db.session(), [case_id for case_id, _reason in result.refused])
        reasons = [(numbers[case_id], said(reason)) for case_id, reason in result.refused]
    shown = {
        "from_hash": from_hash,
        "to_hash": to_hash,
        "mapping": _fields(mapping),
        "move_id": move_id,
        "after": case_ids[-1] if case_ids else after,
        "moved": moved,
        "refused": refused,
        "reasons": reasons,
        "total": max(_number(request.form.get("total")), moved + refused),
        "finished": len(case_ids) < BATCH,
    }
    whole = "cases/move_progress.html" if "HX-Request" in request.headers else "cases/moving.html"
    return render_template(whole, **shown)


@blueprint.get("/modeling/moves/<int:move_id>")
@open_to(*READERS)
def moved(move_id: int) -> ResponseReturnValue:
    """List the cases of a move, each with a way back while nothing has happened to it."""
    session = db.session()
    found = move_of(session, move_id)
    before = _number(request.args.get("before")) or None
    lines, onward = moved_cases(session, move_id, before=before, size=room.settings().page_size)
    return render_template(
        "cases/moved.html",
        move=found,
        lines=lines,
        next_url=url_for("cases.moved", move_id=move_id, before=onward) if onward else None,
        first_url=url_for("cases.moved", move_id=move_id) if before else None,
        can_move=room.reader().has(*MOVERS),
    )


@blueprint.post("/modeling/moves/<int:move_id>/undo/<int:case_id>")
@open_to(*MOVERS)
def undo(move_id: int, case_id: int) -> ResponseReturnValue:
    """Take one case back to the version it came from."""
    try:
        act(UndoMove(move_id, case_id))
        flash(_("已撤回，案件回到原来的版本。"), "success")
    except (StateChanged, NotFound) as error:
        flash(text_of(error), "error")
    return redirect(url_for("cases.moved", move_id=move_id))


def _versions(from_hash: str, to_hash: str) -> tuple[VersionLine, VersionLine]:
    """Return the two versions. Raises NotFound."""
    known = {line.hash: line for line in versions_of(db.session(), CASE_KEY)}
    if from_hash not in known or to_hash not in known or from_hash == to_hash:
        raise NotFound
    return known[from_hash], known[to_hash]


def _elements(version_hash: str) -> dict[str, Element]:
    definition = deployed(room.connection(), version_hash).definition
    return {element.id: element for element in elements_of(definition)}


def _mapping(
    given: Mapping[str, str], old: Mapping[str, Element], new: Mapping[str, Element]
) -> dict[str, str]:
    """Return the counterparts that were chosen; what is no element, or of another kind, is nothing chosen."""
    chosen = {
        key.removeprefix(_FIELD): value for key, value in given.items() if key.startswith(_FIELD)
    }
    return {
        element: counterpart
        for element, counterpart in sorted(chosen.items())
        if element in old and counterpart in new and old[element].kind == new[counterpart].kind
    }


def _fields(mapping: Mapping[str, str]) -> dict[str, str]:
    return {f"{_FIELD}{element}": counterpart for element, counterpart in mapping.items()}


def _choices(
    found: DryRun,
    mapping: Mapping[str, str],
    old: Mapping[str, Element],
    new: Mapping[str, Element],
) -> list[Choice]:
    """Return what has to be mapped or is, each with its counterparts; one of the same name is chosen beforehand."""
    wanted: dict[str, str] = {element: old[element].process for element in mapping}
    for group in found.groups:
        if group.verdict is Verdict.NEEDS_MAPPING and group.obstacle is not None:
            wanted[group.obstacle.element] = group.obstacle.process
    choices = []
    for element_id, process in sorted(wanted.items()):
        if element_id not in old:
            continue
        element = old[element_id]
        candidates = tuple(
            candidate
            for candidate in new.values()
            if candidate.kind == element.kind and candidate.process == process
        )
        named = next((c.id for c in candidates if c.name == element.name), "")
        choices.append(Choice(element, candidates, mapping.get(element_id, named)))
    return choices


def _verdict(text: str | None) -> Verdict | None:
    return Verdict(text) if text in set(Verdict) else None


def _number(text: str | None) -> int:
    """Return a number as a form holds it; 0 for none."""
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 18:
        abort(400)
    return int(text)
