"""Shapes that were stored once and are no longer written, each with its way forward.

Empty so far. A retired shape keeps its tag and its golden sample in tests/golden for ever.
"""

from __future__ import annotations

from events import endpoints, jobs, pairs, queues, tasks, workspace

Event = jobs.Event | tasks.Event | queues.Event | endpoints.Event | pairs.Event | workspace.Event
Stored = Event


def upcast(stored: Stored) -> Event:
    return stored
