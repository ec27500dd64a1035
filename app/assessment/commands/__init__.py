"""Use cases of the assessment. Importing the folder registers every handler."""

from __future__ import annotations

from app.assessment.commands.appeals import FileAppeal
from app.assessment.commands.runs import BeginRun, ConfirmMonth, CorrectMonth
from app.assessment.commands.schemes import DRAFT, AdoptScheme, DropScheme, EnterMarks, SaveScheme
from app.assessment.commands.settling import (
    CorrectAfterRuling,
    FindWhatFollows,
    GoOn,
    PrintEdition,
)

__all__ = [
    "DRAFT",
    "AdoptScheme",
    "BeginRun",
    "ConfirmMonth",
    "CorrectAfterRuling",
    "CorrectMonth",
    "DropScheme",
    "EnterMarks",
    "FileAppeal",
    "FindWhatFollows",
    "GoOn",
    "PrintEdition",
    "SaveScheme",
]
