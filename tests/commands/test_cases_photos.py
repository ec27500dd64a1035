"""Photos: checked by their bytes, kept once under their hash."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from app.cases.commands import AddPhoto, ReportCase
from app.cases.photos import photo_path, store_photo
from app.errors import Forbidden, InvalidInput, NotFound
from app.run import Runtime, Services, install, run

JPEG = b"\xff\xd8\xff\xe0" + b"pixels" * 10


def test_photo_lies_on_disk_under_its_hash(desk, settings):
    case_id = desk.reported_case()
    sha256 = run(AddPhoto(case_id, JPEG, "before"), actor=desk.city.collector)
    assert sha256 == hashlib.sha256(JPEG).hexdigest()
    assert photo_path(settings.photo_dir, sha256).read_bytes() == JPEG
    row = desk.rows("SELECT media_type, size, stage, added_by FROM photos")
    assert row == [{"media_type": "image/jpeg", "size": 64, "stage": "before", "added_by": 101}]
    assert desk.log_kinds(case_id)[-1] == "photo_added"


def test_same_photo_twice_is_one(desk):
    case_id = desk.reported_case()
    for _ in range(2):
        run(AddPhoto(case_id, JPEG), actor=desk.city.collector)
    assert len(desk.rows("SELECT id FROM photos")) == 1
    assert desk.log_kinds(case_id).count("photo_added") == 1


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload='x'/>", b"MZ\x90\x00program", b"\xff\xd8" + b"x"]
)
def test_what_is_no_photo_is_refused_whatever_it_is_called(desk, content):
    case_id = desk.reported_case()
    with pytest.raises(InvalidInput) as refused:
        run(AddPhoto(case_id, content), actor=desk.city.collector)
    assert "photo" in refused.value.fields


def test_large_photo_is_refused_naming_the_limit(desk, settings, open_database, clock):
    install(Runtime(open_database, Services(replace(settings, photo_bytes_limit=63)), clock))
    case_id = desk.reported_case()
    with pytest.raises(InvalidInput, match="64 字节，不得超过 63 字节"):
        run(AddPhoto(case_id, JPEG), actor=desk.city.collector)


def test_stranger_may_not_add_photos(desk):
    case_id = desk.reported_case()
    with pytest.raises(Forbidden):
        run(AddPhoto(case_id, JPEG), actor=desk.city.handler2)


def test_collector_adds_no_photos_to_the_report_of_another(desk):
    command = ReportCase(channel="hotline", title="路边垃圾")
    case_id = run(command, actor=desk.city.intake).case_id
    desk.do(case_id, "T_verify", replace(desk.city.collector, person_id=111), "exists")
    with pytest.raises(Forbidden):
        run(AddPhoto(case_id, JPEG), actor=desk.city.collector)


def test_handler_adds_photos_to_the_work_in_hand(desk):
    case_id = desk.assigned_case()
    item_id = desk.item(case_id, "T_handle")
    run(AddPhoto(case_id, JPEG, "after", item_id), actor=desk.city.handler1)
    assert desk.rows("SELECT item_id FROM photos") == [{"item_id": item_id}]


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
    ],
)
def test_type_is_told_from_the_bytes(tmp_path, beginning, media_type):
    assert store_photo(tmp_path, beginning + b"x", bytes_limit=100).media_type == media_type


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_what_is_no_hash_names_no_photo(tmp_path, name):
    with pytest.raises(NotFound):
        photo_path(tmp_path, name)


def test_interrupted_write_leaves_no_photo(tmp_path, monkeypatch):
    monkeypatch.setattr("app.cases.photos.os.fsync", lambda handle: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store_photo(tmp_path, JPEG, bytes_limit=100)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
