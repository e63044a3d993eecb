"""A position in history as a person writes it: a sequence number, a time, or how long ago. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from services.historian.commands import When
from services.scheduler.commands import Rejected, Why

TEXT_MAX = 40
WRITTEN = "a sequence number (1234), a time (2030-01-31T14:05:00Z) or how long ago (3h ago)"
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])(?:\s*ago)?", re.IGNORECASE)
_SEQUENCE = re.compile(r"\d{1,18}")


def read(text: str, now: datetime, field: str = "as_of") -> When | Rejected:
    """A time without a zone is in UTC; `now` is the newest commit. `field` is what it is of."""
    text = text.strip()
    if text == "now":
        return When()
    if _SEQUENCE.fullmatch(text):
        return When(sequence=int(text))
    found = time(text, now)
    if found is None:
        detail = f"{field}: {text[:TEXT_MAX]!r} is no position in history: write {WRITTEN}"
        return Rejected(Why.INVALID, detail, field)
    return When(time=found)


def time(text: str, now: datetime) -> datetime | None:
    """A time, or how long ago."""
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return now - timedelta(seconds=float(ago[1]) * _SPANS[ago[2].lower()])
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
