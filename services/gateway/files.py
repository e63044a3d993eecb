"""The web page's files: what the build put into one folder, and nothing beside it.

Read when asked for, kept until the file changes. Opens nothing outside the folder, no hidden
name, no other kind of file than a page is made of.
"""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

FILE_BYTES_MAX = 8 << 20
KEPT_MAX = 200
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}


class Held(Struct, frozen=True):
    """A file as it is sent; `changed_ns` tells whether it still is the one on the disk."""

    content: bytes
    packed: bytes
    kind: str
    etag: str
    changed_ns: int


class Pages:
    def __init__(self, static: Path) -> None:
        self._static = static
        self._held: dict[str, Held] = {}

    def find(self, name: str) -> Held | None:
        """The file `name` of the folder. None: there is none, or none that is to be served."""
        path = self._inside(name)
        if path is None:
            return None
        changed_ns = path.stat().st_mtime_ns
        held = self._held.get(name)
        if held is None or held.changed_ns != changed_ns:
            if len(self._held) >= KEPT_MAX:
                self._held.clear()
            held = self._held[name] = _read(path, changed_ns)
        return held

    def _inside(self, name: str) -> Path | None:
        parts = name.split("/")
        if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        path = self._static.joinpath(*parts)
        if path.suffix not in TYPES or len(name) > 255 or not path.is_file():
            return None
        if not path.resolve().is_relative_to(self._static.resolve()):
            return None
        return path if path.stat().st_size <= FILE_BYTES_MAX else None


def _read(path: Path, changed_ns: int) -> Held:
    content = path.read_bytes()
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    packed = gzip.compress(content, 6, mtime=0)
    return Held(content, packed, TYPES[path.suffix], etag, changed_ns)
