"""`submit transfer --dry-run`: what a transfer would do, said while it is found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from events.names import shown
from services.cli import screen, words
from services.cli.client import Client
from services.cli.failures import Failure
from services.cli.stream import Lost
from services.gateway.bodies import SubmitTransfer
from services.gateway.file_resources import PreviewFailed, PreviewLine, PreviewTotal, Tally

SIGNS = {
    "created": "+",
    "changed": "~",
    "compared": "?",
    "deleted": "-",
    "blocked": "!",
    "missing": "!",
}
ORDER = {
    "created": "create",
    "changed": "replace",
    "compared": "compare by content",
    "deleted": "delete",
}
Line = PreviewLine | PreviewTotal | PreviewFailed

_lines: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def tell(client: Client, body: SubmitTransfer, json: bool) -> int:
    """The exit status: 0 if the transfer could do all that is said."""
    try:
        with client.content("jobs", "preview", body=body) as pieces:
            for line in _whole_lines(pieces):
                if json:
                    screen.say(line.decode().rstrip())
                said = _lines.decode(line)
                if isinstance(said, PreviewFailed):
                    raise Failure(f"the preview could not go on: {said.detail}")
                if isinstance(said, PreviewTotal):
                    return _sum_up(said, json)
                if not json:
                    screen.say(_line(said))
    except Lost as lost:
        raise Failure(f"the preview broke off ({lost}): ask for it again") from None
    raise Failure("the preview broke off: ask for it again")


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _line(line: PreviewLine) -> str:
    size = words.size(line.size) if line.kind == "file" else ""
    ending = "/" if line.kind == "folder" and line.path != "." else ""
    return f"{SIGNS[line.what]} {size:>8}  {shown(line.path)}{ending}"


def _sum_up(total: PreviewTotal, json: bool) -> int:
    if not json:
        told = [_told(verb, getattr(total, what)) for what, verb in ORDER.items()]
        does = ", ".join(one for one in told if one) or "do nothing"
        left = f"; {_things(total.kept)} left as they are" if total.kept.count else ""
        screen.say(f"would {does}; {_things(total.same)} the same{left}")
    problems = []
    if total.blocked.count:
        problems.append(f"it would fail: {_things(total.blocked)} blocked by what is there")
    if total.missing.count:
        problems.append(f"it would fail: {_things(total.missing)} missing at the source")
    if total.unread:
        unread = words.count(total.unread, "folder")
        problems.append(f"it would fail: {unread} of the source cannot be read")
    if total.refusal:
        problems.append(f"nothing would be deleted: {total.refusal}")
    for problem in problems:
        screen.complain(problem)
    return 1 if problems else 0


def _told(verb: str, tally: Tally) -> str:
    return f"{verb} {tally.count:,} ({words.size(tally.size)})" if tally.count else ""


def _things(tally: Tally) -> str:
    return f"{tally.count:,} {'is' if tally.count == 1 else 'are'}"
