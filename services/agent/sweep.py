"""One-way sync: what is in folders of the destination and not in the source is deleted, at the end.

Only when all that the source has is here, and only in folders that the job's listing told. What the
patterns of the job leave out stays, and the folder that it is in; so do our hidden files. Every
deletion is told before it is done, and what became of it after. No link is followed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from msgspec.structs import replace

from events.jobs import ErrorClass
from events.roll import Roll, extras
from events.tasks import Entry
from services.agent import paths
from services.agent.beneath import FOLDER, open_beneath
from services.agent.cloud import CloudSource
from services.agent.cloud_store import Stored
from services.agent.faults import Fault, fault_of
from services.agent.held import HeldFolder
from services.agent.pages import pages
from services.agent.run import Run
from services.agent.spelling import UNKNOWN, Folding, probe
from services.agent.volume import Source
from services.agent.volumes import AnySource, AnyVolume, listing_of
from services.scheduler.commands import Removed, Removing

PROTECTED = (errno.ENOTEMPTY, errno.EEXIST)  # Something that is not to be deleted is in it.


def sweep(run: Run, volume: AnyVolume) -> None:
    """Raises Fault, when all else that can be deleted is; Stopped."""
    run.desk.flush()
    with volume.opened() as opened:
        try:
            with opened.source(run.duty.path) as source:
                hands, roll = run.hands, _roll(run, source)
                if roll is not None and roll.tops:
                    _Sweeping(run, source, roll, hands).sweep()
        except Fault as fault:
            if fault.error_class is not ErrorClass.MISSING:
                raise


def _roll(run: Run, source: AnySource) -> Roll | None:
    """What the listing told; None when not all of it is here."""
    roll, after = Roll(_folding(source).fold), -1
    while True:
        given = run.desk.every(after)
        run.step()
        if not given.whole:
            return None
        if not given.tasks:
            return roll
        for task in given.tasks:
            roll.add(task.entry)
        after = given.after


def _folding(source: AnySource) -> Folding:
    if isinstance(source, CloudSource) or not source.is_folder:
        return Folding()
    try:
        held = _held(source, [])
    except OSError:
        return UNKNOWN
    try:
        return probe(held.descriptor)
    finally:
        held.release()


class _Sweeping:
    def __init__(self, run: Run, source: AnySource, roll: Roll, hands: int) -> None:
        self._run = run
        self._source = source
        self._roll = roll
        self._hands = hands
        self._fault: Fault | None = None
        choice = run.duty.choice
        skipped = "skip" if choice.symlinks == "skip" else "keep"
        choice = replace(choice, symlinks=skipped)
        self._listing = listing_of(source, choice, run.step, lenient=True)

    def sweep(self) -> None:
        for batch, _ in pages(extras(self._listed(), self._roll)):
            self._run.step()
            self._check(batch)
            if self._run.hands > self._hands or not self._run.duty.rules.removes:
                return  # It is not as it was when all was here: the next run will see.
            self._remove(batch)
        if self._listing.unread:
            message = (
                f"{self._listing.unread} folders below cannot be read, so nothing is deleted there"
            )
            self._note(Fault(ErrorClass.PERMISSION, f"{self._source.named('')}: {message}"))
        if self._fault is not None:
            raise self._fault

    def _check(self, batch: list[Entry]) -> None:
        if refusal := self._roll.refusal(self._run.duty.rules):
            raise Fault(ErrorClass.PERMISSION, f"{self._source.named('')}: {refusal}")
        assert all(entry.uri for entry in batch), "the folder itself was listed"

    def _listed(self) -> Iterator[Entry]:
        if self._roll.tops == [""]:
            return iter(self._listing)
        return self._listing.some(self._roll.tops)

    def _remove(self, batch: list[Entry]) -> None:
        duty, desk = self._run.duty, self._run.desk
        size = sum(entry.size for entry in batch)
        desk.report(Removing(duty.job, duty.run, [entry.uri for entry in batch], size))
        desk.flush()
        self._run.step()
        removed = list(self._removed(batch))
        size = sum(entry.size for entry in removed)
        desk.report(Removed(duty.job, duty.run, len(removed), size))

    def _removed(self, batch: list[Entry]) -> Iterable[Entry]:
        if isinstance(self._source, CloudSource):
            stored = Stored(self._source.volume, paths.split(self._source.path))
            stored.remove([entry.uri for entry in batch])
            return batch
        by_folder = groupby(batch, key=lambda entry: paths.split(entry.uri)[:-1])
        source = self._source
        return chain.from_iterable(
            self._removed_in(source, folder, list(some)) for folder, some in by_folder
        )

    def _removed_in(
        self, source: Source, parts: list[bytes], entries: list[Entry]
    ) -> Iterator[Entry]:
        """Of entries in one folder those that were deleted; the folder keeps its mode and time."""
        try:
            held = _held(source, parts)
        except OSError as error:
            self._note(fault_of(error, source.named(paths.join(parts))))
            return
        try:
            for entry in entries:
                self._run.step()
                if self._is_deleted(source, held.descriptor, entry):
                    yield entry
        finally:
            held.release()

    def _is_deleted(self, source: Source, folder: int, entry: Entry) -> bool:
        name = paths.split(entry.uri)[-1]
        try:
            delete = os.rmdir if entry.kind == "folder" else os.unlink
            delete(name, dir_fd=folder)
        except OSError as error:
            is_protected = entry.kind == "folder" and error.errno in PROTECTED
            if not is_protected and not isinstance(error, FileNotFoundError):
                self._note(fault_of(error, source.named(entry.uri)))
            return False
        return True

    def _note(self, fault: Fault) -> None:
        """The first speaks for all."""
        self._fault = self._fault or fault


def _held(source: Source, parts: list[bytes]) -> HeldFolder:
    """Raises OSError."""
    held = HeldFolder(open_beneath(source.opened, parts, FOLDER))
    try:
        held.keep(note=True)
    except OSError:
        held.release()
        raise
    return held
