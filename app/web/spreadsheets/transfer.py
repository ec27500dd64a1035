"""Workbooks on their way: uploaded by a form, sent as a file."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from app.errors import InvalidInput
from app.web.spreadsheets.reading import BYTES_LIMIT

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def uploaded_workbook() -> bytes:
    """Return the form's `file`, one byte over the limit at most. Raises InvalidInput when it is missing or empty."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInput({"file": "请选择文件"})
    # A large one lies on the disk until it is closed.
    with file.stream as stream:
        content = stream.read(BYTES_LIMIT + 1)
    if not content:
        raise InvalidInput({"file": "这个文件是空的"})
    return content


def as_download(content: bytes, file_name: str, content_type: str = XLSX) -> Response:
    """Return a file, by default a workbook, as an answer. file_name: in ASCII."""
    answer = Response(content, content_type=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
