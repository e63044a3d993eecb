"""A file system that folds names, for real: a small FUSE server over an ordinary folder.

`python -m tests.fuse BACKING MOUNTPOINT RULES` serves until it is unmounted. RULES are words:
`case` and `forms` (names that differ in these alone are one), `rewrites` (names are kept
decomposed), `seconds` (times are kept so). What is replaced keeps the name that it had. Knows only
what a receiver does; slow.
https://github.com/torvalds/linux/blob/master/include/uapi/linux/fuse.h
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2
NOSUID_NODEV = 2 | 4
IN, OUT = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
READ = struct.Struct("<QQIIQII")
BUFFER = (1 << 20) + 4096


def can_mount() -> bool:
    return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


@contextmanager
def mounted(backing: Path, at: Path, *rules: str) -> Iterator[None]:
    """Until it is left. Skips nothing: ask `can_mount` before."""
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, str(backing), str(at), *rules],
        cwd=Path(__file__).parents[1],
    )
    try:
        ends = time.monotonic() + 10
        while not os.path.ismount(at):
            assert server.poll() is None, "it could be mounted"
            assert time.monotonic() < ends
            time.sleep(0.01)
        yield
    finally:
        _libc.umount2(os.fsencode(at), MNT_DETACH)
        server.kill()
        server.wait()


class Server:
    def __init__(self, device: int, backing: bytes, rules: set[str]) -> None:
        self._device = device
        self._rules = rules
        self._paths = {1: backing}
        self._handlers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self.lookup,
            3: self.getattr,
            4: self.setattr,
            5: self.readlink,
            6: self.symlink,
            9: self.mkdir,
            10: self.unlink,
            11: self.rmdir,
            12: self.rename,
            13: self.link,
            14: self.open,
            15: self.read,
            16: self.write,
            17: self.statfs,
            18: self.release,
            20: self.fsync,
            25: self.nothing,
            26: self.init,
            27: self.nothing_open,
            28: self.readdir,
            29: self.nothing,
            30: self.nothing,
            34: self.nothing,
            35: self.create,
            45: self.rename2,
        }

    def serve(self) -> None:
        while True:
            try:
                message = os.read(self._device, BUFFER)
            except OSError as error:
                if error.errno == errno.ENODEV:  # Unmounted.
                    return
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                raise
            self._answer(message)

    def _answer(self, message: bytes) -> None:
        _, opcode, unique, node, *_ = IN.unpack_from(message)
        if opcode in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET: nobody waits.
            return
        handler = self._handlers.get(opcode)
        failed, content = 0, b""
        try:
            if handler is None:
                raise OSError(errno.ENOSYS, "not here")
            content = handler(node, message[IN.size :])
        except OSError as error:
            failed = error.errno or errno.EIO
        try:
            os.write(self._device, OUT.pack(OUT.size + len(content), -failed, unique) + content)
        except OSError:
            return  # Whoever asked is gone.

    # Names.

    def _fold(self, name: bytes) -> str:
        text = name.decode("utf-8", "surrogateescape")
        if self._rules & {"forms", "rewrites"}:
            text = unicodedata.normalize("NFD", text)
        return text.casefold() if "case" in self._rules else text

    def _place(self, folder: int, name: bytes) -> bytes:
        """The path of what is called so in a folder, or of what would be."""
        above, folded = self._paths[folder], self._fold(name)
        for there in os.listdir(above):
            if self._fold(there) == folded:
                return os.path.join(above, there)
        if "rewrites" in self._rules:
            text = name.decode("utf-8", "surrogateescape")
            name = unicodedata.normalize("NFD", text).encode("utf-8", "surrogateescape")
        return os.path.join(above, name)

    def _entry(self, path: bytes) -> bytes:
        found = os.lstat(path)
        self._paths[found.st_ino] = path
        return struct.pack("<QQQQII", found.st_ino, 0, 0, 0, 0, 0) + self._attributes(found)

    def _attributes(self, found: os.stat_result) -> bytes:
        seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
        nanoseconds = 0 if "seconds" in self._rules else nanoseconds
        changed = divmod(found.st_ctime_ns, 10**9)
        times = (seconds, seconds, changed[0], nanoseconds, nanoseconds, changed[1])
        who = (found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0)
        return ATTR.pack(found.st_ino, found.st_size, found.st_blocks, *times, *who)

    # Requests.

    def init(self, _node: int, body: bytes) -> bytes:
        _, _, ahead, _ = struct.unpack_from("<IIII", body)
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, ahead, 0, 12, 9, 1 << 17, 1, 0, 0, 0)

    def nothing(self, _node: int, _body: bytes) -> bytes:
        return b""

    def nothing_open(self, _node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0)

    def lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(self._place(node, body.rstrip(b"\0")))

    def getattr(self, node: int, _body: bytes) -> bytes:
        path = self._paths[node]
        found = os.stat(path) if node == 1 else os.lstat(path)
        attributes = self._attributes(found)
        if node == 1:  # The kernel knows the root by that number.
            attributes = struct.pack("<Q", 1) + attributes[8:]
        return struct.pack("<QII", 0, 0, 0) + attributes

    def setattr(self, node: int, body: bytes) -> bytes:
        valid, _, _, size, _, at, mt, _, at_ns, mt_ns, _, mode, _, uid, gid, _ = SETATTR.unpack(
            body[: SETATTR.size]
        )
        path = self._paths[node]
        if valid & 1:
            os.chmod(path, stat.S_IMODE(mode))
        if valid & 6:
            owner, group = (uid if valid & 2 else -1), (gid if valid & 4 else -1)
            os.chown(path, owner, group, follow_symlinks=False)
        if valid & 8:
            os.truncate(path, size)
        if valid & (16 | 32):
            found, now = os.lstat(path), time.time_ns()
            accessed = now if valid & 128 else at * 10**9 + at_ns
            changed = now if valid & 256 else mt * 10**9 + mt_ns
            accessed = accessed if valid & 16 else found.st_atime_ns
            changed = changed if valid & 32 else found.st_mtime_ns
            os.utime(path, ns=(accessed, changed), follow_symlinks=False)
        return self.getattr(node, b"")

    def readlink(self, node: int, _body: bytes) -> bytes:
        return os.readlink(self._paths[node])

    def symlink(self, node: int, body: bytes) -> bytes:
        name, target, _ = body.split(b"\0")
        path = self._place(node, name)
        os.symlink(target, path)
        return self._entry(path)

    def mkdir(self, node: int, body: bytes) -> bytes:
        mode, _ = struct.unpack_from("<II", body)
        path = self._place(node, body[8:].rstrip(b"\0"))
        os.mkdir(path, mode & 0o7777)
        return self._entry(path)

    def unlink(self, node: int, body: bytes) -> bytes:
        os.unlink(self._place(node, body.rstrip(b"\0")))
        return b""

    def rmdir(self, node: int, body: bytes) -> bytes:
        os.rmdir(self._place(node, body.rstrip(b"\0")))
        return b""

    def rename(self, node: int, body: bytes) -> bytes:
        (to,) = struct.unpack_from("<Q", body)
        old, new, _ = body[8:].split(b"\0")
        origin, path = self._place(node, old), self._place(to, new)
        os.rename(origin, path)
        self._paths = {
            one: path + known[len(origin) :] if _is_in(known, origin) else known
            for one, known in self._paths.items()
        }
        return b""

    def rename2(self, node: int, body: bytes) -> bytes:
        (flags,) = struct.unpack_from("<I", body, 8)
        if flags:
            raise OSError(errno.EINVAL, "no flags")
        return self.rename(node, body[:8] + body[16:])

    def link(self, node: int, body: bytes) -> bytes:
        (other,) = struct.unpack_from("<Q", body)
        path = self._place(node, body[8:].rstrip(b"\0"))
        os.link(self._paths[other], path, follow_symlinks=False)
        return self._entry(path)

    def open(self, node: int, body: bytes) -> bytes:
        (flags,) = struct.unpack_from("<I", body)
        opened = os.open(self._paths[node], flags & (os.O_ACCMODE | os.O_TRUNC | os.O_APPEND))
        return struct.pack("<QII", opened, 0, 0)

    def create(self, node: int, body: bytes) -> bytes:
        flags, mode, _, _ = struct.unpack_from("<IIII", body)
        path = self._place(node, body[16:].rstrip(b"\0"))
        flags = flags & (os.O_ACCMODE | os.O_EXCL | os.O_TRUNC) | os.O_CREAT
        opened = os.open(path, flags, mode & 0o7777)
        return self._entry(path) + struct.pack("<QII", opened, 0, 0)

    def read(self, _node: int, body: bytes) -> bytes:
        handle, offset, size, *_ = READ.unpack_from(body)
        return os.pread(handle, size, offset)

    def write(self, _node: int, body: bytes) -> bytes:
        handle, offset, size, *_ = READ.unpack_from(body)
        count = os.pwrite(handle, body[READ.size : READ.size + size], offset)
        return struct.pack("<II", count, 0)

    def release(self, _node: int, body: bytes) -> bytes:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def fsync(self, _node: int, body: bytes) -> bytes:
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    def readdir(self, node: int, body: bytes) -> bytes:
        _, offset, size, *_ = READ.unpack_from(body)
        found = sorted(os.scandir(self._paths[node]), key=lambda one: one.name)
        content = b""
        for at, one in enumerate(found[offset:], offset + 1):
            kind = stat.S_IFMT(one.stat(follow_symlinks=False).st_mode) >> 12
            told = struct.pack("<QQII", one.inode(), at, len(one.name), kind) + one.name
            told += bytes(-len(told) % 8)
            if len(content) + len(told) > size:
                break
            content += told
        return content

    def statfs(self, _node: int, _body: bytes) -> bytes:
        found = os.statvfs(self._paths[1])
        blocks = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
        return struct.pack("<QQQQQIIII24x", *blocks, found.f_bsize, 255, found.f_frsize, 0)


def _is_in(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder + b"/")


def main(backing: str, at: str, *rules: str) -> None:
    device = os.open("/dev/fuse", os.O_RDWR)
    data = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    mounted = _libc.mount(b"folding", os.fsencode(at), b"fuse", NOSUID_NODEV, data.encode())
    if mounted != 0:
        raise OSError(ctypes.get_errno(), "it cannot be mounted")
    Server(device, os.fsencode(backing), set(rules)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
