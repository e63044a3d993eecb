"""Who owns what arrives, and its mode: as at its source, as far as its job has that kept.

Owners and groups travel by name, for their numbers are each machine's own; who has no name at the
source travels as a number. A name that is unknown here, and an agent that may not give files away,
fail a task before a byte of it comes: that is tried once for each owner, with a hidden file.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from events.attributes import Attribute
from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent import xattrs
from services.agent.faults import Fault
from services.agent.frames import Head
from services.agent.held import HeldFolder
from services.agent.partial import partial_names
from services.agent.xattrs import Xattrs

FILE_MODE_BITS = 0o777
FOLDER_MODE_BITS = 0o3777  # What a set-user-id bit would do is the destination's to decide.
NUMBERS = range((1 << 32) - 1)  # The last one would say "leave it as it is".
NAMES_KEPT = 10_000

_UMASK = os.umask(0o077)  # It can only be read by setting it: once, before there are threads.
os.umask(_UMASK)


class Noting:
    """Notes who owns what a listing finds; each name is looked up once."""

    def __init__(self, kept: frozenset[Attribute]) -> None:
        self._user = lru_cache(NAMES_KEPT)(_user) if "owner" in kept else _nobody
        self._group = lru_cache(NAMES_KEPT)(_group) if "group" in kept else _nobody
        self._notes = bool(kept & {"owner", "group"})

    def noted(self, entry: Entry, found: os.stat_result) -> Entry:
        if not self._notes:
            return entry
        return replace(entry, owner=self._user(found.st_uid), group=self._group(found.st_gid))


def _nobody(_number: int) -> str:
    return ""


def _user(number: int) -> str:
    try:
        return _named(pwd.getpwuid(number).pw_name, number)
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return _named(grp.getgrgid(number).gr_name, number)
    except KeyError:
        return str(number)


def _named(name: str, number: int) -> str:
    """A name that looks like a number would be taken for one, and one that is no text cannot be
    told."""
    return name if name.isprintable() and name and not name.isdecimal() else str(number)


class Owner(NamedTuple):
    """Numbers of this machine; -1 leaves what is."""

    uid: int = -1
    gid: int = -1

    def has(self, found: os.stat_result) -> bool:
        return self.uid in (-1, found.st_uid) and self.gid in (-1, found.st_gid)

    def give(self, descriptor: int) -> None:
        """Raises OSError."""
        if not self.has(os.fstat(descriptor)):
            os.fchown(descriptor, *self)

    def give_name(self, name: bytes, folder: int) -> None:
        """A link itself, not what it leads to. Raises OSError."""
        if not self.has(os.stat(name, dir_fd=folder, follow_symlinks=False)):
            os.chown(name, *self, dir_fd=folder, follow_symlinks=False)


ANYBODY = Owner()


class Giving:
    """What a run gives to what arrives, from any of its threads: nothing where it goes on to a
    store. `hold` opens the folder in which giving is tried."""

    def __init__(
        self,
        kept: frozenset[Attribute],
        hold: Callable[[], AbstractContextManager[HeldFolder]],
        *,
        is_store: bool,
    ) -> None:
        self._kept: frozenset[Attribute] = frozenset() if is_store else kept
        self._hold = hold
        self._is_store = is_store
        self._known: dict[tuple[str, str], Owner | str] = {}
        self._lock = threading.Lock()

    def owner(self, entry: Entry, named: str) -> Owner:
        """Raises Fault for one that cannot be given to what messages call `named`."""
        user = entry.owner if "owner" in self._kept else ""
        group = entry.group if "group" in self._kept else ""
        if not (user or group):
            return ANYBODY
        with self._lock:
            found = self._known.get((user, group))
            if found is None:
                if len(self._known) >= NAMES_KEPT:
                    self._known.clear()
                found = self._known[user, group] = self._find(user, group)
        if isinstance(found, str):
            raise Fault(ErrorClass.PERMISSION, f"{named}: {found}")
        return found

    def _find(self, user: str, group: str) -> Owner | str:
        """Or why not."""
        uid, gid = _number(user, _uid), _number(group, _gid)
        if uid is None:
            return f"there is no user {user} here: make one, or {_without('owner')}"
        if gid is None:
            return f"there is no group {group} here: make one, or {_without('group')}"
        if not self._may_give(Owner(uid=uid)):
            return _forbidden("user", user, "owner")
        if not self._may_give(Owner(gid=gid)):
            return _forbidden("group", group, "group")
        return Owner(uid, gid)

    def _may_give(self, owner: Owner) -> bool:
        """What else is wrong shows when it is done."""
        hidden, _ = partial_names(b"owner", "0" * 24, time.monotonic_ns())
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(OSError), self._hold() as folder:
            tried = os.open(hidden, flags, 0o600, dir_fd=folder.descriptor)
            try:
                os.unlink(hidden, dir_fd=folder.descriptor)
                owner.give(tried)
            except OSError as error:
                return error.errno not in (errno.EPERM, errno.EINVAL)
            finally:
                os.close(tried)
        return True

    @property
    def gives_modes(self) -> bool:
        return "permissions" in self._kept

    def file_mode(self, told: int, folder: int, name: bytes) -> int:
        """Of its source; else that of the file that it replaces, or that of any new file."""
        if self.gives_modes:
            return told & FILE_MODE_BITS
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode):
                return found.st_mode & FILE_MODE_BITS
        return 0o666 & ~_UMASK

    def folder_mode(self, told: int) -> int | None:
        """None leaves what is."""
        return told & FOLDER_MODE_BITS if self.gives_modes else None

    def dress(self, descriptor: int, head: Head, folder: int, name: bytes, named: str) -> None:
        """All but its owner, for a file that is to be `name` in a folder. Raises OSError, Fault."""
        self.put_xattrs(descriptor, head.xattrs, named)
        found, mode = os.fstat(descriptor), self.file_mode(head.mode, folder, name)
        if stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(descriptor, mode)
        if found.st_mtime_ns != head.mtime_ns:
            os.utime(descriptor, ns=(head.mtime_ns, head.mtime_ns))

    def put_xattrs(self, descriptor: int, wanted: Xattrs | None, named: str) -> None:
        """None leaves what is. Raises OSError, and Fault where they cannot be kept."""
        if wanted and self._is_store:
            raise xattrs.not_kept(named, "a store")
        if wanted is not None and not self._is_store:
            xattrs.put(descriptor, wanted, named)


def _number(text: str, find: Callable[[str], int]) -> int | None:
    """-1 for "", None for a name that is not known."""
    if text == "":
        return -1
    try:
        number = int(text) if text.isdecimal() else find(text)
    except (KeyError, ValueError):
        return None
    return number if number in NUMBERS else None


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def _without(attribute: Attribute) -> str:
    return f"leave {attribute} out of transfer_attributes"


def _forbidden(kind: str, name: str, attribute: Attribute) -> str:
    return (
        f"the agent's user may not give files to {kind} {name}: run the agent as the superuser "
        f"(or with CAP_CHOWN), or {_without(attribute)}"
    )
