"""Change files in a volume as a person asked: make a folder, rename, delete.

No link is followed, on the way or at the end of it: what is at a path is changed, not what it leads
to. Our own hidden files are not to be named; they go only with the folder that they are in. What
was changed is on the disk before it is told.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from events.endpoints import Outcome
from events.jobs import ErrorClass
from services.agent import paths
from services.agent.beneath import FOLDER, open_beneath
from services.agent.cloud import OpenCloud
from services.agent.cloud_changes import change_stored
from services.agent.commands import Change
from services.agent.exclusive import rename
from services.agent.faults import Fault, InTheWay, about
from services.agent.felling import Felled, Felling
from services.agent.making import make_folders
from services.agent.partial import is_ours
from services.agent.volume import OpenVolume
from services.agent.volumes import AnyVolume
from services.scheduler.commands import ChangeEnded

Step = Callable[[], None]
NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)


def carry_out(duty: Change, volume: AnyVolume, step: Step) -> ChangeEnded:
    """How it ended. `step` may raise to stop it."""
    felled = Felled()
    try:
        with volume.opened() as opened, about(opened.named(duty.path)):
            if isinstance(opened, OpenCloud):
                change_stored(duty, opened, felled, step)
            else:
                _change(duty, opened, felled, step)
    except Fault as fault:
        outcome: Outcome = "refused" if isinstance(fault, InTheWay) else "failed"
        ended = ChangeEnded(duty.job, duty.run, outcome, fault.error_class, fault.message)
        return felled.told(ended)
    return felled.told(ChangeEnded(duty.job, duty.run, "done"))


def _change(duty: Change, volume: OpenVolume, felled: Felled, step: Step) -> None:
    """Raises Fault, OSError."""
    match duty.act:
        case "mkdir":
            _make(duty, volume)
        case "rename":
            _rename(duty, volume)
        case "delete":
            _delete(duty, volume, felled, step)


def _make(duty: Change, volume: OpenVolume) -> None:
    with _place(volume, duty.path, made=duty.whole) as (above, name):
        try:
            os.mkdir(name, dir_fd=above)
        except FileExistsError:
            there = os.stat(name, dir_fd=above, follow_symlinks=False)
            if not duty.whole or not stat.S_ISDIR(there.st_mode):
                raise _taken(volume, duty.path) from None
        os.fsync(above)


def _rename(duty: Change, volume: OpenVolume) -> None:
    with _place(volume, duty.path) as (above, name), _place(volume, duty.to) as (target, new):
        _look(volume, duty.path, above, name)
        try:
            rename(name, new, above, target)
        except FileExistsError:
            raise _taken(volume, duty.to) from None
        except OSError as error:
            if error.errno == errno.EINVAL:
                message = f"{volume.named(duty.to)}: a folder cannot go into itself"
                raise InTheWay(ErrorClass.PERMISSION, message) from error
            if error.errno == errno.EXDEV:
                message = f"{volume.named(duty.to)}: this is another file system: transfer it there"
                raise InTheWay(ErrorClass.PERMISSION, message) from error
            raise
        os.fsync(target)
        os.fsync(above)


def _delete(duty: Change, volume: OpenVolume, felled: Felled, step: Step) -> None:
    with _place(volume, duty.path) as (above, name):
        found = _look(volume, duty.path, above, name)
        try:
            if not stat.S_ISDIR(found.st_mode):
                os.unlink(name, dir_fd=above)
            elif duty.whole:
                Felling(above, name, volume.named(duty.path), felled).fell(step)
            else:
                os.rmdir(name, dir_fd=above)
        except OSError as error:
            if error.errno not in NOT_EMPTY or duty.whole:
                raise
            message = f"{volume.named(duty.path)}: is not empty: delete it with all that is in it"
            raise InTheWay(ErrorClass.PERMISSION, f"{message}, by --recursive") from error
        finally:
            os.fsync(above)
        if not stat.S_ISDIR(found.st_mode) or not duty.whole:
            felled.add(found)


@contextmanager
def _place(volume: OpenVolume, path: str, *, made: bool = False) -> Iterator[tuple[int, bytes]]:
    """The open folder that `path` is in, `made` if it is missing, and the name in it. Raises Fault,
    OSError."""
    *parts, name = paths.split(path) or [b""]
    if not name:
        message = f"{volume.named(path)}: this is the volume itself: name what is in it"
        raise InTheWay(ErrorClass.PERMISSION, message)
    if any(map(is_ours, (*parts, name))):
        message = f"{volume.named(path)}: is of a transfer on its way: abort that"
        raise InTheWay(ErrorClass.PERMISSION, message)
    try:
        above = make_folders(volume.root, parts) if made else _opened(volume, parts)
    except NotADirectoryError as error:
        message = f"{volume.named(path)}: a file stands where a folder should be on the way"
        raise InTheWay(ErrorClass.PERMISSION, message) from error
    except FileNotFoundError as error:
        message = f"{volume.named(path)}: the folder that it would be in is not there"
        raise Fault(ErrorClass.MISSING, message) from error
    try:
        yield above, name
    finally:
        os.close(above)


def _opened(volume: OpenVolume, parts: list[bytes]) -> int:
    return open_beneath(volume.root, parts, FOLDER)


def _look(volume: OpenVolume, path: str, above: int, name: bytes) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError as error:
        message = f"{volume.named(path)}: there is nothing there: check the path on the endpoint"
        raise Fault(ErrorClass.MISSING, message) from error


def _taken(volume: OpenVolume, path: str) -> InTheWay:
    message = f"{volume.named(path)}: something is there already"
    return InTheWay(ErrorClass.PERMISSION, message)
