"""A draft tried out step by step; the page carries the choices made so far, the server keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.cases.channels import load_channels
from app.cases.pages import room as cases_room
from app.cases.pages.choice_lists import channel_options, choices_for, class_options
from app.cases.pages.form_view import Control, controls_of, typed_answers
from app.cases.queries.matching import without_nul
from app.cases.queries.outline import outline_of
from app.cases.tables import Case
from app.db.session import db
from app.engine.definitions import bundle_hash
from app.engine.instance import tokens_at
from app.errors import AppError, InvalidInput, NotFound
from app.modeling.bundles import forms_of
from app.modeling.draft_queries import contents_of, draft_of, files_of
from app.modeling.pages.room import READERS, with_canvas
from app.modeling.tables import DefinitionDraft
from app.oversight.queries.diagrams import MAIN, drawings_of
from app.places.queries import districts
from app.tryouts.dry import DryCase, DryItem, version_of
from app.tryouts.pages.room import blueprint, faults_of, world
from app.tryouts.trial import Beginning, Choice, Trial, begun, read_choices, take, written
from app.web.access import open_to
from app.web.errors import status_of, text_of
from app.web.language import said

_SAID: Final = "said-"
"""Before the names of what a message says: an item's form may have fields of the same names."""

_YEARS: Final = range(2000, 2101)


@blueprint.get("/drafts/<int:draft_id>/try")
@open_to(*READERS)
def begin(draft_id: int) -> ResponseReturnValue:
    """Ask what the case to try out is reported as; say why where the draft could not be deployed."""
    session = db.session()
    draft = draft_of(session, draft_id)
    return _first_page(draft, contents_of(session, draft_id), {})


@blueprint.post("/drafts/<int:draft_id>/try")
@open_to(*READERS)
def step(draft_id: int) -> ResponseReturnValue:
    """Run the draft from the start through all choices so far, and the one just made."""
    session = db.session()
    draft, files = draft_of(session, draft_id), contents_of(session, draft_id)
    if faults_of(files):
        return _first_page(draft, files, {})
    try:
        beginning = _beginning()
        trial = Trial(beginning, read_choices(request.form.get("choices", "")))
        if request.form.get("action") == "back":
            trial = trial.back()
        dry = begun(version_of(files), world(), beginning)
    except InvalidInput as error:
        return _first_page(draft, files, error.fields), status_of(error)
    except AppError as error:
        return _first_page(draft, files, {"": text_of(error)}), 422
    trial, refused = _as_far(dry, trial)
    if refused is not None:
        return _page(draft, files, dry, trial, message=refused)
    return _next(draft, files, dry, trial)


