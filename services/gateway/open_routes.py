"""Beside the API: is it well, what does it measure, who signs in."""

from __future__ import annotations

from http import HTTPStatus

from litestar import Response, delete, get, post
from litestar.params import JSONBody

from services.gateway import access
from services.gateway.bodies import SignIn
from services.gateway.context import Asked, Ours
from services.gateway.problems import Refusal
from services.gateway.resources import Health, Me
from services.gateway.rows import WORKSPACE, Picture
from services.scheduler.commands import Role

METRICS = "text/plain; version=0.0.4"


@get("/health", summary="Is it well?", security=[])
async def health(gateway: Ours) -> Health:
    """200 as long as the gateway itself answers; `status` says whether the others do."""
    return await gateway.wellness.health()


@get("/metrics", summary="Measurements for Prometheus", media_type=METRICS)
async def metrics(request: Asked, gateway: Ours) -> Response[bytes]:
    if request.user.role is Role.USER:
        detail = "measurements are for employees and administrators"
        raise Refusal(HTTPStatus.FORBIDDEN, detail)
    health, measures = await gateway.wellness.health(), gateway.measures
    measures.streams.set(len(gateway.hub.readers))
    measures.dropped.set(gateway.hub.dropped)
    measures.sequence.set(health.sequence)
    measures.lag.set(health.lag_events)
    for status, count in (await gateway.rows.read(_jobs_by_status)).items():
        measures.jobs.labels(status).set(count)
    return Response(measures.written(), media_type=METRICS)


async def _jobs_by_status(picture: Picture) -> dict[str, int]:
    found = await picture.all(WORKSPACE["jobs_by_status"])
    none = dict.fromkeys(("init", "waiting", "running", "paused", "failed", "aborted", "done"), 0)
    return none | {row["status"]: row["jobs"] for row in found}


@post("/api/session", summary="Sign a browser in", status_code=200, security=[])
async def sign_in(request: Asked, gateway: Ours, data: JSONBody[SignIn]) -> Response[Me]:
    """The cookie holds the token, where no script can read it."""
    actor = gateway.check(data.token) if access.TOKEN.fullmatch(data.token) else None
    if actor is None:
        detail = "this token is not known here: the file `token` in the data directory holds one"
        raise Refusal(HTTPStatus.UNAUTHORIZED, detail, "token")
    return _with_cookie(request, Response(Me(actor.name, actor.role.value)), data.token)


@delete("/api/session", summary="Sign a browser out", status_code=200)
async def sign_out(request: Asked) -> Response[Me]:
    answer = Response(Me(request.user.name, request.user.role.value))
    return _with_cookie(request, answer, "")


def _with_cookie(request: Asked, answer: Response[Me], token: str) -> Response[Me]:
    secure = request.url.scheme == "https"
    answer.headers["set-cookie"] = access.session_cookie(token, secure=secure)
    return answer
