"""Which attributes of files a transfer keeps, as it is written: `owner, group, permissions`."""

from __future__ import annotations

from typing import Literal, get_args

Attribute = Literal["owner", "group", "permissions"]
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)
NONE = "none"
DEFAULT = "permissions"
WRITTEN = f"{', '.join(ATTRIBUTES)}, between them commas, or {NONE}"


class BadAttributes(ValueError):
    """The text names something else; `str()` says which part and what to write."""


def read(text: str) -> frozenset[Attribute]:
    """Raises BadAttributes."""
    words = [word.strip() for word in text.split(",")]
    if words == [NONE]:
        return frozenset()
    if "" in words:
        raise BadAttributes(f"a part is empty: for nothing at all write {NONE}")
    for word in words:
        if word not in ATTRIBUTES:
            why = "stands alone" if word == NONE else "is not one of them"
            raise BadAttributes(f"{word} {why}")
    return frozenset(one for one in ATTRIBUTES if one in words)


def fault(text: str) -> str:
    """What is wrong with it, or ""."""
    try:
        read(text)
    except BadAttributes as error:
        return str(error)
    return ""
