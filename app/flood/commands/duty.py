"""Sign on and off, tell where one is, write what one sees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.accounts.roles import FLOOD_STAFF
from app.accounts.tables import Person
from app.cases.answers import clean_text
from app.cases.photos import store_photo
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged, Text
from app.flood.duty import signed_on
from app.flood.once import once
from app.flood.orders import is_given_to, order_of, own_open_orders
from app.flood.tables import DutyNote, DutyPosition, DutyShift, DutySignOn
from app.run import Tx, handles
from app.sensing.tables import Site
from sla.flood import distance_m
from sla.flood_files import TRADE, shipped_flood_policy

LONGEST_NOTE: Final = 1000
_WORST_ACCURACY_M: Final = 100_000.0


@dataclass(frozen=True)
class Position:
    """Where a phone says it is: degrees WGS 84, and how uncertain that is."""

    lon: float
    lat: float
    accuracy_m: float

    def check(self) -> None:
        """Raise InvalidInput for what is no place. Also false for what is no number."""
        if not (
            -180 <= self.lon <= 180
            and -90 <= self.lat <= 90
            and 0 <= self.accuracy_m <= _WORST_ACCURACY_M
        ):
            raise InvalidInput({"position": "没有取得有效的位置：请允许浏览器使用定位后重试。"})


@dataclass(frozen=True)
class SignOn:
    """Come on duty (到岗): for a shift, or at a point that one was sent to."""

    position: Position
    shift_id: int | None = None
    site_id: int | None = None
    key: UUID | None = None


@dataclass(frozen=True)
class SignOff:
    """Go off duty (签退). leaving_orders: also while orders of one's own are open. sign_on_id: only of that duty."""

    key: UUID | None = None
    leaving_orders: bool = False
    sign_on_id: int | None = None


@dataclass(frozen=True)
class TellPosition:
    """Tell where one is now, while on duty."""

    position: Position
    key: UUID | None = None


@dataclass(frozen=True)
class WriteNote:
    """Write what one sees, with a photo perhaps."""

    text: str
    photo: bytes | None = field(default=None, repr=False)
    order_id: int | None = None
    key: UUID | None = None


@handles(SignOn, FLOOD_STAFF)
def sign_on(command: SignOn, tx: Tx) -> dict[str, Any]:
    """Sign the actor on and say whether they are in place, and how far from it. Raises StateChanged when on duty already."""
    command.position.check()
    asked = {"what": "sign_on", "shift": command.shift_id, "site": command.site_id}
    return once(tx, command.key, asked, lambda: _sign_on(command, tx))


def _sign_on(command: SignOn, tx: Tx) -> dict[str, Any]:
    # One person signs on once, whatever they press on however many phones.
    tx.session.scalar(select(Person).where(Person.id == tx.actor.person_id).with_for_update())
    assert tx.actor.person_id is not None, "only people hold this role"
    if signed_on(tx.session, tx.actor.person_id) is not None:
        raise StateChanged("您已到岗，换点位请先签退。")
    site_id = command.site_id
    if command.shift_id is not None:
        shift = tx.session.get(DutyShift, command.shift_id)
        if shift is None or shift.person_id != tx.actor.person_id:
            raise NotFound("没有这个班次。")
        site_id = shift.site_id
    now, position = tx.clock.now(), command.position
    line = DutySignOn(
        person_id=tx.actor.person_id,
        shift_id=command.shift_id,
        site_id=site_id,
        on_at=now,
    )
    _place(tx, line, position, _site(tx, site_id))
    tx.session.add(line)
    tx.session.flush()
    _track(tx, line, position)
    return _where(line)


@handles(SignOff, FLOOD_STAFF)
def sign_off(command: SignOff, tx: Tx) -> dict[str, Any]:
    """Sign the actor off. Raises StateChanged when they are not on duty, InvalidInput when orders of theirs are open."""
    asked = {"what": "sign_off", "sign_on": command.sign_on_id}
    return once(tx, command.key, asked, lambda: _sign_off(command, tx))


