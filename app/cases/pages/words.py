"""Words of the trade for what the tables hold as codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ROLES
from app.cases.channels import load_channels
from app.errors import InvalidInput
from app.web.language import language_code, said
from sla.limits import Limit, Until, parse_limit

Words = Mapping[str, LazyString]

# A diagram may name stages of its own: one that is not listed here is shown as it is written there.
STAGES: Final[Words] = {
    "reported": _l("上报"),
    "verifying": _l("核实"),
    "accepting": _l("受理"),
    "filing": _l("立案"),
    "dispatching": _l("派遣"),
    "handling": _l("处置"),
    "extending": _l("延期审批"),
    "holding": _l("挂账审批"),
    "held": _l("挂账"),
    "ruling": _l("退单裁定"),
    "supervising": _l("督办答复"),
    "feedback": _l("反馈"),
    "checking": _l("核查"),
    "closing": _l("结案审批"),
    "closed": _l("已结案"),
    "rejected": _l("不予受理"),
    "void": _l("已作废"),
    "merged": _l("已并案"),
    "self_handled": _l("自行处置"),
}
OPEN_STAGES: Final = (
    "verifying", "accepting", "filing", "dispatching", "handling", "extending", "holding",
    "ruling", "supervising", "feedback", "checking", "closing",
)  # fmt: skip
REQUEST_KINDS: Final[Words] = {
    "extension": _l("延期申请"),
    "hold": _l("挂账申请"),
    "return": _l("退单申请"),
    "supervision": _l("督办"),
}
DECISIONS: Final[Words] = {
    "granted": _l("同意"),
    "refused": _l("不同意"),
    "lapsed": _l("处置已结束，申请失效"),
    "founded": _l("成立"),
    "unfounded": _l("不成立，记推诿"),
    "answered": _l("已答复"),
}
SOURCES: Final[Words] = {
    "duty": _l("值班督办"),
    "leader": _l("领导督办"),
    "media": _l("媒体督办"),
}
PHOTO_STAGES: Final[Words] = {
    "before": _l("处置前"),
    "after": _l("处置后"),
    "other": _l("其他"),
}
GROUNDS: Final[Words] = {
    "late": _l("超时"),
    "unfounded_return": _l("推诿"),
    "media_supervision": _l("媒体督办"),
}
CLOCKS: Final[Words] = {
    "running": _l("计时中"),
    "paused": _l("停表"),
    "stopped": _l("已停止"),
    "cancelled": _l("已取消"),
}
# Names that the shipped diagrams give their elements; a city's own are shown as written.
ELEMENTS: Final = (
    _l("核实"), _l("现场核实"), _l("受理"), _l("立案"), _l("派遣"), _l("处置"),
    _l("分派处置人员"), _l("现场处置"), _l("确认处置结果"), _l("退单申请"), _l("退单裁定"),
    _l("挂账申请"), _l("挂账审批"), _l("延期申请"), _l("延期审批"), _l("审批延期"), _l("反馈"),
    _l("核查"), _l("现场核查"), _l("结案"), _l("督办"), _l("答复督办"), _l("挂账到期"),
    _l("提前解除挂账"), _l("等待解除"), _l("初审申诉"), _l("终审申诉"), _l("签发通报"), _l("等待申诉裁定"),
)  # fmt: skip


def is_chinese() -> bool:
    """Tell whether the reader reads Chinese."""
    return language_code().startswith("zh")


def word(words: Words, code: str | None) -> str:
    """Return the word for a code, or the code itself where none is known."""
    return str(words.get(code, code)) if code else "—"


def chosen_name(names: tuple[str, str] | None, fallback: str = "—") -> str:
    """Return a name in the reader's language. names: in Chinese and in English."""
    if names is None:
        return fallback
    return names[0] if is_chinese() else names[1] or names[0]


def channel_word(code: str) -> str:
    """Return the name of a channel."""
    channel = load_channels().get(code)
    return chosen_name((channel.name, channel.name_en) if channel else None, code)


def role_word(code: str | None) -> str:
    """Return the name of a role."""
    return chosen_name(ROLES.get(code or ""), code or "—")


def element_word(name: str) -> str:
    """Return the name of a diagram's element."""
    return said(name)


def limit_words(written: object) -> str:
    """Say a limit as stored ("2 working_day") to a reader; what is no limit is said as it is."""
    try:
        limit = parse_limit(str(written))
    except InvalidInput:
        return str(written)
    if isinstance(limit, Until):
        return limit.at.isoformat(timespec="minutes")
    return limit.text(language_code())


def case_limit_words(value: Any, unit: str | None) -> str | None:
    """Say the limit a case was filed with."""
    if value is None or unit is None:
        return None
    return Limit.of(value, unit).text(language_code())
