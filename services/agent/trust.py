"""Whose word counts at this agent: the schedulers whose keys came with its orders."""

from __future__ import annotations

import time

from services.runtime.tickets import Right, verify

KEYS_MAX = 2  # The leader's and that of the one before: its tickets are still on their way.


class Trust:
    """Told by the loop, asked by any thread."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._keys: tuple[str, ...] = ()

    def learn(self, key: str) -> None:
        """`key` is public, in hex."""
        if key not in self._keys:
            self._keys = (key, *self._keys)[:KEYS_MAX]

    def check(self, text: str) -> Right | None:
        """What a ticket allows, if it is for this endpoint and holds now."""
        right = verify(text, self._keys, time.time())
        return right if right and right.endpoint == self._endpoint else None
