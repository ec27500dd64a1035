"""Pages of the assessment: ranking, scores and notice, the month's run, appeals, and the schemes."""

from __future__ import annotations

from app.assessment.pages import appeals as appeals
from app.assessment.pages import breakdown as breakdown
from app.assessment.pages import comparison as comparison
from app.assessment.pages import counted_case as counted_case
from app.assessment.pages import forecast as forecast
from app.assessment.pages import grid_map as grid_map
from app.assessment.pages import notice as notice
from app.assessment.pages import runs as runs
from app.assessment.pages import schemes as schemes
from app.assessment.pages import scores as scores
from app.assessment.pages import unit as unit
from app.assessment.pages.ranking import blueprint, navigation

__all__ = ["blueprint", "navigation"]
