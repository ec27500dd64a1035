"""Photos on disk: named by the hash of their bytes, their type told from their content."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import InvalidInput, NotFound, Text

_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo that lies on disk."""

    sha256: str
    media_type: str
    size: int


def media_type_of(content: bytes) -> str | None:
    """Return the image type the bytes begin with; None when they are no image we take."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "image/heic"
    return None


def store_photo(folder: Path, content: bytes, *, bytes_limit: int) -> StoredPhoto:
    """Check the bytes and keep them under their hash. Raises InvalidInput naming the field `photo`."""
    if not content:
        raise InvalidInput({"photo": "照片是空的"})
    if len(content) > bytes_limit:
        fault = Text(
            "照片有 %(size)s 字节，不得超过 %(most)s 字节", size=len(content), most=bytes_limit
        )
        raise InvalidInput({"photo": fault})
    media_type = media_type_of(content)
    if media_type is None:
        raise InvalidInput({"photo": "不是可以识别的照片：请用 JPEG、PNG、WebP 或 HEIC"})
    return _stored(folder, content, media_type)


def store_document(folder: Path, content: bytes, *, bytes_limit: int, field: str) -> StoredPhoto:
    """Check the bytes of a photo or a PDF and keep them under their hash. Raises InvalidInput naming the field."""
    if not 0 < len(content) <= bytes_limit:
        fault = Text(
            "文件有 %(size)s 字节，须有内容且不超过 %(most)s 字节",
            size=len(content),
            most=bytes_limit,
        )
        raise InvalidInput({field: fault})
    media_type = "application/pdf" if content.startswith(b"%PDF-") else media_type_of(content)
    if media_type is None:
        raise InvalidInput({field: "只收照片（JPEG、PNG、WebP、HEIC）和 PDF"})
    return _stored(folder, content, media_type)


def _stored(folder: Path, content: bytes, media_type: str) -> StoredPhoto:
    sha256 = hashlib.sha256(content).hexdigest()
    _keep(photo_path(folder, sha256), content)
    return StoredPhoto(sha256, media_type, len(content))


def photo_path(folder: Path, sha256: str) -> Path:
    """Return where the photo of a hash lies. Raises NotFound for what is no hash: it may hold a path."""
    if not _HASH.fullmatch(sha256):
        raise NotFound
    return folder / sha256[:2] / sha256[2:4] / sha256


def _keep(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".incoming-")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            # The row that names the photo must not outlive its bytes after a power cut.
            os.fsync(file.fileno())
        # A rename is whole or not at all, and two who bring the same bytes write the same file.
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
