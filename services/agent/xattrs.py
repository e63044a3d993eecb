"""Extended attributes of files and folders: those of `user.`, which are anybody's to set.

They travel beside a file's state in its sender's answer, by the rest of their names, so that a
sender can name no others; they are no part of any event. A change of them alone is no change of a
file's size or time, but who asks for the file is told those that it has now.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from events import names
from events.jobs import ErrorClass
from services.agent.faults import Fault

PREFIX = b"user."
BYTES_MAX = 128 << 10
OFF = "leave transfer_xattrs off"

Xattrs = dict[str, bytes]
"""By their names behind `user.`, escaped as those of files."""


def read(descriptor: int, named: str) -> Xattrs:
    """None where the file system knows of none. Raises OSError, and Fault for more than can be
    told."""
    if not hasattr(os, "listxattr"):
        raise Fault(ErrorClass.PERMISSION, f"{named}: extended attributes are read on Linux: {OFF}")
    found: Xattrs = {}
    for name in _names(descriptor):
        try:
            found[names.to_text(name.removeprefix(PREFIX))] = os.getxattr(descriptor, name)
        except OSError as error:
            if error.errno != errno.ENODATA:  # It was there a moment ago.
                raise
    if sum(len(name) + len(value) for name, value in found.items()) > BYTES_MAX:
        message = f"{named}: has more than {BYTES_MAX >> 10} KiB of extended attributes"
        raise Fault(ErrorClass.PERMISSION, f"{message}: remove some, or {OFF}")
    return found


def _names(descriptor: int) -> list[bytes]:
    try:
        told = map(os.fsencode, os.listxattr(descriptor))
        return [name for name in told if name.startswith(PREFIX)]
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise


def put(descriptor: int, wanted: Xattrs, named: str) -> None:
    """Have these and no others. Raises OSError, and Fault where they cannot be kept."""
    try:
        found = read(descriptor, named) if wanted or hasattr(os, "listxattr") else {}
        if found == wanted:
            return
        with _writable(descriptor):
            for gone in found.keys() - wanted.keys():
                os.removexattr(descriptor, _whole(gone))
            for name, value in wanted.items():
                if found.get(name) != value:
                    os.setxattr(descriptor, _whole(name), value)
    except ValueError as error:
        message = f"{named}: its sender told an extended attribute that cannot be: {error}"
        raise Fault(ErrorClass.INTERNAL, message) from error
    except OSError as error:
        raise _refused(error, descriptor, named) from error


def _whole(name: str) -> bytes:
    return PREFIX + names.to_bytes(name)


@contextmanager
def _writable(descriptor: int) -> Iterator[None]:
    """Their owner needs the right to write."""
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & stat.S_IWUSR:
        yield
        return
    os.fchmod(descriptor, mode | stat.S_IWUSR)
    try:
        yield
    finally:
        os.fchmod(descriptor, mode)


def _refused(error: OSError, descriptor: int, named: str) -> OSError | Fault:
    match error.errno:
        case errno.ENOTSUP:
            return not_kept(named, "the file system here")
        case errno.E2BIG | errno.ERANGE:
            return _too_many(named)
        case errno.ENOSPC if os.fstatvfs(descriptor).f_bavail:
            return _too_many(named)
        case _:
            return error


def not_kept(named: str, where: str) -> Fault:
    message = f"{named}: {where} keeps no extended attributes: {OFF}"
    return Fault(ErrorClass.PERMISSION, message)


def _too_many(named: str) -> Fault:
    message = f"{named}: the file system here has no room for its extended attributes"
    return Fault(ErrorClass.PERMISSION, f"{message}: remove some at the source, or {OFF}")
