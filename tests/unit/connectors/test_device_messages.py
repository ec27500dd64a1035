"""What devices send is read to its published values, or refused for a named reason."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import hj212, json_topics, sl651
from connectors.refusals import FrameRefused, Unreadable
from connectors.samples import Sample
from tests.device_messages import (
    FOUR_MILLIMETRES,
    HALF_A_MILLIMETRE,
    INTERVAL,
    JSON,
    KEEP_ALIVE,
    REAL_TIME,
    REPLY,
    SECOND_REPLY,
    decoders,
    frame,
    packet,
)
from tests.fuzz_frames import reasons

HEAD = "7E7E01001234567812343"


def _refused(decode, data) -> Unreadable:
    with pytest.raises(FrameRefused) as refusal:
        decode(data)
    return refusal.value.reason


def _values(text: str) -> dict[int, Decimal]:
    report = sl651.decode_hex(text).report
    return {element.code: element.value for element in report.elements}


def test_keep_alive_names_station_and_moment() -> None:
    read = sl651.decode_hex(KEEP_ALIVE)
    assert (read.up, read.centre, read.station, read.function) == (True, 1, "0012345678", 0x2F)
    # 59-10-11 15:51:11 in Beijing.
    assert read.sent_at == datetime(2059, 10, 11, 7, 51, 11, tzinfo=UTC)
    assert read.report is None


def test_reports_have_their_published_values() -> None:
    assert _values(HALF_A_MILLIMETRE) == {
        0x20: Decimal("0.5"), 0x26: Decimal("0.5"), 0x39: Decimal("0.127"), 0x38: Decimal("11.15"),
    }  # fmt: skip
    assert _values(FOUR_MILLIMETRES) == {
        0x20: Decimal("4.0"), 0x26: Decimal("4.0"), 0x39: Decimal("10.490"), 0x38: Decimal("10.99"),
    }  # fmt: skip


def test_replies_come_down_to_their_station() -> None:
    for text, station, centre, serial in (
        (REPLY, "0012345678", 1, 3),
        (SECOND_REPLY, "0011223344", 5, 0x34),
    ):
        read = sl651.decode_hex(text)
        assert (read.up, read.station, read.centre, read.serial) == (False, station, centre, serial)
        assert read.end == 0x1B


def test_report_gives_samples_under_our_names() -> None:
    at = datetime(2017, 7, 18, 3, 0, tzinfo=UTC)
    assert list(sl651.decode_hex(FOUR_MILLIMETRES).samples()) == [
        Sample("0011223344", at, "rain_mm", 4.0),
        Sample("0011223344", at, "rain_total_mm", 4.0),
        Sample("0011223344", at, "level_m", 10.49),
        Sample("0011223344", at, "battery_v", 10.99),
    ]


def _with_level(digits: str) -> bytes:
    body = f"0003251030172554F1F1001234567848F0F02510301725{digits}"
    return frame(HEAD + "2", body)


def test_level_below_zero_and_level_not_measured() -> None:
    below, absent = _with_level("3923FF000127"), _with_level("3923FFFFFFFF")
    assert [e.value for e in sl651.decode(below).report.elements] == [Decimal("-0.127")]
    assert list(sl651.decode(absent).samples()) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes.fromhex(KEEP_ALIVE)[:-1], Unreadable.CUT_SHORT),
        (bytes.fromhex(KEEP_ALIVE) + b"\x00", Unreadable.WRONG_LENGTH),
        (bytes.fromhex(KEEP_ALIVE)[:-1] + b"\xcb", Unreadable.WRONG_CRC),
        (b"\x7f" + bytes.fromhex(KEEP_ALIVE)[1:], Unreadable.NO_FRAME),
        (frame(HEAD + "2", "0003251330172554"), Unreadable.NO_SUCH_TIME),
        (frame(HEAD + "2", "0003251030172554", end="99"), Unreadable.WRONG_END),
        (_with_level("39230000012A"), Unreadable.NOT_DIGITS),
        (_with_level("39230000"), Unreadable.CUT_SHORT),
        (frame(HEAD + "2", "0003251030172554F1F1"), Unreadable.MISSING_PART),
    ],
)
def test_faulty_frame_is_refused_for_its_fault(data: bytes, reason: Unreadable) -> None:
    assert _refused(sl651.decode, data) == reason


def test_every_bit_of_a_frame_is_guarded() -> None:
    data = bytes.fromhex(HALF_A_MILLIMETRE)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        _refused(sl651.decode, bytes(changed))


def test_standard_s_own_packet_is_read() -> None:
    read = hj212.decode(INTERVAL)
    assert (read.device, read.command) == ("010000A8900016F000169DC0", "1062")
    assert read.fields == {"RtdInterval": "30"}


def test_real_time_packet_gives_samples() -> None:
    at = datetime(2025, 10, 30, 9, 25, 54, tzinfo=UTC)
    assert list(hj212.decode(REAL_TIME).samples()) == [
        Sample("P-001", at, "ph", 7.21),
        Sample("P-001", at, "turbidity_ntu", 3.5),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (INTERVAL.replace(b"1C80", b"1C81"), Unreadable.WRONG_CRC),
        (INTERVAL.replace(b"0101", b"0102"), Unreadable.WRONG_LENGTH),
        (INTERVAL[1:], Unreadable.NO_FRAME),
        (packet("ST=32;CN=2011;MN=1;CP=&&DataTime=20251330000000&&"), Unreadable.NO_SUCH_TIME),
        (packet("ST=32;CN=2011;CP=&&&&"), Unreadable.MISSING_PART),
        (packet("ST=32;CN=2011;MN=1;XX=1;CP=&&&&"), Unreadable.UNKNOWN_PART),
        (packet("ST=32;CN=2011;MN=1;PNUM=2;PNO=1;CP=&&&&"), Unreadable.PART_OF_MANY),
        (packet("ST=32;CN=2011;MN=1"), Unreadable.MISSING_PART),
    ],
)
def test_faulty_packet_is_refused_for_its_fault(data: bytes, reason: Unreadable) -> None:
    assert _refused(hj212.decode, data) == reason


def test_value_that_is_no_number_is_refused() -> None:
    read = hj212.decode(packet("ST=21;CN=2011;MN=1;CP=&&DataTime=20251030172554;w01001-Rtd=nan&&"))
    assert _refused(list, read.samples()) == Unreadable.NOT_A_NUMBER


def test_json_gives_its_samples_in_utc() -> None:
    at = datetime(2025, 10, 30, 9, 25, 54, tzinfo=UTC)
    assert json_topics.decode(JSON) == [Sample("P-001", at, "depth_cm", 12.3)]
    assert (
        json_topics.decode(b"[%b,%b]" % (JSON, JSON)) == [Sample("P-001", at, "depth_cm", 12.3)] * 2
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"+08:00", b""), Unreadable.NO_TIME_ZONE),
        ((b"17:25", b"25:25"), Unreadable.NO_SUCH_TIME),
        ((b'"2025-10-30T17:25:54+08:00"', b"1761816354"), Unreadable.NO_SUCH_TIME),
        ((b"2025-10-30T17", b"0001-01-01T07"), Unreadable.NO_TIME_ZONE),
        ((b"12.3", b"true"), Unreadable.NOT_A_NUMBER),
        ((b"12.3", b'"12.3"'), Unreadable.NOT_A_NUMBER),
        ((b"12.3", b"NaN"), Unreadable.NOT_TEXT),
        ((b"12.3", b"1e999"), Unreadable.NOT_TEXT),
        ((b'"P-001"', b"null"), Unreadable.MISSING_PART),
        ((b'"P-001"', b'"P\\u0000"'), Unreadable.MISSING_PART),
        ((b'"device": "P-001", ', b""), Unreadable.MISSING_PART),
        ((b'"device"', b'"unit": "cm", "device"'), Unreadable.UNKNOWN_PART),
        ((b'{"depth_cm": 12.3}', b"{}"), Unreadable.MISSING_PART),
        ((JSON, b"[" * 900 + b"]" * 900), Unreadable.NO_FRAME),
        ((JSON, b" " * 2**20 + b"1"), Unreadable.TOO_LONG),
    ],
)
def test_faulty_json_is_refused_for_its_fault(change, reason: Unreadable) -> None:
    assert _refused(json_topics.decode, JSON.replace(*change)) == reason


@given(st.binary(max_size=400), st.sampled_from([decode for decode, _, _ in decoders()]))
def test_no_bytes_raise_anything_else(data: bytes, decode) -> None:
    with suppress(FrameRefused):
        decode(data)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["device", "at", "values", "depth_cm"]), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_no_parsed_json_raises_anything_else(content) -> None:
    with suppress(FrameRefused):
        json_topics.read(content)


def test_damaged_messages_are_refused_by_name() -> None:
    found = reasons(6000, seed=7)
    assert found.total() == 6000
    # Every second one has a right checksum, so that what lies behind it is reached.
    for reason in (Unreadable.WRONG_CRC, Unreadable.NO_SUCH_TIME, Unreadable.NOT_DIGITS):
        assert found[reason] > 0
    assert len(found) >= 10
