"""Change what is in a store as a person asked: what a store can do of it, and why not the rest.

A store has no folders: a place is a folder as long as something is below it.
"""

from __future__ import annotations

from collections.abc import Callable

import obstore

from events.jobs import ErrorClass
from services.agent.cloud import OpenCloud, about_store, key_of
from services.agent.commands import Change
from services.agent.faults import InTheWay
from services.agent.felling import Felled

KEYS_MAX = 1_000


def change_stored(
    duty: Change, volume: OpenCloud, felled: Felled, step: Callable[[], None]
) -> None:
    """Raises Fault, and what `step` raises."""
    if duty.act == "mkdir":
        raise _refused(volume, duty.path, "a store has no folders: what is put there makes them")
    if not key_of(duty.path):
        raise _refused(volume, duty.path, "this is the volume itself: name what is in it")
    with about_store(volume.named(duty.path)):
        if duty.act == "rename":
            _rename(duty, volume)
        else:
            _delete(duty, volume, felled, step)


def _rename(duty: Change, volume: OpenCloud) -> None:
    """By a copy in the store. Who stores something at the new name at that moment loses it."""
    key, new = key_of(duty.path), key_of(duty.to)
    if _size(volume, key) is None:
        if not _has_some(volume, key):
            raise FileNotFoundError(key)
        why = "a store renames one file at a time: transfer the folder, then delete it"
        raise _refused(volume, duty.path, why)
    if _size(volume, new) is not None or _has_some(volume, new):
        raise _refused(volume, duty.to, "something is there already")
    obstore.rename(volume.store, key, new)


def _delete(duty: Change, volume: OpenCloud, felled: Felled, step: Callable[[], None]) -> None:
    key = key_of(duty.path)
    size = _size(volume, key)
    if size is not None:
        obstore.delete(volume.store, key)
        felled.files, felled.size = 1, size
    elif not _has_some(volume, key):
        raise FileNotFoundError(key)
    elif not duty.whole:
        why = "is not empty: delete it with all that is in it, by --recursive"
        raise _refused(volume, duty.path, why)
    if not duty.whole:
        return
    for page in obstore.list(volume.store, key, chunk_size=KEYS_MAX):
        step()
        obstore.delete(volume.store, [meta["path"] for meta in page])
        felled.files += len(page)
        felled.size += sum(meta["size"] for meta in page)


def _size(volume: OpenCloud, key: str) -> int | None:
    """That of the object; None where there is none."""
    try:
        return obstore.head(volume.store, key)["size"]
    except FileNotFoundError:
        return None


def _has_some(volume: OpenCloud, key: str) -> bool:
    return any(obstore.list(volume.store, key, chunk_size=1))


def _refused(volume: OpenCloud, path: str, why: str) -> InTheWay:
    return InTheWay(ErrorClass.PERMISSION, f"{volume.named(path)}: {why}")
