"""Commits with made-up names of people, machines, queues, volumes, files and commands.

The same name becomes the same word everywhere, by a key that is thrown away. A path keeps its depth
and the endings of its names. What is not known to say nothing about anybody is replaced. Pure.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from events import codec

KEPT = frozenset(
    {
        *("specversion", "id", "source", "type", "subject", "time", "sequence", "cause"),
        *("workspace", "epoch", "scheduler", "version", "job", "queue", "endpoint", "one", "other"),
        *("kind", "numbers", "frames", "place", "route", "relay", "unset", "session"),
        *(
            "error_class",
            "platform",
            "retry_at",
            "until",
            "depends_on",
            "since",
            "act",
            "outcome",
            "change",
        ),
    }
)
"""Fields whose text is ids, words of ours, numbers or times."""
PATTERNS = frozenset({"transfer_include", "transfer_exclude"})
"""Settings that name files; all others are words and numbers of ours."""
_ID = re.compile(r"[0-9a-f]{24}")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_WORD = 12


class Pseudonyms:
    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def payload(self, payload: bytes) -> bytes:
        """A commit as it is stored. Raises msgspec.MsgspecError for what is none."""
        events = msgspec.json.decode(payload)
        return msgspec.json.encode([self._event(event) for event in events])

    def _event(self, event: dict[str, Any]) -> dict[str, Any]:
        actor = str(event["actor"])
        told = actor == codec.SCHEDULER or actor.startswith("endpoint/")
        who = actor if told else self._word(actor)
        cause = self._word(event["cause"]) if event["cause"] else ""
        return {
            **event,
            "actor": who,
            "cause": cause,
            "data": self._value("data", event["data"]),
        }

    def _value(self, name: str, value: Any) -> Any:
        match value:
            case dict() if name == "environment" or name == "metadata":
                return {self._word(key): self._text(one) for key, one in value.items()}
            case dict() if name == "values":
                return {key: self._setting(key, one) for key, one in value.items()}
            case dict():
                return {key: self._value(key, one) for key, one in value.items()}
            case list():
                return [self._value(name, one) for one in value]
            case str() if name not in KEPT:
                return self._named(name, value)
            case _:
                return value

    def _named(self, name: str, value: str) -> str:
        match name:
            case "hashes":
                return self._digest(value) if value else value
            case "url" | "fingerprint" | "message":
                return self._word(value) if value else value
            case "filters":
                return "cores:>=0"
            case _:
                return self._text(value)

    def _setting(self, name: str, value: Any) -> Any:
        return self._text(value) if name in PATTERNS and isinstance(value, str) else value

    def _text(self, value: str) -> str:
        """Path by path and name by name."""
        return "/".join(self._segment(part) for part in value.split("/"))

    def _segment(self, part: str) -> str:
        if not part or _ID.fullmatch(part):
            return part
        ending = _ENDING.search(part)
        return self._word(part) + (ending[0] if ending else "")

    def _word(self, text: str) -> str:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = f"n{self._digest(text)[:_WORD]}"
        return known

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=32).hexdigest()
