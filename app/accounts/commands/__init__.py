"""Use cases of the accounts room."""

from __future__ import annotations

from app.accounts.commands.attempts import (
    AttemptSignIn,
    ForgetAttempts,
    LiftLockOut,
    RecordFailure,
)
from app.accounts.commands.organisation import (
    AssignRole,
    ChangePassword,
    ChangePerson,
    ChangeUnit,
    CloseUnit,
    CreatePerson,
    CreateUnit,
    DeactivatePerson,
    RefreshPasswordHash,
    RevokeRole,
    SetPassword,
    create_person,
    create_unit,
)
from app.accounts.commands.restructuring import MoveUnit, ReactivatePerson, ReopenUnit
from app.accounts.commands.uploads import Uploaded, UploadPeople, UploadUnits

__all__ = [
    "AssignRole",
    "AttemptSignIn",
    "ChangePassword",
    "ChangePerson",
    "ChangeUnit",
    "CloseUnit",
    "CreatePerson",
    "CreateUnit",
    "DeactivatePerson",
    "ForgetAttempts",
    "LiftLockOut",
    "MoveUnit",
    "ReactivatePerson",
    "RecordFailure",
    "RefreshPasswordHash",
    "ReopenUnit",
    "RevokeRole",
    "SetPassword",
    "UploadPeople",
    "UploadUnits",
    "Uploaded",
    "create_person",
    "create_unit",
]
