"""What a device measured, whatever it speaks."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Sample(NamedTuple):
    """One value of one device. metric: a name of sla/policies/metrics.yml, unless the device errs."""

    device: str
    at: datetime
    metric: str
    value: float
