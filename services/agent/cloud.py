"""A volume that is a bucket of an object store, or all below a prefix of one: `s3://bucket/prefix`.

What obstore can reach serves: S3 and what speaks like it, `gs://…`, `az://…`. Keys and addresses of
the store are the agent's own, in its environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …), and
never in an event. A store has no folders, links, modes or owners: a folder is whatever has keys
below it. What goes there is in `cloud_store.py`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from events import names
from events.jobs import ErrorClass, Part
from services.agent import paths
from services.agent.commands import BOUNDLESS, Found, Room
from services.agent.faults import Fault
from services.agent.readable import Readable, Seen
from services.agent.xattrs import Xattrs

SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss")
AHEAD_BYTES = 8 << 20
FILE_MODE = 0o644
_NETWORK: Any = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}


def is_cloud(root: str) -> bool:
    return urlsplit(root).scheme in SCHEMES


@contextmanager
def about_store(what: str) -> Iterator[None]:
    """What a store says becomes a Fault about `what`."""
    try:
        yield
    except FileNotFoundError as error:
        message = f"{what}: there is nothing there: check the path in the bucket"
        raise Fault(ErrorClass.MISSING, message) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        message = (
            f"{what}: the store does not let the agent do that: check its keys and their rights"
        )
        raise Fault(ErrorClass.PERMISSION, message) from error
    except (BaseError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise Fault(ErrorClass.VOLUME, f"{what}: the store does not answer: {first}") from error


def key_of(path: str) -> str:
    """The key of an escaped path, below the volume's prefix. Raises Fault."""
    parts = paths.split(path)
    try:
        return b"/".join(parts).decode()
    except UnicodeDecodeError as error:
        message = f"{path}: a key of a store is UTF-8: rename it at the source"
        raise Fault(ErrorClass.PERMISSION, message) from error


def path_of(key: str) -> str:
    return names.to_text(key.encode())


class CloudVolume:
    """`staging` is a folder of this machine where what goes to the store is put together."""

    def __init__(self, code: str, url: str, staging: Path) -> None:
        self.code = code
        self.staging = staging
        self._url = url

    @cached_property
    def store(self) -> ObjectStore:
        plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1")
        options: Any = _NETWORK | {"allow_http": plain}
        return from_url(self._url, client_options=options, retry_config=_RETRIES)

    def room(self) -> Room | None:
        """A store has no end; None while it does not answer."""
        try:
            with about_store(self.code):
                next(iter(obstore.list(self.store, chunk_size=1)), None)
        except Fault:
            return None
        return Room(self.code, BOUNDLESS, BOUNDLESS)

    @contextmanager
    def opened(self) -> Iterator[OpenCloud]:
        """Raises Fault (volume) for an address that cannot be."""
        with about_store(f"volume {self.code}"):
            store = self.store
        yield OpenCloud(self.code, store, self.staging)


class OpenCloud:
    def __init__(self, code: str, store: ObjectStore, staging: Path) -> None:
        self.code = code
        self.store = store
        self.staging = staging

    def named(self, path: str) -> str:
        return f"{self.code}/{path}"

    def stat(self, path: str) -> Found:
        with self.source(path) as source:
            if source.is_folder:
                return Found("folder", 0, 0o755, 0)
            meta = source.whole
            return Found("file", meta.st_size, FILE_MODE, meta.st_mtime_ns)

    @contextmanager
    def source(
        self, path: str, follows: bool = False, parts_of_it: Sequence[Part] = ()
    ) -> Iterator[CloudSource]:
        """What is at `path`: one object, or all below it. Raises Fault."""
        if parts_of_it:
            message = f"{self.named(path)}: of a store one source goes at a time: submit each alone"
            raise Fault(ErrorClass.PERMISSION, message)
        key = key_of(path)
        with about_store(self.named(path)):
            whole = None if not key or path.endswith("/") else self._head(key)
            if whole is None and not self._has_some(key):
                raise FileNotFoundError(path)
        yield CloudSource(self, path, key, whole)

    def _head(self, key: str) -> Version | None:
        try:
            return version(obstore.head(self.store, key))
        except FileNotFoundError:
            return None

    def _has_some(self, key: str) -> bool:
        return not key or any(obstore.list(self.store, key, chunk_size=1))


