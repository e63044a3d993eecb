r"""Patterns that choose files by name: wildcards as shells have them, or `re('…')`.

Patterns stand one behind another, between them a comma or a new line. Each is held against the
path below the source, in the text of `events/names.py` and with the case of its letters:

    *.tmp          a file, folder or link of such a name, however deep
    cache/         a folder of that name, however deep
    /notes.txt     only right below the source; so is a pattern with a slash within: sh010/*.exr
    a/**/b         `**` between slashes is any number of folders; elsewhere any text with slashes
    * ? [a-f] [!a] any text, one character, one of these, one but these, all without a slash
    \, \* \\ \xe9  the character itself; a byte that is no UTF-8
    re('^sh0\d+/') a regular expression (RE2's syntax), found anywhere in the path

A folder that matches stands for all that is in it. All patterns are matched in one pass whose time
grows with the length of the path only (RE2 has no backtracking), whoever wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from events import names

TEXT_MAX = 4_096
PATTERNS_MAX = 200
ONE_BYTES, ALL_BYTES = 256 << 10, 16 << 20  # What the engine may take, which bounds its time too.
TOO_LARGE = "the patterns together need too much memory: write fewer or shorter ones"
_TOKEN = re.compile(
    r"""re\('(?:[^'\\]|\\.)*'\)|re\("(?:[^"\\]|\\.)*"\)"""
    r"""|\\x[0-9a-f]{2}|\\.|\[[!^]?\]?[^\]\n]*\]|.""",
    re.DOTALL,
)
_ONE = r"(?:\\\\|\\x[0-9a-f]{2}|[^/\\])"  # A character of a name, as it is written.
_ANY = rf"(?:{_ONE}|/)*"
_FOLDERS = rf"(?:{_ONE}+/)*"


class BadPattern(ValueError):
    """The text is no list of patterns; `str()` says which part and what to write."""


class Patterns:
    """Raises BadPattern."""

    def __init__(self, text: str) -> None:
        read = [_expression(tokens) for tokens in _split(text)]
        if len(read) > PATTERNS_MAX:
            raise BadPattern(f"{len(read)} patterns: at most {PATTERNS_MAX}")
        self._everything = _matcher([one for one, of_folders in read if not of_folders])
        self._folders = _matcher([one for one, of_folders in read if of_folders])

    def __bool__(self) -> bool:
        return self._everything is not None or self._folders is not None

    def match(self, uri: str, *, folder: bool) -> bool:
        """Whether the path itself matches; what it lies in is asked for apart."""
        return _matches(self._everything, uri) or (folder and _matches(self._folders, uri))


def fault(text: str) -> str:
    """What is wrong with a setting of patterns, or ""."""
    if len(text) > TEXT_MAX:
        return f"it has {len(text)} characters: at most {TEXT_MAX}"
    try:
        Patterns(text)
    except BadPattern as error:
        return str(error)
    return ""


def _split(text: str) -> Iterator[list[str]]:
    """The tokens of each pattern, without the blanks around it."""
    tokens = (found[0] for found in _TOKEN.finditer(text))
    for is_between, some in groupby(tokens, lambda token: token in (",", "\n")):
        pattern = [] if is_between else list(some)
        while pattern and pattern[0].isspace():
            pattern.pop(0)
        while pattern and pattern[-1].isspace():
            pattern.pop()
        if pattern:
            yield pattern


def _expression(tokens: list[str]) -> tuple[str, bool]:
    """The pattern for RE2, and whether it is about folders only."""
    if any(token.startswith("re(") for token in tokens):
        if len(tokens) > 1:
            raise BadPattern(f"{''.join(tokens)!r}: re('…') stands alone, between commas")
        return _checked(re.sub(r"""\\(['"])""", r"\1", tokens[0][4:-2]), tokens[0]), False
    of_folders = len(tokens) > 1 and tokens[-1] == "/"
    inner = tokens[:-1] if of_folders else tokens
    is_anchored = "/" in inner
    inner = inner[1:] if inner[0] == "/" else inner
    if not inner or inner[0] == "/":
        raise BadPattern(f"{''.join(tokens)!r} names nothing: write a name behind the slash")
    found = "".join(_pieces(inner, "".join(tokens)))
    return _checked(f"^{'' if is_anchored else _FOLDERS}{found}$", "".join(tokens)), of_folders


def _pieces(tokens: list[str], shown: str) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        stars = 0
        while at + stars < len(tokens) and tokens[at + stars] == "*":
            stars += 1
        starts = at == 0 or tokens[at - 1] == "/"
        if stars == 2 and starts and tokens[at + 2 : at + 3] == ["/"]:
            yield _FOLDERS
            at += 3
        elif stars:
            yield f"{_ONE}*" if stars == 1 else _ANY
            at += stars
        else:
            yield _piece(tokens[at], shown)
            at += 1


def _piece(token: str, shown: str) -> str:
    if token == "?":
        return _ONE
    if token.startswith("["):
        return _one_of(token, shown)
    if token.startswith("\\x") and len(token) == 4:
        try:
            return re.escape(names.to_text(names.to_bytes(token)))
        except names.BadEscape as error:
            raise BadPattern(f"{shown!r}: {error}") from None
    if token == "\\":
        raise BadPattern(rf"{shown!r} ends with a backslash: write \\ for one")
    return re.escape(names.to_text(token.removeprefix("\\").encode() or b"\\"))


def _one_of(token: str, shown: str) -> str:
    if len(token) < 3:
        raise BadPattern(f"{shown!r} has a [ without its ]: write \\[ for a bracket")
    inner = token[1:-1]
    is_not = inner[0] in "!^"
    inner = inner[1:] if is_not else inner
    if not inner or set(inner) & {"/", "\\"}:
        raise BadPattern(f"{shown!r} has no characters, a slash or a backslash in [ ]")
    inner = re.sub(r"([\[\]^])", r"\\\1", inner)
    return rf"(?:\\\\|\\x[0-9a-f]{{2}}|[^/\\{inner}])" if is_not else f"[{inner}]"


def _checked(expression: str, shown: str) -> str:
    import re2  # Here and below: it takes 13 ms, and most who import this need no pattern.

    try:
        re2.compile(expression, _options(ONE_BYTES))
    except re2.error as error:
        why = error.args[0] if error.args else ""
        told = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise BadPattern(f"{shown[:80]!r} cannot be read: {told[:80]}") from None
    return expression


def _options(memory_bytes: int) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory_bytes
    options.never_capture = True
    return options


def _matcher(expressions: list[str]) -> Any:
    """Of all of them together, None of none. The first, which holds of any text, is ours."""
    if not expressions:
        return None
    import re2

    matcher = re2.Set.SearchSet(_options(ALL_BYTES))
    for expression in ["^", *expressions]:
        matcher.Add(expression)
    try:
        matcher.Compile()
    except re2.error:
        raise BadPattern(TOO_LARGE) from None
    return matcher


def _matches(matcher: Any, uri: str) -> bool:
    if matcher is None:
        return False
    found = matcher.Match(uri)
    if not found:  # Not even the first: it ran out of memory, and says so in no other way.
        raise BadPattern(TOO_LARGE)
    return len(found) > 1
