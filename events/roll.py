"""The names that a listing told, to find what it did not: eight bytes of each are kept. Pure.

Two names of which these are the same (one in 10^19) make one of them seem to be in the listing:
then it is left where it is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from events.rules import Rules
from events.tasks import Entry

EMPTY = (
    "the source has nothing, and to delete all that is there is hardly meant: if it is, delete it "
    "by hand, else set transfer_mode=copy"
)
LEFT = (
    "transfer_ignore_existing leaves folders alone, and transfer_mode=onewaysync deletes in them: "
    "set one of them otherwise"
)
SORTED = 1 << 18
DIGEST_BYTES = 8


class Roll:
    """`tops` are the topmost folders of the listing. `is_bare`: it told no more than its root.

    `fold` makes one of the names that the destination takes for one another.
    """

    def __init__(self, fold: Callable[[str], str] = str) -> None:
        self._fold = fold
        self.tops: list[str] = []
        self.is_bare = True
        self._sorted: list[array[int]] = []
        self._last: set[int] = set()

    def add(self, entry: Entry) -> None:
        self.is_bare = self.is_bare and entry.uri == ""
        above = entry.uri.rpartition("/")[0]
        is_top = entry.uri == "" or (above == "" and "" not in self.tops)
        if entry.kind == "folder" and is_top:
            self.tops.append(entry.uri)
        self._last.add(_digest(self._fold(entry.uri)))
        if len(self._last) == SORTED:
            self._sorted.append(array("Q", sorted(self._last)))
            self._last = set()

    def refusal(self, rules: Rules) -> str:
        """Why nothing that is not on it may be deleted; "" if all may."""
        if self.is_bare:
            return EMPTY
        return LEFT if rules.ignores_folders else ""

    def __contains__(self, uri: str) -> bool:
        digest = _digest(self._fold(uri))
        return digest in self._last or any(_holds(one, digest) for one in self._sorted)


def _digest(uri: str) -> int:
    text = uri.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=DIGEST_BYTES).digest())


def _holds(digests: array[int], digest: int) -> bool:
    at = bisect_left(digests, digest)
    return at < len(digests) and digests[at] == digest


def extras(entries: Iterable[Entry], roll: Roll) -> Iterator[Entry]:
    """What is not on the roll, of entries in a listing's order: folders after what is in them.

    Never the folder that was listed itself.
    """
    folders: list[Entry] = []
    for entry in entries:
        while folders and not entry.uri.startswith(f"{folders[-1].uri}/"):
            yield folders.pop()
        if entry.uri == "" or entry.uri in roll:
            continue
        if entry.kind == "folder":
            folders.append(entry)
        else:
            yield entry
    yield from reversed(folders)
