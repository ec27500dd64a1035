"""Work items: complete, claim, hand back, assign, draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from app.accounts.roles import DOERS, DUTY_CHIEF, UNIT_HANDLER, UNIT_MANAGER
from app.cases.answers import check_answers
from app.cases.commands.authority import finished, require_free, require_open, taken
from app.cases.context import StepContext
from app.cases.log import plain
from app.cases.reference import person_for
from app.cases.steps import StepResult, advance, context_of, definition_of
from app.cases.store import Loaded, case_update, load_item, write_step
from app.engine import instance
from app.errors import Forbidden, InvalidInput, StateChanged
from app.run import SYSTEM_ROLE, Tx, handles

DRAFT_BYTES: Final = 100_000

_SAVE_DRAFT: Final = """
INSERT INTO drafts (item_id, person_id, answers, saved_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (item_id, person_id) DO UPDATE
SET answers = excluded.answers, saved_at = excluded.saved_at
"""


@dataclass(frozen=True)
class CompleteWork:
    """Complete a work item with the answers to its form.

    version: of the instance as the person saw it; None to take it as it is.
    """

    item_id: int
    answers: Mapping[str, Any] = field(repr=False)
    version: int | None = None


@dataclass(frozen=True)
class ClaimItem:
    """Take a work item of one's role for oneself."""

    item_id: int


@dataclass(frozen=True)
class HandBackItem:
    """Give a claimed work item back to its role."""

    item_id: int


@dataclass(frozen=True)
class AssignItem:
    """Give a work item to a person."""

    item_id: int
    person_id: int


@dataclass(frozen=True)
class SaveDraft:
    """Keep what a person has typed into a work item's form."""

    item_id: int
    answers: Mapping[str, Any] = field(repr=False)


@handles(CompleteWork, *DOERS)
def complete_work(command: CompleteWork, tx: Tx) -> StepResult:
    """Complete a work item; the loser of two completions gets StateChanged saying who did it and when."""
    loaded, item = _open_item(tx, command.item_id)
    require_free(tx.actor, item)
    if command.version is not None and command.version != loaded.version:
        raise StateChanged("案件在您填写期间有了新情况，请刷新后再提交。")
    form = definition_of(loaded).form(item["form_key"])
    answers = check_answers(form, command.answers)
    context = context_of(tx, loaded, answers)
    _give_to_handler(context, loaded, answers)
    said = {key: value for key, value in answers.items() if value is not None}
    context.log("completed", item["element"], **said)
    return advance(
        loaded,
        context,
        lambda definition, moment: instance.complete(
            definition, loaded.state, item["token"], answers, moment
        ),
        completed=item["token"],
    )


@handles(ClaimItem, *DOERS)
def claim_item(command: ClaimItem, tx: Tx) -> None:
    """Claim an item; whoever comes second gets StateChanged."""
    loaded, item = _open_item(tx, command.item_id)
    if tx.actor.person_id is None:
        raise Forbidden
    if item["assignee_id"] == tx.actor.person_id:
        return
    if item["assignee_id"] is not None:
        raise taken(loaded.connection, item, _zone(tx))
    _reassign(tx, loaded, item, tx.actor.person_id, "claimed")


@handles(HandBackItem, *DOERS)
def hand_back_item(command: HandBackItem, tx: Tx) -> None:
    """Hand a claimed item back."""
    loaded, item = _open_item(tx, command.item_id)
    require_free(tx.actor, item)
    if item["assignee_id"] is not None:
        _reassign(tx, loaded, item, None, "handed_back")


@handles(AssignItem, DUTY_CHIEF, UNIT_MANAGER)
def assign_item(command: AssignItem, tx: Tx) -> None:
    """Assign an item: a unit's manager within the unit, the duty chief within the centre."""
    loaded, item = _loaded_item(tx, command.item_id)
    _require_assigner(tx, item)
    if item["status"] != "open":
        raise finished(loaded.connection, command.item_id, _zone(tx))
    person = person_for(
        loaded.connection,
        command.person_id,
        role=item["role"],
        within=loaded.unit_path if item["unit_id"] is not None else None,
        field="person_id",
    )
    _reassign(tx, loaded, item, person.id, "assigned")


@handles(SaveDraft, *DOERS)
def save_draft(command: SaveDraft, tx: Tx) -> None:
    """Save a draft of an item's answers; nothing is checked but its size."""
    loaded, item = _open_item(tx, command.item_id)
    if tx.actor.person_id is None:
        raise Forbidden
    text = orjson.dumps(plain(command.answers))
    if len(text) > DRAFT_BYTES or b"\\u0000" in text:
        raise InvalidInput({"": "草稿过长，或含有不能保存的字符"})
    row = (item["id"], tx.actor.person_id, text.decode(), tx.clock.now())
    loaded.connection.execute(_SAVE_DRAFT, row)


def _loaded_item(tx: Tx, item_id: int) -> tuple[Loaded, dict[str, Any]]:
    loaded = load_item(tx.connection, item_id)
    return loaded, loaded.item(item_id)


def _open_item(tx: Tx, item_id: int) -> tuple[Loaded, dict[str, Any]]:
    """Lock and load an item that is open and that the actor may work on."""
    loaded, item = _loaded_item(tx, item_id)
    require_open(loaded.connection, tx.actor, item, _zone(tx))
    return loaded, item


def _zone(tx: Tx) -> ZoneInfo:
    return tx.services.settings.timezone


def _require_assigner(tx: Tx, item: Mapping[str, Any]) -> None:
    actor = tx.actor
    if SYSTEM_ROLE in actor.roles:
        return
    if item["unit_id"] is None:
        actor.require(DUTY_CHIEF)
    elif not (actor.has(UNIT_MANAGER) and item["unit_id"] == actor.unit_id):
        raise Forbidden


def _reassign(
    tx: Tx, loaded: Loaded, item: Mapping[str, Any], person_id: int | None, kind: str
) -> None:
    context = context_of(tx, loaded)
    if kind == "assigned" and item["role"] == UNIT_HANDLER:
        context.case["handler_id"] = person_id
    context.rows.assign_items.append(
        (person_id, context.now if person_id else None, item["id"], item["assignee_id"])
    )
    context.log(kind, item["element"], item_id=item["id"], person_id=person_id)
    context.rows.update_case = case_update(context.case)
    write_step(context.connection, context.rows)


def _give_to_handler(context: StepContext, loaded: Loaded, answers: Mapping[str, Any]) -> None:
    """Make the handler named in the answers the case's own."""
    handler_id = answers.get("handler_id")
    if handler_id is None:
        return
    person = person_for(
        context.connection,
        handler_id,
        role=UNIT_HANDLER,
        within=loaded.unit_path,
        field="handler_id",
    )
    context.case["handler_id"] = person.id
