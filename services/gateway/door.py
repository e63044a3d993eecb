"""The door: every request passes it before anything of it is read, and every answer after.

In: our own host name, bounded path and query, an actor (or one of the few open places), and for a
browser's writes our own page. Out: headers that keep a browser from doing more with an answer than
showing it. What the request means is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from services.gateway import access, problems, signin
from services.gateway.measures import Measures
from services.gateway.problems import Refusal
from services.scheduler.commands import Actor

TARGET_MAX = 8_192
BODY_S = 15.0
DRAINED_BYTES_MAX = 64 << 20
OPEN = {("GET", "/health"), ("POST", "/api/session")}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "content-security-policy": POLICY,
    "cache-control": "no-store",
}.items()
SAFE = [(name.encode(), value.encode()) for name, value in _SAFE]

Check = Callable[[str], Actor | None]


class Door:
    def __init__(
        self, app: ASGIApp, *, names: frozenset[str], check: Check, measures: Measures
    ) -> None:
        self._app = app
        self._names = names
        self._check = check
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Any, receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        answering = self._finished_with(scope, _after_the_rest(receive, send))
        try:
            scope["user"], scope["auth"] = self._let_in(scope, headers)
        except Refusal as refusal:
            await _refuse(refusal, scope, headers, answering)
        else:
            await self._app(scope, _patient(receive), answering)

    def _finished_with(self, scope: Any, send: Send) -> Send:
        began_s = time.perf_counter()

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _safe(message["headers"])}
                method, route = scope["method"], scope.get("path_template") or "none"
                self._measures.answers.labels(method, route, message["status"]).inc()
                taken_s = time.perf_counter() - began_s
                self._measures.seconds.labels(method, route).observe(taken_s)
            await send(message)

        return sending

    def _let_in(self, scope: Any, headers: dict[str, str]) -> tuple[Actor | None, str]:
        """Who asks, and the token that says so. Raises Refusal."""
        if not access.is_own_host(headers.get("host", ""), self._names):
            detail = "this gateway is not called so: use its address or a name of its machine"
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, detail, "Host")
        if len(scope["path"]) + len(scope["query_string"]) > TARGET_MAX:
            detail = f"the address has more than {TARGET_MAX} characters: ask for less at once"
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, detail)
        token = access.bearer(headers)
        if token is None and scope["method"] not in access.READING:
            _from_own_page(headers)
        token = token if token is not None else access.cookie(headers)
        actor = self._check(token) if token and access.TOKEN.fullmatch(token) else None
        if actor is None and (scope["method"], scope["path"]) not in OPEN:
            raise _unknown(token)
        return actor, token or ""


def _from_own_page(headers: dict[str, str]) -> None:
    is_browser = any(name in headers for name in ("cookie", "origin", "sec-fetch-site"))
    if is_browser and not access.is_own_page(headers):
        detail = "this came from a page of another origin: a program shows its token instead"
        raise Refusal(HTTPStatus.FORBIDDEN, detail, "Origin")


def _unknown(token: str | None) -> Refusal:
    detail = (
        "this token is not known here: the file `token` in the data directory holds one"
        if token
        else "no token: send `Authorization: Bearer …`; the file `token` in the data directory "
        "holds one"
    )
    return Refusal(
        HTTPStatus.UNAUTHORIZED, detail, headers={"www-authenticate": 'Bearer realm="haulage"'}
    )


async def _refuse(refusal: Refusal, scope: Any, headers: dict[str, str], send: Send) -> None:
    """A person in a browser is shown where to sign in; everyone else gets the document."""
    asks_for_page = scope["method"] == "GET" and not scope["path"].startswith("/api/")
    if (
        refusal.status is HTTPStatus.UNAUTHORIZED
        and asks_for_page
        and "text/html" in headers.get("accept", "")
    ):
        kind, content = "text/html; charset=utf-8", signin.PAGE
        refusal.headers["content-security-policy"] = signin.POLICY
    else:
        kind = problems.MEDIA_TYPE
        content = problems.body(refusal.status, refusal.detail, refusal.field)
    own = {"content-type": kind, "content-length": str(len(content))} | refusal.headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in own.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def _safe(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What a route said of its own answer holds; the rest is said here."""
    given = list(headers)
    names = {bytes(name).lower() for name, _ in given}
    return [*given, *((name, value) for name, value in SAFE if name not in names)]


def _after_the_rest(receive: Receive, send: Send) -> Send:
    """Who sends too much is still sending when that is seen: only when the line is empty (or far
    too much came) is the answer read, not a broken connection.
    """

    async def sending(message: Any) -> None:
        if message.get("status") == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BODY_S):
                    await _drain(receive)
        await send(message)

    return sending


async def _drain(receive: Receive) -> None:
    left = DRAINED_BYTES_MAX
    while left > 0:
        message: Any = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message["body"])


def _patient(receive: Receive) -> Receive:
    """A body has to come in time; what comes after it (the end of the connection) has all time."""
    complete = False

    async def receiving() -> Any:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout(BODY_S):
                message = await receive()
        except TimeoutError:
            detail = f"the body did not come within {BODY_S:g} s: send it again"
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        complete = not (message["type"] == "http.request" and message.get("more_body"))
        return message

    return receiving
