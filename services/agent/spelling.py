"""Names that a file system takes for one another: in other letter case, or in another Unicode form.

On most file systems of Linux a name is its bytes. Where that is not so, a file that comes would
replace another one that is called differently at its source, and nobody would know. So how a
destination behaves is tried once a run, with hidden names; where it folds names, what stands in a
place is asked for its spelling, and one that differs is a clash. Trying finds out too how finely
it keeps times. A folder within that alone folds names, which Linux allows, is not found out.
"""

from __future__ import annotations

import os
import threading
import time
import unicodedata
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from events import names
from services.agent.beneath import FOLDER, opened_beneath
from services.agent.partial import partial_names

FOLDERS_KEPT = 16
TRIED_NS = 1_700_000_001_123_456_789
GRAINS_NS = (1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)
_COMPOSED = "Aé".encode()
_OTHER_CASE = "aé".encode()
_DECOMPOSED = unicodedata.normalize("NFD", "Aé").encode()


class Folding(Struct, frozen=True):
    """Which names are one: those that differ in `case`, or in their Unicode `forms` alone.

    `rewrites`: a name is kept in another form than it was given in. Times are kept in steps of
    `grain_ns`.
    """

    case: bool = False
    forms: bool = False
    rewrites: bool = False
    grain_ns: int = 1

    @property
    def folds(self) -> bool:
        return self.case or self.forms

    def fold(self, text: str) -> str:
        """What names that are one have in common."""
        text = unicodedata.normalize("NFD", text) if self.forms else text
        return text.casefold() if self.case else text

    def kept(self, mtime_ns: int) -> int:
        """A time as it is there."""
        return mtime_ns - mtime_ns % self.grain_ns


UNKNOWN = Folding(case=True, forms=True)
"""Nothing is lost by it but time."""


def probe(folder: int) -> Folding:
    """Try it in an open folder, which is as it was afterwards but for its time."""
    hidden, _ = partial_names(b"names", "0" * 24, time.monotonic_ns())
    try:
        os.mkdir(hidden, 0o700, dir_fd=folder)
        try:
            with opened_beneath(folder, (hidden,), FOLDER) as inside:
                return _tried(inside)
        finally:
            os.rmdir(hidden, dir_fd=folder)
    except OSError:
        return UNKNOWN


def _tried(folder: int) -> Folding:
    made = os.open(_COMPOSED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        os.utime(made, ns=(TRIED_NS, TRIED_NS))
        kept = os.fstat(made).st_mtime_ns
        steps = (one for one in GRAINS_NS if TRIED_NS - TRIED_NS % one == kept)
        return Folding(
            case=_is_there(folder, _OTHER_CASE),
            forms=_is_there(folder, _DECOMPOSED),
            rewrites=_COMPOSED not in _names_in(folder),
            grain_ns=next(steps, 1),
        )
    finally:
        os.close(made)
        os.unlink(_COMPOSED, dir_fd=folder)


def _is_there(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _names_in(folder: int) -> list[bytes]:
    with os.scandir(folder) as found:
        return [os.fsencode(one.name) for one in found]


class Clash(Exception):
    """`there` is the name of what stands where another name would go."""

    def __init__(self, there: bytes) -> None:
        super().__init__(there)
        self.there = there


class Spelling:
    """Of the names that a run puts in place. From any thread."""

    def __init__(self, folding: Folding) -> None:
        self.folding = folding
        self._lock = threading.Lock()  # Between looking at a place and taking it.
        self._known: OrderedDict[tuple[int, int], array[int]] = OrderedDict()
        self._claimed: dict[tuple[tuple[int, int], str], bytes] = {}

    def check(self, folder: int, name: bytes) -> None:
        """Raises Clash, OSError."""
        if self.folding.folds:
            with self._lock:
                self._check(folder, name)

    def put(self, folder: int, name: bytes, put: Callable[[], None]) -> None:
        """Have `put` make `name` in the folder. Raises Clash, and what it raises."""
        if not self.folding.folds:
            put()
            return
        with self._lock:
            self._check(folder, name)
            put()

    def _check(self, folder: int, name: bytes) -> None:
        found = os.fstat(folder)
        key = found.st_dev, found.st_ino
        if self.folding.rewrites and not name.isascii():
            self._claim(key, name)
        if _is_there(folder, name) and not self._is_known(key, folder, self._kept(name)):
            raise Clash(self._other(folder, name))

    def _kept(self, name: bytes) -> bytes:
        """A name in a form that does not tell in which it was given."""
        if not self.folding.rewrites or name.isascii():
            return name
        return unicodedata.normalize("NFD", names.to_text(name)).encode()

    def _claim(self, key: tuple[int, int], name: bytes) -> None:
        """What is kept in another form tells nothing of how it was given: the run remembers."""
        folded = self.folding.fold(names.to_text(name))
        first = self._claimed.setdefault((key, folded), name)
        if first != name:
            raise Clash(first)

    def _is_known(self, key: tuple[int, int], folder: int, name: bytes) -> bool:
        """Whether something there is spelled so."""
        if key in self._known and _holds(self._known[key], hash(name)):
            return True
        there = map(self._kept, _names_in(folder))
        self._known[key] = array("q", sorted(map(hash, there)))
        self._known.move_to_end(key)
        if len(self._known) > FOLDERS_KEPT:
            self._known.popitem(last=False)
        return _holds(self._known[key], hash(name))

    def _other(self, folder: int, name: bytes) -> bytes:
        folded = self.folding.fold(names.to_text(name))
        alike = (
            one for one in _names_in(folder) if self.folding.fold(names.to_text(one)) == folded
        )
        return next(alike, name)


def _holds(hashes: array[int], wanted: int) -> bool:
    at = bisect_left(hashes, wanted)
    return at < len(hashes) and hashes[at] == wanted
