"""The API's description, OpenAPI 3.1: made from the routes and the resources, problems included."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from projections import manifest
from services.gateway import (
    bodies,
    file_resources,
    log_resources,
    problems,
    resources,
    undo_resources,
    what_if_resources,
)
from services.gateway.access import COOKIE
from services.gateway.resources import Problem

RESOURCES = (
    resources,
    bodies,
    file_resources,
    log_resources,
    undo_resources,
    what_if_resources,
    manifest,
)
MEDIA_TYPE = "application/vnd.oai.openapi+json"
REFERENCE = "#/components/schemas/{name}"
PROBLEMS = {
    "400": "What came is no JSON.",
    "401": "No token, or one that nobody has.",
    "403": "Not for this role, or from a page of another origin.",
    "404": "There is no such thing, or none that the asker may see.",
    "409": "It is not in a state for that, or a beginning fits several.",
    "412": "The job is not as `If-Match` says that it was seen: look again.",
    "413": "Too much in one body.",
    "422": "A parameter or field that cannot be; `field` names it.",
    "502": "The endpoint did not do it, or whether it did is not known; `detail` says which.",
    "503": "Whoever has to answer does not, now; `Retry-After` says when to ask again.",
}
CONFIG = OpenAPIConfig(
    title="Haulage",
    version=version("haulage"),
    use_handler_docstrings=True,
    components=Components(
        security_schemes={
            "token": SecurityScheme(type="http", scheme="bearer"),
            "session": SecurityScheme(type="apiKey", security_scheme_in="cookie", name=COOKIE),
        }
    ),
    security=[{"token": []}, {"session": []}],
    render_plugins=[JsonRenderPlugin()],
)


def written(app: Litestar) -> bytes:
    document = app.openapi_schema.to_schema()
    schemas, components = msgspec.json.schema_components([Problem], ref_template=REFERENCE)
    document["components"]["schemas"] |= components
    for name, schema in document["components"]["schemas"].items():
        schema |= _meaning(name)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] |= _problems(schemas[0])
    return msgspec.json.encode(_any_of(document))


def _meaning(name: str) -> dict[str, str]:
    """What the own words of a resource or a body say of it and of its fields."""
    found = (getattr(module, name, None) for module in RESOURCES)
    resource = next((one for one in found if isinstance(one, type)), None)
    words = inspect.getdoc(resource) if resource else None
    return {"description": words} if words else {}


def _any_of(part: Any) -> Any:
    """A 3 is an integer and a number: of such choices it fits more than one."""
    if isinstance(part, list):
        return [_any_of(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {"anyOf" if key == "oneOf" else key: _any_of(value) for key, value in part.items()}


def _problems(schema: dict[str, Any]) -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": schema}}
    return {
        status: {"description": words, "content": content} for status, words in PROBLEMS.items()
    }
