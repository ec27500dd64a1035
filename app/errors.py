"""The error tree. The docstring of a class is its default message.

A message is a msgid of the message catalogue (the Chinese text itself) and may hold `%(name)s`
for the facts given by keyword, so that the page can say it in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class Text(str):
    """A sentence for a reader that keeps its msgid and facts, so that it can be said in another language."""

    message: str
    facts: dict[str, object]

    def __new__(cls, message: str, **facts: object) -> Text:
        """message: a msgid, with `%(name)s` for each fact; a fact may be a Text itself, or a tuple of words."""
        shown = {name: _listed(fact) for name, fact in facts.items()}
        text = super().__new__(cls, message % shown if facts else message)
        text.message, text.facts = message, facts
        return text


def _listed(fact: object) -> object:
    return "、".join(map(str, fact)) if isinstance(fact, tuple) else fact


class AppError(Exception):
    """操作没有完成。"""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **facts: object) -> None:
        self.message = message or type(self).__doc__ or ""
        self.facts = facts
        super().__init__(Text(self.message, **facts))


class NotFound(AppError):
    """没有找到所要的内容。"""

    code = "not_found"


class Forbidden(AppError):
    """您没有办理此事的权限。"""

    code = "forbidden"


class InvalidInput(AppError):
    """填写的内容有误，请改正标出的各项。"""

    code = "invalid_input"

    def __init__(self, fields: Mapping[str, str], message: str | None = None) -> None:
        """fields: what is wrong, by the name of the field; the key "" holds for the whole form."""
        super().__init__(message)
        self.fields = dict(fields)

    def __str__(self) -> str:
        listed = "；".join(
            f"{name}：{fault}" if name else fault for name, fault in self.fields.items()
        )
        return f"{self.message} {listed}" if listed else self.message


class StateChanged(AppError):
    """情况已经变化：他人已先行办理，请刷新后再看。"""

    code = "state_changed"


class DatabaseLost(AppError):
    """与数据库的连接中断：刚才的操作或已完成或未发生，请刷新后查看。"""

    code = "database_lost"


class DatabaseUnusable(AppError):
    """数据库无法使用。"""

    code = "database_unusable"


@dataclass(frozen=True)
class Fault:
    """One fault of a definition: where it is, what is wrong, what to write instead."""

    file: str
    element: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.element}: {self.reason}; {self.remedy}"


class DefinitionError(AppError):
    """流程定义有误。"""

    code = "definition_error"

    def __init__(self, faults: Sequence[Fault], message: str | None = None) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([self.message, *map(str, self.faults)])


class EngineError(AppError):
    """流程引擎未能走完这一步。"""

    code = "engine_error"


class ConnectorError(AppError):
    """与外部系统的往来失败。"""

    code = "connector_error"

    def __init__(self, message: str | None = None, *, permanent: bool, **facts: object) -> None:
        """permanent: trying again will not help."""
        super().__init__(message, **facts)
        self.permanent = permanent


class CalendarMissing(AppError):
    """%(year)s 年的工作日历尚未载入，请先上传该年的日历。"""

    code = "calendar_missing"

    def __init__(self, year: int) -> None:
        super().__init__(year=year)
        self.year = year
