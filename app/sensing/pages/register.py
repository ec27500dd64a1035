"""The register of devices and sites, kept by administrators."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.roles import ADMINISTRATOR, ANALYST
from app.accounts.spreadsheets import ROWS_LIMIT
from app.accounts.tables import Unit
from app.db.session import db
from app.errors import InvalidInput, NotFound
from app.sensing.device_commands import (
    SITE_ADDRESSES,
    EndDevice,
    ImportDevices,
    Imported,
    ResumeDevice,
    SaveDevice,
    SaveSite,
)
from app.sensing.device_lists import Wanted, device_page, site_page
from app.sensing.device_sheets import COLUMNS, devices_of
from app.sensing.pages import words
from app.sensing.pages.device import card_or_404
from app.sensing.pages.devices import plain
from app.sensing.pages.room import READERS, REGISTER_READERS, blueprint, bound_to
from app.sensing.tables import Device, Site
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, runtime
from app.web.spreadsheets.reading import BYTES_LIMIT
from app.web.spreadsheets.transfer import as_download, uploaded_workbook
from app.web.spreadsheets.writing import table_of

SHOWN_FAULTS: Final = 100
_DEVICE: Final = f"int(max={2**63 - 1}):device_id"
_SITE: Final = f"int(max={2**63 - 1}):site_id"
_DEVICE_FIELDS: Final = tuple(COLUMNS)
_SITE_FIELDS: Final = (
    "code", "name", "name_en", "kind", "lon", "lat", "address", "unit", "parent", *SITE_ADDRESSES,
)  # fmt: skip
FILE_LIMIT: Final = 100_000


@blueprint.get("/devices/new")
@open_to(ADMINISTRATOR)
def new_device() -> ResponseReturnValue:
    """Show the form for a device."""
    typed = {"silent_minutes": "60", "site": request.args.get("site", "")}
    return _device_form(None, typed, {})


@blueprint.post("/devices/new")
@open_to(ADMINISTRATOR)
def create_device() -> ResponseReturnValue:
    """Put a device on record."""
    return _save_device(None)


@blueprint.get(f"/devices/<{_DEVICE}>/edit")
@open_to(ADMINISTRATOR)
def edit_device(device_id: int) -> ResponseReturnValue:
    """Show the form of a device."""
    card = card_or_404(device_id)
    return _device_form(card.device, _as_typed(card.device, card.site, card.unit), {})


@blueprint.post(f"/devices/<{_DEVICE}>/edit")
@open_to(ADMINISTRATOR)
def change_device(device_id: int) -> ResponseReturnValue:
    """Change a device."""
    return _save_device(device_id)


@blueprint.post(f"/devices/<{_DEVICE}>/end")
@open_to(ADMINISTRATOR)
def end_device(device_id: int) -> ResponseReturnValue:
    """Take a device out of use."""
    act(EndDevice(device_id))
    flash(_("设备已停用。"), "success")
    return redirect(url_for("sensing.device", device_id=device_id))


@blueprint.post(f"/devices/<{_DEVICE}>/resume")
@open_to(ADMINISTRATOR)
def resume_device(device_id: int) -> ResponseReturnValue:
    """Take a device into use again."""
    act(ResumeDevice(device_id))
    flash(_("设备已重新启用。"), "success")
    return redirect(url_for("sensing.device", device_id=device_id))


@blueprint.get("/devices/import")
@open_to(ADMINISTRATOR)
def import_form() -> ResponseReturnValue:
    """Show the form for a table of devices."""
    return _import_form({})


@blueprint.post("/devices/import")
@open_to(ADMINISTRATOR)
def import_devices() -> ResponseReturnValue:
    """Read devices from a table, all or none."""
    try:
        done: Imported = act(ImportDevices(devices_of(uploaded_workbook())))
    except InvalidInput as error:
        return _import_form(error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(
        _("已读入：新建 %(created)s 行，修改 %(changed)s 行。", created=done.created, changed=done.changed),
        "success",
    )  # fmt: skip
    return redirect(url_for("sensing.devices"))


@blueprint.get("/devices.xlsx")
@open_to(*READERS)
def devices_file() -> ResponseReturnValue:
    """Send the devices that the reader may see; what is sent can be sent back."""
    page = device_page(db.session(), Wanted(path=bound_to()), now(), after="", size=FILE_LIMIT)
    ids = [line.id for line in page.lines]
    wanted = (
        select(Device, Site, Unit)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(Unit, Unit.id == Device.unit_id)
        .where(Device.id.in_(ids))
        .order_by(Device.code)
    )
    found = (_as_typed(*row) for row in db.session.execute(wanted))
    rows = (tuple(typed[name] for name in COLUMNS) for typed in found)
    return as_download(table_of("设备", tuple(COLUMNS.values()), rows, now()), "devices.xlsx")


@blueprint.get("/sites")
@open_to(*REGISTER_READERS)
def sites() -> ResponseReturnValue:
    """List sites, in order of code."""
    typed, kind = plain(request.args.get("q", "")), plain(request.args.get("kind", ""))
    after = plain(request.args.get("after", ""))
    page = site_page(
        db.session(), typed, kind, bound_to(ANALYST), after=after, size=runtime().services.settings.page_size
    )  # fmt: skip
    given = {"q": typed or None, "kind": kind or None}
    return render_template(
        "sensing/sites.html",
        lines=page.lines,
        typed=typed,
        kind=kind,
        kinds=words.kind_choices(),
        bound=bool(bound_to(ANALYST)),
        next_url=url_for("sensing.sites", **given, after=page.next) if page.next else None,  # type: ignore[arg-type]  # names of ours
        first_url=url_for("sensing.sites", **given) if after else None,  # type: ignore[arg-type]  # names of ours
    )


@blueprint.get("/sites/new")
@open_to(ADMINISTRATOR)
def new_site() -> ResponseReturnValue:
    """Show the form for a site."""
    return _site_form(None, {"active": "1"}, {})


@blueprint.post("/sites/new")
@open_to(ADMINISTRATOR)
def create_site() -> ResponseReturnValue:
    """Put a site on record."""
    return _save_site(None)


@blueprint.get(f"/sites/<{_SITE}>")
@open_to(ADMINISTRATOR)
def edit_site(site_id: int) -> ResponseReturnValue:
    """Show the form of a site."""
    site = _site_or_404(site_id)
    parent = db.session.get(Site, site.parent_id) if site.parent_id else None
    unit = db.session.get(Unit, site.unit_id) if site.unit_id else None
    typed = {name: str(getattr(site, name, "") or "") for name in _SITE_FIELDS}
    typed |= {name: str(site.data.get(name, "")) for name in SITE_ADDRESSES}
    typed |= {"unit": unit.code if unit else "", "parent": parent.code if parent else ""}
    return _site_form(site, typed | {"active": "1" if site.active else ""}, {})


@blueprint.post(f"/sites/<{_SITE}>")
@open_to(ADMINISTRATOR)
def change_site(site_id: int) -> ResponseReturnValue:
    """Change a site."""
    return _save_site(site_id)


def _save_device(device_id: int | None) -> ResponseReturnValue:
    typed = {name: request.form.get(name, "") for name in _DEVICE_FIELDS}
    try:
        saved = act(SaveDevice(device_id, **typed))
    except InvalidInput as error:
        device = card_or_404(device_id).device if device_id else None
        return _device_form(device, typed, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("设备已保存。"), "success")
    return redirect(url_for("sensing.device", device_id=saved))


def _save_site(site_id: int | None) -> ResponseReturnValue:
    typed = {name: request.form.get(name, "") for name in _SITE_FIELDS}
    active = bool(request.form.get("active"))
    try:
        act(SaveSite(site_id, **typed, active=active))
    except InvalidInput as error:
        site = _site_or_404(site_id) if site_id else None
        page = _site_form(site, typed | {"active": "1" if active else ""}, error.fields)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("点位已保存。"), "success")
    return redirect(url_for("sensing.sites", q=typed["code"].strip()))


def _device_form(device: Device | None, typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    return render_template(
        "sensing/device_form.html", device=device, typed=typed, faults=faults, **_choices()
    )


def _site_form(site: Site | None, typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    return render_template(
        "sensing/site_form.html", site=site, typed=typed, faults=faults, **_choices()
    )


def _import_form(faults: Mapping[str, str]) -> str:
    return render_template(
        "sensing/import.html",
        faults=list(faults.values())[:SHOWN_FAULTS],
        more=max(0, len(faults) - SHOWN_FAULTS),
        columns=tuple(COLUMNS.values()),
        megabytes=BYTES_LIMIT // 2**20,
        rows_limit=ROWS_LIMIT,
    )


def _choices() -> dict[str, Any]:
    found = db.session.scalars(select(Unit).where(Unit.active).order_by(Unit.path))
    return {
        "kinds": words.kind_choices(),
        "units": [(u.code, "　" * (u.level - 1) + words.name_of(u)) for u in found],
    }


def _as_typed(device: Device, site: Site | None, unit: Unit | None) -> dict[str, str]:
    return {
        "code": device.code,
        "name": device.name,
        "name_en": device.name_en,
        "kind": device.kind,
        "scene": device.scene,
        "site": site.code if site else "",
        "unit": unit.code if unit else "",
        "lon": "" if device.lon is None else str(device.lon),
        "lat": "" if device.lat is None else str(device.lat),
        "silent_minutes": str(max(1, device.silent_after_s // 60)),
    }


def _site_or_404(site_id: int) -> Site:
    site = db.session.get(Site, site_id)
    if site is None:
        raise NotFound("没有编号为 %(id)s 的点位。", id=site_id)
    return site
