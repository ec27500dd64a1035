"""Photos of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from app.accounts.roles import DOERS
from app.cases.answers import not_one_of
from app.cases.commands.authority import REPORTERS, fits
from app.cases.photos import store_photo
from app.cases.queries.visibility import may_see
from app.cases.steps import context_of
from app.cases.store import Loaded, case_update, load_case, write_step
from app.errors import Forbidden, InvalidInput
from app.run import Tx, handles

STAGES: Final = ("before", "after", "other")

_ADD: Final = """
INSERT INTO photos (case_id, item_id, sha256, media_type, size, stage, added_at, added_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (case_id, sha256) DO NOTHING
"""


@dataclass(frozen=True)
class AddPhoto:
    """Add a photo to a case. item_id: the open work item it was taken for."""

    case_id: int
    content: bytes = field(repr=False)
    stage: str = "other"
    item_id: int | None = None


def _require_item(tx: Tx, loaded: Loaded, item_id: int) -> None:
    """Raise InvalidInput unless the item is open in this case, Forbidden unless it is the actor's to do."""
    item = next((i for i in loaded.items if i["id"] == item_id), None)
    if item is None:
        raise InvalidInput({"item_id": "这项工作不属于本案卷，或已经办结"})
    if not fits(tx.actor, item):
        raise Forbidden


@handles(AddPhoto, *DOERS)
def add_photo(command: AddPhoto, tx: Tx) -> str:
    """Keep a photo and return its hash; the same photo twice is one."""
    if command.stage not in STAGES:
        raise InvalidInput({"stage": not_one_of(command.stage, STAGES)})
    loaded = load_case(tx.connection, command.case_id)
    working = any(fits(tx.actor, item) for item in loaded.items)
    reporting = tx.actor.has(*REPORTERS) and may_see(tx.session, tx.actor, command.case_id)
    if not working and not reporting:
        raise Forbidden
    if command.item_id is not None:
        _require_item(tx, loaded, command.item_id)
    elif not working and command.stage == "after":
        raise Forbidden
    settings = tx.services.settings
    photo = store_photo(settings.photo_dir, command.content, bytes_limit=settings.photo_bytes_limit)
    context = context_of(tx, loaded)
    added = loaded.connection.execute(
        _ADD,
        (
            command.case_id, command.item_id, photo.sha256, photo.media_type, photo.size,
            command.stage, context.now, tx.actor.person_id,
        ),
    )  # fmt: skip
    if added.rowcount == 1:
        context.log("photo_added", sha256=photo.sha256, stage=command.stage, size=photo.size)
        context.rows.update_case = case_update(context.case)
        write_step(context.connection, context.rows)
    return photo.sha256
