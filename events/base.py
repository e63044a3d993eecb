"""What every event has in common. The log stores the tag: never rename one, never reuse one."""

from __future__ import annotations

from msgspec import Struct


class Base(Struct, frozen=True, tag_field="type", omit_defaults=True, forbid_unknown_fields=False):
    """A fact. New field: with a default that says what older events meant."""
