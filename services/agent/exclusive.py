"""Rename onto nothing: what is at the new name is never replaced.

The kernel sees to it (renameat2 with RENAME_NOREPLACE, Linux 3.15). Where the system or the file
system has no such thing, a look before the rename stands in for it, and somebody who makes the
name between the two loses it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from typing import Any

_NOREPLACE = 1
_LACKING = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def _found() -> Any:
    with suppress(AttributeError):
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        renameat2.argtypes = (
            *(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint),
        )
        return renameat2
    return None


_renameat2 = _found()


def rename(name: bytes, new: bytes, above: int, target: int) -> None:
    """From the open folder `above` to that `target`. Raises OSError, FileExistsError if `new` is
    taken."""
    number = errno.ENOSYS
    if _renameat2 is not None:
        if _renameat2(above, name, target, new, _NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
    if number not in _LACKING:
        raise OSError(number, os.strerror(number))
    with suppress(FileNotFoundError):
        os.stat(new, dir_fd=target, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(name, new, src_dir_fd=above, dst_dir_fd=target)
