"""Photos of a case: shown from disk, added from a form."""

from __future__ import annotations

from flask import Response, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from app.cases.commands import AddPhoto
from app.cases.pages import room
from app.cases.pages.room import blueprint
from app.cases.photos import media_type_of, photo_path
from app.cases.queries.case_file import photo_of
from app.db.session import db
from app.errors import InvalidInput, NotFound, Text
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act

# What browsers show inside a page; the rest is offered for download.
SHOWN_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
WEEK_S = 7 * 24 * 3600


@blueprint.get("/cases/<number>/photos/<sha256>")
@open_to(SIGNED_IN)
def photo(number: str, sha256: str) -> Response:
    """Send one photo of a case."""
    case = room.case_or_404(number)
    path = photo_path(room.settings().photo_dir, sha256)
    found = photo_of(db.session(), case.id, sha256)
    if found is None or not path.exists():
        raise NotFound
    attached = found.media_type not in SHOWN_TYPES
    response = send_file(path, mimetype=found.media_type, as_attachment=attached)
    # A hash names its bytes for ever, but only this reader may keep them.
    response.headers["Cache-Control"] = f"private, max-age={WEEK_S}, immutable"
    return response


@blueprint.post("/cases/<number>/photos")
@open_to(SIGNED_IN)
def add_photos(number: str) -> ResponseReturnValue:
    """Add photos to a case from its page."""
    case = room.case_or_404(number)
    added = add_uploaded(case.id)
    if added == 0:
        raise InvalidInput({"photos": "请先选择照片"})
    flash(_("已上传 %(n)s 张照片。", n=added), "success")
    return redirect(url_for("cases.case_page", number=number, _anchor="photos"))


def uploaded_photos() -> list[tuple[str, bytes]]:
    """Return the name and bytes of each photo of this request. Raises InvalidInput naming the field `photos`."""
    settings = room.settings()
    files = [file for file in request.files.getlist("photos") if file.filename]
    if len(files) > settings.photos_per_request:
        fault = Text("一次最多上传 %(n)s 张照片", n=settings.photos_per_request)
        raise InvalidInput({"photos": fault})
    return [(file.filename or "", _checked(file, settings.photo_bytes_limit)) for file in files]


def add_uploaded(case_id: int, *, item_id: int | None = None) -> int:
    """Add the photos of this request to a case and return how many there were."""
    photos = uploaded_photos()
    stage = request.form.get("photo_stage", "other")
    for _name, content in photos:
        act(AddPhoto(case_id, content, stage, item_id))
    return len(photos)


def _checked(file: FileStorage, bytes_limit: int) -> bytes:
    """Return a photo's bytes, checked before any of its companions is kept."""
    content: bytes = file.read()
    if len(content) > bytes_limit:
        megabytes = bytes_limit // 2**20
        fault = Text("“%(name)s”超过 %(n)s MB", name=file.filename, n=megabytes)
        raise InvalidInput({"photos": fault})
    if media_type_of(content) is None:
        fault = Text(
            "“%(name)s”不是可以识别的照片：请用 JPEG、PNG、WebP 或 HEIC", name=file.filename
        )
        raise InvalidInput({"photos": fault})
    return content
