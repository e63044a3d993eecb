"""What msgspec and Litestar say of input that does not fit, in words that name the fix. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from litestar import Request
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition

WORDS = (
    (re.compile(r"Expected `int` <= (\d+)"), r"write a number of at most \1"),
    (re.compile(r"Expected `int` >= (\d+)"), r"write a number of at least \1"),
    (re.compile(r"Expected `int(?: \| null)?`, got `.*`"), "write a whole number"),
    (re.compile(r"Expected `str` of length <= (\d+)"), r"write at most \1 characters"),
    (re.compile(r"Expected `array`, got `.*`"), "write a list"),
    (re.compile(r"Expected `object`, got `.*`"), "write names with their values"),
    (re.compile(r"Expected `array` of length <= (\d+)"), r"name at most \1"),
    (re.compile(r"Expected `str(?: \| null)?`, got `(.*)`"), r"write text, not \1"),
    (re.compile(r"Expected `bool`, got `(.*)`"), "write true or false"),
    (
        re.compile(r"Expected `bool \| int \| float \| str`, got.*"),
        "write a number, text, true or false",
    ),
    (re.compile(r"Invalid enum value (.*)"), r"there is no \1"),
    (re.compile(r"Invalid value ('.*')"), r"there is no \1 here: see /api/openapi.json"),
)
UNKNOWN = re.compile(r"unknown field `([^`]*)`")
LEFT_OUT = re.compile(r"Missing required query parameter '([^']*)'")
MISSING = re.compile(r"missing required field `([^`]*)`")


def in_words(message: str, field: FieldDefinition | None) -> str:
    """`field` is what the route declares; of a few words to choose from, it names all."""
    said = message
    for pattern, words in WORDS:
        if pattern.search(message):
            said = pattern.sub(words, message)
    choices = ", ".join(_choices(field.annotation)) if field else ""
    return f"{said}; write one of {choices}" if choices else said or "it does not fit"


def _choices(annotation: object) -> Iterator[str]:
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from _choices(argument)


def fields_of(request: Request[Any, Any, Any]) -> Mapping[str, FieldDefinition]:
    """What the route takes, by the names in its function, and in those that it depends on."""
    handler = request.route_handler
    fields: dict[str, FieldDefinition] = {}
    for provider in handler.resolve_dependencies().values():
        fields |= provider.signature_model._fields
    return fields | handler.signature_model._fields


def name_of(field: FieldDefinition | None, key: str) -> str:
    """What the asker calls a parameter."""
    kwarg = field.kwarg_definition if field else None
    if isinstance(kwarg, ParameterKwarg):
        return kwarg.name or key
    return key


def faults_of_body(request: Request[Any, Any, Any], message: str, key: str) -> tuple[str, str]:
    """The field at fault, and the detail."""
    body = fields_of(request)["data"].annotation
    takes = ", ".join(body.__struct_fields__)
    if found := UNKNOWN.search(message):
        return found[1], f"there is no field {found[1]!r}: the body takes {takes}"
    if found := MISSING.search(message):
        return found[1], f"{found[1]} is missing: the body takes {takes}"
    if key in ("data", ""):
        return "body", f"the body is missing or is no JSON object: it takes {takes}"
    field = key.removesuffix(
        "[...]"
    )  # A value of an object: msgspec does not say under which name.
    return field, f"{field}: {in_words(message, None)}"
