"""What a child process is allowed and when it ends, set between its fork and its exec (Linux).

`die_with_parent` makes a process end with the one that started it, whatever ends that. `become`
turns root into an ordinary user that may still pass through directories which are closed to it:
PostgreSQL refuses to run as root, while its programs and its data may well lie below a home
directory of mode 0700 that is not ours to open to anyone.

The numbers are those of <linux/prctl.h>, <linux/capability.h> and <linux/securebits.h>.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
from collections.abc import Callable

from msgspec import Struct

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2

_libc = ctypes.CDLL(None, use_errno=True)


class Account(Struct, frozen=True):
    """A user of this machine, by number."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Who a server runs as that refuses root; None when we are an ordinary user ourselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def own_user() -> str:
    """The name of the user that we run as, its number where it has no name."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def before_exec(
    account: Account | None = None, *, death: signal.Signals = signal.SIGKILL
) -> Callable[[], None]:
    """What to give `Popen(preexec_fn=…)`: the child runs as `account`, and gets the signal
    `death` when we end.
    """
    parent = os.getpid()

    def prepare() -> None:
        if account is not None:
            become(account)
        die_with_parent(parent, death)

    return prepare


def die_with_parent(parent: int | None = None, death: signal.Signals = signal.SIGKILL) -> None:
    """Have this process signalled when its parent ends; end at once if it is gone already.

    The parent is the thread that started us: start children from threads that stay.
    """
    expected = os.getppid() if parent is None else parent
    _prctl(_PR_SET_PDEATHSIG, death)
    if os.getppid() != expected:
        os.kill(os.getpid(), signal.SIGKILL)


def become(account: Account) -> None:
    """Give up root for good but for one thing: file permissions do not stop us.

    Without the fix-up that setuid does, the capabilities outlive it, and access(2), which the
    server asks about its own programs, answers by them too. Call `die_with_parent` only after.
    """
    capability = _kept_capability()
    _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    _set_capabilities(1 << capability)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _kept_capability() -> int:
    """A container's root may lack one or the other."""
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return capability
    raise PermissionError("root without CAP_DAC_OVERRIDE cannot start PostgreSQL")


def _set_capabilities(mask: int) -> None:
    """Exactly these: effective, permitted and inheritable."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")


def _prctl(option: int, first: int, second: int = 0) -> None:
    arguments = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    _checked(_libc.prctl(option, *arguments), "prctl")


def _checked(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