def _sign_off(command: SignOff, tx: Tx) -> dict[str, Any]:
    line = _on_duty(tx)
    if command.sign_on_id not in (None, line.id):
        raise StateChanged("这次到岗已经结束，您现在的到岗是另一次。")
    n = own_open_orders(tx.session, tx.actor)
    if n and not command.leaving_orders:
        fault = Text(
            "您还有 %(n)s 条指令没有完成：请先办完，或勾选“已交代清楚，仍要签退”（没有这一项时请刷新）。",
            n=n,
        )
        raise InvalidInput({"leaving_orders": fault})
    line.off_at = tx.clock.now()
    return {"sign_on_id": line.id}


@handles(TellPosition, FLOOD_STAFF)
def tell_position(command: TellPosition, tx: Tx) -> dict[str, Any]:
    """Keep where the actor is, and judge anew whether that is in place."""
    command.position.check()
    return once(tx, command.key, {"what": "position"}, lambda: _tell_position(command, tx))


def _tell_position(command: TellPosition, tx: Tx) -> dict[str, Any]:
    line = _on_duty(tx)
    _place(tx, line, command.position, _site(tx, line.site_id))
    _track(tx, line, command.position)
    return _where(line)


@handles(WriteNote, FLOOD_STAFF)
def write_note(command: WriteNote, tx: Tx) -> dict[str, Any]:
    """Keep a note of the actor's. Raises InvalidInput when there is neither text nor photo."""
    photo = hashlib.sha256(command.photo).hexdigest() if command.photo else None
    asked = {"what": "note", "text": command.text, "photo": photo, "order": command.order_id}
    return once(tx, command.key, asked, lambda: _write_note(command, tx))


def _write_note(command: WriteNote, tx: Tx) -> dict[str, Any]:
    text = clean_text("text", command.text, longest=LONGEST_NOTE) if command.text.strip() else ""
    if not text and not command.photo:
        raise InvalidInput({"text": "请写下情况，或附上照片。"})
    assert tx.actor.person_id is not None, "only people hold this role"
    here = signed_on(tx.session, tx.actor.person_id)
    site_id = here.site_id if here else None
    if command.order_id is not None:
        order = order_of(tx.session, command.order_id)
        if not is_given_to(tx.session, order, tx.actor):
            raise Forbidden("这条指令不是下达给您的。")
        site_id = order.site_id or site_id
    stored = None
    if command.photo:
        settings = tx.services.settings
        limit = settings.photo_bytes_limit
        stored = store_photo(settings.photo_dir, command.photo, bytes_limit=limit)
    note = DutyNote(
        person_id=tx.actor.person_id,
        site_id=site_id,
        order_id=command.order_id,
        at=tx.clock.now(),
        text=text,
        sha256=stored.sha256 if stored else None,
        media_type=stored.media_type if stored else None,
    )
    tx.session.add(note)
    tx.session.flush()
    return {"note_id": note.id}


def _on_duty(tx: Tx) -> DutySignOn:
    query = select(DutySignOn).where(
        DutySignOn.person_id == tx.actor.person_id, DutySignOn.off_at.is_(None)
    )
    line = tx.session.scalar(query.with_for_update())
    if line is None:
        raise StateChanged("您还没有到岗。")
    return line


def _site(tx: Tx, site_id: int | None) -> Site | None:
    if site_id is None:
        return None
    site = tx.session.get(Site, site_id)
    if site is None or site.trade != TRADE:
        raise NotFound("没有这个点位。")
    return site


def _place(tx: Tx, line: DutySignOn, position: Position, site: Site | None) -> None:
    line.lon, line.lat, line.accuracy_m = position.lon, position.lat, position.accuracy_m
    line.position_at = tx.clock.now()
    if site is None:
        line.distance_m = line.in_place = None
        return
    line.distance_m = distance_m(position.lon, position.lat, site.lon, site.lat)
    rules = shipped_flood_policy().duty
    line.in_place = rules.in_place(line.distance_m, position.accuracy_m)


def _track(tx: Tx, line: DutySignOn, position: Position) -> None:
    row = DutyPosition(
        sign_on_id=line.id,
        at=line.position_at,
        lon=position.lon,
        lat=position.lat,
        accuracy_m=position.accuracy_m,
        distance_m=line.distance_m,
        in_place=line.in_place,
    )
    tx.session.add(row)


def _where(line: DutySignOn) -> dict[str, Any]:
    distance = None if line.distance_m is None else round(line.distance_m)
    return {"sign_on_id": line.id, "in_place": line.in_place, "distance_m": distance}
