"""Scores: what each kind of line gives, and what holds of every score."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DefinitionError, InvalidInput
from sla.counting_rules import CountingRules
from sla.figures import POPULATIONS, figure_key
from sla.indicators import Tally, every_indicator
from sla.scheme_files import parse_scheme, shipped_schemes
from sla.schemes import Scheme, figures_of
from sla.scoring import Scored, entered_key, rank_key, rank_scored, score

SHIPPED = shipped_schemes()
FIGURES: dict[str, Any] = {
    "due": 100,
    "on_time_closing_rate": Decimal("68.50"),
    "closing_rate": Decimal("92.10"),
    "closing_rate@urgent": Decimal("98.00"),
    "on_time_closing_rate@urgent": Decimal("90.00"),
    "on_time_closing_rate@public": None,
    "closed_reworked": 7,
    "closed_reworked@supervised": 2,
    "many_reworked": 1,
    "unfounded_returns": 2,
    "unfounded_returns@supervised": 1,
    "filed": 4,
    "public_report_rate": Decimal("12.50"),
    "rework_rate": Decimal("3.33"),
}


def plain(*lines: dict[str, Any], total: object = 0, **more: Any) -> dict[str, Any]:
    return {"name": "试", "total": total, "lines": list(lines), **more}


def faults_of(*lines: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_scheme(plain(*lines, **more))
    return {key: str(text) for key, text in caught.value.fields.items()}


def points(scored: Scored) -> dict[str, str]:
    return {part.line.code: str(part.points) for part in scored.parts}


def test_jinhua_shape() -> None:
    scored = score(SHIPPED["jinhua"], FIGURES)
    # 50 - 1.5; 20; 10 - 2 x 0.5 - 5 x 0.5; 9 x 0.2 + 0.3 + 3 x 1 = 5.1, five at most.
    assert points(scored) == {
        "on_time": "48.50", "closing": "20.00", "urgent": "6.50", "conduct": "0.00",
    }  # fmt: skip
    assert str(scored.total) == "75.00"
    assert scored.parts[0].text("zh") == (
        "68.50%，比 70% 低 1.5 个百分点，扣 1.5 × 1 = 1.5 分：50 − 1.5 = 48.50 分"
    )
    assert scored.parts[3].text("en") == "5.1 taken, 5 at most: 5 − 5 = 0.00 points"
    rework = scored.parts[3].parts[0]
    assert rework.text("zh") == "7 件，其中督办案卷 2 件加倍：扣 (7 + 2) × 0.2 = 1.8 分"


def test_yangzhou_shape_takes_points_entered_by_hand() -> None:
    entered = {entered_key("campaigns"): Decimal("8.5"), entered_key("events"): Decimal(5)}
    scored = score(SHIPPED["yangzhou"], FIGURES | entered)
    # 70 x 0.685; 5 x 0.9667; no cases from the public: full; 8.5 of 10; nothing entered: full; the bonus.
    assert points(scored) == {
        "ordinary": "47.95", "rework": "4.83", "hotline": "5.00", "campaigns": "8.50",
        "groundwork": "10.00", "events": "5.00",
    }  # fmt: skip
    assert str(scored.total) == "81.28"
    assert SHIPPED["yangzhou"].most == 105


@pytest.mark.parametrize(
    ("filed", "given"),
    [
        (0, "20.00"),
        (1, "18.00"),
        (2, "18.00"),
        (3, "15.00"),
        (6, "12.00"),
        (8, "8.00"),
        (9, "0.00"),
    ],
)
def test_area_index_shape_gives_points_by_band(filed: int, given: str) -> None:
    scored = score(SHIPPED["area_index"], FIGURES | {"filed": filed})
    assert str(scored.points_of("filed")) == given


def test_taiyuan_shape_ranks_by_a_figure_without_points() -> None:
    scheme = SHIPPED["taiyuan"]
    scored = score(scheme, FIGURES)
    assert not scheme.has_score
    assert {part.points for part in scored.parts} == {None}
    assert rank_key(scheme, scored, FIGURES) == Decimal("68.50")


def test_shipped_scheme_survives_being_stored() -> None:
    for scheme in SHIPPED.values():
        assert parse_scheme(scheme.as_plain()) == scheme
        assert scheme.label("en")
        assert figures_of(scheme)


def test_unit_below_the_minimum_has_no_data_and_no_rank() -> None:
    scheme = replace(SHIPPED["jinhua"], minimum_cases=10)
    scored = score(scheme, FIGURES | {"due": 9})
    assert scored.total is None
    assert rank_key(scheme, scored, FIGURES) is None
    assert scored.why_no_data("zh") == "应结案数 9，不足 10 件，不评分、不排名"
    assert score(SHIPPED["jinhua"], {"due": 0}).total is None


def test_score_does_not_fall_below_nought_and_says_what_lifted_it() -> None:
    scheme = parse_scheme(
        plain(
            {"kind": "weighted", "indicator": "closing_rate", "points": 10},
            {"kind": "deduction", "indicator": "closed_reworked", "each": 5, "free": 2},
            total=10,
        )
    )
    scored = score(scheme, FIGURES)
    # 9.21 - 5 x 5 = -15.79
    assert (str(scored.total), str(scored.lifted)) == ("0.00", "15.79")
    assert "前 2 件不计" in scored.parts[1].text("zh")


def test_hours_bonus_and_lower_is_better() -> None:
    scheme = parse_scheme(
        plain(
            {
                "kind": "rate", "indicator": "average_handling", "points": 10, "target": 4,
                "each": 1, "per": 2, "better": "lower",
            },
            {"kind": "bonus", "indicator": "self_handled", "each": "0.1", "cap": 2},
            total=10,
        )
    )  # fmt: skip
    scored = score(scheme, {"due": 1, "average_handling": Decimal("7.00"), "self_handled": 30})
    # 3 hours above: 3 x 1 / 2; 30 x 0.1 = 3, two at most.
    assert points(scored) == {"line_0": "8.50", "line_1": "2.00"}
    assert scored.parts[0].text("en").startswith("7.00 h, 3 h above 4 h, less 3 × 1 ÷ 2 = 1.5")
    without = score(scheme, {"due": 1, "average_handling": None, "self_handled": 0})
    assert points(without) == {"line_0": "10.00", "line_1": "0.00"}


def test_ties_share_a_rank_and_the_direction_is_the_scheme_s() -> None:
    scheme = SHIPPED["jinhua"]
    rows = [("a", 80), ("b", 90), ("c", 80), ("d", None), ("e", 70)]

    def ranks(chosen: Scheme) -> list[int | None]:
        ranked = rank_scored(chosen, rows, lambda row: row[1], lambda _: 0)
        return [one.rank for one in ranked]

    assert ranks(scheme) == [2, 1, 2, None, 4]
    assert ranks(replace(scheme, highest_first=False)) == [2, 4, 2, None, 1]


def test_points_that_do_not_sum_are_refused_naming_the_lines() -> None:
    faults = faults_of(
        {"kind": "weighted", "indicator": "closing_rate", "points": 60},
        {"kind": "entered", "name": "基础", "points": 30},
        total=100,
    )
    assert faults == {
        "total": "各行分值之和为 90（第 1 行 60、第 2 行 30），与总分 100 不符",
        "lines.1.points": "第 2 行：分值之和为 90，与总分 100 不符",
    }


RATE = {"kind": "rate", "indicator": "closing_rate", "points": 10, "target": 90, "each": 1}


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        (RATE | {"per": 0}, "per", "第 1 行：须大于 0，现为 0"),
        (RATE | {"indicator": "nonsense"}, "indicator", "没有“nonsense”这个指标"),
        (RATE | {"indicator": "worked_minutes"}, "indicator", "没有“worked_minutes”这个指标"),
        (RATE | {"indicator": "due"}, "indicator", "所选指标是件数"),
        (RATE | {"population": "left"}, "population", "没有“left”这类案卷"),
        (RATE | {"points": "ten"}, "points", "“ten”不是数字"),
        (RATE | {"points": -1}, "points", "须大于 0"),
        (RATE | {"target": float("nan")}, "target", "不是数字"),
        (RATE | {"weight": 1}, "weight", "没有“weight”这一项"),
        (RATE | {"better": "best"}, "better", "没有“best”这个选项"),
        (RATE | {"code": "A B"}, "code", "编码须"),
        ({"kind": "magic"}, "kind", "请选择计分方式"),
        ({"kind": "deduction", "indicator": "closing_rate", "each": 1}, "indicator", "百分率"),
        ({"kind": "entered", "points": 5}, "name", "请填写这一行的名称"),
        ({"kind": "group", "name": "组", "cap": 5, "lines": []}, "lines", "还没有扣分项"),
        ({"kind": "group", "name": "组", "points": 3, "cap": 5, "lines": []}, "cap", "大于本组"),
        ({"kind": "group", "name": "组", "cap": 5, "lines": [RATE]}, "lines.0.kind", "1.1"),
    ],
)
def test_faulty_line_is_refused_naming_it(line: dict[str, Any], field: str, said: str) -> None:
    faults = faults_of(line, total=10)
    assert said in faults[f"lines.0.{field}"]


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        ([(0, 3, 90), (2, None, 0)], "与前一档重叠"),
        ([(0, 3, 90), (4, None, 0)], "空了一段"),
        ([(1, 3, 90), (3, None, 0)], "空了一段"),
        ([(0, 3, 90), (3, 9, 0)], "最后一档应没有上限"),
        ([(0, None, 90), (3, None, 0)], "后面不能再有档"),
        ([(0, 0, 90), (0, None, 0)], "止须大于起"),
        ([(0, None, 190)], "0 到 100 之间"),
        ([("x", None, 1)], "须为数字"),
        ([], "请填写分档"),
    ],
)
def test_bands_that_overlap_or_leave_a_gap_are_refused(bands: list[Any], said: str) -> None:
    written = [{"from": start, "below": below, "score": score_} for start, below, score_ in bands]
    line = {"kind": "bands", "indicator": "filed", "points": 10, "bands": written}
    assert said in faults_of(line, total=10)["lines.0.bands"]


def test_other_faults_of_a_scheme() -> None:
    assert "name" in faults_of(RATE, total=10, name="")
    assert "lines" in faults_of()
    assert "ranked_by" in faults_of(RATE, total=10, ranked_by="nonsense")
    column = {"kind": "column", "indicator": "due"}
    assert "不计分" not in faults_of(column)["ranked_by"]
    assert "decimals" in faults_of(RATE, total=10, decimals=9)
    assert (
        "小数多于"
        in faults_of(RATE | {"points": "10.5"}, total="10.5", decimals=0)["lines.0.points"]
    )
    assert "用了两次" in faults_of(RATE | {"code": "a"}, RATE | {"code": "a"})["lines.1.code"]
    with pytest.raises(InvalidInput):
        parse_scheme([])


def test_faulty_file_is_refused_naming_it(tmp_path: Any) -> None:
    (tmp_path / "bad.yml").write_text("name: x\ntotal: 3\nlines: []\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"bad\.yml"):
        shipped_schemes(tmp_path)


# What holds of every scheme and every unit.

tallies = st.builds(
    lambda closed, late, open_, reworked, many, returns: Tally(
        due=closed + late + open_,
        closed=closed + late,
        on_time=closed,
        late=late,
        first_pass=closed + late - min(reworked, closed + late),
        closed_reworked=min(reworked, closed + late),
        many_reworked=min(many, reworked, closed + late),
        unfounded_returns=returns,
        filed=closed,
        overdue_open=open_,
    ),
    *[st.integers(0, 40)] * 6,
)
amounts = st.decimals("0.01", "5", places=2)
weights = st.decimals("1", "60", places=1)


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """Any scheme of some lines that ask for on-time closing and against late and reworked cases."""
    rates = ["on_time_closing_rate", "closing_rate", "first_pass_rate"]
    counts = ["late", "closed_reworked", "many_reworked", "unfounded_returns"]
    population = st.sampled_from(["all", "urgent"])
    deduction = st.fixed_dictionaries(
        {"kind": st.just("deduction"), "indicator": st.sampled_from(counts), "each": amounts},
        optional={"cap": amounts, "free": st.integers(0, 3), "double_for": st.just("urgent")},
    )
    short = st.fixed_dictionaries(
        {
            "kind": st.just("shortfall"), "indicator": st.sampled_from(rates), "each": amounts,
            "target": st.integers(1, 100),
        },
        optional={"cap": amounts, "population": population},
    )  # fmt: skip
    line = st.one_of(
        st.fixed_dictionaries(
            {
                "kind": st.just("rate"), "indicator": st.sampled_from(rates), "points": weights,
                "target": st.integers(1, 100), "each": amounts, "population": population,
            }
        ),
        st.fixed_dictionaries(
            {"kind": st.just("weighted"), "indicator": st.sampled_from(rates), "points": weights}
        ),
        deduction,
        short,
        st.fixed_dictionaries(
            {
                "kind": st.just("group"), "name": st.just("组"), "points": st.just(Decimal(5)),
                "cap": amounts, "lines": st.lists(st.one_of(deduction, short), min_size=1, max_size=3),
            }
        ),
    )  # fmt: skip
    lines = draw(st.lists(line, min_size=1, max_size=5))
    total = sum((Decimal(str(one.get("points", 0))) for one in lines), Decimal(0))
    decimals = draw(st.integers(2, 4))
    return parse_scheme(plain(*lines, total=total, decimals=decimals))


def figures_from(tally: Tally) -> dict[str, Any]:
    """All cases are urgent ones too: what is asked of urgent cases is asked of these."""
    return {
        figure_key(code, population): indicator.value(tally)
        for code, indicator in every_indicator(CountingRules()).items()
        for population in POPULATIONS
    }


@given(schemes(), tallies)
def test_score_stays_in_bounds_and_its_parts_add_up(scheme: Scheme, tally: Tally) -> None:
    scored = score(scheme, figures_from(tally))
    if scored.total is None:
        assert tally.due == 0
        return
    assert 0 <= scored.total <= scheme.most
    assert sum(part.points for part in scored.parts if part.points is not None) + scored.lifted == (
        scored.total
    )
    for part in scored.parts:
        assert part.points is None or part.points <= part.line.most
        if part.parts:
            taken = -sum(one.points for one in part.parts if one.points is not None)
            cap = part.line.cap or taken
            assert part.points == (part.line.points or 0) - min(taken, cap)


@given(schemes(), tallies)
def test_more_cases_on_time_never_lower_a_score(scheme: Scheme, tally: Tally) -> None:
    before = score(scheme, figures_from(tally)).total
    better = []
    if tally.late:
        better.append(replace(tally, late=tally.late - 1, on_time=tally.on_time + 1))
    if tally.overdue_open:
        better.append(
            replace(
                tally,
                overdue_open=tally.overdue_open - 1,
                closed=tally.closed + 1,
                on_time=tally.on_time + 1,
                first_pass=tally.first_pass + 1,
            )
        )
    for one in better:
        after = score(scheme, figures_from(one)).total
        assert before is not None
        assert after is not None
        assert after >= before


@given(schemes(), tallies, st.integers(1, 5))
def test_more_to_deduct_for_never_raises_a_score(scheme: Scheme, tally: Tally, more: int) -> None:
    worse = replace(tally, unfounded_returns=tally.unfounded_returns + more)
    before, after = (score(scheme, figures_from(one)).total for one in (tally, worse))
    if before is not None and after is not None:
        assert after <= before


@given(schemes())
def test_scheme_survives_being_stored(scheme: Scheme) -> None:
    assert parse_scheme(scheme.as_plain()) == scheme
