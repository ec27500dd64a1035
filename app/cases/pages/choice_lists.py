"""The choices of a form as the page lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.roles import UNIT_HANDLER
from app.cases.channels import load_channels
from app.cases.pages.form_view import Option
from app.cases.pages.words import channel_word, chosen_name, limit_words
from app.cases.queries.choices import (
    PersonChoice,
    classes_offered,
    conditions_offered,
    handlers_offered,
    units_offered,
)
from app.cases.tables import Case
from app.catalogue.tables import CaseClass, FilingCondition
from app.modeling.forms import Form

KIND_NAMES = {"component": _l("部件"), "event": _l("事件"), "service": _l("服务")}
RANK_GROUPS = {"district": _l("区县"), "department": _l("市直部门"), "enterprise": _l("企业")}


def choices_for(
    session: Session, form: Form, case: Case, values: Mapping[str, Any], on: date
) -> dict[str, Sequence[Option]]:
    """Return what the server fills a form's selects with, by source; nothing is read that no field asks for."""
    wanted = {field.source for field in form.fields if not field.readonly}
    found: dict[str, Sequence[Option]] = {}
    if "classes" in wanted:
        found["classes"] = class_options(session, on)
    if "conditions" in wanted:
        code = values.get("class_code") or case.class_code
        found["conditions"] = condition_options(session, code, on)
    if "units" in wanted:
        found["units"] = unit_options(session, values.get("unit_id"))
    if "handlers" in wanted:
        found["handlers"] = person_options(handlers_offered(session, case, UNIT_HANDLER))
    return found


def class_options(session: Session, on: date) -> list[Option]:
    """Return the classes in force on a day, under their major classes."""
    return [
        Option(
            entry.code,
            f"{class_words(entry)} {entry.code}",
            f"{KIND_NAMES[entry.kind]} · {entry.major_name}",
        )
        for entry in classes_offered(session, on)
    ]


def class_words(entry: CaseClass) -> str:
    """Return the name of a class in the reader's language."""
    return chosen_name((entry.minor_name, entry.name_en))


def condition_options(session: Session, class_code: str | None, on: date) -> list[Option]:
    """Return the filing conditions of a class with their limits."""
    return [
        Option(str(condition.seq), condition_words(condition))
        for condition in conditions_offered(session, class_code, on)
    ]


def condition_words(condition: FilingCondition) -> str:
    """Say a filing condition and its limit."""
    limit = limit_words(f"{condition.limit_value.normalize():f} {condition.limit_unit}")
    return f"{condition.seq}. {condition.wording}（{limit}）"


def unit_options(session: Session, chosen: object) -> list[Option]:
    """Return the units that cases may be dispatched to, by the groups they are ranked in."""
    number = int(str(chosen)) if str(chosen).isdecimal() and len(str(chosen)) < 16 else None
    options = [
        Option(
            str(unit.id),
            chosen_name((unit.name, unit.name_en)),
            str(RANK_GROUPS[unit.rank_group]) if unit.rank_group else "",
        )
        for unit in units_offered(session, number)
    ]
    return sorted(
        options,
        key=lambda option: (
            list(map(str, RANK_GROUPS.values())).index(option.group) if option.group else 9
        ),
    )


def person_options(people: Sequence[PersonChoice]) -> list[Option]:
    """Return people under the names of their units."""
    return [
        Option(str(person.id), person.name, chosen_name((person.unit_name, person.unit_name_en)))
        for person in people
    ]


def channel_options() -> list[Option]:
    """Return the channels that reports come in by."""
    return [Option(code, channel_word(code)) for code in load_channels()]
