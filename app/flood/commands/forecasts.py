"""Take forecasts in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, WATCH_OFFICER
from app.clock import require_aware
from app.errors import InvalidInput, Text
from app.flood.forecast_files import NewForecast, forecasts_in_file
from app.places.tables import District
from app.run import Tx, handles

_ADD: Final = """
INSERT INTO rain_forecasts
    (source, issued_at, district_code, valid_from, valid_to, hours_mm, added_at, added_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class AddForecasts:
    """Keep forecasts; one that is kept already changes nothing."""

    forecasts: Sequence[NewForecast]


@dataclass(frozen=True)
class LoadForecasts:
    """Keep the forecasts of a workbook or CSV file."""

    content: bytes


@dataclass(frozen=True)
class Kept:
    """How many forecasts are new, and how many were kept before."""

    added: int
    known: int


@handles(AddForecasts)
def add_forecasts(command: AddForecasts, tx: Tx) -> Kept:
    """Keep the forecasts. Raises InvalidInput naming a district that is unknown."""
    districts = set(tx.session.scalars(select(District.code)))
    now, added = tx.clock.now(), 0
    for one in command.forecasts:
        if one.district_code not in districts:
            fault = Text("没有区县“%(code)s”", code=one.district_code[:40])
            if one.row:
                fault = Text("第 %(row)s 行：%(fault)s", row=one.row, fault=fault)
            raise InvalidInput({"district_code": fault})
        moments = [require_aware(at) for at in (one.issued_at, one.valid_from, one.valid_to)]
        row = (
            one.source,
            moments[0],
            one.district_code,
            *moments[1:],
            list(one.hours_mm),
            now,
            tx.actor.person_id,
        )
        added += tx.connection.execute(_ADD, row).rowcount
    return Kept(added, len(command.forecasts) - added)


@handles(LoadForecasts, FLOOD_COMMANDER, WATCH_OFFICER)
def load_forecasts(command: LoadForecasts, tx: Tx) -> Kept:
    """Keep the forecasts of a file. Raises InvalidInput naming the rows that are wrong."""
    found = forecasts_in_file(command.content, tx.services.settings.timezone)
    kept: Kept = add_forecasts(AddForecasts(found), tx)
    return kept
