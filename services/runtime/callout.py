"""Who may connect to NATS as an agent, and what that allows: the server asks here (auth callout).

An agent comes with its endpoint's id as user and its token as password. It may speak under its own
id, hear its own orders and calls, and answer them; it cannot reach JetStream, other agents or the
services. The permission runs out, so that a token taken away ends what it had opened; the agent's
bus then connects again. The claims are those of NATS's JWT library, signed with the account key
that the server's configuration names as `issuer`.
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_callout
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
import nkeys
from msgspec import Struct

from events import subjects
from events.ids import is_id
from services.runtime.bus import NatsBus, NatsServing
from services.runtime.log import logger

ASKED = "$SYS.REQ.USER.AUTH"
ACCOUNT = "APP"
LIFE_S = 3600
SUBSCRIPTIONS_MAX = 100
ANSWER_WITHIN_S = 60
S = 1_000_000_000

CheckToken = Callable[[str, str], bool]


class _Named(Struct, frozen=True):
    id: str


class _Options(Struct, frozen=True, rename={"password": "pass"}):
    user: str = ""
    password: str = ""


class _Question(Struct, frozen=True):
    server_id: _Named
    user_nkey: str
    connect_opts: _Options


class _Asked(Struct, frozen=True):
    nats: _Question


async def serve_callout(
    bus: NatsBus,
    *,
    seed: str,
    workspace: str,
    check_token: CheckToken,
    life_s: int = LIFE_S,
) -> NatsServing:
    """Answer for agents until stopped; several may serve, one answers.

    `bus` is connected as the user of the callout's own account; `seed` is the issuer's (SA…);
    `check_token(endpoint, token)` says whether the token is good for the endpoint.
    """
    key = nkeys.from_seed(bytearray(seed.encode()))

    async def answer(_subject: str, request: bytes) -> bytes | None:
        question = _question(request)
        options = question.connect_opts
        if not is_id(options.user) or not check_token(options.user, options.password):
            logger.warning("callout.refused", user=options.user[:64])
            return _verdict(key, question, {"error": "these credentials are not accepted"})
        claims = _may(workspace, options.user) | {"type": "user", "version": 2}
        token = _signed(key, question.user_nkey, ACCOUNT, claims, life_s, name=options.user)
        return _verdict(key, question, {"jwt": token})

    return await bus.serve(ASKED, answer, queue="callout")


def _may(workspace: str, endpoint: str) -> dict[str, Any]:
    """Allow-lists only: what is not named is denied."""
    return {
        "pub": {
            "allow": [
                subjects.from_agent(workspace, endpoint, ">"),
                subjects.progress(workspace, endpoint, "*"),
                subjects.output(workspace, endpoint, "*", "*", "*"),
            ]
        },
        "sub": {
            "allow": [
                subjects.orders(workspace, endpoint),
                subjects.call(workspace, endpoint),
                f"_INBOX_{endpoint}.>",
            ]
        },
        "resp": {"max": 1, "ttl": ANSWER_WITHIN_S * S},
        "subs": SUBSCRIPTIONS_MAX,
        "data": -1,
        "payload": -1,
    }


def _question(request: bytes) -> _Question:
    """The claims of the server's JWT; it came over an account that only the server shares."""
    body = request.split(b".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(body + b"=="), type=_Asked).nats


def _verdict(key: nkeys.KeyPair, question: _Question, verdict: dict[str, str]) -> bytes:
    claims = {"type": "authorization_response", "version": 2} | verdict
    token = _signed(key, question.user_nkey, question.server_id.id, claims, ANSWER_WITHIN_S)
    return token.encode()


def _signed(
    key: nkeys.KeyPair,
    subject: str,
    audience: str,
    nats: dict[str, Any],
    life_s: int,
    name: str = "",
) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "jti": secrets.token_hex(16),
        "iss": key.public_key.decode(),
        "sub": subject,
        "aud": audience,
        "name": name,
        "iat": now,
        "exp": now + life_s,
        "nats": nats,
    }
    signed = _base64({"typ": "JWT", "alg": "ed25519-nkey"}) + "." + _base64(claims)
    signature = base64.urlsafe_b64encode(key.sign(signed.encode())).rstrip(b"=")
    return f"{signed}.{signature.decode()}"


def _base64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()
