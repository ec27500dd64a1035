"""Units and people as spreadsheets, there and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import administration
from app.accounts.commands import Uploaded, UploadPeople, UploadUnits
from app.accounts.pages.room import RANK_GROUP_NAMES, READERS, admin_words, blueprint, runtime
from app.accounts.roles import ADMINISTRATOR, ROLES
from app.accounts.spreadsheets import (
    PERSON_COLUMNS,
    ROWS_LIMIT,
    STATE_COLUMN,
    UNIT_COLUMNS,
    SheetRow,
    rows_of,
)
from app.db.session import db
from app.errors import InvalidInput
from app.web.access import open_to
from app.web.acting import act
from app.web.spreadsheets.reading import BYTES_LIMIT
from app.web.spreadsheets.transfer import as_download, uploaded_workbook
from app.web.spreadsheets.writing import table_of

_SHOWN_FAULTS = 100


@blueprint.get("/admin/units.xlsx")
@open_to(*READERS)
def units_file() -> ResponseReturnValue:
    """Send every unit; what is sent can be sent back."""
    units = administration.units_in_order(db.session())
    codes = {unit.id: unit.code for unit in units}
    rows = (
        (
            unit.code,
            unit.name,
            unit.name_en,
            codes.get(unit.parent_id or 0),
            RANK_GROUP_NAMES.get(unit.rank_group or ""),
            unit.district_code,
            "、".join(unit.duties),
            _state(active=unit.active),
        )
        for unit in units
    )
    return _file("units", "单位", UNIT_COLUMNS, rows)


@blueprint.get("/admin/people.xlsx")
@open_to(*READERS)
def people_file() -> ResponseReturnValue:
    """Send everybody; the column of first passwords is empty."""
    rows = (
        (
            line.person.login,
            line.person.name,
            line.unit.code,
            line.person.phone,
            "、".join(ROLES[role][0] for role in line.roles),
            None,
            _state(active=line.person.active),
        )
        for line in administration.every_person(db.session())
    )
    return _file("people", "人员", PERSON_COLUMNS, rows)


@blueprint.get("/admin/upload")
@open_to(ADMINISTRATOR)
def upload() -> ResponseReturnValue:
    """Show the forms for spreadsheets."""
    return _form({})


@blueprint.post("/admin/upload/units")
@open_to(ADMINISTRATOR)
def upload_units() -> ResponseReturnValue:
    """Read units from a spreadsheet, all or none."""
    return _read(UploadUnits, UNIT_COLUMNS, "accounts.units")


@blueprint.post("/admin/upload/people")
@open_to(ADMINISTRATOR)
def upload_people() -> ResponseReturnValue:
    """Read people from a spreadsheet, all or none."""
    return _read(UploadPeople, PERSON_COLUMNS, "accounts.people")


def _read(
    command: type[UploadUnits | UploadPeople], columns: dict[str, str], onward: str
) -> ResponseReturnValue:
    try:
        rows: list[SheetRow] = rows_of(uploaded_workbook(), columns)
        done: Uploaded = act(command(tuple(rows)))
    except InvalidInput as error:
        return _form(error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(
        _(
            "已读入：新建 %(created)s 行，修改 %(changed)s 行。",
            created=done.created,
            changed=done.changed,
        ),
        "success",
    )
    return redirect(url_for(onward))


def _form(faults: Mapping[str, str]) -> str:
    return render_template(
        "accounts/upload.html",
        faults=list(faults.values())[:_SHOWN_FAULTS],
        more=max(0, len(faults) - _SHOWN_FAULTS),
        megabytes=BYTES_LIMIT // 2**20,
        rows_limit=ROWS_LIMIT,
        **admin_words(),
    )


def _file(
    name: str, title: str, columns: Mapping[str, str], rows: Iterable[Sequence[str | None]]
) -> Response:
    headings = (*columns.values(), STATE_COLUMN)
    return as_download(table_of(title, headings, rows, runtime().clock.now()), f"{name}.xlsx")


def _state(*, active: bool) -> str:
    return "在用" if active else "停用"
