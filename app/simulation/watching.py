"""What a simulated city watches: sites and devices of its trades, and the rules that raise alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import shapely
import yaml
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.run import Tx, handles
from app.sensing.commands import AddDevices, AddSites, add_devices, add_sites
from app.sensing.rule_commands import AddRule, RuleText, add_rule
from app.sensing.tables import Site
from app.simulation.builders.plan import size_named
from app.simulation.builders.utilities import DUTIES, Grid, utilities
from app.utilities.commands import ServeGrids, serve_grids

_RULES: Final = Path(__file__).parent / "data" / "rules.yml"
_GRIDS: Final = """
SELECT g.code, s.name AS street, g.district_code, g.outline FROM unit_grids g
JOIN streets s ON s.code = g.street_code ORDER BY g.code
"""
# Who has a duty in a district: a company of the whole city, or the one with a branch there.
_COMPANIES: Final = """
SELECT d.duty, u.district_code, (
    SELECT p.id FROM units p WHERE p.level = 2 AND u.path LIKE p.path || '%') AS company
FROM units u CROSS JOIN LATERAL unnest(u.duties) AS d(duty)
WHERE d.duty = ANY(:duties) AND u.active
"""


@cache
def shipped_rules() -> tuple[RuleText, ...]:
    """Return the rules that a simulated city begins with."""
    loaded: list[dict[str, Any]] = yaml.safe_load(_RULES.read_text(encoding="utf-8"))["rules"]
    return tuple(
        RuleText(**{**entry, "scenes": tuple(entry.get("scenes", ()))}) for entry in loaded
    )


@dataclass(frozen=True)
class WatchCity:
    """Put the sites, devices and rules of a simulated city on record; size: of city.yml."""

    size: str
    seed: int


@handles(WatchCity)
def watch_city(command: WatchCity, tx: Tx) -> int:
    """Do so where no such site is yet, and return how many sites that were."""
    if tx.session.scalar(select(Site.id).where(Site.trade.in_(DUTIES)).limit(1)) is not None:
        return 0
    random = Random(command.seed)  # noqa: S311 (a city, not a secret)
    planned = utilities(_grids(tx.session), size_named(command.size).sites, random)
    ids: dict[str, int] = add_sites(AddSites(planned.sites), tx)
    serve_grids(ServeGrids([(ids[site], grid) for site, grid in planned.serving]), tx)
    devices = [replace(device, site_id=ids[code]) for code, device in planned.devices.items()]
    add_devices(AddDevices(devices), tx)
    for rule in shipped_rules():
        add_rule(AddRule(rule), tx)
    return len(ids)


def _grids(session: Session) -> list[Grid]:
    trades = {duty: trade for trade, duty in DUTIES.items()}
    companies: dict[tuple[str, str | None], int] = {}
    for duty, district, company in session.execute(text(_COMPANIES), {"duties": list(trades)}):
        if company is not None:
            companies[trades[duty], district] = company
    rows = session.execute(text(_GRIDS)).all()
    return [
        Grid(code, street, *_centre(outline), _companies_of(companies, district))
        for code, street, district, outline in rows
    ]


def _companies_of(companies: dict[tuple[str, str | None], int], district: str) -> dict[str, int]:
    found = {}
    for trade in DUTIES:
        company = companies.get((trade, district)) or companies.get((trade, None))
        if company is not None:
            found[trade] = company
    return found


def _centre(outline: dict[str, Any]) -> tuple[float, float]:
    point = shapely.geometry.shape(outline).representative_point()
    return round(point.x, 6), round(point.y, 6)
