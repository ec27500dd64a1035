"""The sentences of a notice: its title, its period, what it is ranked by, how its lines are counted."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.assessment.notice.items import Items
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking
from sla.figures import POPULATIONS, Figure, Measure
from sla.indicators import CountingRules
from sla.schemes import SCORE, Kind, Line, written

MINUTES: Final = "%Y-%m-%d %H:%M"


def title_of(month: Month) -> str:
    """Return the title of a month's notice."""
    return f"{month.year}年{month.month}月城市管理工作考核通报"


def period_line(ranking: ScoredRanking, zone: ZoneInfo) -> str:
    """Say from when to when was counted, and what was known of it."""
    counted = ranking.counted
    start, end = counted.period.start.astimezone(zone), counted.basis.period.end.astimezone(zone)
    seen = "" if counted.is_final else "（统计期未完）"
    return (
        f"统计期：{start:{MINUTES}} 至 {end:{MINUTES}}{seen}　数据截至：{_known_at(ranking, zone)}"
    )


def ranked_by_line(items: Items) -> str:
    """Say which scheme it is and what decides the place."""
    scheme = items.scheme
    by = "总分" if scheme.ranked_by == SCORE else Figure.of(scheme.ranked_by).label("zh")
    order = "由高到低" if scheme.highest_first else "由低到高"
    total = f"，满分 {written(scheme.total)} 分" if scheme.has_score else ""
    least = max(scheme.minimum_cases, 1)
    few = f"；应结案数不足 {least} 件的单位不排名"
    return f"考核方案：{scheme.name}{total}　按“{by}”{order}排名，相同的名次并列{few}"


def decimals_line(items: Items) -> str:
    """Say how figures are rounded."""
    scheme, rates = items.scheme, f"百分数保留 {items.places} 位小数"
    points = f"，得分保留 {scheme.decimals} 位小数" if scheme.has_score else ""
    return f"{rates}{points}，四舍五入"


def terms_of(line: Line) -> str:
    """Say how a line gives or takes points."""
    said = [line.kind.label("zh")]
    if line.points:
        said.append(f"{written(line.points)} 分")
    if line.indicator:
        said.append(f"看“{Figure.of(line.figure).label('zh')}”")
    if line.target is not None:
        hours = Figure.of(line.figure).measure is Measure.HOURS
        said.append(f"目标 {written(line.target)}{' 小时' if hours else '%'}")
    if line.each is not None:
        said.append(f"每 {written(line.per)} 计 {written(line.each)} 分")
    if line.free:
        said.append(f"前 {line.free} 件不计")
    if line.double_for:
        said.append(f"{POPULATIONS[line.double_for][0]}加倍")
    if line.cap is not None:
        said.append(f"以 {written(line.cap)} 分为限")
    said += [f"{written(band.start)} 起 {written(band.score)}%" for band in line.bands]
    if line.kind is Kind.GROUP:
        said.append("、".join(one.name for one in line.lines))
    return "；".join(said)


def definition_of(code: str, rules: CountingRules) -> str:
    """Say which cases one of the counts is of."""
    said = COUNT_MEANINGS[code]
    if code == "many_reworked":
        return said.format(times=rules.many_reworks)
    return said


COUNT_MEANINGS: Final = {
    "due": "本期到期的，和期前到期、期初仍未结的案卷；按下列规则不计的除外",
    "closed": "应结案卷中已结案的",
    "on_time": "已结案卷中按期的",
    "late": "已结案卷中超期的",
    "extended": "应结案卷中准予过延期的",
    "first_pass": "已结案卷中没有返工的",
    "reworked": "应结案卷中返工过的",
    "closed_reworked": "已结案卷中返工过的",
    "overdue_open": "应结案卷中没有结案的",
    "self_handled": "本期自行处置的案卷，归事发区县",
    "unfounded_returns": "本期退单被裁定不成立的次数",
    "media_supervisions": "本期媒体督办的次数",
    "filed": "本期派遣到单位、没有收回也没有作废的案卷，不论何时到期",
    "unfounded": "应结案卷中，本期有退单被裁定不成立的",
    "many_reworked": "已结案卷中返工 {times} 次以上的",
    "handled": "已结案卷中，处置时钟在交回时停下的",
    "supervisions": "本期对单位的督办次数，各渠道合计",
    "public_filed": "立案数中由公众渠道上报的",
    "worked_minutes": "已结案卷到交回时处置时钟的计时，以分钟计",
    "appeals": "本期单位提出的申诉，不逐件列出",
    "appeals_upheld": "本期裁定成立的申诉，不逐件列出",
    "rated": "本期市民评价过的案卷，一案以最后一次为准，不逐件列出",
    "satisfied": "其中说已解决的",
}


def local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a moment as the city's clock showed it: a spreadsheet knows no time zones."""
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _known_at(ranking: ScoredRanking, zone: ZoneInfo) -> str:
    """Return the moment as of which the figures are: the period's end rather than the tick before it."""
    basis = ranking.counted.basis
    as_of = max(basis.as_of, basis.period.end) if ranking.counted.is_final else basis.as_of
    return f"{as_of.astimezone(zone):{MINUTES}}"
