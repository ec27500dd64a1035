"""Progress bars on standard error; on anything but a terminal they stay away."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final

from tqdm import tqdm

# What is being built -> what it is called.
_STAGES: Final = {
    "grids": "划分网格 Grids",
    "units": "设立单位 Units",
    "people": "安排人员 People",
}


class Bars:
    """One bar for each stage of building, the one before ended when the next begins."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._bar: tqdm[Any] | None = None

    def show(self, stage: str, done: int, total: int) -> None:
        """Show how much of a stage is done."""
        if self._bar is None or stage != self._stage:
            self._end()
            self._stage = stage
            self._bar = tqdm(total=total, desc=_STAGES.get(stage, stage), disable=None)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
