"""A folder while something in it changes: writable for us, and afterwards as it was before.

A finished folder has its source's mode and time. What lands in it later needs the right to write
there and must not leave a new time. So who changes something in a folder holds it: the first to
hold it remembers its mode and time and adds the rights its owner lacks, the last to let go puts
both back, whichever jobs they work for. A note of them lies in the folder meanwhile, so that
after a killed agent the next one to hold the folder still knows what to put back. (A kill between
the two steps that make the note and the right to write is all that is not found again.)

Only a folder that is ours by its owner is treated so, and a mode that somebody else set meanwhile
stays. Two agents on one folder do not know of each other.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
from contextlib import suppress

from services.agent.beneath import open_beneath
from services.agent.partial import partial_names

NOTE_NAME = partial_names(b"folder", "0" * 24, 0)[1]  # Of no job, and never listed.
_NEEDED = stat.S_IWUSR | stat.S_IXUSR
_KEPT = 0o7777
_NOTE = struct.Struct(">16sIq")
_MAGIC = b"haulage folder 1"

State = tuple[int, int]
"""A folder's mode bits and mtime_ns."""


class _Shared:
    """What all who hold one folder know of it; `lock` is for all but `holders`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders = 0
        self.before: State | None = None  # None: not begun, or not ours.
        self.noted = False


_shared: dict[tuple[int, int], _Shared] = {}
_shared_lock = threading.Lock()  # For the table and the holders; nothing slow is done under it.


class HeldFolder:
    """`descriptor` is the open folder, closed with `release`."""

    def __init__(self, descriptor: int) -> None:
        """Hold it without care for its mode and time."""
        self.descriptor = descriptor
        self._key = (0, 0)
        self._shared: _Shared | None = None

    def keep(self, *, note: bool) -> None:
        """Have it as it is now once everyone has released it; `note` that in the folder, also
        when no rights had to be added."""
        found = os.fstat(self.descriptor)
        self._key = (found.st_dev, found.st_ino)
        with _shared_lock:
            shared = self._shared = _shared.setdefault(self._key, _Shared())
            shared.holders += 1
        with shared.lock:
            if shared.before is None:
                _begin(shared, self.descriptor)
            if shared.before is not None and (note or shared.before[0] & _NEEDED != _NEEDED):
                _note(shared, self.descriptor)

    def finish(self, mode: int | None, mtime_ns: int) -> None:
        """The folder is to have this mode (None: the one that it had) and time from now on. Raises
        OSError."""
        shared = self._shared
        if mode is None:
            mode = self._mode_before()
        if shared is None:
            os.fchmod(self.descriptor, mode)
            os.utime(self.descriptor, ns=(mtime_ns, mtime_ns))
            return
        with shared.lock:
            shared.before = (mode, mtime_ns)
            os.fchmod(self.descriptor, mode | _NEEDED)
            _forget_note(shared, self.descriptor)
            if shared.holders > 1:  # The last of them does the rest.
                _note(shared, self.descriptor)
                return
            _put_back(self.descriptor, shared.before)
            shared.before = None

    def _mode_before(self) -> int:
        if self._shared is not None:
            with self._shared.lock:
                if self._shared.before is not None:
                    return self._shared.before[0]
        return stat.S_IMODE(os.fstat(self.descriptor).st_mode)

    def release(self, *, flush: bool = False) -> None:
        """Let go; `flush` makes the names in the folder durable. Raises OSError from that."""
        try:
            self._let_go()
            if flush:
                os.fsync(self.descriptor)
        finally:
            os.close(self.descriptor)

    def _let_go(self) -> None:
        shared, self._shared = self._shared, None
        if shared is None:
            return
        with shared.lock:
            if shared.holders == 1 and shared.before is not None:
                with suppress(OSError):
                    _forget_note(shared, self.descriptor)
                    _put_back(self.descriptor, shared.before)
                shared.before = None
            with _shared_lock:
                shared.holders -= 1
                if not shared.holders:
                    del _shared[self._key]


def _begin(shared: _Shared, folder: int) -> None:
    found = os.fstat(folder)
    if os.geteuid() not in (0, found.st_uid):
        return
    mode = stat.S_IMODE(found.st_mode)
    noted = _read_note(folder)
    shared.noted = noted is not None
    shared.before = noted or (mode, found.st_mtime_ns)
    if mode & _NEEDED != _NEEDED:
        with suppress(OSError):  # What needs the right says so itself.
            os.fchmod(folder, mode | _NEEDED)


def _put_back(folder: int, before: State) -> None:
    mode, mtime_ns = before
    if stat.S_IMODE(os.fstat(folder).st_mode) == mode | _NEEDED:
        os.fchmod(folder, mode)
    os.utime(folder, ns=(mtime_ns, mtime_ns))


def _note(shared: _Shared, folder: int) -> None:
    """As well as it goes: without room for a note the folder is put back all the same."""
    if shared.noted or shared.before is None:
        return
    with suppress(OSError):
        with suppress(FileNotFoundError):
            os.unlink(NOTE_NAME, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        note = open_beneath(folder, (NOTE_NAME,), flags, mode=0o600)
        try:
            os.write(note, _NOTE.pack(_MAGIC, *shared.before))
        finally:
            os.close(note)
        shared.noted = True


def _forget_note(shared: _Shared, folder: int) -> None:
    if shared.noted:
        with suppress(FileNotFoundError):
            os.unlink(NOTE_NAME, dir_fd=folder)
        shared.noted = False


def _read_note(folder: int) -> State | None:
    """None where there is none, or one that may not be ours."""
    try:
        note = open_beneath(folder, (NOTE_NAME,), os.O_RDONLY)
    except OSError:
        return None
    try:
        found = os.fstat(note)
        mine = found.st_uid == os.geteuid() and found.st_nlink == 1
        content = os.read(note, _NOTE.size + 1) if stat.S_ISREG(found.st_mode) and mine else b""
    except OSError:
        return None
    finally:
        os.close(note)
    if len(content) != _NOTE.size:
        return None
    magic, mode, mtime_ns = _NOTE.unpack(content)
    return (mode & _KEPT, mtime_ns) if magic == _MAGIC else None
