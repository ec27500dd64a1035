"""Use cases of the sensing room: take readings in, know devices, sources and rules."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import select

from app.errors import InvalidInput, Text
from app.places.locate import Place, known_locator, locator_of
from app.run import Tx, handles
from app.sensing.alerting import raise_alerts
from app.sensing.partitions import ensure_months, month_of, next_month
from app.sensing.rules import shipped_metrics
from app.sensing.shapes import lines_data
from app.sensing.storing import (
    count_refused,
    drop_ended,
    keep_latest,
    lock_latest,
    sort_out,
    store_once,
)
from app.sensing.tables import Device, ReadingSource, SensorRule, Site
from connectors.samples import Sample
from sla.metrics import Refusal
from sla.sensing import Line, Threshold
from sla.sites import kind_named

_COPY_SITES: Final = """
COPY sites (id, code, trade, kind, name, name_en, lon, lat, address, grid_code, district_code, unit_id,
    parent_id, data) FROM STDIN
"""


@dataclass(frozen=True)
class StoreReadings:
    """Store a batch of readings and raise the alerts that follow from it.

    source: the channel it came by. unreadable: why each message of it could not be read.
    """

    samples: Sequence[Sample]
    source: str
    unreadable: Sequence[str] = ()


@dataclass(frozen=True)
class Taken:
    """What became of a batch: how many readings are new, and how many were refused for which reason."""

    stored: int
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class NewDevice:
    """A device as it is put on record."""

    code: str
    kind: str
    name: str
    name_en: str = ""
    scene: str = ""
    lon: float | None = None
    lat: float | None = None
    unit_id: int | None = None
    district_code: str | None = None
    site_id: int | None = None
    silent_after_s: int = 3600


@dataclass(frozen=True)
class NewSite:
    """A site as it is put on record. parent: the code of the site it belongs to, on record or listed before it."""

    code: str
    kind: str
    name: str
    lon: float
    lat: float
    name_en: str = ""
    address: str = ""
    unit_id: int | None = None
    parent: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AddSites:
    """Put sites on record; each is found in its grid and district."""

    sites: Sequence[NewSite]


@dataclass(frozen=True)
class AddDevices:
    """Put devices on record."""

    devices: Sequence[NewDevice]


@dataclass(frozen=True)
class AddReadingSource:
    """Let a system hand readings in by HTTP."""

    name: str


@dataclass(frozen=True)
class AddThresholdRule:
    """Raise alerts where a metric crosses lines; empty devices, kinds and scenes mean all."""

    name: str
    metric: str
    lines: tuple[Line, ...]
    valid_from: datetime
    samples: int = 1
    name_en: str = ""
    device_ids: tuple[int, ...] = ()
    device_kinds: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    valid_to: datetime | None = None


@dataclass(frozen=True)
class MakeMonths:
    """Make the partitions of a moment's month and of the one after."""

    at: datetime


@handles(StoreReadings)
def store_readings(command: StoreReadings, tx: Tx) -> Taken:
    """Sort the batch out, store each reading once, walk the rules over what is new; count the rest."""
    now = tx.clock.now()
    batch = sort_out(tx, command.samples, command.source, shipped_metrics(), now)
    for reason in command.unreadable:
        batch.refuse(command.source, Refusal.MALFORMED, reason)
    stored = []
    if batch.rows:
        latest = lock_latest(tx, {(device, metric) for device, metric, _, _ in batch.rows})
        # One may have been taken out of use before its rows were ours.
        drop_ended(tx, batch)
        stored = store_once(tx, batch, now)
        raise_alerts(tx, stored, batch.devices, latest, now)
        keep_latest(tx, stored, now)
    count_refused(tx, batch, now)
    refused: dict[str, int] = {}
    for (_, why), n in batch.refused.items():
        refused[why.value] = refused.get(why.value, 0) + n
    return Taken(len(stored), refused)


@handles(AddDevices)
def add_devices(command: AddDevices, tx: Tx) -> int:
    """Add the devices and return how many."""
    tx.session.add_all(Device(**vars(device)) for device in command.devices)
    tx.session.flush()
    return len(command.devices)


@handles(AddSites)
def add_sites(command: AddSites, tx: Tx) -> dict[str, int]:
    """Add the sites and return their ids by code. Raises InvalidInput naming a site whose kind or parent is unknown."""
    locator = known_locator(tx.connection) or locator_of(tx.session)
    ids: dict[str, int] = {}
    codes = [site.code for site in command.sites]
    for site, number in zip(command.sites, _new_ids(tx, len(codes)), strict=True):
        ids[site.code] = number
    parents = {site.parent for site in command.sites if site.parent} - ids.keys()
    known = select(Site.code, Site.id).where(Site.code.in_(parents))
    above = ids | {row.code: row.id for row in tx.session.execute(known)}
    with tx.connection.cursor().copy(_COPY_SITES) as copy:
        for site in command.sites:
            place = locator.locate(site.lon, site.lat)
            copy.write_row(_site_row(site, ids[site.code], place, above))
    return ids


def _new_ids(tx: Tx, count: int) -> list[int]:
    drawn = "SELECT nextval(pg_get_serial_sequence('sites', 'id')) FROM generate_series(1, %s)"
    return [int(row[0]) for row in tx.connection.execute(drawn, (count,))]


def _site_row(
    site: NewSite, number: int, place: Place, above: Mapping[str, int]
) -> tuple[Any, ...]:
    kind = kind_named(site.kind)
    if kind is None:
        raise InvalidInput(
            {"kind": Text("点位 %(code)s：没有类型“%(kind)s”", code=site.code, kind=site.kind)}
        )
    if site.parent is not None and site.parent not in above:
        fault = Text("点位 %(code)s：没有上级点位“%(parent)s”", code=site.code, parent=site.parent)
        raise InvalidInput({"parent": fault})
    return (
        number,
        site.code,
        kind.trade,
        kind.code,
        site.name,
        site.name_en,
        site.lon,
        site.lat,
        site.address,
        place.unit_grid,
        place.district,
        site.unit_id,
        None if site.parent is None else above[site.parent],
        Jsonb(dict(site.data)),
    )


@handles(AddReadingSource)
def add_reading_source(command: AddReadingSource, tx: Tx) -> str:
    """Add a source and return its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    source = ReadingSource(
        name=command.name, token_hash=hash_of(token), active=True, added_at=tx.clock.now()
    )
    tx.session.add(source)
    tx.session.flush()
    return token


def hash_of(token: str) -> str:
    """Return what is kept of a source's token."""
    return hashlib.sha256(token.encode()).hexdigest()


@handles(AddThresholdRule)
def add_threshold_rule(command: AddThresholdRule, tx: Tx) -> int:
    """Add a rule and return its id. Raises InvalidInput when its lines do not go up."""
    Threshold(command.lines, command.samples)
    rule = SensorRule(
        name=command.name,
        name_en=command.name_en,
        kind="threshold",
        metric=shipped_metrics().by_name[command.metric].number,
        data={"lines": lines_data(command.lines)},
        samples=command.samples,
        device_ids=list(command.device_ids),
        device_kinds=list(command.device_kinds),
        scenes=list(command.scenes),
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        added_at=tx.clock.now(),
    )
    tx.session.add(rule)
    tx.session.flush()
    return rule.id


@handles(MakeMonths)
def make_months(command: MakeMonths, tx: Tx) -> None:
    """Make partitions ahead, so that no batch has to."""
    month = month_of(command.at, tx.services.settings.timezone)
    ensure_months(tx.connection, (month, next_month(month)))
