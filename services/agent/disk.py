"""What Linux does for files on a disk that Python has no call for. Elsewhere it is done without.

Durability is `os.fsync` of each file, or `SyncAll` for many; everything else here only saves time
or room, and is silent where a file system does not know it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02
_START = 2  # SYNC_FILE_RANGE_WRITE
_UNKNOWN = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_TOLD_OF_ERRORS = {0xEF53, 0x58465342, 0x9123683E, 0x01021994}  # ext4, XFS, btrfs, tmpfs.
SLOW_S = 1.0

_libc = ctypes.CDLL(None, use_errno=True)
_HAVE = all(hasattr(_libc, name) for name in ("fallocate", "sync_file_range", "syncfs", "fstatfs"))
if _HAVE:
    _libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    _libc.sync_file_range.argtypes = [
        ctypes.c_int,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_uint,
    ]


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def reserve(descriptor: int, size: int) -> None:
    """Have room for a file of that size, which stays as long as it is. Raises OSError, and then
    holds no room."""
    if not _HAVE or size == 0:
        return
    try:
        _call(_libc.fallocate(descriptor, _KEEP_SIZE, 0, size))
    except OSError as error:
        if error.errno not in _UNKNOWN:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size)  # What was reserved is let go.
            raise


def punch(descriptor: int, start: int, end: int) -> bool:
    """Make the bytes zeros that take no room; whether that could be done."""
    if not _HAVE:
        return False
    mode = _KEEP_SIZE | _PUNCH_HOLE
    return int(_libc.fallocate(descriptor, mode, start, end - start)) == 0


def start_writing(descriptor: int, start: int, end: int) -> None:
    """Begin to bring these bytes to the disk, so that less is left for the flush."""
    if _HAVE:
        _libc.sync_file_range(descriptor, start, end - start, _START)


class SyncAll:
    """Everything written below a folder made durable at once, where one call does that and says
    what went wrong: Linux 5.8, on a local file system. It waits for what others wrote there, too:
    where that takes long it is not done again."""

    def __init__(self, folder: int) -> None:
        """Before anything is written: an error is told to those who were there before it."""
        self._descriptor = os.open(b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        self.is_good = _HAVE and _release() >= (5, 8) and _kind(self._descriptor) in _TOLD_OF_ERRORS

    def __call__(self) -> None:
        """Raises OSError: who knows of which file."""
        began = time.monotonic()
        _call(_libc.syncfs(self._descriptor))
        self.is_good = time.monotonic() - began < SLOW_S

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _release() -> tuple[int, ...]:
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(one) for one in numbers if one.isdecimal())


def _kind(descriptor: int) -> int:
    room = ctypes.create_string_buffer(256)  # A struct statfs begins with its f_type.
    if _libc.fstatfs(descriptor, room) != 0:
        return 0
    return int(ctypes.cast(room, ctypes.POINTER(ctypes.c_long))[0]) & 0xFFFFFFFF
