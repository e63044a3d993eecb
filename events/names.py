r"""Names of files are bytes; in events, API and logs they are text by this escape.

A byte that is not part of valid UTF-8 becomes `\xHH` (two lower-case hex digits) and a backslash
becomes `\\`; everything else is itself. The escape is exact and reversible: `to_bytes` undoes
`to_text` for every byte string, and refuses text that `to_text` could not have written. Screens
show control and direction characters through `shown`, which is for reading only.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2})?")
_HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cn", "Co"}


class BadEscape(ValueError):
    """The text is not an escaped name; `str()` says where and what to write instead."""


def to_text(name: bytes) -> str:
    if name.isascii() and b"\\" not in name:
        return name.decode()
    text = name.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    return "".join(_escaped(c) if "\udc80" <= c <= "\udcff" else c for c in text)


def _escaped(surrogate: str) -> str:
    return f"\\x{ord(surrogate) - 0xDC00:02x}"


def to_bytes(text: str) -> bytes:
    """Undo `to_text`. Raises BadEscape for a stray backslash or a lone surrogate."""
    if text.isascii() and "\\" not in text:
        return text.encode()
    try:
        name = b"".join(_pieces(text))
    except UnicodeEncodeError as error:
        raise BadEscape(f"character {error.start} is a lone surrogate") from None
    if to_text(name) != text:
        raise BadEscape(r"a valid UTF-8 character is written as \xHH: write the character itself")
    return name


def _pieces(text: str) -> list[bytes]:
    pieces, end = [], 0
    for found in _ESCAPE.finditer(text):
        pieces.append(text[end : found.start()].encode())
        pieces.append(_unescaped(found))
        end = found.end()
    return [*pieces, text[end:].encode()]


def _unescaped(found: re.Match[str]) -> bytes:
    match found[1]:
        case None:
            raise BadEscape(
                rf"the backslash at {found.start()} stands alone: write \\ for a backslash"
            )
        case "\\":
            return b"\\"
        case code:
            return bytes.fromhex(code[1:])


def shown(text: str) -> str:
    """What a screen may show: control, direction and unassigned characters as `\\u{hex}`."""
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _HIDDEN else c for c in text)
