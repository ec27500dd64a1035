"""Cases of a month replayed on a draft: begin, go on slice by slice, read the figures and the cases behind them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.cases.calendars import clock_policies
from app.cases.pages import room as cases_room
from app.cases.queries.outline import outline_of
from app.db.session import db
from app.engine.definitions import bundle_hash, compile_bundle, times_of
from app.errors import AppError, DefinitionError, InvalidInput, NotFound, Text
from app.modeling.bundles import diagrams_of
from app.modeling.draft_queries import contents_of, draft_of, version_files
from app.modeling.pages.room import ANALYSTS, READERS
from app.oversight.queries.diagrams import MAIN
from app.tryouts import queries
from app.tryouts.commands import SIZES, AdvanceReplay, StartReplay
from app.tryouts.pages.room import blueprint, faults_of
from app.tryouts.queries import figures_of, progress_of, replay_of, replays_of
from app.tryouts.tables import DraftReplay
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of, text_of
from app.web.language import language_code, said

SHOWN: Final = 50
LISTED: Final = 10
WAYS: Final = 20


@blueprint.get("/drafts/<int:draft_id>/replay")
@open_to(*READERS)
def replays(draft_id: int, errors: Mapping[str, str] | None = None) -> str:
    """Ask which month and how many cases; list the replays there were."""
    session = db.session()
    draft, files = draft_of(session, draft_id), contents_of(session, draft_id)
    last_month = cases_room.today().replace(day=1) - timedelta(days=1)
    found = replays_of(session, draft_id, LISTED)
    return render_template(
        "tryouts/replays.html",
        draft=draft,
        faults=faults_of(files),
        replays=[(one, progress_of(session, one.id)) for one in found],
        current=bundle_hash(files),
        sizes=SIZES,
        typed={"month": f"{last_month:%Y-%m}", "wanted": SIZES[0], "assumed": "2 working_hour"}
        | request.form.to_dict(),
        errors=errors or {},
    )


@blueprint.post("/drafts/<int:draft_id>/replay")
@open_to(*ANALYSTS)
def start(draft_id: int) -> ResponseReturnValue:
    """Begin a replay."""
    typed = request.form
    try:
        month = date.fromisoformat(f"{typed.get('month', '')}-01")
    except ValueError:
        return replays(draft_id, {"month": _("请选择月份")}), 422
    if month.year >= date.max.year:
        return replays(draft_id, {"month": _("请选择月份")}), 422
    command = StartReplay(draft_id, month, typed.get("wanted", 0, int), typed.get("assumed", ""))
    try:
        replay_id = act(command)
    except InvalidInput as error:
        return replays(draft_id, error.fields), status_of(error)
    except DefinitionError as error:
        return replays(draft_id), status_of(error)
    return redirect(url_for("tryouts.replay", replay_id=replay_id))


@blueprint.get("/replays/<int:replay_id>")
@open_to(*READERS)
def replay(replay_id: int) -> str:
    """Show a replay: how far it is, its figures, and the cases of the figure asked for."""
    replay = replay_of(db.session(), replay_id)
    return render_template("tryouts/replay.html", **_shown(replay), list=_list(replay))


@blueprint.post("/replays/<int:replay_id>/slice")
@open_to(*ANALYSTS)
def advance(replay_id: int) -> ResponseReturnValue:
    """Replay the next slice; asked by the page until none is left, or by its button."""
    stopped = None
    try:
        act(AdvanceReplay(replay_id))
    except AppError as error:
        if isinstance(error, NotFound):
            raise
        stopped = text_of(error)
    if "HX-Request" not in request.headers and stopped is None:
        return redirect(url_for("tryouts.replay", replay_id=replay_id))
    shown = _shown(replay_of(db.session(), replay_id), stopped)
    part = "HX-Request" in request.headers
    name = "tryouts/figures.html" if part else "tryouts/replay.html"
    return render_template(name, **shown, list=None)


@blueprint.get("/drafts/<int:draft_id>/replay/last")
@open_to(*READERS)
def last(draft_id: int) -> str:
    """Show the figures of a draft's last replay in short, for whoever decides on the draft."""
    session = db.session()
    found = replays_of(session, draft_id, 1)
    if not found:
        return render_template("tryouts/last.html", replay=None, draft_id=draft_id)
    current = bundle_hash(contents_of(session, draft_id))
    return render_template(
        "tryouts/last.html", draft_id=draft_id, current=current, **_shown(found[0])
    )


def _shown(replay: DraftReplay, stopped: str | None = None) -> dict[str, Any]:
    session = db.session()
    draft = draft_of(session, replay.draft_id)
    files = contents_of(session, draft.id)
    base = version_files(session, replay.base_hash)
    is_current = bundle_hash(files) == replay.draft_hash
    names = dict(outline_of(base, MAIN).names)
    if not faults_of(files):
        names |= outline_of(files, MAIN).names
    return {
        "replay": replay,
        "draft": draft,
        "progress": progress_of(session, replay.id),
        "figures": figures_of(session, replay.id),
        "names": names,
        "times": _other_times(base, files) if is_current else [],
        "is_current": is_current,
        "stopped": stopped,
        "keys": queries,
        "why": _why,
        "clock_name": _clock_name,
        "most_ways": WAYS,
    }


def _other_times(
    base: Mapping[str, bytes], files: Mapping[str, bytes]
) -> list[tuple[str, str, str]]:
    """Return the due dates and timers that the draft writes otherwise: element, before, after."""
    before = times_of(compile_bundle(diagrams_of(base)))
    after = times_of(compile_bundle(diagrams_of(files)))
    return [
        (element, before.get(element, ""), after.get(element, ""))
        for element in sorted(before.keys() | after.keys())
        if before.get(element) != after.get(element)
    ]


def _list(replay: DraftReplay) -> dict[str, Any] | None:
    """Return a page of the cases behind a figure; None while none is asked for."""
    key = request.args.get("show", "")
    if not key:
        return None
    lines = figures_of(db.session(), replay.id).of(key)
    after = request.args.get("after", "")
    rest = [line for line in lines if line.number > after]
    more = rest[SHOWN - 1].number if len(rest) > SHOWN else None
    return {"key": key, "lines": rest[:SHOWN], "all": len(lines), "more": more, "first": not after}


def _clock_name(name: str) -> str:
    """Return what people call a clock."""
    policy = clock_policies().get(name)
    return name if policy is None else policy.label(language_code())


def _why(failure: Mapping[str, Any]) -> str:
    """Say why a case could not be replayed, in the reader's language."""
    texts = failure["texts"]
    # The first sentence of refused answers only says that there are some.
    told = texts[1:] if failure["fields"] else texts
    fields = failure["fields"] or [""] * len(told)
    return "；".join(
        (f"{field}：" if field else "") + said(Text(message, **facts) if facts else message)
        for field, (message, facts) in zip(fields, told, strict=True)
    )
