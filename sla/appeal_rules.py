"""The choices a city makes about appeals: read from sla/policies/appeals.yml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final

from app.errors import InvalidInput
from sla.limits import Limit
from sla.policy_files import POLICIES, read_policy

APPEALS_FILE: Final = POLICIES / "appeals.yml"


class AfterPublishing(StrEnum):
    """Where an appeal goes that was won after its month was published."""

    CORRECT_MONTH = "correct_month"
    NEXT_MONTH = "next_month"


@dataclass(frozen=True, slots=True)
class AppealRules:
    """What holds for appeals; each field is a key of the file, explained there."""

    window: Limit
    after_publishing: AfterPublishing = AfterPublishing.CORRECT_MONTH
    most_files: int = 9


def load_appeal_rules(path: Path = APPEALS_FILE) -> AppealRules:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(entry.name for entry in fields(AppealRules))
    written = file.text("window", "5 working_day")
    try:
        window = Limit.parse(written)
    except InvalidInput as exc:
        raise file.refusal("window", f"is {written!r}", 'write "5 working_day"') from exc
    return AppealRules(
        window,
        file.choice("after_publishing", AfterPublishing, AfterPublishing.CORRECT_MONTH),
        file.whole_number("most_files", 9),
    )
