"""Call people of a point: a row and an outbox message for each, which a connector delivers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from sqlalchemy import select, text

from app.accounts.roles import FLOOD_COMMANDER, WATCH_OFFICER
from app.accounts.tables import Person
from app.cases.answers import clean_text
from app.cases.store import PUT_OUT
from app.errors import InvalidInput, NotFound
from app.flood.once import once
from app.flood.tables import CALL_WAYS, CallOut
from app.run import Tx, handles
from app.sensing.tables import Site
from sla.flood_files import TRADE

LONGEST_TEXT: Final = 200
# Whose shift it is at the point, and who is signed on there.
PEOPLE_AT = """
SELECT person_id FROM duty_shifts WHERE site_id = :site AND starts_at <= :at AND ends_at > :at
UNION SELECT person_id FROM duty_sign_ons WHERE site_id = :site AND off_at IS NULL
"""


@dataclass(frozen=True)
class CallPeople:
    """Call everybody of a point, or one of them. way: sms, or call_out for a voice call."""

    site_id: int
    way: str
    text: str
    person_id: int | None = None
    key: UUID | None = None


@handles(CallPeople, FLOOD_COMMANDER, WATCH_OFFICER)
def call_people(command: CallPeople, tx: Tx) -> dict[str, Any]:
    """Put the calls out; return how many, and the names of those without a number."""
    asked = {name: value for name, value in vars(command).items() if name != "key"}
    return once(tx, command.key, {"what": "call", **asked}, lambda: _call(command, tx))


def _call(command: CallPeople, tx: Tx) -> dict[str, Any]:
    site = tx.session.get(Site, command.site_id)
    if site is None or site.trade != TRADE:
        raise NotFound("没有这个点位。")
    if command.way not in CALL_WAYS:
        raise InvalidInput({"way": "请选择短信或语音"})
    said = clean_text("text", command.text, longest=LONGEST_TEXT)
    if not said:
        raise InvalidInput({"text": "请写明通知内容"})
    parameters = {"site": site.id, "at": tx.clock.now()}
    ids = set(tx.session.scalars(text(PEOPLE_AT), parameters))
    if command.person_id is not None:
        ids &= {command.person_id}
    if not ids:
        raise InvalidInput({"person_id": "这个点位现在没有值守人员"})
    people = tx.session.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.id)).all()
    for person in people:
        if person.phone:
            _put_out(command, person, site, said, tx)
    return {
        "called": sum(1 for person in people if person.phone),
        "without": [person.name for person in people if not person.phone],
    }


def _put_out(command: CallPeople, person: Person, site: Site, said: str, tx: Tx) -> None:
    now, key = tx.clock.now(), f"{command.way}-{uuid4()}"
    row = CallOut(
        site_id=site.id,
        person_id=person.id,
        way=command.way,
        phone=person.phone,
        at=now,
        called_by=tx.actor.person_id,
        message_key=key,
    )
    tx.session.add(row)
    content = {"phone": person.phone, "name": person.name, "point": site.name, "text": said}
    payload = orjson.dumps(content).decode()
    tx.connection.execute(PUT_OUT, (command.way, payload, key, now, now))
