"""What a job does: files to transfer, or a command to run. Told once, when it is submitted."""

from __future__ import annotations

from msgspec import Struct


class Party(Struct, frozen=True, gc=False):
    """One side of a transfer: an endpoint's id, a volume's code, a path in it (escaped text).

    The path never starts with a slash; a trailing slash says that it is a folder; empty is the
    volume itself.
    """

    endpoint: str
    volume: str
    path: str


class Part(Struct, frozen=True, gc=False, omit_defaults=True):
    """A part of a source: a path below its folder, or with `frames` (as in events/frames.py) a
    sequence of files. events/parts.py says what becomes of it.
    """

    path: str
    frames: str = ""


class Transfer(Struct, frozen=True, gc=False, tag_field="kind", tag="transfer", omit_defaults=True):
    """All of the source goes to the destination, or only these `parts` of it."""

    source: Party
    destination: Party
    parts: tuple[Part, ...] = ()


class Compute(Struct, frozen=True, tag_field="kind", tag="compute", omit_defaults=True):
    """A command that is run for each of its frames, by buckets, on lanes of endpoints.

    `command` has the placeholders of events/placeholders.py. `frames` is what was asked for (see
    events/frames.py), "" for one task without a frame. It runs in the folder
    `volume`/`path` of its endpoint, "" for a folder of its own. `filters` (`ram:>32g`, `site:a+b`)
    say on which endpoints it may run. `environment` is stored for ever: no secrets.
    """

    command: str
    frames: str = ""
    filters: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    volume: str = ""
    path: str = ""


Work = Transfer | Compute
