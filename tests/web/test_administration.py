"""Administrators keep units and people in order; auditors look on."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import FlaskLoginClient
from openpyxl import Workbook, load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.commands import AttemptSignIn, CreatePerson, CreateUnit
from app.accounts.queries import person_by_login, roles_of, unit_by_code
from app.accounts.sign_in import signed_in
from app.accounts.spreadsheets import PERSON_COLUMNS, UNIT_COLUMNS, rows_of
from app.accounts.tables import Person, Unit
from app.errors import InvalidInput
from app.run import SYSTEM, run
from tests.workbooks import HOSTILE

PASSWORD = "a long enough one"


@pytest.fixture
def city(app: Flask) -> int:
    city_id: int = run(CreateUnit("CITY", "市中心", "City"), actor=SYSTEM)
    run(CreateUnit("D1", "东区", "East", city_id, duties=("parks",)), actor=SYSTEM)
    return city_id


def _opened_by(app: Flask, session: Session, city: int, login: str, role: str) -> FlaskClient:
    person_id = run(CreatePerson(city, login, login, roles=(role,)), actor=SYSTEM)
    app.test_client_class = FlaskLoginClient
    return app.test_client(user=signed_in(session, person_id))


@pytest.fixture
def admin(app: Flask, session: Session, city: int) -> FlaskClient:
    return _opened_by(app, session, city, "admin", "administrator")


@pytest.fixture
def auditor(app: Flask, session: Session, city: int) -> FlaskClient:
    return _opened_by(app, session, city, "auditor", "auditor")


def _person(session: Session, login: str) -> Person:
    session.expire_all()
    person = person_by_login(session, login)
    assert person is not None
    return person


def _unit(session: Session, code: str) -> Unit:
    session.expire_all()
    unit = unit_by_code(session, code)
    assert unit is not None
    return unit


def _sheet(columns: dict[str, str], *rows: dict[str, object]) -> bytes:
    book = Workbook()
    book.active.append(list(columns.values()))
    for row in rows:
        book.active.append([row.get(field) for field in columns])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _upload(client: FlaskClient, what: str, content: bytes) -> tuple[int, str]:
    answer = client.post(f"/admin/upload/{what}", data={"file": (BytesIO(content), "a.xlsx")})
    return answer.status_code, answer.text


# Units


def test_unit_is_created_changed_and_closed(
    admin: FlaskClient, session: Session, city: int
) -> None:
    described = {
        "name": "西区",
        "name_en": "West",
        "rank_group": "district",
        "duties": "roads、water",
    }
    admin.post("/admin/units/new", data={"code": "D2", "parent_id": city, **described})
    unit = _unit(session, "D2")
    assert (unit.parent_id, unit.level, unit.duties) == (city, 2, ["roads", "water"])
    admin.post(f"/admin/units/{unit.id}", data={**described, "name": "新西区"})
    assert "新西区" in admin.get("/admin/units").text
    admin.post(f"/admin/units/{unit.id}/close")
    assert not _unit(session, "D2").active


def test_fault_of_a_unit_is_named_and_what_was_typed_stays(admin: FlaskClient) -> None:
    answer = admin.post("/admin/units/new", data={"code": "D1", "name": "重复的"})
    assert answer.status_code == 422
    assert "单位编码已被使用" in answer.text
    assert 'value="重复的"' in answer.text


def test_unit_is_moved_and_reopened_on_its_page(
    admin: FlaskClient, session: Session, city: int
) -> None:
    west = run(CreateUnit("D2", "西区", "West", city), actor=SYSTEM)
    street = run(CreateUnit("D1-1", "东一街道", "East one", _unit(session, "D1").id), actor=SYSTEM)
    refused = admin.post(f"/admin/units/{west}/move", data={"parent_id": west})
    assert refused.status_code == 422
    assert 'href="#parent_id">不能移到自己或自己的下级单位之下' in refused.text
    assert "请选择上级单位" in admin.post(f"/admin/units/{west}/move", data={}).text
    admin.post(f"/admin/units/{street}/move", data={"parent_id": west})
    assert _unit(session, "D1-1").parent_id == west
    assert "从“东区”到“西区”" in admin.get(f"/admin/units/{street}").text
    admin.post(f"/admin/units/{west}/close")
    admin.post(f"/admin/units/{west}/reopen", data={"with_those_below": "1"})
    assert _unit(session, "D1-1").active
    assert "单位管理</a>" in admin.get("/admin/units").text


# People


def test_person_is_let_in_again_on_their_page(
    admin: FlaskClient, session: Session, city: int
) -> None:
    person_id = run(CreatePerson(city, "wang", "王芳"), actor=SYSTEM)
    admin.post(f"/admin/people/{person_id}/deactivate")
    page = admin.get(f"/admin/people/{person_id}").text
    assert f'action="/admin/people/{person_id}/reactivate"' in page
    admin.post(f"/admin/people/{person_id}/reactivate")
    assert _person(session, "wang").active
    assert "重新启用账号" in admin.get(f"/admin/people/{person_id}").text


def test_person_is_created_with_roles_and_a_first_password(
    admin: FlaskClient, session: Session, city: int
) -> None:
    typed = {"login": "Wang", "name": "王芳", "unit_id": city, "password": PASSWORD}
    answer = admin.post("/admin/people/new", data={**typed, "roles": ["dispatcher", "collector"]})
    person = _person(session, "wang")
    assert answer.headers["Location"] == f"/admin/people/{person.id}"
    assert roles_of(session, person.id) == {"dispatcher", "collector"}
    assert person.must_change_password


def test_roles_not_ticked_are_taken_away(admin: FlaskClient, session: Session, city: int) -> None:
    person_id = run(CreatePerson(city, "wang", "王芳", roles=("collector",)), actor=SYSTEM)
    data = {"name": "王芳", "unit_id": city, "roles": ["dispatcher"]}
    assert admin.post(f"/admin/people/{person_id}", data=data).status_code == 302
    assert roles_of(session, person_id) == {"dispatcher"}


def test_administrators_do_not_shut_themselves_out(
    admin: FlaskClient, session: Session, city: int
) -> None:
    own = _person(session, "admin").id
    answer = admin.post(f"/admin/people/{own}", data={"name": "a", "unit_id": city})
    assert "不能撤销自己的管理员角色" in answer.text
    assert "不能停用自己的账号" in admin.post(f"/admin/people/{own}/deactivate").text
    assert _person(session, "admin").active


def test_person_gets_a_password_is_let_in_again_and_deactivated(
    admin: FlaskClient, session: Session, city: int
) -> None:
    person_id = run(CreatePerson(city, "wang", "王芳"), actor=SYSTEM)
    for _ in range(5):
        run(AttemptSignIn("wang", "192.0.2.1"), actor=SYSTEM)
    assert "登录已锁定到" in admin.get(f"/admin/people/{person_id}").text
    assert "登录锁定" in admin.get("/admin/people?q=wang").text
    admin.post(f"/admin/people/{person_id}/unlock")
    assert "登录已锁定到" not in admin.get(f"/admin/people/{person_id}").text
    short = admin.post(f"/admin/people/{person_id}/password", data={"password": "short"})
    assert short.status_code == 422
    admin.post(f"/admin/people/{person_id}/password", data={"password": PASSWORD})
    assert _person(session, "wang").must_change_password
    admin.post(f"/admin/people/{person_id}/deactivate")
    assert not _person(session, "wang").active


def test_people_are_found_by_name_login_and_unit_page_by_page(
    admin: FlaskClient, session: Session, city: int
) -> None:
    east = _unit(session, "D1").id
    for number in range(51):
        run(CreatePerson(east, f"p{number:02}", f"张{number}"), actor=SYSTEM)
    first = admin.get("/admin/people?q=东区").text
    assert "p49" in first
    assert "p50" not in first
    assert "p50" in admin.get("/admin/people?q=东区&after=p49").text
    assert "张7<" in admin.get("/admin/people?q=张7").text
    assert "p07" in admin.get("/admin/people?q=P07").text
    assert "没有找到" in admin.get("/admin/people?q=%25").text


# Roles


def test_roles_page_is_written_from_the_registries(admin: FlaskClient) -> None:
    page = admin.get("/admin/roles?role=auditor").text
    assert "ChangePassword" in page
    assert "CreateUnit" not in page
    assert "GET /admin/people" in page
    assert "POST /admin/people/new" not in page
    assert "CreateUnit" in admin.get("/admin/roles").text
    assert admin.get("/admin/roles?role=king").status_code == 404


# Auditors


def test_auditor_reads_and_is_offered_nothing_to_do(auditor: FlaskClient, city: int) -> None:
    assert 'href="/admin"' in auditor.get("/admin/units").text
    for path in ("/admin/units", "/admin/people", f"/admin/units/{city}", "/admin/roles"):
        page = auditor.get(path)
        assert page.status_code == 200
        main = page.text.partition("<main")[2]
        assert 'method="post"' not in main or "<fieldset disabled>" in main
        assert "/admin/people/new" not in main or path == "/admin/roles"
    assert auditor.get("/admin/upload").status_code == 403
    assert auditor.post(f"/admin/units/{city}/close").status_code == 403


# Spreadsheets


def test_form_without_a_file_asks_for_one(admin: FlaskClient) -> None:
    answer = admin.post("/admin/upload/people")
    assert answer.status_code == 422
    assert "请选择文件" in answer.text


@pytest.mark.parametrize("what", ["units", "people"])
def test_what_is_downloaded_can_be_sent_back(admin: FlaskClient, what: str) -> None:
    content = admin.get(f"/admin/{what}.xlsx").data
    assert _upload(admin, what, content)[0] == 302


def test_cells_are_never_formulas(admin: FlaskClient, session: Session, city: int) -> None:
    for login, name in [("a1", "=1+1"), ("a2", "@SUM(A1)"), ("a3", "-2"), ("a4", "+86")]:
        run(CreatePerson(city, login, name), actor=SYSTEM)
    content = admin.get("/admin/people.xlsx").data
    sheet = load_workbook(BytesIO(content)).active
    names = [cell.value for cell in sheet["B"]]
    assert {"'=1+1", "'@SUM(A1)", "'-2", "'+86"} <= set(names)
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "inlineStr", "n"}
    assert _upload(admin, "people", content)[0] == 302
    assert _person(session, "a1").name == "=1+1"


def test_people_are_created_and_changed_by_one_sheet(admin: FlaskClient, session: Session) -> None:
    new = {"login": "Li", "name": "李强", "unit": "D1", "phone": 13800138000, "password": PASSWORD}
    own = {"login": "admin", "name": "管理员甲", "unit": "CITY", "roles": "管理员"}
    content = _sheet(PERSON_COLUMNS, {**new, "roles": "派遣员、Duty chief"}, own)
    assert _upload(admin, "people", content)[0] == 302
    person = _person(session, "li")
    assert (person.phone, person.must_change_password) == ("13800138000", True)
    assert roles_of(session, person.id) == {"dispatcher", "duty_chief"}
    assert _person(session, "admin").name == "管理员甲"


def test_each_fault_is_named_by_row_and_column_and_nothing_is_kept(
    admin: FlaskClient, session: Session
) -> None:
    content = _sheet(
        PERSON_COLUMNS,
        {"login": "ok", "name": "好", "unit": "D1"},
        {"login": "x1", "name": "甲", "unit": "NONE"},
        {"login": "x2", "name": "", "unit": "D1"},
        {"login": "x3", "name": "丙", "unit": "D1", "roles": "国王"},
        {"login": "x4", "name": "丁", "unit": "D1", "password": "short"},
        {"login": "OK", "name": "又", "unit": "D1"},
    )
    status, page = _upload(admin, "people", content)
    assert status == 422
    for fault in (
        "第 3 行“单位编码”：没有编码为“NONE”的单位",
        "第 4 行“姓名”：请填写姓名",
        "第 5 行“角色”：没有“国王”这个角色",
        "第 6 行“初始密码”：密码至少 10 个字符",
        "第 7 行“登录名”：与第 2 行重复",
    ):
        assert fault in page
    assert session.scalar(select(Person).where(Person.login == "ok")) is None


def test_units_of_a_sheet_stand_below_those_before_them(
    admin: FlaskClient, session: Session
) -> None:
    content = _sheet(
        UNIT_COLUMNS,
        {"code": "D3", "name": "南区", "parent": "CITY", "rank_group": "区县", "duties": "a、b"},
        {"code": "D3-1", "name": "南一", "parent": "D3"},
        {"code": "D1", "name": "新东区", "parent": "CITY"},
    )
    assert _upload(admin, "units", content)[0] == 302
    assert _unit(session, "D3-1").level == 3
    assert _unit(session, "D3").rank_group == "district"
    assert _unit(session, "D1").name == "新东区"


def test_sheet_moves_a_unit_but_never_to_the_top(admin: FlaskClient, session: Session) -> None:
    south = {"code": "D3", "name": "南区", "parent": "CITY"}
    moved = {"code": "D1", "name": "东区", "parent": "D3"}
    assert _upload(admin, "units", _sheet(UNIT_COLUMNS, south, moved))[0] == 302
    assert _unit(session, "D1").path.startswith(_unit(session, "D3").path)
    status, page = _upload(admin, "units", _sheet(UNIT_COLUMNS, {**moved, "parent": None}))
    assert status == 422
    assert "第 2 行“上级编码”：请填写上级编码" in page


def _archive(**parts: bytes) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "这个文件是空的"),
        (b"login,name\n", "不是 Excel 工作簿"),
        (b"PK\x03\x04 and no more", "不是 Excel 工作簿"),
        (_archive(a=b"x"), "不是 Excel 工作簿"),
        (_archive(a=bytes(30 * 2**20), b=bytes(21 * 2**20)), "解开后超过 50 MB"),
        (_sheet({"login": "登录名"}), "第一行缺少列"),
        (_sheet(PERSON_COLUMNS), "没有内容"),
        (
            _archive(**{
                "[Content_Types].xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
                "xl/workbook.xml": b"<x/>",
            }),
            "不是 Excel 工作簿",
        ),
        (
            _archive(**{"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
            "文件无法读取",
        ),
    ],
    ids=["nothing", "csv", "cut", "zip", "bomb", "columns", "empty", "doctype", "hollow"],
)  # fmt: skip
def test_file_that_is_no_sheet_of_ours_is_refused(
    admin: FlaskClient, content: bytes, fault: str
) -> None:
    status, page = _upload(admin, "people", content)
    assert status == 422
    assert fault in page


@pytest.mark.parametrize("what", ["units", "people"])
@pytest.mark.parametrize(("content", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_workbook_is_refused_by_each_form(
    admin: FlaskClient, what: str, content: bytes, fault: str
) -> None:
    status, page = _upload(admin, what, content)
    assert status == 422
    assert fault in page


def test_file_over_the_limit_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        rows_of(b"PK\x03\x04" + bytes(5 * 2**20), PERSON_COLUMNS)
    assert caught.value.fields == {"file": "文件超过 5 MB"}
