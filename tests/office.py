"""LibreOffice as a stranger who opens our files: it recalculates workbooks and prints documents."""

from __future__ import annotations

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook, load_workbook

SOFFICE = shutil.which("soffice")
needs_office = pytest.mark.skipif(
    SOFFICE is None,
    reason="LibreOffice is not installed: apt install libreoffice-calc libreoffice-writer",
)
_VALUE = re.compile(rb'(?: t="str")?>(<f>[^<]*</f>)<v>[^<]*</v>')
WRONG = 987_654
# Else a program shows the values that stand in the file, as it should for a reader.
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def formulas(book: Workbook) -> dict[tuple[str, str], str]:
    """Return every formula by sheet and cell."""
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def recalculated(content: bytes, folder: Path) -> Workbook:
    """Return a workbook with every value as LibreOffice computes it: those that stood beside the formulas are wrong."""
    bare = folder / "bare.xlsx"
    with ZipFile(BytesIO(content)) as source, ZipFile(bare, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            wrong = _VALUE.sub(rb">\1<v>%d</v>" % WRONG, source.read(name))
            target.writestr(name, wrong)
    converted(bare, "xlsx", folder / "out")
    return load_workbook(folder / "out" / "bare.xlsx", data_only=True)


def converted(path: Path, kind: str, out: Path) -> Path:
    """Convert a file; return where it lies. A profile of its own, so that tests may run at once."""
    settings = out / "profile/user/registrymodifications.xcu"
    settings.parent.mkdir(parents=True)
    settings.write_text(ALWAYS_RECALCULATE)
    command = [
        str(SOFFICE), "--headless", f"-env:UserInstallation={(out / 'profile').as_uri()}",
        "--convert-to", kind, "--outdir", str(out), str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return out / f"{path.stem}.{kind}"
