"""The shipped policies are read, and a fault in one is named by file and key."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import DefinitionError
from sla.calendar import CalendarRules
from sla.calendar_policy import CALENDAR_FILE, load_calendar, read_rules
from sla.clock_policies import CLOCKS_FILE, AfterRework, AskBy, load_clock_policies
from sla.counting_rules import COUNTING_FILE, load_counting_rules
from sla.limits import Limit, LimitUnit
from sla.wording import WORDING_FILE, sentences


def test_shipped_calendar_is_the_usual_one() -> None:
    assert read_rules() == CalendarRules()
    assert load_calendar(zone="America/New_York").zone.key == "America/New_York"


def test_shipped_clocks_have_the_usual_limits() -> None:
    policies = load_clock_policies()
    quarter, half = (
        Limit(Decimal("0.25"), LimitUnit.URGENT_HOUR),
        Limit(Decimal("0.5"), LimitUnit.URGENT_HOUR),
    )
    assert policies["accept"].limit == policies["dispatch"].limit == quarter
    assert policies["verify"].limit == policies["check"].limit == half
    handling = policies["handling"]
    assert (handling.limit, handling.rework) == (None, AfterRework.RESUME_REMAINING)
    assert handling.extension is not None
    assert (handling.extension.max_grants, handling.extension.ask) == (2, AskBy.BEFORE_DUE)
    assert handling.label("zh") == "处置"


@pytest.mark.parametrize(
    ("shipped", "load", "change", "key"),
    [
        (CALENDAR_FILE, read_rules, ("zone: Asia/Shanghai", "zone: Asia/Nowhere"), "zone"),
        (CALENDAR_FILE, read_rules, ('"08:00-12:00"', '"12:00-08:00"'), "hours"),
        (CALENDAR_FILE, read_rules, ("seasons: []", "seasons: [{from: 06-01}]"), "seasons[0]"),
        (CALENDAR_FILE, read_rules, ("[1, 2, 3, 4, 5]", "[1, 9]"), "weekdays"),
        (CALENDAR_FILE, read_rules, ("holidays: china", "holidays: mars"), "holidays"),
        (CALENDAR_FILE, read_rules, ("working_day_hours: 8", "working_day_hours: 0"), "working_day_hours"),
        (CALENDAR_FILE, read_rules, ("holidays: china", "holiday: china"), "holiday"),
        (CLOCKS_FILE, load_clock_policies, ("limit: 15 minutes", "limit: soon"), "clocks.accept.limit"),
        (CLOCKS_FILE, load_clock_policies, ("pauses_for: [held, verification]", "pauses_for: [rain]"), "clocks.accept.pauses_for"),
        (CLOCKS_FILE, load_clock_policies, ("    rework: resume_remaining", "    rework: pray"), "clocks.handling.rework"),
        (CLOCKS_FILE, load_clock_policies, ("times: 1\n", "times: -1\n"), "clocks.handling.extension.times"),
        (CLOCKS_FILE, load_clock_policies, ("      times: 1\n", "      amount: filing_condition\n"), "clocks.handling.extension.amount"),
        (CLOCKS_FILE, load_clock_policies, ("times: 1\n", "hours: 1\n"), "clocks.handling.extension.hours"),
        (CLOCKS_FILE, load_clock_policies, ("max_grants: 2", "max_grants: -2"), "clocks.handling.extension.max_grants"),
        (CLOCKS_FILE, load_clock_policies, ("max_grants: 2\n", "amount: 1 day\n"), "clocks.handling.extension.times"),
        (COUNTING_FILE, load_counting_rules, ("void: leave_out ", "void: perhaps "), "void"),
        (COUNTING_FILE, load_counting_rules, ("decimals: 2", "decimals: two"), "decimals"),
        (COUNTING_FILE, load_counting_rules, ("{of: closed, over: due}", "{of: closed}"), "rates.closing_rate"),
        (COUNTING_FILE, load_counting_rules, ("  rework_rate:", "  luck_rate:"), "rates.luck_rate"),
        (WORDING_FILE, sentences, ('second: "{n} s"', 'moment: "{n} s"'), "moment"),
        (WORDING_FILE, sentences, ('second: "{n} 秒"', 'second: "{n.real} 秒"'), "zh.second"),
        (WORDING_FILE, sentences, ('second: "{n} 秒"', 'second: "{n 秒"'), "zh.second"),
    ],
)  # fmt: skip
def test_fault_is_named_by_file_and_key(
    tmp_path: Path, shipped: Path, load: Callable[[Path], object], change: tuple[str, str], key: str
) -> None:
    content = shipped.read_text(encoding="utf-8")
    assert change[0] in content
    changed = tmp_path / shipped.name
    changed.write_text(content.replace(*change, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load(changed)
    fault = caught.value.faults[0]
    assert (fault.file, fault.element) == (shipped.name, key)
    assert fault.reason
    assert fault.remedy


@pytest.mark.parametrize("content", ["zone: [", "- a list", ""])
def test_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    broken = tmp_path / "calendar.yml"
    broken.write_text(content, encoding="utf-8")
    with pytest.raises(DefinitionError):
        read_rules(broken)
