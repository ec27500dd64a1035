"""Use cases of the flood room."""

from __future__ import annotations
