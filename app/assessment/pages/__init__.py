"""Pages of the assessment: the month's ranking, scores and notice, and the schemes."""

from __future__ import annotations

from app.assessment.pages import notice as notice
from app.assessment.pages import schemes as schemes
from app.assessment.pages import scores as scores
from app.assessment.pages.ranking import blueprint, navigation

__all__ = ["blueprint", "navigation"]
