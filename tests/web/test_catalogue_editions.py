"""Editions of the catalogue as workbooks: down, changed, up again; hostile files are refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from app.catalogue.editions import HEADER
from app.run import Actor
from app.web.spreadsheets.writing import table_of
from tests.workbooks import HOSTILE


@pytest.fixture
def admin(desk, session, signed):
    session.execute(
        text("INSERT INTO person_roles (person_id, role) VALUES (101, 'administrator')")
    )
    # The small city writes its own ids; those drawn come after them.
    for table in ("catalogue_versions", "classes", "filing_conditions"):
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)"))
    session.commit()
    return signed(Actor(101, 1, "/1/", frozenset({"administrator"}), "管理员"))


def _upload(client, content: bytes, on: str = "2026-01-01"):
    data = {"file": (BytesIO(content), "c.xlsx"), "valid_from": on, "note": "第二版"}
    return client.post("/catalogue/editions", data=data, content_type="multipart/form-data")


def test_downloaded_edition_goes_up_again_as_a_later_one(admin, session):
    content = admin.get("/catalogue/1.xlsx").data
    rows = list(load_workbook(BytesIO(content)).active.iter_rows(values_only=True))
    assert rows[0] == HEADER
    assert rows[1][:3] == ("E-01-02", "市容环境", "暴露垃圾")
    assert _upload(admin, content).status_code == 302
    count = "SELECT count(*) FROM filing_conditions f JOIN classes c ON c.id = f.class_id JOIN catalogue_versions v ON v.id = c.version_id WHERE v.valid_from = '2026-01-01'"
    assert session.scalar(text(count)) == 2


def test_edition_of_today_is_refused(admin):
    answer = _upload(admin, admin.get("/catalogue/1.xlsx").data, on="2025-11-25")
    assert answer.status_code == 422
    assert "生效日期应在今天之后" in answer.text


def test_edition_of_a_far_year_is_refused(admin):
    answer = _upload(admin, admin.get("/catalogue/1.xlsx").data, on="2205-12-01")
    assert answer.status_code == 422
    assert "最多提前 2 年录入" in answer.text


def test_wrong_limit_is_named_by_its_class(admin):
    row = ("E-01-02", "市容环境", "暴露垃圾", "Litter", "sanitation", "有", "四小时", "已清除")
    answer = _upload(admin, table_of("x", HEADER, [row], datetime(2025, 11, 25, tzinfo=UTC)))
    assert answer.status_code == 422
    assert "E-01-02：时限 四小时 无法识别" in answer.text


def test_only_an_administrator_enters_an_edition(desk, city, signed):
    assert _upload(signed(city.supervisor), b"").status_code == 403


@pytest.mark.parametrize(("content", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_workbook_is_refused_by_name(admin, content, fault):
    answer = _upload(admin, content)
    assert answer.status_code == 422
    assert fault in answer.text


def test_working_hours_are_entered_and_shown_with_their_source(admin, signed, city):
    typed = {
        "valid_from": "2025-12-01",
        "morning_begin": "08:30",
        "morning_end": "12:00",
        "afternoon_begin": "13:30",
        "afternoon_end": "12:30",
    }
    refused = admin.post("/catalogue/calendar/hours", data=typed)
    assert refused.status_code == 422
    assert 'href="#hours"' in refused.text
    assert 'value="13:30"' in refused.text
    done = admin.post("/catalogue/calendar/hours", data={**typed, "afternoon_end": "17:00"})
    assert done.status_code == 302
    page = signed(city.supervisor).get("/catalogue/calendar").text
    assert "08:30-12:00、13:30-17:00" in page
    assert "待生效" in page
    assert "sla/policies/calendar.yml" in page
    assert 'name="morning_begin"' not in page
