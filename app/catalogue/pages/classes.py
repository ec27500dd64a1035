"""The catalogue: what can be reported, how long it may take, and its editions."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.catalogue import queries
from app.catalogue.commands import EnterEdition
from app.catalogue.editions import HEADER, edition_of_rows, rows_of
from app.catalogue.files import duties
from app.catalogue.pages.room import blueprint, day_of
from app.catalogue.tables import CaseClass, FilingCondition
from app.db.session import db
from app.errors import InvalidInput
from app.run import Runtime
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of
from app.web.spreadsheets.reading import rows_of_workbook
from app.web.spreadsheets.transfer import as_download, uploaded_workbook
from app.web.spreadsheets.writing import table_of

KIND_NAMES = {"component": _l("部件"), "event": _l("事件"), "service": _l("服务")}
LIMIT_UNIT_NAMES = {
    "urgent_hour": _l("紧急工作时"),
    "urgent_day": _l("紧急工作日"),
    "working_hour": _l("工作时"),
    "working_day": _l("工作日"),
    "day": _l("天"),
}


@blueprint.get("/catalogue")
@open_to(SIGNED_IN)
def index() -> ResponseReturnValue:
    """List the classes in force today, of one kind or that hold the words searched for."""
    runtime: Runtime = current_app.extensions["jingwei"]
    today = runtime.clock.now().astimezone(runtime.services.settings.timezone).date()
    words = request.args.get("q", "").strip()
    kind = request.args.get("kind")
    kind = kind if kind in KIND_NAMES else None
    session = db.session()
    classes = queries.search_classes(session, words, today, kind=kind)
    return render_template(
        "catalogue/index.html",
        version=queries.version_on(session, today),
        entries=queries.with_conditions(session, classes),
        words=words,
        kind=kind,
        kind_names=KIND_NAMES,
        limit_text=limit_text,
        class_name=class_name,
        duty_name=duty_name,
    )


@blueprint.get("/catalogue/<int:version_id>.xlsx")
@open_to(SIGNED_IN)
def download(version_id: int) -> ResponseReturnValue:
    """Give an edition as a workbook: what an upload takes."""
    session = db.session()
    version = queries.version_of(session, version_id)
    classes = queries.classes_of(session, version.id)
    entries = ((one.entry, one.conditions) for one in queries.with_conditions(session, classes))
    runtime: Runtime = current_app.extensions["jingwei"]
    content = table_of(str(version.valid_from), HEADER, rows_of(entries), runtime.clock.now())
    return as_download(content, f"catalogue-{version.valid_from}.xlsx")


@blueprint.get("/catalogue/editions")
@open_to(SIGNED_IN)
def editions() -> ResponseReturnValue:
    """List the editions, with the form that enters another."""
    return _editions_page({}, {})


@blueprint.post("/catalogue/editions")
@open_to("administrator")
def enter_edition() -> ResponseReturnValue:
    """Enter an edition from a workbook, or show the form again with what is wrong in it."""
    typed = {name: request.form.get(name, "").strip() for name in ("valid_from", "note")}
    try:
        rows = rows_of_workbook(uploaded_workbook())
        edition = edition_of_rows(rows, day_of("valid_from", typed["valid_from"]), typed["note"])
        act(EnterEdition(edition))
    except InvalidInput as error:
        return _editions_page(typed, error.fields), status_of(error)
    flash(
        _(
            "已录入 %(count)s 个小类，%(on)s 起生效。",
            count=len(edition.classes),
            on=str(edition.valid_from),
        ),
        "success",
    )
    return redirect(url_for("catalogue.editions"))


def _editions_page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "catalogue/editions.html",
        versions=queries.editions(db.session()),
        typed=typed,
        errors=errors,
        may_enter=current_user.actor.has("administrator"),
    )


def limit_text(condition: FilingCondition) -> str:
    """Return a limit as people say it: '4 工作时'."""
    return f"{condition.limit_value:f} {LIMIT_UNIT_NAMES[condition.limit_unit]}"


def class_name(entry: CaseClass) -> str:
    """Return the name of a class in the reader's language."""
    return entry.minor_name if _is_chinese() else entry.name_en


def duty_name(duty: str) -> str:
    """Return the name of a duty in the reader's language."""
    named = duties().get(duty)
    if named is None:
        return duty
    return named.name if _is_chinese() else named.name_en


def _is_chinese() -> bool:
    locale = get_locale()
    return locale is None or locale.language == "zh"
