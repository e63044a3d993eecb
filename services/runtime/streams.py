"""The streams of a workspace: what is kept, for how long, and what may never be done to it.

Declared again and again without harm: what exists is compared by the server and brought up to date.
Bounds are in messages: the server sets bounds in bytes aside at once, and has them for few. Only
process logs, which are large or small, have one in bytes too, as far as there is room for it.
"""

from __future__ import annotations

import asyncio

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus
from services.runtime.jetstream import Refusal
from services.runtime.log import logger
from services.runtime.ports import NoAnswer

S = 1_000_000_000
FEED_AGE_S = 7 * 24 * 3600
PROGRESS_AGE_S = 600
PROGRESS_TICKS = 100_000
PROGRESS_PER_SUBJECT = 100
SNAPSHOT_CHUNKS = 4_000
OUTPUT_AGE_S = 14 * 24 * 3600
OUTPUT_BYTES = (2 << 30, 512 << 20, 128 << 20, -1)
OUTPUT_PARTS = 1_000_000
DECLARE_TRIES_MAX = 20
PAUSE_S = 0.5

Config = dict[str, object]


async def declare(bus: NatsBus, workspace: str, *, replicas: int = 1) -> None:
    """Make all streams of a workspace be as they shall be.

    Raises NoAnswer when JetStream does not come up, Refusal for what cannot be changed.
    """
    for config in (log(workspace), feed(workspace), snapshot(workspace)):
        await declare_one(bus, config | {"num_replicas": replicas})
    await declare_one(bus, progress(workspace))
    await declare_output(bus, workspace, replicas=replicas)


async def declare_output(bus: NatsBus, workspace: str, *, replicas: int = 1) -> None:
    """As `declare_one`, with less room, or no bound in bytes, where there is not enough."""
    for size_bytes in OUTPUT_BYTES:
        try:
            return await declare_one(
                bus, output(workspace, size_bytes) | {"num_replicas": replicas}
            )
        except Refusal as refusal:
            if refusal.number not in jetstream.NO_ROOM or size_bytes == OUTPUT_BYTES[-1]:
                raise
            logger.warning("stream.no_room", stream="output", size_bytes=size_bytes)
    raise AssertionError


def log(workspace: str) -> Config:
    """The source of truth: nothing is ever deleted or limited."""
    return {
        "name": subjects.log_stream(workspace),
        "subjects": [subjects.log(workspace)],
        "storage": "file",
        "compression": "s2",
        "deny_delete": True,
        "deny_purge": True,
        "allow_direct": True,
    }


def feed(workspace: str) -> Config:
    return {
        "name": subjects.feed_stream(workspace),
        "subjects": subjects.feed_filters(workspace),
        "storage": "file",
        "compression": "s2",
        "max_age": FEED_AGE_S * S,
        "allow_atomic": True,
        "allow_direct": True,
    }


def progress(workspace: str) -> Config:
    """In memory: gone when the server restarts, and made again by who reads it."""
    return {
        "name": subjects.progress_stream(workspace),
        "subjects": [subjects.progress(workspace, "*", "*")],
        "storage": "memory",
        "max_age": PROGRESS_AGE_S * S,
        "max_msgs": PROGRESS_TICKS,
        "max_msgs_per_subject": PROGRESS_PER_SUBJECT,
        "num_replicas": 1,
        "allow_direct": True,
    }


def output(workspace: str, size_bytes: int) -> Config:
    """A ring of slots for each run, one message in a slot: the newest bytes of its log.

    Acknowledged before they are flushed: logs must not make facts wait for the disk.
    """
    return {
        "name": subjects.output_stream(workspace),
        "subjects": [subjects.output(workspace, "*", "*", "*", "*")],
        "storage": "file",
        "compression": "s2",
        "persist_mode": "async",
        "max_age": OUTPUT_AGE_S * S,
        "max_bytes": size_bytes,
        "max_msgs": OUTPUT_PARTS,
        "max_msgs_per_subject": 1,
        "allow_direct": True,
    }


def snapshot(workspace: str) -> Config:
    return {
        "name": subjects.snapshot_stream(workspace),
        "subjects": [subjects.snapshot(workspace)],
        "storage": "file",
        "max_msgs": SNAPSHOT_CHUNKS,
        "allow_direct": True,
    }


async def declare_one(bus: NatsBus, config: Config) -> None:
    for attempt in range(1, DECLARE_TRIES_MAX + 1):
        try:
            return await _declare(bus, config)
        except NoAnswer as error:
            logger.warning("stream.undeclared", stream=config["name"], error=str(error))
            if attempt == DECLARE_TRIES_MAX:
                raise
        await asyncio.sleep(PAUSE_S)
    raise AssertionError


async def _declare(bus: NatsBus, config: Config) -> None:
    whole = {"retention": "limits", "discard": "old", "max_consumers": -1} | config
    try:
        await jetstream.manage(bus, f"STREAM.CREATE.{config['name']}", whole)
    except Refusal as refusal:
        if refusal.number != jetstream.NAME_IN_USE:
            raise
        await jetstream.manage(bus, f"STREAM.UPDATE.{config['name']}", whole)
        logger.info("stream.updated", stream=config["name"])
