"""Which lines of the job log somebody wants: by kind, by task, by a text in their words. Pure.

What is filtered by who, when and of what is for the reader of the rows to ask for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from msgspec import Struct

from events import codec, ranges
from events.base import Base
from projections import job_log
from projections.job_log import Told

KINDS = tuple(sorted(codec.tag(kind) for kind in get_args(codec.Event)))
NOUNS = tuple(dict.fromkeys(kind.partition(".")[0] for kind in KINDS))


class BadKinds(ValueError):
    """`str()` says which word is no kind of event, and which are."""


class Wanted(Struct, frozen=True):
    """`task` is a task's number, `text` is looked for in any case of letters; None and "": any."""

    task: int | None = None
    text: str = ""

    @property
    def is_all(self) -> bool:
        return self.task is None and not self.text


def kinds(written: str) -> list[str]:
    """The stored names that `job.paused,queue` means: `queue` is all of that noun. Raises BadKinds.

    Of nothing, nothing: then every kind is wanted.
    """
    words = [word.strip() for word in written.split(",") if word.strip()]
    return list(dict.fromkeys(kind for word in words for kind in _meant(word)))


def _meant(word: str) -> Iterable[str]:
    if word in KINDS:
        return [word]
    noun = word.removesuffix(".*")
    if noun in NOUNS:
        return [kind for kind in KINDS if kind.startswith(f"{noun}.")]
    near = [kind for kind in KINDS if kind.startswith(f"{word.partition('.')[0]}.")]
    known = ", ".join(near or [f"{noun}.*" for noun in NOUNS])
    raise BadKinds(f"{word[:80]!r} is no kind of event: write {known}")


def wants(wanted: Wanted, event: Told, words: Iterable[str]) -> bool:
    """`words` is all that is said of the event."""
    if wanted.task is not None and not names_task(event, wanted.task):
        return False
    needle = wanted.text.casefold()
    return not needle or any(needle in word.casefold() for word in words)


def names_task(event: Told, number: int) -> bool:
    """Whether something happened to this task; the end of its whole run is not told of it."""
    match event:
        case job_log.Found(first=first, count=count):
            return first <= number < first + count
        case job_log.Failed(numbers=numbers, failures=failures):
            if numbers:
                return ranges.holds(numbers, number)
            return number in [failure.number for failure in failures]
        case _:
            return _is_among(event, number)


def _is_among(event: Base, number: int) -> bool:
    first, count = getattr(event, "first", None), getattr(event, "count", None)
    if first is not None and count is not None:
        return bool(first <= number < first + count)
    numbers = getattr(event, "numbers", "")
    return bool(numbers) and ranges.holds(numbers, number)
