"""Frames of SL 651 out of a stream, and the answers to them."""

from __future__ import annotations

from random import Random

import pytest

from connectors import sl651
from connectors.crc16 import modbus
from connectors.refusals import FrameRefused, Unreadable
from connectors.sl651 import Frame, decode_hex, reply_to, wants_reply
from connectors.sl651_stream import MOST_BYTES, Stream
from tests.device_messages import (
    FOUR_MILLIMETRES,
    HALF_A_MILLIMETRE,
    KEEP_ALIVE,
    REPLY,
    SECOND_REPLY,
)

REPORTS = [bytes.fromhex(text) for text in (KEEP_ALIVE, HALF_A_MILLIMETRE, FOUR_MILLIMETRES)]


def said(found: list[Frame | FrameRefused]) -> list[str]:
    """Return the station of each frame, and the reason of each refusal."""
    return [one.reason.value if isinstance(one, FrameRefused) else one.station for one in found]


def fed(stream: Stream, data: bytes, size: int = 4096) -> list[Frame | FrameRefused]:
    return [one for at in range(0, len(data), size) for one in stream.feed(data[at : at + size])]


def with_sum(data: bytes) -> bytes:
    return data + modbus(data).to_bytes(2)


def packets(whole: bytes, count: int) -> list[bytes]:
    """Cut a frame into so many packets."""
    body, head = whole[14:-3], whole[:11]
    size = -(-len(body) // count)
    made = []
    for number in range(1, count + 1):
        part = (count << 12 | number).to_bytes(3) + body[(number - 1) * size : number * size]
        end = b"\x03" if number == count else b"\x17"
        made.append(with_sum(head + len(part).to_bytes(2) + b"\x16" + part + end))
    return made


@pytest.mark.parametrize(
    ("report", "reply"), [(HALF_A_MILLIMETRE, REPLY), (FOUR_MILLIMETRES, SECOND_REPLY)]
)
def test_a_report_is_answered_as_published(report: str, reply: str) -> None:
    frame = decode_hex(report)
    assert wants_reply(frame)
    assert reply_to(frame).hex().upper() == reply


def test_a_sign_of_life_wants_no_answer() -> None:
    assert not wants_reply(decode_hex(KEEP_ALIVE))
    assert not wants_reply(decode_hex(REPLY))


def test_a_report_that_goes_on_is_told_to() -> None:
    data = bytes.fromhex(HALF_A_MILLIMETRE)[:-3] + b"\x17"
    assert sl651.decode(reply_to(sl651.decode(with_sum(data)))).end == 0x06


@pytest.mark.parametrize("size", [1, 2, 3, 7, 13, 4096])
def test_frames_come_however_the_stream_is_cut(size: int) -> None:
    found = fed(Stream(), b"".join(REPORTS), size)
    assert said(found) == ["0012345678", "0012345678", "0011223344"]


def test_rubbish_between_frames_is_skipped_and_told_once() -> None:
    stream = Stream()
    found = fed(stream, b"\x00\x7e\xff" + REPORTS[1] + b"rubbish" + REPORTS[2])
    assert said(found) == ["no_frame", "0012345678", "no_frame", "0011223344"]
    assert stream.rubbish == 0


def test_a_stray_byte_that_looks_like_a_beginning_costs_no_frame() -> None:
    stream = Stream()
    found = fed(stream, b"\x7e" + REPORTS[1])
    while stream.is_waiting:
        found += list(stream.give_up())
    assert said(found)[-1] == "0012345678"


@pytest.mark.parametrize("place", range(2, len(REPORTS[1])))
def test_the_frame_after_a_damaged_one_is_found(place: int) -> None:
    damaged = bytearray(REPORTS[1])
    damaged[place] ^= 0x55
    stream = Stream()
    found = fed(stream, bytes(damaged) + REPORTS[2])
    # Where the length was damaged, only silence tells that no more comes.
    while stream.is_waiting:
        found += list(stream.give_up())
    assert said(found)[-1] == "0011223344"
    assert "0012345678" not in said(found)


@pytest.mark.parametrize("end", range(1, len(REPORTS[1])))
def test_a_frame_that_breaks_off_is_told(end: int) -> None:
    stream = Stream()
    found = fed(stream, REPORTS[1][:end] + REPORTS[2])
    while stream.is_waiting:
        found += list(stream.give_up())
    assert said(found)[-1] == "0011223344"


def test_ascii_coding_is_refused_by_name() -> None:
    text = b"\x01" + HALF_A_MILLIMETRE[4:].encode() + b"\x03ABCD\r\n"
    assert said(fed(Stream(), text)) == [Unreadable.ASCII_CODING]


def test_rubbish_is_counted_up_to_the_next_good_frame() -> None:
    stream = Stream()
    fed(stream, Random(651).randbytes(10_000), 100)
    assert stream.rubbish > 9_000
    stream.give_up()
    fed(stream, REPORTS[1])
    while stream.is_waiting:
        list(stream.give_up())


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_packets_make_a_report_together(count: int) -> None:
    found = fed(Stream(), b"".join(packets(REPORTS[1], count)))
    assert len(found) == 1
    assert isinstance(found[0], Frame)
    assert list(found[0].samples()) == list(sl651.decode(REPORTS[1]).samples())


def test_packets_begin_anew_with_the_first() -> None:
    first, second, third = packets(REPORTS[1], 3)
    assert said(fed(Stream(), first + second + first + second + third)) == ["0012345678"]


def test_a_missing_packet_makes_no_report() -> None:
    first, _, third = packets(REPORTS[1], 3)
    assert fed(Stream(), first + third) == []


def test_packets_of_two_reports_are_not_mixed() -> None:
    first = packets(REPORTS[1], 2)[0]
    second = packets(REPORTS[2], 2)[1]
    assert fed(Stream(), first + second) == []


def test_packets_have_a_bound() -> None:
    stream, head = Stream(), REPORTS[1][:11]
    told = []
    for number in range(1, 400):
        part = (500 << 12 | number).to_bytes(3) + bytes(4000)
        whole = head + len(part).to_bytes(2) + b"\x16" + part + b"\x17"
        told += fed(stream, with_sum(whole))
    assert said(told) == ["too_long"]
    assert MOST_BYTES < 400 * 4000
