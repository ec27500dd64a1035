"""The register of devices and sites: typed in, read from a table, ended."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook

from app.clock import FixedClock
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, NewDevice, StoreReadings
from app.sensing.device_sheets import COLUMNS
from connectors.samples import Sample
from tests.browser.people import add_analysts_and_administrator
from tests.factories import Desk
from tests.web.conftest import SignIn

DEVICE = {"code": "P-7", "name": "虎峪河", "kind": "depth", "silent_minutes": "30"}
SITE = {
    "code": "U-1",
    "name": "下穿",
    "kind": "underpass",
    "lon": "0.5",
    "lat": "0.5",
    "active": "1",
}


@pytest.fixture
def admin(desk: Desk, signed: SignIn) -> Any:
    add_analysts_and_administrator(desk)
    rows = desk.rows(
        "SELECT p.id, p.unit_id FROM people p JOIN person_roles r ON r.person_id = p.id"
        " WHERE r.role = 'administrator' LIMIT 1"
    )
    actor = Actor(rows[0]["id"], rows[0]["unit_id"], "/1/", frozenset({"administrator"}), "管理员")
    return signed(actor)


def _devices(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows("SELECT * FROM devices ORDER BY code")


def test_a_device_is_put_on_record_at_its_site(desk: Desk, admin: Any) -> None:
    assert admin.post("/sensing/sites/new", data=SITE).status_code == 302
    assert admin.post("/sensing/devices/new", data=DEVICE | {"site": "U-1"}).status_code == 302
    (device,) = _devices(desk)
    assert (device["scene"], device["silent_after_s"], device["lon"]) == ("underpass", 1800, 0.5)
    assert (
        device["district_code"] == desk.rows("SELECT district_code FROM sites")[0]["district_code"]
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": " "}, "code"),
        ({"code": "P-1"}, "code"),
        ({"code": "x" * 65}, "code"),
        ({"name": ""}, "name"),
        ({"kind": ""}, "kind"),
        ({"scene": "moon"}, "scene"),
        ({"site": "nowhere"}, "site"),
        ({"unit": "nobody"}, "unit"),
        ({"lon": "181", "lat": "1"}, "lon"),
        ({"lon": "nan", "lat": "1"}, "lon"),
        ({"lon": "1"}, "lat"),
        ({"silent_minutes": "0"}, "silent_minutes"),
        ({"silent_minutes": "1e3"}, "silent_minutes"),
    ],
)
def test_each_wrong_field_of_a_device_is_named(
    desk: Desk, admin: Any, change: dict[str, str], field: str
) -> None:
    run(AddDevices([NewDevice("P-1", "depth", "有")]), actor=SYSTEM)
    answer = admin.post("/sensing/devices/new", data=DEVICE | change)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert len(_devices(desk)) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "moon"}, "kind"),
        ({"lon": "", "lat": ""}, "lon"),
        ({"parent": "nowhere"}, "parent"),
        ({"parent": "U-0"}, "parent"),
        ({"code": "U-0"}, "code"),
        ({"video": "javascript:alert(1)"}, "video"),
        ({"image": "https://v.example/" + "a" * 500}, "image"),
        ({"image": "https://[v.example/a.jpg"}, "image"),
    ],
)
def test_each_wrong_field_of_a_site_is_named(
    desk: Desk, admin: Any, change: dict[str, str], field: str
) -> None:
    assert admin.post("/sensing/sites/new", data=SITE | {"code": "U-0"}).status_code == 302
    answer = admin.post("/sensing/sites/new", data=SITE | change)
    assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True)


def test_a_site_s_camera_is_entered_and_taken_away(desk: Desk, admin: Any) -> None:
    camera = {"video": "https://v.example/a.m3u8", "image": "https://v.example/a.jpg"}
    admin.post("/sensing/sites/new", data=SITE | camera)
    (site,) = desk.rows("SELECT id, data FROM sites WHERE code = 'U-1'")
    assert site["data"] == camera
    address = f"/sensing/sites/{site['id']}"
    assert 'value="https://v.example/a.jpg"' in admin.get(address).text
    admin.post(address, data=SITE | {"image": "https://v.example/b.jpg"})
    (site,) = desk.rows("SELECT data FROM sites WHERE code = 'U-1'")
    assert site["data"] == {"image": "https://v.example/b.jpg"}


def test_what_is_saved_can_be_changed(desk: Desk, admin: Any) -> None:
    admin.post("/sensing/devices/new", data=DEVICE)
    number = _devices(desk)[0]["id"]
    form = admin.get(f"/sensing/devices/{number}/edit").text
    assert 'value="P-7"' in form
    assert 'value="30"' in form
    admin.post(f"/sensing/devices/{number}/edit", data=DEVICE | {"name": "桃园", "unit": "D1"})
    (device,) = _devices(desk)
    assert (device["name"], device["unit_id"]) == ("桃园", 11)


def test_an_ended_device_is_heard_no_more(desk: Desk, admin: Any, clock: FixedClock) -> None:
    admin.post("/sensing/devices/new", data=DEVICE)
    number = _devices(desk)[0]["id"]
    reading = [Sample("P-7", clock.now(), "depth_cm", 1.0)]
    assert admin.post(f"/sensing/devices/{number}/end").status_code == 302
    assert run(StoreReadings(reading, "t"), actor=SYSTEM).refused == {"unknown_device": 1}
    assert admin.post(f"/sensing/devices/{number}/end").status_code == 409
    assert admin.post(f"/sensing/devices/{number}/resume").status_code == 302
    assert run(StoreReadings(reading, "t"), actor=SYSTEM).stored == 1


def _row(code: str, **given: str) -> list[str]:
    cells = {**dict.fromkeys(COLUMNS, ""), "code": code, "name": code, "kind": "depth", **given}
    return [cells[name] for name in COLUMNS]


def _csv(*rows: list[str], encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join(",".join(row) for row in (list(COLUMNS.values()), *rows)).encode(encoding)


def _upload(client: Any, content: bytes, name: str = "devices.csv") -> Any:
    return client.post("/sensing/devices/import", data={"file": (BytesIO(content), name)})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_brings_devices_and_changes_those_there_are(
    desk: Desk, admin: Any, encoding: str
) -> None:
    admin.post("/sensing/devices/new", data=DEVICE)
    content = _csv(_row("P-7", name="新名"), _row("P-8", unit="D2"), encoding=encoding)
    assert _upload(admin, content).status_code == 302
    assert [(d["code"], d["name"], d["unit_id"]) for d in _devices(desk)] == [
        ("P-7", "新名", None), ("P-8", "P-8", 12),
    ]  # fmt: skip


def test_what_was_sent_can_be_sent_back(desk: Desk, admin: Any) -> None:
    admin.post("/sensing/devices/new", data=DEVICE | {"unit": "D1", "lon": "0.5", "lat": "0.5"})
    before = _devices(desk)
    content = admin.get("/sensing/devices.xlsx").data
    assert _upload(admin, content, "devices.xlsx").status_code == 302
    assert _devices(desk) == before


def test_one_wrong_row_and_nothing_is_saved(desk: Desk, admin: Any) -> None:
    content = _csv(_row("P-1"), _row("P-2", unit="nobody"), _row("P-1"), _row("P-3", lon="x"))
    answer = _upload(admin, content)
    assert answer.status_code == 422
    assert "第 3 行：没有编码为“nobody”的单位" in answer.text
    assert "第 4 行：编码与第 2 行重复" in answer.text
    assert "第 5 行" in answer.text
    assert _devices(desk) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", "编码,名称\nP-1,x".encode(), _csv(), b'"', b"PK\x03\x04rubbish"],
)
def test_what_is_no_table_of_devices_is_refused(desk: Desk, admin: Any, content: bytes) -> None:
    answer = _upload(admin, content)
    assert (answer.status_code, "一行也没有保存" in answer.text) == (422, True)


def test_a_workbook_is_read(desk: Desk, admin: Any) -> None:
    book = Workbook()
    book.active.append(list(COLUMNS.values()))
    book.active.append(_row("P-1"))
    stream = BytesIO()
    book.save(stream)
    assert _upload(admin, stream.getvalue(), "x.xlsx").status_code == 302
    assert [d["code"] for d in _devices(desk)] == ["P-1"]


def test_nobody_else_changes_the_register(desk: Desk, signed: SignIn) -> None:
    client = signed(desk.city.supervisor)
    for address in ("/sensing/devices/new", "/sensing/devices/import", "/sensing/sites/new"):
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403
