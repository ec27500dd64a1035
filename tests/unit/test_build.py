"""Packages from npm: installed once per lock file; where they are missing, the error says what to run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.settings import REPOSITORY
from app.simulation.outlines import district_outlines
from app.web.build import STAMP, AssetsMissing, ensure_node_modules


def test_installed_packages_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / STAMP).write_text(hashlib.sha256(b"{}").hexdigest())
    said: list[str] = []
    assert ensure_node_modules(tmp_path, report=said.append) == tmp_path / "node_modules"
    assert said == []


def test_missing_outlines_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"make run.*python -m app\.web\.build"):
        district_outlines(tmp_path, "nowhere")


def test_outlines_are_the_ten_districts_that_share_borders() -> None:
    modules = REPOSITORY / "node_modules"
    if not modules.is_dir():
        pytest.skip("node_modules is not there: python -m app.web.build")
    outlines = district_outlines(modules, "shan1_xi1_tai4_yuan2")
    assert [outline.code for outline in outlines] == sorted(outline.code for outline in outlines)
    assert len(outlines) == 10
    assert all(outline.polygon.is_valid for outline in outlines)
