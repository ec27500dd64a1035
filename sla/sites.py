"""The trades a city watches and the kinds of site in each: read from sla/policies/sites.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sla.policy_files import POLICIES, Section, read_policy

SITES_FILE: Final = POLICIES / "sites.yml"


@dataclass(frozen=True, slots=True)
class SiteKind:
    """A kind of site, such as an underpass. parent: the kind that one of it belongs to, or empty."""

    code: str
    trade: str
    name: str
    name_en: str
    parent: str


@dataclass(frozen=True)
class Trade:
    """A trade, such as heating, with the kinds of its sites by code."""

    code: str
    name: str
    name_en: str
    kinds: Mapping[str, SiteKind]


def load_trades(path: Path = SITES_FILE) -> dict[str, Trade]:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(("trades",))
    listed = file.section("trades")
    trades = {code: _trade(code, listed.section(code)) for code in listed.content}
    seen: set[str] = set()
    for code, trade in trades.items():
        kinds = listed.section(code).section("kinds")
        for kind in trade.kinds.values():
            if kind.code in seen:
                raise kinds.refusal(
                    kind.code, "stands in another trade too", "give it a name of its own"
                )
            if kind.parent and kind.parent not in trade.kinds:
                wanted = ", ".join(trade.kinds)
                raise kinds.refusal(
                    kind.code, f"parent is {kind.parent!r}", f"choose one of {wanted}"
                )
        seen |= trade.kinds.keys()
    return trades


@cache
def shipped_trades() -> dict[str, Trade]:
    """Return the trades of the shipped file; read once in a process."""
    return load_trades()


def kind_named(code: str) -> SiteKind | None:
    """Return a kind of site by its code."""
    for trade in shipped_trades().values():
        if code in trade.kinds:
            return trade.kinds[code]
    return None


def _trade(code: str, given: Section) -> Trade:
    given.refuse_unknown(("name", "name_en", "kinds"))
    kinds = given.section("kinds")
    return Trade(
        code,
        given.text("name", code),
        given.text("name_en", code),
        {name: _kind(name, code, kinds.section(name)) for name in kinds.content},
    )


def _kind(code: str, trade: str, given: Section) -> SiteKind:
    given.refuse_unknown(("name", "name_en", "parent"))
    return SiteKind(
        code, trade, given.text("name", code), given.text("name_en", code), given.text("parent")
    )
