"""What the API shows of files on endpoints; the rest of it is in resources.py."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct


class File(Struct, frozen=True):
    """What lies at `path` below the place that was asked about: `kind` is file, folder, link or
    other, `mode` its permissions as octal digits, `target` what a link says.

    Names are text by the product's escape. `modified_at` is null for a time that no calendar has.
    """

    path: str
    kind: str
    size: int
    mode: str
    modified_at: datetime | None
    target: str = ""


class FilePage(Struct, frozen=True):
    """Folders before what is in them, names in the order of their bytes. `unread` folders of this
    page could not be looked into. `next` asks for the next page (there may be none in a page that
    took long); null at the end.
    """

    files: list[File]
    unread: int
    next: str | None


class FileAmount(Struct, frozen=True):
    """How much lies below a place: of each kind, and bytes of files, as far as the time went.

    The rest is asked for with `next` and added up; null says that this was all of it.
    """

    files: int
    folders: int
    links: int
    size: int
    unread: int
    next: str | None


class FileThere(Struct, frozen=True):
    """Whether anything is at a place, and what; links are followed inside the volume."""

    exists: bool
    file: File | None


class FilesChange(Struct, frozen=True):
    """A change of files that is stored at `sequence`: done, or still under way. Then repeat the
    request with the same `Idempotency-Key` to be told of its end. What was deleted is counted.
    """

    sequence: int
    outcome: Literal["done", "underway"]
    files: int = 0
    folders: int = 0
    links: int = 0
    size: int = 0


class PreviewLine(Struct, frozen=True, tag_field="line", tag="file"):
    """What a transfer would do with `path`: `what` is created, changed, compared (same size: its
    content would be read at both ends), deleted (the source does not have it, and the transfer is
    a one-way sync), blocked (it would fail, for what is there is in its way), or missing (it would
    fail, for the source does not have it). What is the same, or is left as it
    is by `transfer_ignore_existing`, is only counted.
    """

    path: str
    kind: str
    size: int
    what: str


class Tally(Struct, frozen=True):
    """So many files, folders and links, of so many bytes."""

    count: int = 0
    size: int = 0


class PreviewTotal(Struct, frozen=True, tag_field="line", tag="total"):
    """The last line of a preview that is whole. `unread` folders of the source, which cannot be
    read, would make the transfer fail. `refusal` says why it would delete nothing though there is
    something that the source does not have.
    """

    created: Tally
    changed: Tally
    compared: Tally
    blocked: Tally
    missing: Tally
    same: Tally
    kept: Tally
    deleted: Tally
    unread: int
    refusal: str


class PreviewFailed(Struct, frozen=True, tag_field="line", tag="failed"):
    """The preview could not go on: `detail` says why. No line follows."""

    detail: str
