"""When a volume has room: what is left of it beside the space that is reserved.

A volume is full a little before its reserve is touched, and has room again only when that is a
little more: nobody starts for a few bytes.
"""

from __future__ import annotations

FULL_SHARE = 16
ROOM_SHARE = 4


def is_full(free_bytes: int, reserved_bytes: int) -> bool:
    """Never where nothing is reserved: then each file finds out for itself."""
    return free_bytes < reserved_bytes + reserved_bytes // FULL_SHARE


def has_room(free_bytes: int, reserved_bytes: int) -> bool:
    return free_bytes >= reserved_bytes + reserved_bytes // ROOM_SHARE
