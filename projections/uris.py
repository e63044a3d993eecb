"""Which task of a job has a uri: names are not on the board, sixteen bytes of each are.

`Uris` is made of them when somebody appends to a job, and thrown away with the listing.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from struct import iter_unpack

DIGEST_BYTES = 16
_ONE = f"{DIGEST_BYTES}s"


def digest(uri: str) -> bytes:
    return blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def digests(uris: Iterable[str]) -> bytes:
    return b"".join(map(digest, uris))


class Uris:
    """Task numbers by uri, of digests that only ever get more."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._known = 0

    def number(self, uri: str, known: bytearray) -> int | None:
        """The task with this uri among those of the digests `known`."""
        if len(known) > self._known * DIGEST_BYTES:
            behind = iter_unpack(_ONE, known[self._known * DIGEST_BYTES :])
            self._numbers.update((one, n) for n, (one,) in enumerate(behind, self._known))
            self._known = len(known) // DIGEST_BYTES
        return self._numbers.get(digest(uri))
