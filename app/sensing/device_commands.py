"""Use cases of those who keep the register of sites and devices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select

from app.accounts.roles import ADMINISTRATOR
from app.accounts.tables import Unit
from app.errors import InvalidInput, NotFound, StateChanged, Text
from app.places.locate import known_locator, locator_of
from app.run import Tx, handles
from app.sensing.records import withdraw_of_device
from app.sensing.tables import Device, Site
from app.sensing.web_addresses import LONGEST, is_web_address
from sla.sites import kind_named

# Kept in a site's data: its camera's stream, and the picture it took last.
SITE_ADDRESSES: Final = ("video", "image")
LONGEST_CODE: Final = 64
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 200
# Shorter than a minute no network is quiet; longer than a month nobody would ask.
SILENT_MINUTES: Final = (1, 31 * 24 * 60)

_WAIT: Final = "SELECT FROM latest_readings WHERE device_id = %s ORDER BY metric FOR UPDATE"

Faults = dict[str, str]


@dataclass(frozen=True)
class SaveDevice:
    """Put a device on record, or change one. device_id: None for a new one. Each field as it was typed."""

    device_id: int | None
    code: str
    name: str
    kind: str
    name_en: str = ""
    scene: str = ""
    site: str = ""
    unit: str = ""
    lon: str = ""
    lat: str = ""
    silent_minutes: str = "60"


@dataclass(frozen=True)
class SaveSite:
    """Put a site on record, or change one. site_id: None for a new one. Each field as it was typed."""

    site_id: int | None
    code: str
    name: str
    kind: str
    name_en: str = ""
    lon: str = ""
    lat: str = ""
    address: str = ""
    unit: str = ""
    parent: str = ""
    video: str = ""
    image: str = ""
    active: bool = True


@dataclass(frozen=True)
class EndDevice:
    """Take a device out of use: its open alerts end, what it sends is refused from now on, what it sent stays."""

    device_id: int


@dataclass(frozen=True)
class ResumeDevice:
    """Take a device into use again."""

    device_id: int


@dataclass(frozen=True)
class ImportDevices:
    """Put devices of a table on record, all or none. rows: by their number in the table."""

    rows: Mapping[int, Mapping[str, str]] = field(repr=False)


@dataclass(frozen=True)
class Imported:
    """How many devices a table brought."""

    created: int
    changed: int


@handles(SaveDevice, ADMINISTRATOR)
def save_device(command: SaveDevice, tx: Tx) -> int:
    """Save a device and return its id. Raises InvalidInput naming each field that is wrong."""
    tx.actor.require(ADMINISTRATOR)
    device = Device() if command.device_id is None else _device(tx, command.device_id)
    typed = {key: value for key, value in vars(command).items() if key != "device_id"}
    before = _held(device)
    faults = _fill_device(tx, device, typed)
    if faults:
        raise InvalidInput(faults)
    tx.session.add(device)
    tx.session.flush()
    if command.device_id is not None and _held(device) != before:
        _end_walks(tx, device.id, "change")
    return device.id


@handles(ImportDevices, ADMINISTRATOR)
def import_devices(command: ImportDevices, tx: Tx) -> Imported:
    """Save the devices of a table by their codes. Raises InvalidInput naming row and field; then nothing is saved."""
    tx.actor.require(ADMINISTRATOR)
    codes = {code for row in command.rows.values() if (code := row.get("code", "")).isprintable()}
    known = {
        one.code: one for one in tx.session.scalars(select(Device).where(Device.code.in_(codes)))
    }
    faults: Faults = {}
    seen: dict[str, int] = {}
    moved: list[Device] = []
    changed = 0
    with tx.session.no_autoflush:
        for number, row in command.rows.items():
            code = row.get("code", "")
            if code in seen:
                twice = Text(
                    "第 %(row)s 行：编码与第 %(other)s 行重复", row=number, other=seen[code]
                )
                faults[f"row{number}"] = twice
                continue
            seen[code] = number
            device = known.get(code) or Device()
            changed += code in known
            held = _held(device)
            wrong = _fill_device(tx, device, row)
            for name, fault in wrong.items():
                told = Text("第 %(row)s 行：%(fault)s", row=number, fault=fault)
                faults[f"row{number}-{name}"] = told
            if not wrong:
                tx.session.add(device)
            if code in known and _held(device) != held:
                moved.append(device)
    if faults:
        raise InvalidInput(faults)
    tx.session.flush()
    # In one order everywhere, as batches lock them.
    for device in sorted(moved, key=lambda one: one.id):
        _end_walks(tx, device.id, "change")
    return Imported(len(seen) - changed, changed)


@handles(EndDevice, ADMINISTRATOR)
def end_device(command: EndDevice, tx: Tx) -> None:
    """End a device. Raises StateChanged when it has ended."""
    _set_active(tx, command.device_id, active=False)
    _end_walks(tx, command.device_id, "device")


@handles(ResumeDevice, ADMINISTRATOR)
def resume_device(command: ResumeDevice, tx: Tx) -> None:
    """Use a device again. Raises StateChanged when it is in use."""
    _set_active(tx, command.device_id, active=True)


@handles(SaveSite, ADMINISTRATOR)
def save_site(command: SaveSite, tx: Tx) -> int:
    """Save a site, found in its grid and district, and return its id. Raises InvalidInput naming each field."""
    tx.actor.require(ADMINISTRATOR)
    site = Site(data={}) if command.site_id is None else tx.session.get(Site, command.site_id)
    if site is None:
        raise NotFound("没有编号为 %(id)s 的点位。", id=command.site_id)
    faults = dict(_site_faults(tx, site, command))
    if faults:
        raise InvalidInput(faults)
    place = (known_locator(tx.connection) or locator_of(tx.session)).locate(site.lon, site.lat)
    site.grid_code, site.district_code = place.unit_grid, place.district
    tx.session.add(site)
    tx.session.flush()
    return site.id


def _held(device: Device) -> tuple[str, str]:
    """Return what decides which rules are about a device."""
    return device.kind, device.scene


def _end_walks(tx: Tx, device_id: int, ended_with: str) -> None:
    """End a device's alerts and forget where its rules stand: what is measured later is walked anew.

    Whoever stores for it now is waited for; who comes after sees what it has become.
    """
    tx.connection.execute(_WAIT, (device_id,))
    # Nothing will be heard that could close them.
    withdraw_of_device(tx.connection, device_id, tx.clock.now(), ended_with=ended_with)
    tx.connection.execute("DELETE FROM sensor_rule_states WHERE device_id = %s", (device_id,))


def _device(tx: Tx, device_id: int) -> Device:
    device = tx.session.get(Device, device_id, with_for_update=True)
    if device is None:
        raise NotFound("没有编号为 %(id)s 的设备。", id=device_id)
    return device


def _set_active(tx: Tx, device_id: int, *, active: bool) -> None:
    tx.actor.require(ADMINISTRATOR)
    device = _device(tx, device_id)
    if device.active == active:
        raise StateChanged
    device.active = active
    tx.session.flush()


def _fill_device(tx: Tx, device: Device, typed: Mapping[str, Any]) -> Faults:
    """Take what was typed into a device; return what is wrong by field."""
    faults: Faults = {}
    code = str(typed.get("code", "")).strip()
    _check_code(tx, Device, device.id, code, faults)
    device.code = code
    device.name = _text(typed, "name", Text("请填写名称"), LONGEST_NAME, faults)
    device.name_en = _text(typed, "name_en", "", LONGEST_NAME, faults)
    device.kind = _text(typed, "kind", Text("请填写设备类型"), LONGEST_CODE, faults)
    site = _site_named(tx, typed, "site", faults)
    scene = str(typed.get("scene", "")).strip()
    if scene and kind_named(scene) is None:
        faults["scene"] = Text("没有点位类型“%(kind)s”", kind=scene)
    device.scene = site.kind if site else scene
    device.site_id = site.id if site else None
    unit = _unit_named(tx, typed, faults)
    device.unit_id = unit or (site.unit_id if site else None)
    device.lon, device.lat = _place(typed, faults)
    if device.lon is None and site is not None:
        device.lon, device.lat = site.lon, site.lat
    device.district_code = site.district_code if site else _district(tx, device)
    device.silent_after_s = 60 * _minutes(typed, faults)
    return faults


def _site_faults(tx: Tx, site: Site, command: SaveSite) -> Iterator[tuple[str, str]]:
    """Take what was typed into a site; yield what is wrong by field."""
    typed, faults = vars(command), dict[str, str]()
    code = command.code.strip()
    _check_code(tx, Site, site.id, code, faults)
    site.code, site.active = code, command.active
    site.name = _text(typed, "name", Text("请填写名称"), LONGEST_NAME, faults)
    site.name_en = _text(typed, "name_en", "", LONGEST_NAME, faults)
    site.address = _text(typed, "address", "", LONGEST_ADDRESS, faults)
    kind = kind_named(command.kind)
    if kind is None:
        faults["kind"] = Text("请选择点位类型")
    else:
        site.kind, site.trade = kind.code, kind.trade
    _take_addresses(site, typed, faults)
    site.unit_id = _unit_named(tx, typed, faults)
    parent = _site_named(tx, typed, "parent", faults)
    if parent is not None and (kind is None or parent.kind != kind.parent):
        faults.setdefault("parent", Text("上级点位的类型不对"))
    site.parent_id = parent.id if parent else None
    lon, lat = _place(typed, faults)
    if lon is None or lat is None:
        faults.setdefault("lon", Text("请填写经度和纬度"))
    else:
        site.lon, site.lat = lon, lat
    return iter(faults.items())


def _take_addresses(site: Site, typed: Mapping[str, Any], faults: Faults) -> None:
    """Take the addresses of a site's camera; one that is left empty is taken away."""
    data = dict(site.data)
    for name in SITE_ADDRESSES:
        address = str(typed.get(name, "")).strip()
        if not address:
            data.pop(name, None)
        elif is_web_address(address):
            data[name] = address
        else:
            faults[name] = Text("应为 http:// 或 https:// 开头的网址，至多 %(n)s 个字符", n=LONGEST)
    if data != site.data:
        site.data = data


