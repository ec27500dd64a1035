"""Clocks explain their arithmetic, and remaining time is said as people say it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sla import clocks
from sla.calendar import WorkingCalendar
from sla.clock_events import ClockEvents
from sla.explanation import explain
from sla.limits import LimitUnit, Until
from sla.wording import remaining_text, sentences, time_left_text
from tests.unit.sla.moments import NEW_YORK, calendar, limit, new_york, shanghai

CITY = calendar()
HANDLING = clocks.load_clock_policies()["handling"]
HOUR = timedelta(hours=1)


def told(events: ClockEvents, locale: str = "zh", city: WorkingCalendar = CITY) -> list[str]:
    return [line.text for line in explain(events, city, locale)]


def test_limit_over_midday_is_told_line_by_line() -> None:
    lines = explain(clocks.start(shanghai(10, 15, 9), limit("4工作时")), CITY, "zh")
    assert [line.text for line in lines] == [
        "10月15日 09:00 开始，限 4 工作时",
        "10月15日 09:00–12:00 计 3 工作时",
        "午休 12:00–14:00 不计",
        "10月15日 14:00–15:00 计 1 工作时",
        "应于 10月15日 15:00 前完成",
    ]
    assert [line.amount for line in lines] == [None, 3 * HOUR, None, HOUR, None]
    assert [line.running_total / HOUR for line in lines] == [0, 3, 3, 4, 4]
    assert [line.at for line in lines][-1] == shanghai(10, 15, 15)


def test_the_same_in_english() -> None:
    assert told(clocks.start(shanghai(10, 15, 9), limit("4工作时")), "en") == [
        "15 Oct 09:00 started, limit 4 working hours",
        "15 Oct 09:00–12:00 counts 3 working hours",
        "midday break 12:00–14:00 not counted",
        "15 Oct 14:00–15:00 counts 1 working hour",
        "due by 15 Oct 15:00",
    ]


def test_start_outside_working_time_and_weekend_are_named() -> None:
    assert told(clocks.start(shanghai(10, 15, 20), limit("5工作日"))) == [
        "10月15日 20:00 开始，限 5 工作日",
        "10月15日 20:00 不在工作时间，自 10月16日 08:00 起计",
        "10月16日–10月17日 共 2 个工作日，计 16 工作时",
        "10月18日–10月19日 周末，不计",
        "10月20日–10月22日 共 3 个工作日，计 24 工作时",
        "应于 10月22日 18:00 前完成",
    ]


def test_holidays_and_make_up_days_are_named() -> None:
    assert told(clocks.start(shanghai(9, 26, 14), limit("5工作日"))) == [
        "9月26日 14:00 开始，限 5 工作日",
        "9月26日 14:00–18:00 计 4 工作时",
        "9月27日 周末，不计",
        "9月28日–9月30日 共 3 个工作日，计 24 工作时（9月28日 调休上班）",
        "10月1日–10月8日 国庆节、中秋，不计",
        "10月9日 全天，计 8 工作时",
        "10月10日 08:00–12:00 计 4 工作时",
        "应于 10月10日 12:00 前完成",
    ]


def test_thirty_working_days_stay_readable() -> None:
    # 4 h on 26 September, 29 whole days (26 Sep to 12 Nov has 28 Sep and 11 Oct worked), 4 h on the last.
    assert told(clocks.start(shanghai(9, 26, 14), limit("30工作日"))) == [
        "9月26日 14:00 开始，限 30 工作日",
        "9月26日 14:00–18:00 计 4 工作时",
        (
            "9月28日–11月12日 共 29 个工作日，计 232 工作时（9月28日、10月11日 调休上班）；"
            "其间周末 10 天、国庆节 7 天、中秋 1 天不计"
        ),
        "11月13日 08:00–12:00 计 4 工作时",
        "应于 11月13日 12:00 前完成",
    ]


def test_city_holiday_has_the_name_the_city_gave_it() -> None:
    named = WorkingCalendar(
        overrides={date(2025, 10, 16): False, date(2025, 10, 17): False},
        names={date(2025, 10, 16): "庙会"},
    )
    said = told(clocks.start(shanghai(10, 15, 17), limit("10工作时")), city=named)
    assert "10月16日–10月19日 庙会、本市放假、周末，不计" in said


def test_pause_extension_and_late_stop_are_told_where_they_happened() -> None:
    events = clocks.start(shanghai(10, 15, 9), limit("2工作时"))
    events = clocks.pause(events, shanghai(10, 15, 10), "held")
    events = clocks.resume(events, shanghai(10, 15, 15))
    events = clocks.extend(events, shanghai(10, 15, 15, 30), HANDLING, CITY)
    events = clocks.stop(events, shanghai(10, 16, 10, 20))
    assert told(events) == [
        "10月15日 09:00 开始，限 2 工作时",
        "10月15日 09:00–10:00 计 1 工作时",
        "10月15日 10:00 暂停（挂账），剩 1 工作时",
        "10月15日 15:00 恢复计时，剩 1 工作时",
        "10月15日 15:00–15:30 计 30 分",
        "10月15日 15:30 准予延期 2 工作时",
        "10月15日 15:30–18:00 计 2 工作时 30 分",
        "应于 10月15日 18:00 前完成，超期 16 小时 20 分",
        "10月16日 10:20 停止，用去 6 工作时 20 分",
    ]


def test_early_stop_is_counted_on_to_its_due_time() -> None:
    events = clocks.stop(clocks.start(shanghai(10, 15, 9), limit("4工作时")), shanghai(10, 15, 10))
    assert told(events) == [
        "10月15日 09:00 开始，限 4 工作时",
        "10月15日 09:00–10:00 计 1 工作时",
        "10月15日 10:00 停止，用去 1 工作时",
        "如继续计时，10月15日 10:00–12:00 计 2 工作时",
        "如继续计时，午休 12:00–14:00 不计",
        "如继续计时，10月15日 14:00–15:00 计 1 工作时",
        "应于 10月15日 15:00 前完成，按期",
    ]


def test_rework_counts_on_from_where_it_stopped() -> None:
    events = clocks.stop(clocks.start(shanghai(10, 15, 9), limit("4工作时")), shanghai(10, 15, 11))
    events = clocks.rework(events, shanghai(10, 16, 9), HANDLING)
    assert told(events)[2:] == [
        "10月15日 11:00 停止，用去 2 工作时",
        "10月16日 09:00 返工，继续计时，剩 2 工作时",
        "10月16日 09:00–11:00 计 2 工作时",
        "应于 10月16日 11:00 前完成",
    ]


def test_restart_begins_a_new_account() -> None:
    events = clocks.start(shanghai(10, 15, 9), limit("4工作时"))
    events = clocks.pause(events, shanghai(10, 15, 10), "returned")
    events = clocks.redispatch(events, shanghai(10, 15, 11), HANDLING, same_unit=False)
    lines = explain(events, CITY, "zh")
    assert [line.text for line in lines][2:4] == [
        "10月15日 10:00 暂停（退单），剩 3 工作时",
        "10月15日 11:00 重新计时（重新派遣），限 4 工作时",
    ]
    assert [line.running_total / HOUR for line in lines] == [0, 1, 1, 0, 1, 1, 4, 4]


def test_cancelled_clock_has_no_due_line_and_a_strange_reason_is_shown_as_it_is() -> None:
    events = clocks.start(shanghai(10, 15, 9), limit("4工作时"))
    events = clocks.pause(events, shanghai(10, 15, 10), "left")
    events = clocks.cancel(events, shanghai(10, 15, 11))
    assert told(events)[2:] == [
        "10月15日 10:00 暂停（left），剩 3 工作时",
        "10月15日 11:00 取消计时",
    ]


def test_urgent_limit_and_promise_count_without_a_break() -> None:
    assert told(clocks.start(shanghai(12, 31, 23), limit("2紧急工作时"))) == [
        "12月31日 23:00 开始，限 2 紧急工作时",
        "12月31日 23:00–2026年1月1日 01:00 连续计 2 小时，夜间和节假日也计",
        "应于 2026年1月1日 01:00 前完成",
    ]
    promise = clocks.start(shanghai(10, 15, 9), Until(shanghai(10, 17, 8)))
    assert told(promise)[0] == "10月15日 09:00 开始，已定于 10月17日 08:00 前完成"


def test_calendar_days_are_told_as_days_over_a_change_of_the_clock() -> None:
    city = calendar(NEW_YORK)
    assert told(clocks.start(new_york(3, 8, 12), limit("2天")), city=city) == [
        "3月8日 12:00 开始，限 2 天",
        "3月8日 12:00–3月10日 12:00 计 2 天",
        "应于 3月10日 12:00 前完成",
    ]


def test_seconds_are_told_so_that_the_sum_can_be_checked() -> None:
    lines = explain(
        clocks.start(shanghai(10, 15, 11, 59) + timedelta(seconds=30), limit("1工作时")), CITY, "zh"
    )
    assert [line.text for line in lines][1:4] == [
        "10月15日 11:59:30–12:00 计 30 秒",
        "午休 12:00–14:00 不计",
        "10月15日 14:00–14:59:30 计 59 分 30 秒",
    ]


@pytest.mark.parametrize(
    ("hour", "minute", "chinese", "english"),
    [
        (9, 0, "剩 4 工作时", "4 working hours left"),
        (11, 45, "剩 1 工作时 15 分", "1 working hour 15 min left"),
        (14, 59, "剩 1 分", "1 min left"),
        (15, 0, "剩不足 1 分", "less than 1 min left"),
        (17, 0, "超期 2 小时", "2 hours overdue"),
    ],
)
def test_remaining_time_of_a_running_clock(
    hour: int, minute: int, chinese: str, english: str
) -> None:
    events = clocks.start(shanghai(10, 15, 9), limit("4工作时"))
    shown = clocks.read(events, CITY, shanghai(10, 15, hour, minute))
    assert remaining_text(shown, CITY, "zh_Hans_CN") == chinese
    assert remaining_text(shown, CITY, "en") == english


def test_remaining_time_of_a_clock_at_rest() -> None:
    events = clocks.start(shanghai(10, 15, 9), limit("5工作日"))
    resting = [
        (clocks.pause(events, shanghai(10, 15, 10), "held"), "已暂停，剩 4 工作日 7 工作时"),
        (clocks.stop(events, shanghai(10, 15, 10)), "按期完成"),
        (clocks.stop(events, shanghai(10, 25, 9)), "完成时超期 3 天"),
        (clocks.cancel(events, shanghai(10, 15, 10)), "已取消"),
    ]
    for clock, said in resting:
        assert remaining_text(clocks.read(clock, CITY), CITY, "zh") == said


def test_time_left_needs_only_a_due_time() -> None:
    due = shanghai(10, 16, 9)
    assert (
        time_left_text(due, shanghai(10, 15, 17), LimitUnit.WORKING_HOUR, CITY, "zh")
        == "剩 2 工作时"
    )
    assert (
        time_left_text(due, shanghai(10, 15, 17), LimitUnit.URGENT_HOUR, CITY, "zh") == "剩 16 小时"
    )
    assert (
        time_left_text(due, shanghai(10, 18, 9, 5), LimitUnit.WORKING_HOUR, CITY, "zh")
        == "超期 2 天 5 分"
    )


@pytest.mark.parametrize(
    ("left", "said"),
    [(45, "剩不足 1 分"), (394, "剩 6 分"), (-45, "超期不足 1 分"), (-685, "超期 11 分")],
)
def test_page_that_stands_still_shows_no_seconds(left: int, said: str) -> None:
    due = shanghai(10, 16, 9)
    now = due - timedelta(seconds=left)
    assert time_left_text(due, now, LimitUnit.URGENT_HOUR, CITY, "zh") == said


def test_both_languages_name_the_same_values() -> None:
    from string import Formatter

    def names(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(sentence)} - {
            None,
            "s",
            "month",
            "month_name",
        }

    languages = sentences()
    for key, chinese in languages["zh"].items():
        assert names(chinese) == names(languages["en"][key]), key
