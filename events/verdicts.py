"""What a transfer does with each thing that is at its source, by its rules. Pure."""

from __future__ import annotations

from typing import Literal

from events.rules import Rules, State, alike
from events.tasks import Entry

Verdict = Literal["created", "changed", "same", "kept", "compared", "blocked", "missing", "deleted"]
"""What a transfer does with an entry of its source, or (`deleted`) of its destination alone.
`kept`: it leaves what is there as it is; `compared`: its content is to be read at both ends, and
replaced if it differs; `blocked`: it fails, for what is there is in its way; `missing`: it fails,
for the source does not have it."""


def verdict(entry: Entry, here: Entry | None, rules: Rules) -> Verdict:
    """`here` is what the destination has in the entry's place."""
    if here is None:
        return "created"
    if (entry.kind == "folder") != (here.kind == "folder"):
        return "blocked"
    if entry.kind == "folder":
        return "kept" if rules.ignores_folders and entry.uri else "same"
    if rules.ignores_files:
        return "kept"
    if entry.kind != here.kind:
        return "changed"
    if entry.kind == "link":
        return "same" if entry.target == here.target else "changed"
    if not alike(_state(entry), _state(here), rules.comparison):
        return "changed"
    return "compared" if rules.comparison == "hash" else "same"


def _state(entry: Entry) -> State:
    return State(entry.size, entry.mtime_ns)
