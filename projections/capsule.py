"""A capsule: a stretch of a log in one file, with all that is needed to open it elsewhere.

First a line of JSON that says what it is, then the rest, packed. One that begins where the log does
needs nothing else, and every later version reads it. Another also holds what there was before it,
as this version folds it: only a version with the same form opens that.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from events import codec
from projections import attempt_rows, past, run_rows, task_rows, timing_rows

VERSION = 1
LEVEL = 6


class BadCapsule(Exception):
    """`str()` says what is wrong with it, and what to do."""


class Header(Struct, frozen=True):
    """`version` is of the Haulage that made it, `form` names the shape of what was before `first`.

    `digest` is of the rest of the file. With `pseudonyms` its names and paths are made up.
    """

    capsule: int
    version: str
    form: str
    workspace: str
    epoch: str
    first: int
    last: int
    made_at: datetime
    job: str | None = None
    pseudonyms: bool = False
    digest: str = ""


class Commit(Struct, frozen=True, array_like=True):
    """As `ports.Stored`."""

    sequence: int
    chain: str
    payload: bytes


class Before(Struct, frozen=True):
    """What there was after the commit at `sequence`: an instant, and rows of the jobs on whose
    tasks the stretch goes on.
    """

    sequence: int
    chain: str
    instant: bytes
    tasks: list[task_rows.Row] = []
    attempts: list[attempt_rows.Row] = []
    runs: list[run_rows.Row] = []
    timings: list[timing_rows.Row] = []


class Body(Struct, frozen=True):
    """`before` is None where the stretch begins with the log."""

    before: Before | None
    commits: list[Commit]


def write(header: Header, body: Body) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode(body), LEVEL)
    header = msgspec.structs.replace(header, digest=hashlib.sha256(packed).hexdigest())
    return msgspec.json.encode(header) + b"\n" + packed


def head(content: bytes) -> Header:
    """Raises BadCapsule."""
    try:
        return msgspec.json.decode(content.partition(b"\n")[0], type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadCapsule("it is no capsule: `haulage capsule` writes them") from error


def read(content: bytes) -> tuple[Header, Body]:
    """Raises BadCapsule."""
    header, packed = head(content), content.partition(b"\n")[2]
    if header.capsule != VERSION:
        raise BadCapsule(f"it is of version {header.capsule}: open it with a newer Haulage")
    if hashlib.sha256(packed).hexdigest() != header.digest:
        raise BadCapsule("it is damaged or was cut off: fetch it again")
    if header.first > 1 and header.form != past.FORM:
        raise BadCapsule(
            f"it was made by Haulage {header.version}, which keeps the past in another form: open "
            "it with that version, or make one without --from"
        )
    body = msgspec.msgpack.decode(zlib.decompress(packed), type=Body)
    _check(body)
    return header, body


def _check(body: Body) -> None:
    after = body.before.sequence if body.before else 0
    before = body.before.chain if body.before else codec.CHAIN_START
    for commit in body.commits:
        before = codec.chain(before, commit.payload)
        if (commit.sequence, commit.chain) != (after + 1, before):
            raise BadCapsule(f"commit {commit.sequence} does not fit behind {after}")
        after = commit.sequence


def chained(payloads: Iterable[bytes]) -> list[Commit]:
    """Commits from the first on, of which the payloads are others than they were."""
    commits, chain = list[Commit](), codec.CHAIN_START
    for sequence, payload in enumerate(payloads, 1):
        chain = codec.chain(chain, payload)
        commits.append(Commit(sequence, chain, payload))
    return commits
