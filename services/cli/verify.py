"""`verify`: are the files in a folder those of a manifest? Without one, proof.py proves the log."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from events.names import shown
from projections.manifest import BadManifest, read
from services.agent import paths
from services.agent.beneath import FOLDER
from services.agent.faults import Fault
from services.cli import screen, words
from services.cli.checking import Check, Finding, What
from services.cli.failures import FAILED, Failure, Usage

LOOK_S = 0.2
SHOWN_MAX = 1_000
WORDS: dict[What, str] = {"missing": "missing", "differs": "different", "extra": "extra"}


class Extent(Struct, frozen=True):
    """How much a manifest speaks of; `bytes` is 0 where it says no sizes."""

    lines: int
    bytes: int


class Verified(Struct, frozen=True):
    """As JSON: so many `lines` of the manifest were looked for, so many `bytes` read."""

    same: bool
    lines: int
    bytes: int
    missing: list[str]
    differs: dict[str, str]
    extra: list[str]


def verify(
    folder: Path | None = None,
    /,
    *,
    manifest: Path | None = None,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Prove that nothing of the log was changed, and that all that is shown follows from it.

    Walks the chain of hashes through the whole log, folds it anew beside what is in use, and holds
    every table, the feed, and all that is kept of the past against that. The status is 0 if all is
    as it was to be, else 1. Asks the servers of this machine; changes nothing.

    With --manifest: check files against what a transfer has brought, every byte of them: which are
    missing, differ, or are extra. The status is 0 if all are there as they were and no other file
    is, else 1. Needs no server.

    Parameters
    ----------
    folder
        With --manifest: the folder that the transfer went to, or a copy of it; of a transfer of one
        file also that file, whatever its name is now.
    manifest
        What `haulage manifest` wrote, in any format.
    data
        The data directory (also HAULAGE_DATA).
    json
        Print JSON.
    """
    if manifest is None:
        if folder is not None:
            raise Usage(
                "say what is to be in there: --manifest FILE, which `haulage manifest` wrote"
            )
        from services.cli.proof import verify as prove

        return prove(data, json)
    if folder is None:
        raise Usage("say which folder to check: haulage verify --manifest FILE DIR")
    return _files(folder, manifest, json)


def _files(folder: Path, manifest: Path, json: bool) -> int:
    extent = _extent(manifest)
    with _reading(manifest) as file, _opened(folder, extent) as (root, only):
        check = Check(root, read(file), only)
        _wait(check, extent)
        found = os.fstat(file.fileno())
        findings = check.result((found.st_dev, found.st_ino))
    if json:
        screen.emit(_verified(check, findings))
    else:
        _say(check, findings)
    return FAILED if findings else 0


def _extent(manifest: Path) -> Extent:
    """Reads it all once: what is no whole manifest is refused before anything is compared."""
    lines = size = 0
    with _reading(manifest) as file:
        for line in read(file):
            paths.split(line.path)
            lines, size = lines + 1, size + (line.size or 0)
    return Extent(lines, size)


@contextmanager
def _reading(manifest: Path) -> Iterator[BinaryIO]:
    try:
        file = manifest.open("rb")
    except OSError as error:
        raise Failure(f"{manifest} cannot be read: {error.strerror}") from None
    with file:
        try:
            yield file
        except (BadManifest, Fault) as error:
            raise Failure(f"{manifest} is no good: {error}") from None


@contextmanager
def _opened(folder: Path, extent: Extent) -> Iterator[tuple[int, bytes | None]]:
    """The open folder, and the name of the one file in it that counts, if it is one."""
    if not folder.exists():
        raise Failure(f"there is nothing at {folder}: name the folder that holds the files")
    only = None if folder.is_dir() else os.fsencode(folder.name)
    if only is not None and extent.lines != 1:
        raise Failure(f"{folder} is a file, and the manifest is of {extent.lines:,} tasks")
    try:
        opened = os.open(folder if only is None else folder.parent, FOLDER)
    except OSError as error:
        raise Failure(f"{folder} cannot be read: {error.strerror}") from None
    try:
        yield opened, only
    finally:
        os.close(opened)


def _wait(check: Check, extent: Extent) -> None:
    threads = check.start()
    try:
        with _bar(extent) as show:
            for thread in threads:
                while thread.is_alive():
                    thread.join(LOOK_S)
                    show(check)
    finally:
        check.stop()


@contextmanager
def _bar(extent: Extent) -> Iterator[Callable[[Check], None]]:
    """On a terminal: by bytes, or by files where nobody says how large they are."""
    if not sys.stderr.isatty():
        yield lambda check: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[said]}", markup=False),
    )
    console = Console(stderr=True, highlight=False, emoji=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=extent.bytes or extent.lines, said="")

        def show(check: Check) -> None:
            done = check.bytes if extent.bytes else check.lines
            said = f"{check.lines:,} of {extent.lines:,}, {words.size(check.bytes)}"
            progress.update(bar, completed=done, said=said)

        yield show


def _verified(check: Check, findings: list[Finding]) -> Verified:
    return Verified(
        same=not findings,
        lines=check.lines,
        bytes=check.bytes,
        missing=[one.path for one in findings if one.what == "missing"],
        differs={one.path: one.why for one in findings if one.what == "differs"},
        extra=[one.path for one in findings if one.what == "extra"],
    )


def _say(check: Check, findings: list[Finding]) -> None:
    for one in findings[:SHOWN_MAX]:
        screen.say(shown(f"{one.what:8} {one.path}{f': it {one.why}' if one.why else ''}"))
    if len(findings) > SHOWN_MAX:
        screen.say(f"… and {len(findings) - SHOWN_MAX:,} more; --json has all")
    looked = f"{check.lines:,} in the manifest, {words.size(check.bytes)} read"
    counts = Counter(one.what for one in findings)
    said = ", ".join(f"{counts[what]:,} {word}" for what, word in WORDS.items() if counts[what])
    screen.say(f"{said or 'all as in the manifest'} ({looked})")