def _check_code(
    tx: Tx, table: type[Device | Site], own_id: int | None, code: str, faults: Faults
) -> None:
    if not 0 < len(code) <= LONGEST_CODE or not code.isprintable():
        faults["code"] = Text("请填写编码，至多 %(n)s 个字符", n=LONGEST_CODE)
        return
    with tx.session.no_autoflush:
        other = tx.session.scalar(select(table.id).where(table.code == code))
    if other is not None and other != own_id:
        faults["code"] = Text("编码“%(code)s”已被使用", code=code)


def _text(typed: Mapping[str, Any], name: str, missing: str, longest: int, faults: Faults) -> str:
    text = str(typed.get(name, "")).replace("\0", " ").strip()
    if not text and missing:
        faults[name] = missing
    elif len(text) > longest:
        faults[name] = Text("至多 %(n)s 个字符", n=longest)
    return text


def _site_named(tx: Tx, typed: Mapping[str, Any], name: str, faults: Faults) -> Site | None:
    code = str(typed.get(name, "")).replace("\0", "").strip()
    if not code:
        return None
    with tx.session.no_autoflush:
        site = tx.session.scalar(select(Site).where(Site.code == code))
    if site is None:
        faults[name] = Text("没有编码为“%(code)s”的点位", code=code)
    return site


