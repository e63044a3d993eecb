"""What went wrong with bytes on their way, by class: the one exception of the data plane.

A fault names the file or folder as a person knows it (volume and escaped path), says what is
wrong, and where it is not plain, what to do. It decides nothing: the scheduler retries by class.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from events.jobs import ErrorClass


class Fault(Exception):
    def __init__(self, error_class: ErrorClass, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message


class Full(Fault):
    """A volume is full: not one file finds no room there, none does."""


class InTheWay(Fault):
    """What is there does not allow what a person asked for: nothing was changed."""


_CLASSES = {
    ErrorClass.MISSING: (errno.ENOENT, errno.ENOTDIR),
    ErrorClass.PERMISSION: (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EXDEV,
        errno.ELOOP,
        errno.EEXIST,
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.EILSEQ,
    ),
    ErrorClass.SPACE: (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    ErrorClass.VOLUME: (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO),
    ErrorClass.NETWORK: (
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    ),
}
_CLASS_OF = {number: one for one, numbers in _CLASSES.items() for number in numbers}

_HINTS = {
    errno.EXDEV: "it leads out of its volume by `..` or a symbolic link",
    errno.ELOOP: "a symbolic link stands in its way: remove the link or name what it points to",
    errno.EACCES: "the agent's user may not do that: give it the right",
    errno.EISDIR: "a folder stands where a file should go: move it away",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.ENOSPC: "no space left: make room",
}


def class_of(error: OSError) -> ErrorClass:
    if isinstance(error, TimeoutError):
        return ErrorClass.NETWORK
    return _CLASS_OF.get(error.errno or 0, ErrorClass.INTERNAL)


def fault_of(error: OSError, what: str) -> Fault:
    """`what` names the thing that the error is about."""
    number = error.errno or 0
    reason = _HINTS.get(number) or (os.strerror(number) if number else str(error))
    return Fault(class_of(error), f"{what}: {reason}")


@contextmanager
def about(what: str) -> Iterator[None]:
    """Turn an OSError within into a Fault about `what`."""
    try:
        yield
    except OSError as error:
        raise fault_of(error, what) from error
