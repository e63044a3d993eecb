"""A request whose JSON body is taken as it is written: "1" is no number and 1 is not true.

The framework is as lenient with a body as with a query, where everything is text.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from services.gateway.faults import fields_of

_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class Exact(Request[Any, Any, Any]):
    async def json(self) -> Any:
        """Raises ValidationException, as the framework does."""
        value = await super().json()
        if data := fields_of(self).get("data"):
            try:
                msgspec.convert(value, data.annotation)
            except msgspec.ValidationError as error:
                raise ValidationException(extra=[_fault(str(error))]) from error
        return value


def _fault(said: str) -> dict[str, str]:
    place = _PLACE.search(said)
    return {
        "message": _PLACE.sub("", said),
        "key": place[1] if place and place[1] else "data",
        "source": "body",
    }
