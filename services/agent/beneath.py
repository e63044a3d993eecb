"""Open below a folder and nowhere else.

The kernel checks every component of the path while it opens it (openat2 with RESOLVE_BENEATH,
Linux 5.6), so nothing can be swapped between a check and its use. Where openat2 is missing,
each folder on the way is opened from the one above it and no component may be a link; a path
that may use links is resolved by hand first. Paths are lists of byte names without `..`, except
in a link's target. Creates no folders and knows nothing of volumes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_SYS_OPENAT2 = 437
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_PATH_MAX = 4096
_TRIES_MAX = 100
_LINKS_MAX = 40
PATH = getattr(os, "O_PATH", 0)  # Names a thing without opening it.
FOLDER = os.O_RDONLY | os.O_DIRECTORY
_ALWAYS = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # A pipe or a terminal never holds us up.

Parts = Sequence[bytes]


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = [
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_How),
    ctypes.c_size_t,
]


def _openat2(folder: int, path: bytes, flags: int, mode: int, resolve: int) -> int:
    how = _How(flags, mode, resolve)
    for _ in range(_TRIES_MAX):
        opened = _syscall(_SYS_OPENAT2, folder, path, ctypes.byref(how), ctypes.sizeof(how))
        if opened >= 0:
            return int(opened)
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):  # EAGAIN: something on the way was renamed.
            break
    raise OSError(number, os.strerror(number))


def _kernel_has_openat2() -> bool:
    try:
        os.close(_openat2(-100, b"/", os.O_RDONLY | os.O_CLOEXEC, 0, 0))
    except OSError:
        return False
    return True


HAVE_OPENAT2 = os.name == "posix" and os.uname().sysname == "Linux" and _kernel_has_openat2()


def open_beneath(
    folder: int, parts: Parts, flags: int, *, follow: bool = False, mode: int = 0
) -> int:
    """A descriptor of `parts` below the open `folder`. Raises OSError: EXDEV for a path that
    leaves the folder, ELOOP for a link on the way unless `follow`."""
    assert all(part not in (b"", b".", b"..") and b"/" not in part for part in parts), parts
    if any(b"\0" in part for part in parts):
        raise OSError(errno.EINVAL, "a NUL byte in a name")
    if len(parts) == 1 and not follow and not flags & PATH:
        return _step(parts[0], flags | _ALWAYS, folder, mode)  # Nothing is on the way.
    flags |= os.O_CLOEXEC if flags & PATH else _ALWAYS
    path = b"/".join(parts) or b"."
    if len(path) >= _PATH_MAX and len(parts) > 1 and not follow:
        return _open_in_two(folder, parts, flags, mode)
    if not HAVE_OPENAT2:
        return _walk(folder, resolve(folder, (), path) if follow else parts, flags, mode)
    checks = _BENEATH | _NO_MAGICLINKS | (0 if follow else _NO_SYMLINKS)
    return _openat2(folder, path, flags, mode if flags & os.O_CREAT else 0, checks)


def _open_in_two(folder: int, parts: Parts, flags: int, mode: int) -> int:
    """For a path longer than the kernel takes at once."""
    half = len(parts) // 2
    with opened_beneath(folder, parts[:half], PATH | os.O_DIRECTORY) as middle:
        return open_beneath(middle, parts[half:], flags, mode=mode)


def _walk(folder: int, parts: Parts, flags: int, mode: int) -> int:
    if not parts:
        return os.open(b".", flags, dir_fd=folder)
    here = os.dup(folder)
    try:
        for part in parts[:-1]:
            here, above = _step(part, PATH | os.O_DIRECTORY, here), here
            os.close(above)
        return _step(parts[-1], flags, here, mode)
    finally:
        os.close(here)


def _step(part: bytes, flags: int, folder: int, mode: int = 0) -> int:
    try:
        return os.open(part, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


@contextmanager
def opened_beneath(folder: int, parts: Parts, flags: int, *, follow: bool = False) -> Iterator[int]:
    opened = open_beneath(folder, parts, flags, follow=follow)
    try:
        yield opened
    finally:
        os.close(opened)


def resolve(folder: int, start: Parts, path: bytes) -> list[bytes]:
    """Where `path` leads from the real folder `start` below `folder`, links followed as far as
    things exist and the rest by the letter. Raises OSError EXDEV when that is outside."""
    here, ahead, links = list(start), deque(path.split(b"/")), 0
    if path.startswith(b"/"):
        raise OSError(errno.EXDEV, "an absolute path")
    while ahead:
        part = ahead.popleft()
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not here:
                raise OSError(errno.EXDEV, "`..` above the volume")
            here.pop()
            continue
        target = link_target(folder, [*here, part])
        if target is None:
            here.append(part)
            continue
        links += 1
        if links > _LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith(b"/"):
            raise OSError(errno.EXDEV, "an absolute link")
        ahead.extendleft(reversed(target.split(b"/")))
    return here


def link_target(folder: int, parts: Parts) -> bytes | None:
    """What the symbolic link at `parts` says; None when nothing or something else is there."""
    try:
        with opened_beneath(folder, parts[:-1], PATH | os.O_DIRECTORY) as above:
            return os.readlink(parts[-1], dir_fd=above)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
            return None
        raise
