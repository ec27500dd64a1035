"""Use cases of the assessment. Importing the folder registers every handler."""

from __future__ import annotations

from app.assessment.commands.appeals import FileAppeal
from app.assessment.commands.runs import BeginRun, ConfirmMonth, CorrectMonth, KeepNotice
from app.assessment.commands.schemes import DRAFT, AdoptScheme, DropScheme, EnterMarks, SaveScheme

__all__ = [
    "DRAFT",
    "AdoptScheme",
    "BeginRun",
    "ConfirmMonth",
    "CorrectMonth",
    "DropScheme",
    "EnterMarks",
    "FileAppeal",
    "KeepNotice",
    "SaveScheme",
]