def _unit_named(tx: Tx, typed: Mapping[str, Any], faults: Faults) -> int | None:
    code = str(typed.get("unit", "")).replace("\0", "").strip()
    if not code:
        return None
    with tx.session.no_autoflush:
        unit = tx.session.scalar(select(Unit.id).where(Unit.code == code, Unit.active))
    if unit is None:
        faults["unit"] = Text("没有编码为“%(code)s”的单位", code=code)
    return unit


def _place(typed: Mapping[str, Any], faults: Faults) -> tuple[float | None, float | None]:
    lon = _degrees(typed, "lon", 180, faults)
    lat = _degrees(typed, "lat", 90, faults)
    if (lon is None) != (lat is None):
        faults.setdefault("lat" if lat is None else "lon", Text("经度和纬度要一起填写"))
    return lon, lat


def _degrees(typed: Mapping[str, Any], name: str, most: int, faults: Faults) -> float | None:
    text = str(typed.get(name, "")).strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= most:
        faults[name] = Text("应为 -%(n)s 至 %(n)s 的度数", n=most)
        return None
    return number


def _minutes(typed: Mapping[str, Any], faults: Faults) -> int:
    text = str(typed.get("silent_minutes", "") or "60").strip()
    least, most = SILENT_MINUTES
    number = int(text) if text.isdecimal() and len(text) < 9 else 0
    if not least <= number <= most:
        faults["silent_minutes"] = Text("应为 %(least)s 至 %(most)s 的整数", least=least, most=most)
        return least
    return number


def _district(tx: Tx, device: Device) -> str | None:
    if device.lon is None or device.lat is None:
        return None
    locator = known_locator(tx.connection) or locator_of(tx.session)
    return locator.locate(device.lon, device.lat).district
