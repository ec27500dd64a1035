"""The channels that reports come in by: data of connectors/settings/channels.yml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from app.errors import InvalidInput, Text
from app.settings import REPOSITORY
from sla.policy_files import Section, read_policy

CHANNELS_FILE: Final = REPOSITORY / "connectors" / "settings" / "channels.yml"
_KEYS: Final = {"name", "name_en", "verify"}


@dataclass(frozen=True, slots=True)
class Channel:
    """One way in. verify: a collector looks at the place before the case is accepted."""

    code: str
    name: str
    name_en: str
    verify: bool


@lru_cache(maxsize=4)
def load_channels(path: Path = CHANNELS_FILE) -> dict[str, Channel]:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    content = read_policy(path)
    content.refuse_unknown(["channels"])
    channels = content.section("channels")
    return {code: _channel(code, channels.section(code)) for code in channels.content}


def channel_of(code: str) -> Channel:
    """Return the channel of a code. Raises InvalidInput."""
    channels = load_channels()
    if code not in channels:
        fault = Text("没有渠道“%(code)s”，应为 %(known)s 之一", code=code, known=tuple(channels))
        raise InvalidInput({"channel": fault})
    return channels[code]


def _channel(code: str, entry: Section) -> Channel:
    entry.refuse_unknown(_KEYS)
    verify = entry.get("verify", False)
    if not isinstance(verify, bool):
        raise entry.refusal("verify", f"is {verify!r}", "write true or false")
    return Channel(code, entry.text("name", code), entry.text("name_en", code), verify)
