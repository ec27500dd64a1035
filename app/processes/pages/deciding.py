"""The form of an item of a process that is no case's: shown and handed in like any other item's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from app.cases.pages import room
from app.cases.pages.form_view import Control, controls_of, typed_answers
from app.db.session import db
from app.modeling.bundles import forms_of
from app.modeling.queries import Deployed, deployed
from app.processes.commands import CompleteProcessItem
from app.processes.queries import fits, item_of, open_items_of
from app.processes.tables import Process, ProcessItem
from app.web.acting import act


@dataclass(frozen=True)
class Deciding:
    """An open item and the questions of its form. mine: the reader's to decide."""

    item: ProcessItem
    version: int
    controls: list[Control]
    mine: bool


def deciding_of(process_id: int, answers: Mapping[str, Any] | None = None) -> Deciding | None:
    """Return what a process waits for. answers: what was typed and refused."""
    session = db.session()
    items = open_items_of(session, process_id)
    if not items:
        return None
    item, process = items[0], session.get_one(Process, process_id)
    version = _deployed(process)
    schema = forms_of(version.files)[item.form_key]
    controls = controls_of(schema, version.form(item.form_key), answers or {}, {})
    return Deciding(item, process.version, controls, fits(room.reader(), item))


def typed_decision(item_id: int) -> dict[str, Any]:
    """Return what was typed into the form of an item."""
    session = db.session()
    item = item_of(session, item_id)
    process = session.get_one(Process, item.process_id)
    return typed_answers(_deployed(process).form(item.form_key), request.form, room.zone())


def decide(item_id: int, answers: Mapping[str, Any]) -> None:
    """Hand the decision in, for the version of the process that was looked at."""
    seen = request.form.get("version", "")
    version = int(seen) if seen.isdecimal() and len(seen) < 10 else None
    act(CompleteProcessItem(item_id, answers, version))


def _deployed(process: Process) -> Deployed:
    return deployed(room.connection(), process.definition_hash)
