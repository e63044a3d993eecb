"""The ports: what the services ask of the world, as protocols. Two kinds of each exist: the real
one (NATS, PostgreSQL) and one in memory for tests; one suite in tests/ports runs over both.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct


class Conflict(Exception):
    """Someone else appended first: forget the board and start as a follower."""


class NoAnswer(Exception):
    """Nobody answered in time: whether the request was acted on is unknown; ask again."""


class Refused(Exception):
    """The bus does not accept our credentials."""


class Broken(Exception):
    """The log has a gap or a commit whose chain does not fit: stop and call the operator."""


class Stored(Struct, frozen=True):
    """A commit as it lies in the log."""

    sequence: int
    chain: str
    payload: bytes


class Snapshot(Struct, frozen=True):
    """A board's bytes after the commit at `sequence`, whose chain value was `chain`."""

    sequence: int
    chain: str
    board: bytes


class Told(Struct, frozen=True):
    """An event for the feed: the `index`th of the commit at `sequence`, as CloudEvents JSON."""

    subject: str
    sequence: int
    index: int
    payload: bytes


class Ticked(Struct, frozen=True):
    """A tick on the subject of `endpoint` and `job`: only that agent may publish there, so this is
    who says it, whatever the payload says.
    """

    endpoint: str
    job: str
    payload: bytes


class Log(Protocol):
    """The commits of a workspace in one total order; sequences are 1, 2, 3, …"""

    async def append(self, payload: bytes, *, chain: str, after: int) -> int:
        """Store a commit durably behind the one at `after` and return its sequence.

        Raises Conflict when the log does not end at `after`. An unknown outcome is resolved by
        reading the last commit back and comparing its chain value; it never surfaces.
        """
        ...

    async def last(self) -> Stored | None:
        """The newest commit, None in an empty log; from the leader, never stale.

        Raises NoAnswer, and Broken when the newest commit is missing.
        """
        ...

    async def size_bytes(self) -> int:
        """About how large it is. Raises NoAnswer."""
        ...

    async def get(self, sequence: int) -> Stored:
        """Raises LookupError for what is not there, and NoAnswer."""
        ...

    def follow(self, after: int, chain: str) -> AsyncGenerator[list[Stored], None]:
        """Batches of commits from `after`+1 on, for ever, as they are stored.

        A batch holds what is there now (at most 500 commits), never nothing. Reconnects and gaps
        are handled by asking again from the last given; a chain that does not fit raises Broken.
        """
        ...


class Snapshots(Protocol):
    """Boards kept so that a start need not replay the whole log; the newest few are kept."""

    async def save(self, snapshot: Snapshot) -> None:
        """Raises NoAnswer: it may have been saved or not, which harms nobody."""
        ...

    async def newest(self) -> Snapshot | None:
        """The newest that is whole and undamaged. Raises NoAnswer."""
        ...


class Feed(Protocol):
    """The public stream of events, one message an event, in the log's order, for some days."""

    async def position(self) -> tuple[int, int]:
        """(sequence, index) of the last event in the feed; go on with the one after it.

        In an empty feed that of the last event that is too old for it, (0, 0) if there is none:
        indexes of an event start at 0, so compare with `>` and take (0, 0) as before everything.
        """
        ...

    def told_so_far(self) -> AsyncGenerator[list[Told], None]:
        """All that is in it now, oldest first. Raises NoAnswer: begin again."""
        ...

    async def append(self, events: Sequence[Told]) -> None:
        """Add these, leaving out what the feed has already. Raises NoAnswer: append them again."""
        ...


class Ticks(Protocol):
    """Progress as the agents published it."""

    def follow(self) -> AsyncGenerator[list[Ticked], None]:
        """For ever: each subject's newest tick first, then what comes. After a reconnect some are
        given again, and none is promised.
        """
        ...


class Outputs(Protocol):
    """Process logs as the agents stored them, in parts (`agent.commands.Output`).

    Part n is in slot n modulo `agent.commands.OUTPUT_SLOTS`. Raises NoAnswer.
    """

    async def newest(self, endpoint: str, job: str, run: int) -> bytes | None:
        """The part that was stored last; None for a run without a log."""
        ...

    async def part(self, endpoint: str, job: str, run: int, slot: int) -> bytes | None:
        """What is in a slot now."""
        ...


Handler = Callable[[str, bytes], Awaitable[bytes | None]]


class Bus(Protocol):
    """Requests and announcements between processes; nothing here is stored."""

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> bytes:
        """Raises NoAnswer."""
        ...

    async def publish(self, subject: str, payload: bytes) -> None:
        """Tell whoever listens now; lost when nobody does or there is no connection."""
        ...

    async def serve(self, subject: str, handler: Handler, *, queue: str = "") -> Serving:
        """Call `handler(subject, payload)` for each message; what it returns is the answer.

        Handlers of one subscription run at the same time, at most 1,000 of them.
        """
        ...

    async def close(self) -> None: ...


class Serving(Protocol):
    async def stop(self) -> None: ...
