"""The catalogue as files: one edition per file, named by the day it comes into force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from app.errors import DefinitionError, Fault, NotFound

FOLDER: Final = Path(__file__).parent / "data"
KIND_LETTERS: Final = {"C": "component", "E": "event", "S": "service"}
UNIT_WORDS: Final = {
    "紧急工作时": "urgent_hour",
    "紧急工作日": "urgent_day",
    "工作时": "working_hour",
    "工作日": "working_day",
    "天": "day",
}
_CODE: Final = re.compile(r"([CES])-(\d{2})-(\d{2})")
_LIMIT: Final = re.compile(r"(\d+(?:\.\d+)?) ?(\S+)")


@dataclass(frozen=True)
class Condition:
    """One filing condition as written in the file."""

    wording: str
    limit_value: Decimal
    limit_unit: str
    closing_wording: str


@dataclass(frozen=True)
class ClassEntry:
    """One class as written in the file."""

    code: str
    kind: str
    major_name: str
    minor_name: str
    name_en: str
    duty: str
    conditions: tuple[Condition, ...]

    @property
    def major_code(self) -> str:
        """Return the code of the major class within its kind."""
        return self.code[2:4]

    @property
    def minor_code(self) -> str:
        """Return the code of the minor class within its major."""
        return self.code[5:7]


@dataclass(frozen=True)
class Edition:
    """One whole catalogue file."""

    valid_from: date
    note: str
    classes: tuple[ClassEntry, ...]


@dataclass(frozen=True)
class Named:
    """A name in Chinese and in English."""

    name: str
    name_en: str


@cache
def duties() -> Mapping[str, Named]:
    """Return every duty a class or a unit can have, by its code."""
    return {
        code: Named(entry["name"], entry["name_en"])
        for code, entry in _load(FOLDER / "duties.yml").items()
    }


def versions() -> list[str]:
    """Return the editions there are files of, oldest first."""
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.yml"))


def read_edition(version: str, folder: Path = FOLDER) -> Edition:
    """Read and check one edition.

    Raises: NotFound when there is no such file; DefinitionError naming every fault in it.
    """
    path = folder / f"{version}.yml"
    if not path.is_file():
        raise NotFound("没有 %(version)s 版的分类文件。", version=version)
    return edition_of(_load(path), path.name)


def edition_of(content: Mapping[str, Any], file: str) -> Edition:
    """Check what an edition's file says. Raises DefinitionError naming every fault in it."""
    faults: list[Fault] = []
    classes = []
    for entry in content["classes"]:
        found = _class_faults(file, entry, content["majors"])
        faults += found
        if not found:
            classes.append(_class_entry(entry, content["majors"]))
    codes = [entry.code for entry in classes]
    faults += [
        Fault(file, code, "编码重复", "每一小类给一个唯一的编码")
        for code in sorted({code for code in codes if codes.count(code) > 1})
    ]
    if faults:
        raise DefinitionError(faults, "分类文件有误。")
    return Edition(content["valid_from"], content["note"], tuple(classes))


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _class_faults(file: str, entry: Mapping[str, Any], majors: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with one class."""
    code = str(entry.get("code", "?"))
    faults = []
    if not _CODE.fullmatch(code) or code[:4] not in majors:
        faults.append(Fault(file, code, "编码不合规则", "写成 C-01-05，大类须列在 majors 中"))
    if entry.get("duty") not in duties():
        faults.append(
            Fault(file, code, f"职责 {entry.get('duty')} 不存在", "用 duties.yml 中的一项职责")
        )
    faults += [
        Fault(file, code, f"缺少 {key}", f"补写 {key}")
        for key in ("name", "name_en", "conditions")
        if not entry.get(key)
    ]
    for condition in entry.get("conditions") or ():
        limit = _LIMIT.fullmatch(str(condition.get("limit")))
        if not limit or limit[2] not in UNIT_WORDS or not Decimal(limit[1]):
            faults.append(
                Fault(
                    file,
                    code,
                    f"时限 {condition.get('limit')} 无法识别",
                    f"写成“4 工作时”，单位为 {'、'.join(UNIT_WORDS)} 之一",
                )
            )
        faults += [
            Fault(file, code, f"立案条件缺少 {key}", f"补写 {key}")
            for key in ("filing", "closing")
            if not condition.get(key)
        ]
    return faults


def _class_entry(entry: Mapping[str, Any], majors: Mapping[str, Any]) -> ClassEntry:
    code: str = entry["code"]
    return ClassEntry(
        code=code,
        kind=KIND_LETTERS[code[0]],
        major_name=majors[code[:4]]["name"],
        minor_name=entry["name"],
        name_en=entry["name_en"],
        duty=entry["duty"],
        conditions=tuple(_condition(condition) for condition in entry["conditions"]),
    )


def _condition(entry: Mapping[str, str]) -> Condition:
    limit = _LIMIT.fullmatch(entry["limit"])
    assert limit, "checked by _class_faults"
    return Condition(
        wording=entry["filing"],
        limit_value=Decimal(limit[1]),
        limit_unit=UNIT_WORDS[limit[2]],
        closing_wording=entry["closing"],
    )