class Version(Struct, frozen=True):
    """An object as the store has it, in the words of a file's state."""

    st_size: int
    st_mtime_ns: int
    e_tag: str
    st_dev: int = 0
    st_mode: int = FILE_MODE

    @property
    def st_ino(self) -> int:
        """The entity tag as a number: another content, another tag."""
        return int.from_bytes(self.e_tag.encode()[:64], "big")

    @property
    def st_ctime_ns(self) -> int:
        return self.st_mtime_ns


def version(meta: Mapping[str, Any]) -> Version:
    modified_ns = round(meta["last_modified"].timestamp() * 1_000) * 1_000_000
    return Version(meta["size"], modified_ns, meta["e_tag"] or "")


class CloudSource:
    """`key` is where it lies; `whole` what is there when it is one object."""

    def __init__(self, volume: OpenCloud, path: str, key: str, whole: Version | None) -> None:
        self.volume = volume
        self.path = path
        self.key = key
        self._whole = whole

    @property
    def is_folder(self) -> bool:
        return self._whole is None

    @property
    def whole(self) -> Version:
        assert self._whole is not None, "it is one object"
        return self._whole

    def named(self, uri: str) -> str:
        inner = "/".join(piece for piece in (self.path.rstrip("/"), uri) if piece)
        return self.volume.named(inner if self.is_folder else self.path)

    def open_file(self, uri: str) -> Readable:
        """Raises Fault."""
        key = "/".join(filter(None, (self.key, key_of(uri)))) if self.is_folder else self.key
        if not self.is_folder and paths.split(uri) != paths.split(self.path)[-1:]:
            message = f"{self.named(uri)}: is not part of this transfer"
            raise Fault(ErrorClass.MISSING, message)
        with about_store(self.named(uri)):
            return CloudFile(self.volume.store, key, version(obstore.head(self.volume.store, key)))

    def read_link(self, uri: str) -> tuple[bytes, Seen]:
        raise Fault(ErrorClass.MISSING, f"{self.named(uri)}: a store has no links")

    def folder_xattrs(self, _uri: str) -> Xattrs:
        return {}


class CloudFile:
    """`Readable`: ranges are fetched some MiB at a time, of the version that was opened alone."""

    def __init__(self, store: ObjectStore, key: str, opened: Version) -> None:
        self._store = store
        self._key = key
        self._opened = opened
        self._ahead = memoryview(b"")
        self._begins = 0

    def settled(self) -> Seen:
        return self._opened

    def state(self) -> Seen:
        with _as_os_error():
            return version(obstore.head(self._store, self._key))

    def has_holes(self) -> bool:
        return False

    def runs(self, start: int, end: int) -> list[int]:
        return [end - start]

    def read_into(self, piece: memoryview, offset: int) -> int:
        if not self._begins <= offset < self._begins + len(self._ahead):
            self._fetch(offset, max(len(piece), AHEAD_BYTES))
        at = offset - self._begins
        found = self._ahead[at : at + len(piece)]
        piece[: len(found)] = found
        return len(found)

    def read(self, size: int) -> bytes:
        self._fetch(0, size)
        return bytes(self._ahead)

    def xattrs(self, _named: str) -> Xattrs:
        return {}

    def close(self) -> None:
        self._ahead = memoryview(b"")

    def _fetch(self, offset: int, length: int) -> None:
        length = min(length, self._opened.st_size - offset)
        self._begins, self._ahead = offset, memoryview(b"")
        if length > 0:
            options: Any = {"range": (offset, offset + length), "if_match": self._opened.e_tag}
            with _as_os_error():
                got = obstore.get(self._store, self._key, options=options).bytes()
            self._ahead = memoryview(got)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What reads a file knows of OSError alone."""
    try:
        yield
    except FileNotFoundError as error:
        raise OSError(errno.ENOENT, "it is gone") from error
    except BaseError as error:
        raise OSError(errno.EIO, str(error).partition("\n")[0]) from error
