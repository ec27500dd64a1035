"""Files that claim to be workbooks, for every place that takes one."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile


def archive(parts: Mapping[str, bytes]) -> bytes:
    """Return a zip file with these parts."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


# What is sent -> what is said of it.
HOSTILE: Final = {
    "csv": (b"a,b,c", "文件不是 Excel 工作簿"),
    "cut": (b"PK\x03\x04", "文件不是 Excel 工作簿"),
    "xls": (b"\xd0\xcf\x11\xe0" * 100, "文件不是 Excel 工作簿"),
    "zip": (archive({"a": b"x"}), "文件不是 Excel 工作簿"),
    "bomb": (
        archive({"[Content_Types].xml": b"", "xl/workbook.xml": bytes(51 * 2**20)}),
        "文件解开后超过 50 MB",
    ),
    "parts": (archive({str(number): b"" for number in range(201)}), "文件解开后超过 50 MB"),
    "entities": (
        archive({
            "[Content_Types].xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
            "xl/workbook.xml": b"<x/>",
        }),
        "文件不是 Excel 工作簿",
    ),
    "hollow": (
        archive({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
        "文件无法读取",
    ),
}  # fmt: skip
