"""What a phone hands in is carried out once, however often it is sent: each request has a key of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import select

from app.errors import InvalidInput
from app.flood.tables import HandedIn
from app.run import Tx

# A second sending at the same time waits here until the first is through, and then finds its answer.
_TAKE: Final = """
INSERT INTO flood_requests (key, person_id, digest, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_ANSWER: Final = "UPDATE flood_requests SET answer = %s WHERE key = %s"


def once(
    tx: Tx, key: UUID | None, asked: Mapping[str, Any], do: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Do something and return its answer; under a key that was carried out, return the answer of then.

    asked: what the request is about, plain. Raises InvalidInput for a key of another request.
    """
    if key is None:
        return do()
    plain = orjson.dumps(dict(asked), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(plain).hexdigest()
    person_id = tx.actor.person_id
    taken = tx.connection.execute(_TAKE, (key, person_id, digest, tx.clock.now()))
    if taken.rowcount == 0:
        return _before(tx, key, digest)
    answer = do()
    tx.session.flush()
    tx.connection.execute(_ANSWER, (Jsonb(answer), key))
    return answer


def _before(tx: Tx, key: UUID, digest: str) -> dict[str, Any]:
    query = select(HandedIn).where(HandedIn.key == key)
    found = tx.session.scalars(query.execution_options(populate_existing=True)).one()
    if found.person_id != tx.actor.person_id or found.digest != digest:
        raise InvalidInput({"key": "这个请求编号已用于另一次提交，请刷新后重试。"})
    return dict(found.answer or {})
