"""Messages of devices as published, and ways to damage one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from connectors import hj212, json_topics, sl651
from connectors.crc16 import hj212 as packet_sum
from connectors.crc16 import modbus

KEEP_ALIVE: Final = "7E7E01001234567812342F0008020003591011155111036BCA"
HALF_A_MILLIMETRE: Final = (
    "7E7E010012345678123430002B020003591011154947F1F1001234567848F0F05910111549"
    "20190000052619000005392300000127381211150320FA"
)
REPLY: Final = "7E7E00123456780112343080080200035910111549471B75D4"
FOUR_MILLIMETRES: Final = (
    "7E7E05001122334403E832002B020034170718110016F1F1001122334448F0F01707181100"
    "201900004026190000403923000104903812109903A421"
)
SECOND_REPLY: Final = "7E7E00112233440503E83280080200341707181100161BE5D4"
FRAMES: Final = (KEEP_ALIVE, HALF_A_MILLIMETRE, REPLY, FOUR_MILLIMETRES, SECOND_REPLY)

# The example of HJ 212-2017 itself.
INTERVAL: Final = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)


def packet(content: str) -> bytes:
    """Return a packet of HJ 212 around its data."""
    return f"##{len(content):04d}{content}{packet_sum(content.encode()):04X}\r\n".encode()


def frame(head: str, body: str, end: str = "03") -> bytes:
    """Return an SL 651 frame: head up to the function code, the body, both in hexadecimal digits."""
    inner = bytes.fromhex(body)
    data = bytes.fromhex(head) + len(inner).to_bytes(2) + b"\x02" + inner + bytes.fromhex(end)
    return data + modbus(data).to_bytes(2)


REAL_TIME: Final = packet(
    "QN=20251030172554000;ST=21;CN=2011;PW=123456;MN=P-001;Flag=4;"
    "CP=&&DataTime=20251030172554;w01001-Rtd=7.21,w01001-Flag=N;w01003-Rtd=3.5,w01003-Flag=N&&"
)
JSON: Final = (
    b'{"device": "P-001", "at": "2025-10-30T17:25:54+08:00", "values": {"depth_cm": 12.3}}'
)
# How each decoder is tried: what it takes and how its checksum is put right after the damage.
Mend = Callable[[bytes], bytes]


def _mend_frame(data: bytes) -> bytes:
    return data[:-2] + modbus(data[:-2]).to_bytes(2)


def _mend_packet(data: bytes) -> bytes:
    content = data[6:-6].decode("latin-1").encode("utf-8", "replace")
    return b"##%04d%b%04X\r\n" % (len(content), content, packet_sum(content))


def decoders() -> list[tuple[Callable[[bytes], Any], Mend, list[bytes]]]:
    """Return each decoder with the messages to damage."""
    return [
        (_decode_frame, _mend_frame, [bytes.fromhex(text) for text in FRAMES]),
        (_decode_packet, _mend_packet, [INTERVAL, REAL_TIME]),
        (json_topics.decode, bytes, [JSON, b"[" + JSON + b"," + JSON + b"]"]),
    ]


def _decode_frame(data: bytes) -> Any:
    return list(sl651.decode(data).samples())


def _decode_packet(data: bytes) -> Any:
    return list(hj212.decode(data).samples())


def damaged(message: bytes, random: Random) -> bytes:
    """Return the message with one to four of its bytes changed, lost, doubled or cut off."""
    data = bytearray(message)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data)) if data else 0
        match random.randrange(6):
            case 0:
                data[at : at + 1] = bytes([random.randrange(256)])
            case 1 if data:
                data[at] ^= 1 << random.randrange(8)
            case 2:
                del data[at : at + random.randint(1, 8)]
            case 3:
                data[at:at] = data[at : at + random.randint(1, 8)]
            case 4:
                del data[at:]
            case _:
                data[at:at] = random.randbytes(random.randint(1, 4))
    return bytes(data)


def mutations(count: int, seed: int) -> Iterator[tuple[Callable[[bytes], Any], bytes]]:
    """Return decoders with damaged messages; every second one has its checksum put right again."""
    random, known = Random(seed), decoders()
    for number in range(count):
        decode, mend, messages = known[number % len(known)]
        data = damaged(random.choice(messages), random)
        yield decode, mend(data) if random.random() < 0.5 else data
