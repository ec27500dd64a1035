"""Errors as answers: the only place that chooses an HTTP status."""

from __future__ import annotations

import logging
from http import HTTPStatus
from uuid import uuid4

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app import errors
from app.db.session import is_lost_connection
from app.run import Runtime
from app.web.language import said

log = logging.getLogger(__name__)

STATUS: dict[type[errors.AppError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.StateChanged: HTTPStatus.CONFLICT,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DefinitionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.CalendarMissing: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ConnectorError: HTTPStatus.BAD_GATEWAY,
    errors.DatabaseLost: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseUnusable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EngineError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.AppError: HTTPStatus.BAD_REQUEST,
}
TITLES = {
    HTTPStatus.BAD_REQUEST: _l("请求有误"),
    HTTPStatus.UNAUTHORIZED: _l("请先登录"),
    HTTPStatus.FORBIDDEN: _l("没有权限"),
    HTTPStatus.NOT_FOUND: _l("没有找到"),
    HTTPStatus.METHOD_NOT_ALLOWED: _l("请求有误"),
    HTTPStatus.CONFLICT: _l("情况已经变化"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _l("内容过大"),
    HTTPStatus.UNPROCESSABLE_ENTITY: _l("填写有误"),
    HTTPStatus.BAD_GATEWAY: _l("外部系统没有应答"),
    HTTPStatus.SERVICE_UNAVAILABLE: _l("暂时无法服务"),
}


def init_app(app: Flask) -> None:
    """Answer every kind of error with a page, or with JSON where JSON was asked for."""
    app.register_error_handler(errors.AppError, _app_error)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolTimeout, _crowded)
    app.register_error_handler(Exception, _unforeseen)


def status_of(error: errors.AppError) -> HTTPStatus:
    """Return the HTTP status of an error: its own class's, or the nearest parent's."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def text_of(error: errors.AppError) -> str:
    """Return the error's message in the reader's language."""
    return said(errors.Text(error.message, **error.facts))


def wants_json() -> bool:
    """Tell whether the caller is a program."""
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def _app_error(error: errors.AppError) -> ResponseReturnValue:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    given = error.fields if isinstance(error, errors.InvalidInput) else {}
    fields = {name: said(text) for name, text in given.items()}
    faults = error.faults if isinstance(error, errors.DefinitionError) else ()
    details = [*fields.values(), *map(str, faults)]
    return _answer(status, error.code, text_of(error), details, fields)


def _forged(error: CSRFError) -> ResponseReturnValue:
    message = gettext("页面已过期，请返回上一页，刷新后再提交。")
    return _answer(HTTPStatus.BAD_REQUEST, "csrf", message)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = HTTPStatus(error.code or 500)
    if status < HTTPStatus.BAD_REQUEST:
        return error
    message = {
        HTTPStatus.NOT_FOUND: gettext("网址有误，或内容已不存在。"),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: gettext("上传的内容超过了允许的大小。"),
        HTTPStatus.METHOD_NOT_ALLOWED: gettext("这个网址不接受这种请求。"),
    }.get(status, error.description or "")
    body, _status, headers = _answer(status, error.name.lower().replace(" ", "_"), message)
    if "Allow" in (kept := dict(error.get_headers())):
        headers["Allow"] = kept["Allow"]
    return body, status, headers


def _database_error(error: DBAPIError) -> ResponseReturnValue:
    if not is_lost_connection(error):
        return _unforeseen(error)
    runtime: Runtime = current_app.extensions["jingwei"]
    runtime.database.drop_connections()
    return _app_error(errors.DatabaseLost())


def _crowded(error: PoolTimeout) -> ResponseReturnValue:
    log.error("%s %s: %s", request.method, request.path, error)
    message = gettext("此刻访问的人太多，请稍后再试。")
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "crowded", message)


def _unforeseen(error: Exception) -> ResponseReturnValue:
    if current_app.testing:
        raise error
    number = uuid4().hex[:8]
    log.error("%s: %s %s", number, request.method, request.path, exc_info=error)
    message = gettext("程序出错，已记录。报修时请告知编号 %(number)s。", number=number)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", message)


def _answer(
    status: HTTPStatus,
    code: str,
    message: str,
    details: list[str] | None = None,
    fields: dict[str, str] | None = None,
) -> tuple[Response | str, int, dict[str, str]]:
    """Return the error as JSON or as a page; a page after a 5xx asks the database for nothing."""
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if wants_json():
        body = {"code": code, "message": message, "fields": fields or {}, "details": details or []}
        return jsonify(body), status, headers
    page = render_template(
        "web/error.html",
        title=TITLES.get(status, gettext("程序出错")),
        message=message,
        details=details or [],
        code=code,
        bare=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    return page, status, headers
