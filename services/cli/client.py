"""HTTP to the gateway with nothing but the standard library, because start time counts.

A question is asked again after a lost answer; a command too, under the same `Idempotency-Key`, so
that it is obeyed once. Both for a bounded time.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import msgspec

from services.cli.connection import Connection, Target, find
from services.cli.failures import Failure, Refused, Unanswered
from services.cli.stream import MESSAGE_BYTES_MAX, Lost, Message, messages
from services.gateway.resources import Problem

ANSWER_S = 10.0
SILENCE_S = 25.0  # The gateway says something every ten seconds.
PATIENCE_S = 25.0
PIECE_BYTES = 256 << 10
PAUSES_S = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)

_AGAIN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}

T = TypeVar("T")
Query = dict[str, str | int | None]


class _Answer(msgspec.Struct, frozen=True):
    """`is_final`: the same request would be answered so again."""

    status: int
    content: bytes
    is_final: bool = False


class Client:
    """One gateway, one token; a connection a request, for there are few."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._parts = urlsplit(target.url)

    def get(
        self, shape: type[T], *path: str, query: Query | None = None, beside: bool = False
    ) -> T:
        """`beside`: what is not below /api. Raises Refused, Unanswered."""
        spelled = _spelled(path, query)
        spelled = spelled.removeprefix("/api") if beside else spelled
        return self._decoded(shape, self._asked("GET", spelled, b"", {}))

    def ask(self, shape: type[T], *path: str, query: Query | None = None, body: object) -> T:
        """A question with a body; it changes nothing. Raises as `get`."""
        headers, content = {"Content-Type": "application/json"}, msgspec.json.encode(body)
        return self._decoded(shape, self._asked("POST", _spelled(path, query), content, headers))

    def post(
        self,
        shape: type[T],
        *path: str,
        body: object = None,
        seen: int | None = None,
        key: str | None = None,
    ) -> T:
        """Send a command; it is obeyed once however often it is sent. Raises as `get`.

        `seen`: only if the job still has that version. `key` names the command, here and wherever
        it is sent again.
        """
        guard = {} if seen is None else {"If-Match": f'"{seen}"'}
        return self._command("POST", shape, path, {} if body is None else body, guard, key=key)

    def patch(self, shape: type[T], *path: str, body: object) -> T:
        """As `post`."""
        return self._command("PATCH", shape, path, body, {})

    def delete(
        self, shape: type[T], *path: str, query: Query | None = None, key: str | None = None
    ) -> T:
        """As `post`."""
        return self._command("DELETE", shape, path, None, {}, query=query, key=key)

    def _command(
        self,
        method: str,
        shape: type[T],
        path: tuple[str, ...],
        body: object,
        guard: dict[str, str],
        *,
        query: Query | None = None,
        key: str | None = None,
    ) -> T:
        named = {"Idempotency-Key": key or uuid4().hex, "Content-Type": "application/json"}
        content = b"" if body is None else msgspec.json.encode(body)
        answer = self._asked(method, _spelled(path, query), content, {**named, **guard})
        return self._decoded(shape, answer)

    @contextmanager
    def stream(
        self, *path: str, query: Query | None = None, after: int | None = None
    ) -> Iterator[Iterator[Message | None]]:
        """Server-sent events from behind position `after`; None now and then: still there.

        Raises Lost when it breaks off (also inside the `with`), Refused.
        """
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        with (
            closing(self._open(SILENCE_S)) as connection,
            self._listening(connection, _spelled(path, query), headers) as response,
        ):
            yield messages(_lines(response))

    @contextmanager
    def content(
        self, *path: str, query: Query | None = None, body: object = None
    ) -> Iterator[Iterator[bytes]]:
        """An answer that may be long, piece by piece. Raises as `stream`."""
        sent = b"" if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if sent else {}
        with (
            closing(self._open(SILENCE_S)) as connection,
            self._listening(connection, _spelled(path, query), headers, sent) as response,
        ):
            yield _pieces(response)

    def _listening(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        headers: dict[str, str],
        content: bytes = b"",
    ) -> http.client.HTTPResponse:
        method = "POST" if content else "GET"
        try:
            response = self._sent(connection, method, path, content, headers)
            if response.status == HTTPStatus.OK:
                return response
            with response:
                answer = _Answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Lost(str(error)) from None
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Lost(str(self._refusal(answer)))
        raise self._refusal(answer)

    def _asked(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> _Answer:
        ends, first = time.monotonic() + PATIENCE_S, True
        for pause_s in (*PAUSES_S, 0.0):
            last = not pause_s or time.monotonic() > ends
            try:
                answer = self._once(method, path, content, headers)
            except (OSError, http.client.HTTPException) as error:
                if last or not _passing(error, first):
                    raise self._silence(error, first or method == "GET") from None
            else:
                if last or answer.is_final or answer.status not in _AGAIN:
                    return answer
            first = False
            time.sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> _Answer:
        with (
            closing(self._open(ANSWER_S)) as connection,
            self._sent(connection, method, path, content, headers) as response,
        ):
            said = response.headers
            is_problem = said.get_content_type() == "application/problem+json"
            is_final = is_problem and "Retry-After" not in said
            return _Answer(response.status, response.read(), is_final)

    def _open(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def _sent(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        content: bytes,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self.target.token}", **headers}
        connection.request(method, self._parts.path + path, content or None, headers)
        return connection.getresponse()

    def _decoded(self, shape: type[T], answer: _Answer) -> T:
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(answer)
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.MsgspecError as error:
            raise self._stranger(f"it is not what this version understands: {error}") from None

    def _refusal(self, answer: _Answer) -> Failure:
        try:
            problem = msgspec.json.decode(answer.content, type=Problem)
        except msgspec.MsgspecError:
            return self._stranger(f"status {answer.status} without a word")
        if answer.status in _AGAIN:
            return Unanswered(problem.detail or problem.title)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return Refused(problem, "give the right token with HAULAGE_TOKEN or --token")
        return Refused(problem)

    def _silence(self, error: Exception, harmless: bool) -> Failure:
        """What to say when no answer came; `harmless` if nothing can have been stored by it."""
        url = self.target.url
        match error:
            case ConnectionRefusedError() if harmless:
                return Unanswered(f"nothing answers at {url}: start it with `haulage up`")
            case ConnectionError() | TimeoutError() | http.client.IncompleteRead():
                pass
            case OSError():
                return Unanswered(f"{url} cannot be reached: {error.strerror or error}")
            case _:
                return self._stranger(f"it does not speak HTTP: {error!r}")
        if harmless:
            return Unanswered(f"no answer from {url}: see whether `haulage up` runs there")
        return Unanswered(
            f"no answer from {url}: the command may or may not have been stored; "
            "look with `haulage jobs` before you repeat it"
        )

    def _stranger(self, what: str) -> Unanswered:
        return Unanswered(f"something else than this Haulage answers at {self.target.url}: {what}")


def connect(connection: Connection) -> Client:
    return Client(find(connection))


def _passing(error: Exception, first: bool) -> bool:
    """May the same request succeed in a moment? A refused connection only after an answer."""
    if isinstance(error, ConnectionRefusedError):
        return not first
    return isinstance(error, ConnectionError | TimeoutError | http.client.IncompleteRead)


def _spelled(path: tuple[str, ...], query: Query | None) -> str:
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    spelled = "/api/" + "/".join(quote(part, safe="") for part in path)
    return f"{spelled}?{urlencode(asked)}" if asked else spelled


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Raises Lost when it ends before its end."""
    try:
        while piece := response.read1(PIECE_BYTES):
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise Lost(str(error)) from None


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Raises Lost at the end: an event stream has none."""
    try:
        while line := response.readline(MESSAGE_BYTES_MAX):
            yield line
    except (OSError, http.client.HTTPException) as error:
        raise Lost(str(error)) from None
    raise Lost("the stream ended")
