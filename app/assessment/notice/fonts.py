"""The Chinese font of printed documents: it comes with the pages' files, so that no machine needs one installed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

from app.web.build import BUILT, FONTS, AssetsMissing

REGULAR: Final = "NotoSansSC-Regular"
BOLD: Final = "NotoSansSC-Bold"


@lru_cache(maxsize=1)
def register_fonts(folder: Path = BUILT) -> None:
    """Read both weights, once a process. Raises AssetsMissing where they were not built."""
    for name in (REGULAR, BOLD):
        path = folder / FONTS[name]
        if not path.is_file():
            raise AssetsMissing(path)
        registerFont(TTFont(name, path))
