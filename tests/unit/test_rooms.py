"""The list of rooms names all there is."""

from __future__ import annotations

import pytest

from app import rooms
from app.settings import REPOSITORY


@pytest.mark.parametrize(
    ("part", "listed"),
    [
        ("tables", rooms.TABLES),
        ("pages", rooms.PAGES),
        ("api", rooms.APIS),
        ("cli", rooms.COMMANDS),
    ],
)
def test_every_part_of_a_room_is_registered(part: str, listed: tuple[str, ...]) -> None:
    paths = [*REPOSITORY.glob(f"app/*/{part}.py"), *REPOSITORY.glob(f"app/*/{part}/__init__.py")]
    found = {path.relative_to(REPOSITORY / "app").parts[0] for path in paths}
    # The shell registers its own pages; those of processes are parts of other rooms' pages.
    apart = {"web", "processes"} if part == "pages" else set()
    assert found - apart == set(listed)
