"""Who asks, and from where: the rules at the door, as functions of a request's headers. Pure.

A token comes in `Authorization: Bearer` or in the cookie of a signed-in browser. A browser may be
made to ask by any page it shows, so what comes with the cookie and changes something must come
from our own page; and our own names only are answered to, so that no foreign name that suddenly
means this machine (DNS rebinding) makes a foreign page our own.
https://owasp.org/www-community/attacks/csrf
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

COOKIE = "haulage_session"
KEEP_S = 30 * 86_400
READING = ("GET", "HEAD", "OPTIONS")
TOKEN = re.compile(r"[!-~]{1,256}")

Headers = Mapping[str, str]


def bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def cookie(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def session_cookie(token: str, *, secure: bool) -> str:
    """The header that keeps a browser signed in; an empty token ends that."""
    age = KEEP_S if token else 0
    kept = f"{COOKIE}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"
    return f"{kept}; Secure" if secure else kept


def is_own_page(headers: Headers) -> bool:
    """Whether a browser says that our own page asks; silence is no."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    _, _, origin = headers.get("origin", "").partition("://")
    return bool(origin) and origin == headers.get("host", "")


def own_names(host: str) -> frozenset[str]:
    """What this machine is called by those who mean it."""
    return frozenset(
        name.lower() for name in ("localhost", socket.gethostname(), socket.getfqdn(), host) if name
    )


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """An address is no name and cannot be rebound; of names only our own are answered to."""
    name = _without_port(host.lower())
    return name in names or name.endswith(".localhost") or _is_address(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
