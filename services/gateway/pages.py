"""The web page: the files of its build, with what a browser may do with them.

Names that carry a hash of their content (`assets/`) are kept by browsers for ever; all else is
asked for again, and not sent again while it is the same. Needs a session as everything else does.
What the page shows at its own addresses (`PLACES`, `/jobs/<id>`) is for its script to say.
"""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from services.gateway.context import Asked, Ours
from services.gateway.files import Held
from services.gateway.problems import absent

INDEX = "index.html"
PLACES = ("", "queues", "endpoints", "overview", "submit")
OF_JOBS = "jobs/"
HASHED = "assets/"
FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"


@get(["/", "/{path:path}"], include_in_schema=False)
async def page(request: Asked, gateway: Ours, path: FromPath[str] = "/") -> Response[bytes]:
    name = path.strip("/")
    name = INDEX if is_place(name) else name
    held = gateway.pages.find(name)
    if held is None and name == INDEX:
        raise absent("the page is not built here; the API is, see /api/openapi.json")
    if held is None:
        raise absent(f"there is nothing at {request.url.path}: see /api/openapi.json")
    headers = {
        "etag": held.etag,
        "cache-control": FOR_EVER if name.startswith(HASHED) else ASK_AGAIN,
        "vary": "accept-encoding",
    }
    if request.headers.get("if-none-match") == held.etag:
        return Response(b"", status_code=304, headers=headers, media_type=held.kind)
    content, encoding = _packed(held, request.headers.get("accept-encoding", ""))
    return Response(content, headers=headers | encoding, media_type=held.kind)


def is_place(name: str) -> bool:
    return name in PLACES or name.startswith(OF_JOBS)


def _packed(held: Held, accepted: str) -> tuple[bytes, dict[str, str]]:
    if "gzip" in accepted and len(held.packed) < len(held.content):
        return held.packed, {"content-encoding": "gzip"}
    return held.content, {}
