r"""A manifest: what a transfer has brought, file by file, to be kept beside the files and checked.

Three forms of the same lines. `jsonl`: a header, then a line for each task. `csv`: columns named in
the first row (RFC 4180). `b3sum`: hash and name of each file, as `b3sum --check` reads them; a name
with a backslash or a line break is written as b3sum does, with `\\` and `\n`, any other byte as it
is. In the first two a path is text by the escape of events/names.py. Pure.
https://github.com/BLAKE3-team/BLAKE3/tree/master/b3sum
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from events import names

Form = Literal["jsonl", "csv", "b3sum"]
Kind = Literal["file", "folder", "link"]
Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Size = Annotated[int, Meta(ge=0)]
VERSION = 1
ROOT = "."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ManifestHeader(Struct, frozen=True):
    """Which transfer it was. `tasks` lines follow, `bytes` of content; `tries` counts its runs.

    `status` is that of the job: one that is not `done` may have brought only a part.
    """

    manifest: int
    job: str
    name: str
    source: str
    destination: str
    status: str
    user: str
    tries: int
    created_at: datetime
    finished_at: datetime | None
    tasks: int
    bytes: int
    hash: str = "blake3"


class ManifestLine(Struct, frozen=True):
    """A file, folder or link, at `path` below the destination (`.` is the folder itself).

    `blake3` is of the content as it was verified: None for what has none, and for a file that
    somebody set done by hand. `modified_at` is the time that the file has; the other two say when
    it was transferred.
    """

    path: Annotated[str, Meta(min_length=1)]
    kind: Kind = "file"
    size: Size | None = None
    blake3: Hash | None = None
    modified_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class BadManifest(ValueError):
    """This is no manifest, or it is damaged; `str()` says where."""


COLUMNS = ManifestLine.__struct_fields__
_SUM = re.compile(rb"(\\?)([0-9a-f]{64}) [ *]([^\n]+)\n?")
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
_BYTES_OF = {b"\\": b"\\", b"n": b"\n"}
_encoder = msgspec.json.Encoder()
_headers = msgspec.json.Decoder(ManifestHeader)
_lines = msgspec.json.Decoder(ManifestLine)
T = TypeVar("T")


def moment(ns: int | None) -> datetime | None:
    """Nanoseconds since 1970 as a time, to the microsecond; None for one that no calendar has."""
    try:
        return None if ns is None else EPOCH + timedelta(microseconds=ns // 1000)
    except OverflowError:
        return None


# Writing.


def opening(form: Form, header: ManifestHeader) -> bytes:
    """What stands before the lines."""
    match form:
        case "jsonl":
            return _encoder.encode(header) + b"\n"
        case "csv":
            return _csv([COLUMNS])
        case "b3sum":
            return b""


def written(form: Form, lines: list[ManifestLine]) -> bytes:
    match form:
        case "jsonl":
            return _encoder.encode_lines(lines)
        case "csv":
            return _csv([_cell(getattr(line, name)) for name in COLUMNS] for line in lines)
        case "b3sum":
            return b"".join(_sum(line) for line in lines if line.blake3)


def _cell(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _sum(line: ManifestLine) -> bytes:
    name, mark = names.to_bytes(line.path), b""
    if b"\\" in name or b"\n" in name:
        name, mark = name.replace(b"\\", rb"\\").replace(b"\n", rb"\n"), b"\\"
    return mark + str(line.blake3).encode() + b"  " + name + b"\n"


# Reading.


def read(rows: Iterable[bytes]) -> Iterator[ManifestLine]:
    """The lines of a manifest in any form, given as its bytes cut behind each line break.

    Raises BadManifest, also at the end: when there are not as many as the header says.
    """
    left = iter(rows)
    first = next(left, b"")
    if first.startswith(b"{"):
        return _read_jsonl(first, left)
    return (_read_sums if _SUM.fullmatch(first) else _read_csv)(chain([first], left))


def _read_jsonl(first: bytes, rows: Iterator[bytes]) -> Iterator[ManifestLine]:
    header, count = _decoded(_headers, first, 1), 0
    if header.manifest != VERSION:
        raise BadManifest(f"it is of version {header.manifest}, this reads version {VERSION}")
    for count, row in enumerate(rows, 1):
        yield _decoded(_lines, row, count + 1)
    if count != header.tasks:
        raise BadManifest(f"it holds {count} of {header.tasks} lines: it was cut off")


def _decoded(decoder: msgspec.json.Decoder[T], row: bytes, number: int) -> T:
    try:
        return decoder.decode(row)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadManifest(f"line {number}: {error}") from error


def _read_sums(rows: Iterator[bytes]) -> Iterator[ManifestLine]:
    for number, row in enumerate(rows, 1):
        found = _SUM.fullmatch(row)
        if found is None:
            raise BadManifest(f"line {number}: it is not a BLAKE3 hash and a name")
        name = _unescaped(found[3], number) if found[1] else found[3]
        yield ManifestLine(names.to_text(name), blake3=found[2].decode())


def _unescaped(name: bytes, number: int) -> bytes:
    if any(escaped not in _BYTES_OF for escaped in _ESCAPED.findall(name)):
        raise BadManifest(f"line {number}: its name has a backslash that stands for nothing")
    return _ESCAPED.sub(lambda found: _BYTES_OF[found[1]], name)


def _read_csv(rows: Iterator[bytes]) -> Iterator[ManifestLine]:
    reader = csv.reader(map(bytes.decode, rows), strict=True)
    try:
        if next(reader, None) != list(COLUMNS):
            raise BadManifest("it is no manifest: it begins as none of the three forms does")
        for cells in reader:
            given = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell}
            yield msgspec.convert(given, ManifestLine, strict=False)
    except BadManifest:
        raise
    except (csv.Error, ValueError, msgspec.ValidationError) as error:
        raise BadManifest(f"line {reader.line_num}: {error}") from error
