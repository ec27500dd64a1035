"""What the parts of a breakdown are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.breakdown import majors_of
from app.assessment.pages.ranking import unit_name
from app.assessment.ranking import GROUP_NAMES
from app.cases.pages.words import Words, channel_word, chosen_name
from app.cases.queries.case_file import names_of
from app.places.queries import responsibility_grids

WORDS: Final[Words] = {
    "class": _l("小类"),
    "major": _l("大类"),
    "responsibility": _l("责任网格"),
    "grid": _l("单元网格"),
    "channel": _l("渠道"),
    "person": _l("处置人员"),
    "unit": _l("单位"),
    "group": _l("排名分组"),
}
NOTES: Final[Words] = {
    "person": _l("处置人员是案卷现在的处置人员；改派过的案卷，以前的派遣也归在他名下。"),
    "unit": _l("下属单位的案卷计入离它最近的参加排名的上级单位，每件只计一次。"),
    "group": _l("只含参加排名的单位及其下属单位的案卷。"),
}
NOBODYS: Final[Words] = {
    "person": _l("未分派到人"),
    "grid": _l("不在任何网格内"),
    "responsibility": _l("不在任何网格内"),
}


def names_of_parts(session: Session, by: str, keys: Sequence[str]) -> Mapping[str, str]:
    """Return what the parts are called, by key; a part that is called by its key is missing."""
    named = _NAMED.get(by)
    return {} if named is None else named(session, [key for key in keys if key])


def nobodys(by: str) -> str:
    """Return what the part is called that has no key."""
    return str(NOBODYS.get(by, _l("未注明")))


def _classes(session: Session, keys: Sequence[str]) -> dict[str, str]:
    named = names_of(session, classes=keys).classes
    return {code: chosen_name(pair) for code, pair in named.items()}


def _majors(session: Session, keys: Sequence[str]) -> dict[str, str]:
    return dict(majors_of(session).values())


def _grids(session: Session, keys: Sequence[str]) -> dict[str, str]:
    return {grid.code: grid.name for grid in responsibility_grids(session)}


def _channels(session: Session, keys: Sequence[str]) -> dict[str, str]:
    return {key: channel_word(key) for key in keys}


def _people(session: Session, keys: Sequence[str]) -> dict[str, str]:
    named = names_of(session, people=[int(key) for key in keys if _is_id(key)]).people
    return {str(person): name for person, name in named.items()}


def _is_id(key: str) -> bool:
    return key.isdecimal() and len(key) < 19


def _units(session: Session, keys: Sequence[str]) -> dict[str, str]:
    units = session.scalars(select(Unit).where(Unit.code.in_(keys)))
    return {unit.code: unit_name(unit) for unit in units}


def _groups(session: Session, keys: Sequence[str]) -> dict[str, str]:
    return {key: chosen_name(GROUP_NAMES.get(key), key) for key in keys}


_NAMED: Final[Mapping[str, Callable[[Session, Sequence[str]], dict[str, str]]]] = {
    "class": _classes,
    "major": _majors,
    "responsibility": _grids,
    "channel": _channels,
    "person": _people,
    "unit": _units,
    "group": _groups,
}
