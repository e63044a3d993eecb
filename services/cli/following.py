"""Staying with the event stream: from where it broke off, and patient while services restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from services.cli.client import Client, Query
from services.cli.failures import Unanswered
from services.cli.stream import Lost, Message
from services.gateway.resources import JobPage

ASK_AGAIN_S = 0.5
AWAY_MAX_S = 300.0

T = TypeVar("T")


def follow(client: Client, query: Query, after: int | None) -> Iterator[Message | None]:
    """Messages from behind `after`, for ever; None when the reader should look for itself.

    That is when the stream has been quiet, skipped something or was lost. While it is away, it
    says None twice a second: whoever looks then notices if nobody is there. Raises Refused.
    """
    while True:
        try:
            with client.stream("events", query=query, after=after) as stream:
                for message in stream:
                    if message is not None and message.event == "position":
                        after = int(message.id)
                    skipped = message is not None and message.event == "reset"
                    yield None if skipped else message
        except (Lost, ValueError):
            time.sleep(ASK_AGAIN_S)
            yield None


def patiently(ask: Callable[[], T]) -> T:
    """Ask until somebody answers: services may restart while we watch. Raises Unanswered."""
    ends = time.monotonic() + AWAY_MAX_S
    while True:
        try:
            return ask()
        except Unanswered:
            if time.monotonic() > ends:
                raise
            time.sleep(ASK_AGAIN_S)


def position(client: Client) -> int:
    """How far the read side has come."""
    return client.get(JobPage, "jobs", query={"limit": 1}).sequence