@blueprint.get("/drafts/<int:draft_id>/try/files/<path>")
@open_to(*READERS)
def file(draft_id: int, path: str) -> ResponseReturnValue:
    """Serve a diagram of the draft to the page's canvas."""
    state = files_of(db.session(), draft_id).get(path)
    if state is None or state.content is None or not path.endswith(".bpmn"):
        raise NotFound
    response = Response(state.content, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response


def _as_far(dry: DryCase, trial: Trial) -> tuple[Trial, str | None]:
    """Carry out the choices; where the draft has changed meanwhile, as far as they still go."""
    for number, choice in enumerate(trial.choices):
        try:
            take(dry, choice)
        except AppError as error:
            kept = Trial(trial.beginning, trial.choices[:number])
            why = _("第 %(n)s 步在现在的草稿上走不下去：%(why)s", n=number + 1, why=_why(error))
            return kept, why
    return trial, None


def _next(
    draft: DefinitionDraft, files: Mapping[str, bytes], dry: DryCase, trial: Trial
) -> ResponseReturnValue:
    """Carry out the choice just made, and show where the case stands after it."""
    do, _colon, which = request.form.get("action", "").partition(":")
    chosen = _item_of(dry, which)
    if do in ("open", "choose") and chosen is not None:
        typed = _typed(dry, chosen) if do == "choose" else {}
        return _page(draft, files, dry, trial, chosen=chosen, typed=typed)
    if do not in ("complete", "fire", "send"):
        return _page(draft, files, dry, trial)
    given = _message_says() if do == "send" else _typed(dry, chosen) if chosen else {}
    choice = Choice(do, which, given)  # type: ignore[arg-type]  # one of the three, see above
    try:
        trial = trial.then(choice)
        take(dry, choice)
    except InvalidInput as error:
        trial = trial.back()
        if do == "complete" and chosen is not None and error.fields.keys() <= _keys(dry, chosen):
            page = _page(draft, files, dry, trial, chosen=chosen, typed=given, errors=error.fields)
            return page, 422
        return _page(draft, files, dry, trial, chosen=chosen, typed=given, message=_why(error)), 422
    except AppError as error:
        trial = trial.back() if trial.choices[-1:] == (choice,) else trial
        return _page(draft, files, dry, trial, chosen=chosen, typed=given, message=_why(error)), 422
    return _page(draft, files, dry, trial)


def _first_page(
    draft: DefinitionDraft, files: Mapping[str, bytes], errors: Mapping[str, str]
) -> str:
    session = db.session()
    return render_template(
        "tryouts/begin.html",
        draft=draft,
        faults=faults_of(files),
        errors=errors,
        typed=request.form,
        channels=channel_options(),
        first_channel=next(iter(load_channels())),
        classes=class_options(session, cases_room.today()),
        districts=districts(session),
        now=cases_room.now(),
    )


def _page(
    draft: DefinitionDraft,
    files: Mapping[str, bytes],
    dry: DryCase,
    trial: Trial,
    *,
    chosen: DryItem | None = None,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    message: str | None = None,
) -> Response:
    drawings = drawings_of(files)
    items = sorted(dry.items.values(), key=lambda item: item.token)
    item = chosen if chosen in items else next(iter(items), None)
    standing = [] if dry.step is None or dry.ended else tokens_at(_definition(dry), dry.step.state)
    page = render_template(
        "tryouts/trial.html",
        draft=draft,
        dry=dry,
        trial=trial,
        choices=written(trial.choices),
        items=items,
        item=item,
        controls=_controls(dry, item, typed or {}) if item else [],
        errors=errors or {},
        said={} if errors or chosen else {key: request.form[key] for key in _said_keys(message)},
        message=message,
        names=outline_of(files, MAIN).names,
        drawings=drawings,
        standing=[one for one in standing if one in drawings.file_of],
        hash=bundle_hash(files),
    )
    return with_canvas(page)


def _definition(dry: DryCase) -> Any:
    return dry.version.definition


def _beginning() -> Beginning:
    """Read the report that the page carries. Raises InvalidInput."""
    typed = {key: without_nul(value) for key, value in request.form.items()}
    try:
        begun_at = datetime.fromisoformat(typed.get("begun_at", ""))
    except ValueError as exc:
        raise InvalidInput({"begun_at": "请填写上报的时间"}) from exc
    if begun_at.tzinfo is None:
        begun_at = begun_at.replace(tzinfo=cases_room.zone())
    if begun_at.year not in _YEARS:
        raise InvalidInput({"begun_at": "请填写 2000 年至 2100 年之间的时间"})
    return Beginning(
        channel=typed.get("channel", ""),
        begun_at=begun_at,
        class_code=typed.get("class_code", ""),
        district_code=typed.get("district_code", ""),
        self_handled="self_handled" in typed,
    )


def _item_of(dry: DryCase, which: str) -> DryItem | None:
    return next((item for item in dry.items.values() if str(item.token) == which), None)


def _keys(dry: DryCase, item: DryItem) -> set[str]:
    return {one.key for one in dry.version.form(item.form_key).fields}


def _typed(dry: DryCase, item: DryItem) -> dict[str, Any]:
    return typed_answers(dry.version.form(item.form_key), request.form, cases_room.zone())


def _said_keys(message: str | None) -> list[str]:
    return [key for key in request.form if key.startswith(_SAID)] if message else []


def _message_says() -> dict[str, Any]:
    """Return what the message just sent says; a local time gets the city's zone."""
    told: dict[str, Any] = {}
    for key in _said_keys("sent"):
        name, text = key.removeprefix(_SAID), without_nul(request.form[key])
        if name in ("until", "due_at") and text:
            text = _with_zone(text)
        told[name] = text
    return told


def _with_zone(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=cases_room.zone())).isoformat()


def _controls(dry: DryCase, item: DryItem, typed: Mapping[str, Any]) -> list[Control]:
    form = dry.version.form(item.form_key)
    case = Case(unit_id=dry.case["unit_id"], class_code=dry.case["class_code"])
    known = {
        one.key: case.class_code
        for one in form.fields
        if one.source == "classes" and case.class_code
    }
    values = {**known, **item.defaults, **typed}
    day = dry.now.astimezone(cases_room.zone()).date()
    choices = choices_for(db.session(), form, case, values, day)
    return controls_of(forms_of(dry.version.files)[item.form_key], form, values, choices)


def _why(error: AppError) -> str:
    """Return an error in the reader's language, with the fields it names."""
    if isinstance(error, InvalidInput):
        return "；".join(said(fault) for fault in error.fields.values())
    return text_of(error)
