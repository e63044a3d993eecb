"""What a transfer would do: its source listed page by page, and held against its destination.

Judged by the rules that the receiver goes by (`events.rules`). Nothing is stored, and no more is
held than a page and a few bytes for each name; what cannot be found out ends the answer with a line
that says why.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Literal

import msgspec
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace

from events.roll import Roll
from events.tasks import Entry
from events.verdicts import Verdict, verdict
from events.work import Part, Party
from services.agent.commands import Browse, Page
from services.gateway import endpoint_files
from services.gateway.asking import Asking
from services.gateway.file_resources import PreviewFailed, PreviewLine, PreviewTotal, Tally
from services.gateway.problems import Refusal
from services.gateway.stream import while_read
from services.scheduler.commands import Preview

SEND_S = 60.0
UNTOLD = ("same", "kept")
HEADERS = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
Line = PreviewLine | PreviewTotal | PreviewFailed

_encoder = msgspec.json.Encoder()


async def begin(asking: Asking, planned: Preview) -> Previewing:
    """Raises Refusal when the source cannot be listed at all."""
    source = planned.source
    call = Browse(source.volume, source.path, planned.choice, planned.parts)
    first = await endpoint_files.browse(asking, source, call)
    return Previewing(asking, planned, call, first)


class Previewing:
    """The answer by itself, once the first page is there."""

    def __init__(self, asking: Asking, planned: Preview, call: Browse, first: Page) -> None:
        self._asking, self._planned = asking, planned
        self._call, self._first = call, first
        self._counts: Counter[Verdict] = Counter()
        self._sizes: Counter[Verdict] = Counter()
        self._unread = 0
        self._roll = Roll()
        self._refusal = ""
        self._whole: tuple[str, Verdict] = ("", "same")

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await while_read(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        async for lines in self._pages():
            content = _encoder.encode_lines(lines)
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": content, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pages(self) -> AsyncIterator[list[Line]]:
        try:
            async for page in self._listed():
                self._unread += page.amount.unread
                yield [line async for line in self._judged(page.entries)]
            if self._planned.rules.removes and self._roll.tops:
                async for lines in self._deleted():
                    yield lines
        except Refusal as refusal:
            yield [PreviewFailed(refusal.detail)]
        else:
            yield [self._total()]

    async def _listed(self) -> AsyncIterator[Page]:
        """Raises Refusal, as what follows."""
        yield self._first
        async for page in self._pages_of(self._planned.source, self._call, self._first):
            yield page

    async def _pages_of(self, at: Party, call: Browse, page: Page) -> AsyncIterator[Page]:
        """Those behind `page`."""
        while page.walk:
            call = replace(call, walk=page.walk, after=page.after)
            page = await endpoint_files.browse(self._asking, at, call)
            yield page

    async def _judged(self, entries: list[Entry]) -> AsyncIterator[Line]:
        for entry, here in zip(entries, await self._here(entries), strict=True):
            self._roll.add(entry)
            what = self._verdict(entry, here)
            self._count(entry, what)
            if what not in UNTOLD:
                yield PreviewLine(entry.uri or ".", entry.kind, entry.size, what)

    def _count(self, entry: Entry, what: Verdict) -> None:
        self._counts[what] += 1
        self._sizes[what] += entry.size

    async def _deleted(self) -> AsyncIterator[list[Line]]:
        """What a one-way sync deletes, or why it does not."""
        at, choice = self._planned.destination, self._planned.choice
        kept: Literal["keep", "skip"] = "skip" if choice.symlinks == "skip" else "keep"
        parts = () if self._roll.tops == [""] else tuple(map(Part, self._roll.tops))
        call = Browse(at.volume, at.path, replace(choice, symlinks=kept), parts)
        try:
            first = await endpoint_files.browse(self._asking, at, call)
        except Refusal as refusal:
            if refusal.status is HTTPStatus.NOT_FOUND:
                return
            raise
        yield self._extra(first)
        async for page in self._pages_of(at, call, first):
            yield self._extra(page)

    def _extra(self, page: Page) -> list[Line]:
        extras = [one for one in page.entries if one.uri and one.uri not in self._roll]
        if extras and (refusal := self._no_deletion()):
            self._refusal = refusal
            return []
        for entry in extras:
            self._count(entry, "deleted")
        return [PreviewLine(one.uri, one.kind, one.size, "deleted") for one in extras]

    def _no_deletion(self) -> str:
        if self._counts["blocked"] or self._counts["missing"] or self._unread:
            return "it would fail, and then nothing is deleted"
        return self._roll.refusal(self._planned.rules)

    def _verdict(self, entry: Entry, here: Entry | None) -> Verdict:
        """What a folder is blocked by or kept for holds for all in it. A part that is missing is
        listed bare."""
        if self._planned.parts and entry == Entry(entry.uri):
            return "missing"
        folder, what = self._whole
        if folder and entry.uri.startswith(folder):
            return what
        what = verdict(entry, here, self._planned.rules)
        if what in ("blocked", "kept") and entry.kind == "folder":
            self._whole = f"{entry.uri}/", what
        return what

    async def _here(self, entries: list[Entry]) -> list[Entry | None]:
        """What the destination has in their places."""
        at, uris = self._planned.destination, [entry.uri for entry in entries]
        if self._is_one_file:
            at, uris[0] = await self._place_of_one(uris[0])
        return await endpoint_files.look_up(self._asking, at, uris) if uris else []

    @property
    def _is_one_file(self) -> bool:
        """A folder's listing begins with the folder itself."""
        first = self._first.entries[:1]
        return not self._planned.parts and bool(first) and first[0].uri != ""

    async def _place_of_one(self, name: str) -> tuple[Party, str]:
        """Into a folder, or exactly there: as the receiver does it."""
        at = self._planned.destination
        if at.path == "" or at.path.endswith("/"):
            return at, name
        found = await endpoint_files.find(self._asking, at)
        if found is not None and found.kind == "folder":
            return at, name
        above, _, last = at.path.rpartition("/")
        return replace(at, path=above), last

    def _total(self) -> PreviewTotal:
        def tally(what: Verdict) -> Tally:
            return Tally(self._counts[what], self._sizes[what])

        return PreviewTotal(
            created=tally("created"),
            changed=tally("changed"),
            compared=tally("compared"),
            blocked=tally("blocked"),
            missing=tally("missing"),
            same=tally("same"),
            kept=tally("kept"),
            deleted=tally("deleted"),
            unread=self._unread,
            refusal=self._refusal,
        )
