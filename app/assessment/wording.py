"""The counting rules in words, for the sheet 口径 and the page's notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Final

from sla.indicators import CountingRules

# Rule and choice -> what it means, in Chinese and in English.
RULE_WORDS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("taken_back", "leave_out"): (
        "退单成立、已改派的案卷，不计入原承办单位",
        "A case taken back by a founded return does not count for the unit that returned it",
    ),
    ("taken_back", "count"): (
        "退单成立、已改派的案卷，仍计入原承办单位",
        "A case taken back by a founded return still counts for the unit that returned it",
    ),
    ("descendants", "count"): (
        "上级单位的数字包含其下属单位的案卷",
        "A unit's figures include those of the units below it",
    ),
    ("descendants", "leave_out"): (
        "上级单位只计派给本单位的案卷",
        "A unit's figures are of its own cases only",
    ),
    ("on_time_by", "handed_in"): (
        "按期：单位交回处置结果不晚于到期时间，到期时间含停表和准予的延期",
        "On time: the unit handed its result in by the due time, pauses and granted extensions included",
    ),
    ("on_time_by", "closed"): (
        "按期：整案结案不晚于到期时间，到期时间含停表和准予的延期",
        "On time: the case was closed by the due time, pauses and granted extensions included",
    ),
    ("due_in_period", "count"): (
        "本期到期的案卷计入应结案数",
        "Cases due in the period count as due",
    ),
    ("due_in_period", "leave_out"): (
        "本期到期的案卷不计入应结案数",
        "Cases due in the period do not count as due",
    ),
    ("carried_over", "count"): (
        "期前到期、期初仍未结的案卷结转计入应结案数",
        "Cases due before the period and open at its start count as due",
    ),
    ("carried_over", "leave_out"): (
        "期前到期的案卷不再计入应结案数",
        "Cases due before the period do not count as due again",
    ),
    ("void", "leave_out"): ("作废的案卷不计", "Void cases do not count"),
    ("void", "count"): ("作废的案卷照常计入", "Void cases count like any other"),
    ("held_at_end", "leave_out"): (
        "期末挂账的案卷不计",
        "Cases on hold at the end of the period do not count",
    ),
    ("held_at_end", "count"): (
        "期末挂账的案卷照常计入",
        "Cases on hold at the end of the period count like any other",
    ),
    ("exempt", "leave_out"): ("裁定免责的案卷不计", "Cases exempted by a ruling do not count"),
    ("exempt", "on_time"): (
        "裁定免责的案卷结案后计为按期",
        "Cases exempted by a ruling count as on time once closed",
    ),
    ("exempt", "count"): (
        "裁定免责的案卷照常计入",
        "Cases exempted by a ruling count like any other",
    ),
    ("closed_by", "period_end"): (
        "结案数：其中期末以前结案的",
        "Closed: of those, closed before the period ended",
    ),
    ("closed_by", "any_time"): (
        "结案数：其中统计截至时已结案的",
        "Closed: of those, closed by the time the figures were drawn",
    ),
    ("unfounded_returns", "per_case"): (
        "推诿：本期有退单被裁定不成立的，一案计一次",
        "Unfounded returns of the period count once a case",
    ),
    ("unfounded_returns", "each"): (
        "推诿：本期每裁定一次退单不成立，计一次",
        "Unfounded returns of the period count each time",
    ),
    ("media_supervisions", "per_case"): (
        "媒体督办：本期有媒体督办的，一案计一次",
        "Media supervisions of the period count once a case",
    ),
    ("media_supervisions", "each"): (
        "媒体督办：本期每督办一次，计一次",
        "Media supervisions of the period count each time",
    ),
    ("self_handled", "apart"): (
        "自行处置单独统计，归事发区县，不计入应结案数",
        "Matters put right on the spot are counted apart, for the district they lay in, and are not due",
    ),
    ("self_handled", "count"): (
        "自行处置归事发区县，单独统计，并计入应结案数、结案数和按期结案数",
        "Matters put right on the spot also count as due, closed and on time, for the district they lay in",
    ),
    ("nothing_due", "no_data"): (
        "没有应结案卷的单位写“无数据”，不排名",
        "A unit with nothing due has no data and no rank",
    ),
    ("nothing_due", "full"): (
        "没有应结案卷的单位按 100% 计",
        "A unit with nothing due counts as 100%",
    ),
}


def rule_sentences(rules: CountingRules, locale: str) -> list[str]:
    """Return what the rules in force say, one sentence each, in the reader's language."""
    language = 0 if locale.startswith("zh") else 1
    chosen = ((field.name, getattr(rules, field.name)) for field in fields(rules))
    return [
        RULE_WORDS[name, value.value][language]
        for name, value in chosen
        if isinstance(value, StrEnum)
    ]
