"""Use cases of the cases room. Importing the folder registers every handler."""

from __future__ import annotations

import app.cases.departures  # noqa: F401 because it says what stands in the way of a move
from app.cases.commands.evidence import AddPhoto
from app.cases.commands.feedback import RecordFeedback
from app.cases.commands.filters import DropFilter, SaveFilter
from app.cases.commands.moving import MoveCases, UndoMove
from app.cases.commands.reassigning import ReassignUnit
from app.cases.commands.report import ReportCase
from app.cases.commands.requests import (
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.cases.commands.timers import FindDueTimers, FireTimers, FireTimersOfMany, PutOffTimers
from app.cases.commands.work import AssignItem, ClaimItem, CompleteWork, HandBackItem, SaveDraft

__all__ = [
    "AddPhoto",
    "AssignItem",
    "ClaimItem",
    "CompleteWork",
    "DropFilter",
    "FindDueTimers",
    "FireTimers",
    "FireTimersOfMany",
    "HandBackItem",
    "MoveCases",
    "PutOffTimers",
    "RaiseSupervision",
    "ReassignUnit",
    "RecordFeedback",
    "ReleaseHold",
    "ReportCase",
    "RequestExtension",
    "RequestHold",
    "RequestReturn",
    "SaveDraft",
    "SaveFilter",
    "UndoMove",
]
