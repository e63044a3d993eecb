"""Every refusal of the API is an RFC 9457 problem document; this is where they are made.

`detail` says what is wrong and what to do, `field` names the input at fault. What nobody foresaw
is logged once, and its asker learns only that it was not their fault. Knows no route.
https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException

from services.gateway.faults import LEFT_OUT, faults_of_body, fields_of, in_words, name_of
from services.gateway.resources import Problem
from services.runtime.log import logger
from services.scheduler.commands import Rejected, Why

MEDIA_TYPE = "application/problem+json"
NO_STORE = {"cache-control": "no-store"}
STATUS_OF = {
    Why.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Why.ABSENT: HTTPStatus.NOT_FOUND,
    Why.CONFLICT: HTTPStatus.CONFLICT,
    Why.STALE: HTTPStatus.CONFLICT,
    Why.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Why.CHANGED: HTTPStatus.PRECONDITION_FAILED,
}


class Refusal(Exception):
    """What was asked is not done, and why: raised anywhere below a route."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})


def invalid(field: str, detail: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field)


def absent(detail: str, field: str | None = None) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, detail, field)


def later(detail: str, seconds: int = 1) -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"retry-after": str(seconds)})


def rejected(rejection: Rejected) -> Refusal:
    return Refusal(STATUS_OF[rejection.why], rejection.detail, rejection.field or None)


def body(status: HTTPStatus, detail: str, field: str | None = None) -> bytes:
    """The document itself; its type says no more than the status does, as the RFC has it."""
    return msgspec.json.encode(Problem("about:blank", status.phrase, status.value, detail, field))


def _answer(refusal: Refusal) -> Response[bytes]:
    content = body(refusal.status, refusal.detail, refusal.field)
    headers = NO_STORE | refusal.headers
    return Response(content, status_code=refusal.status, media_type=MEDIA_TYPE, headers=headers)


def on_refusal(_request: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    return _answer(refusal)


def on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """A parameter or a field of the body that does not fit what the route declares."""
    if missing := LEFT_OUT.match(error.detail):
        return _answer(invalid(missing[1], f"{missing[1]}: it is left out, and has to be given"))
    faults = error.extra if isinstance(error.extra, list) and error.extra else [{}]
    message, key = str(faults[0].get("message", "")), str(faults[0].get("key", ""))
    if faults[0].get("source") == "body":
        return _answer(invalid(*faults_of_body(request, message, key)))
    field = fields_of(request).get(key)
    name = name_of(field, key)
    return _answer(invalid(name, f"{name}: {in_words(message, field)}"))


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: no such route, another method, a body that is not JSON, …"""
    status = HTTPStatus(error.status_code)
    match status:
        case HTTPStatus.NOT_FOUND:
            return _answer(absent(f"there is nothing at {request.url.path}: see /api/openapi.json"))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return _answer(_other_method(request, error))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return _answer(Refusal(status, "the body is too large: send less at a time"))
        case HTTPStatus.BAD_REQUEST:
            return _answer(Refusal(status, f"the body is not JSON: {error.detail}", "body"))
        case _:
            return _answer(Refusal(status, error.detail))


def on_too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[bytes]:
    detail = "the body is nested too deeply: no command is"
    return _answer(Refusal(HTTPStatus.BAD_REQUEST, detail, "body"))


def on_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    logger.error("gateway.failed", method=request.method, path=request.url.path, exc_info=error)
    detail = "the gateway failed at this request; it is in the gateway's log"
    return _answer(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _other_method(request: Request[Any, Any, Any], error: HTTPException) -> Refusal:
    assert isinstance(error, MethodNotAllowedException)
    allowed = (error.headers or {}).get("allow", "")
    detail = f"{request.method} does nothing here: this place takes {allowed}"
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"allow": allowed})
