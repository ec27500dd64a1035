"""What a device measured, whatever it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one device. metric: a name of sla/policies/metrics.yml, unless the device errs."""

    device: str
    at: datetime
    metric: str
    value: float
