r"""What a transfer is to take, as a person writes it: one source or several, read and judged. Pure.

A source is `endpoint:volume/path`, or a sequence, `hq:plates/plate.%04d.exr[1001-1100]`: with one
`%04d` (or `%d`) in its last name and the frames behind it in brackets, as in events/frames.py. In a
name that looks like one and is none, `\%` and `\[` are the characters themselves.

Several sources lie on one endpoint, in one volume: what is asked of the agents is one folder that
all of them are in, and of that only these parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from events import frames
from events.parts import COUNTER, PARTS_MAX
from events.work import Part
from services.gateway import parties
from services.scheduler.commands import PartyNamed, Rejected, Why

_LITERAL = re.compile(r"(\\\\|\\x[0-9a-f]{2})|\\([%\[\]])")
_HIDDEN = str.maketrans("%[]", "\ud800\ud801\ud802")  # No name has these.
_SHOWN = str.maketrans("\ud800\ud801\ud802", "%[]")
_LIKE_COUNTER = re.compile(r"%[0-9]*d")
_SEQUENCE = re.compile(r"(.*)\[([^\[\]]*)\]", re.DOTALL)


class Sources(Struct, frozen=True):
    """`parts` of what is at `party`, or all of it."""

    party: PartyNamed
    parts: list[Part] = []


class _One(Struct, frozen=True):
    party: PartyNamed
    frames: str = ""


def read(given: str | list[str]) -> Sources | Rejected:
    texts = [given] if isinstance(given, str) else given
    if not 1 <= len(texts) <= PARTS_MAX:
        return _no(f"{len(texts)} of them: name 1 to {PARTS_MAX}")
    ones: list[_One] = []
    for text in texts:
        one = _one(text)
        if isinstance(one, Rejected):
            return one
        ones.append(one)
    if len(ones) == 1 and not ones[0].frames:
        return Sources(ones[0].party)
    return _together(ones, texts)


def _one(text: str) -> _One | Rejected:
    if not parties.is_utf8(text):
        return _no("it holds a lone surrogate: write a byte that is no UTF-8 as \\xHH")
    hidden = _LITERAL.sub(lambda found: found[1] or found[2].translate(_HIDDEN), text)
    whole = _SEQUENCE.fullmatch(hidden)
    is_bounded = whole is not None and _LIKE_COUNTER.search(whole[1]) is not None
    path, spans = (whole[1], whole[2]) if whole and is_bounded else (hidden, "")
    fault = _fault(path, spans, is_bounded=is_bounded)
    if fault:
        return _no(f"{parties.quoted(text)} {fault}")
    party = parties.read_source(path.translate(_SHOWN))
    return party if isinstance(party, Rejected) else _One(party, spans)


def _fault(path: str, spans: str, *, is_bounded: bool) -> str:
    folder, _, last = path.rpartition("/")
    counters = _LIKE_COUNTER.findall(last)
    if not is_bounded:
        if not any(len(one) > len("%d") for one in counters):
            return ""
        return "has no frames: write them behind it, [1001-1100]; \\% is a % of a name (--literal)"
    if len(counters) != 1 or _LIKE_COUNTER.search(folder):
        return "is no sequence: it takes one %04d, in its last name; \\% is a % of a name"
    if not COUNTER.fullmatch(counters[0]):
        return f"has {counters[0]}: write %04d for four digits, or %d for as many as there are"
    try:
        frames.once(spans)
    except frames.BadFrames as error:
        return f"has frames that cannot be read: {error}"
    return ""


def _together(ones: Sequence[_One], texts: Sequence[str]) -> Sources | Rejected:
    first = ones[0].party
    for one, text in zip(ones, texts, strict=True):
        if (one.party.endpoint, one.party.volume) != (first.endpoint, first.volume):
            apart = f"{parties.quoted(texts[0])} and {parties.quoted(text)}"
            return _no(f"{apart} are not on one endpoint in one volume: submit a job for each")
        if not one.party.path:
            return _no(f"{parties.quoted(text)} is a whole volume: submit it as a job of its own")
    paths = [(one.party.path or "").rstrip("/") for one in ones]
    folders = [path.split("/")[:-1] for path in paths]
    folder = "".join(f"{name}/" for name in _shared(folders))
    parts = [
        Part(path.removeprefix(folder), one.frames) for one, path in zip(ones, paths, strict=True)
    ]
    return Sources(PartyNamed(first.endpoint, first.volume, folder), parts)


def _shared(folders: Sequence[Sequence[str]]) -> Sequence[str]:
    """The names that all of them begin with."""
    for at, names in enumerate(zip(*folders, strict=False)):
        if len(set(names)) > 1:
            return folders[0][:at]
    return min(folders, key=len)


def _no(detail: str) -> Rejected:
    return Rejected(Why.INVALID, f"source: {detail}", "source")
