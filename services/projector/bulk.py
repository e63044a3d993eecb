"""Events about more tasks than memory is to hold: moved where they are, in the tables, by SQL."""

from __future__ import annotations

from collections.abc import Sequence

from events import frames, tasks
from events.codec import Event, Recorded
from projections import task_rows
from projections.job_rows import NOTHING, Tally
from services.projector.queries import QUERIES
from services.runtime.database import Connection

TIMEOUT_S = 300.0
Bulk = tasks.ByHand | tasks.Ranged


def is_bulk(event: Event) -> bool:
    """Whether `move` knows how; any other event names few tasks."""
    return isinstance(event, Bulk)


async def move(connection: Connection, recorded: Recorded) -> Tally:
    """What it did to the counts of its job."""
    match recorded.event:
        case tasks.Ranged() as event:
            await _range(connection, recorded, event)
            return NOTHING
        case event:
            assert isinstance(event, tasks.ByHand), "asked only of what is bulk"
            return await _put(connection, recorded, event)


async def _put(connection: Connection, recorded: Recorded, event: tasks.ByHand) -> Tally:
    firsts, lasts = zip(*task_rows.spans(event), strict=True)
    before = await connection.fetchrow(
        QUERIES["count_settled"], event.job, firsts, lasts, timeout=TIMEOUT_S
    )
    assert before is not None, "counts are always a row"
    which = (event.job, firsts, lasts, recorded.sequence, recorded.index)
    after = task_rows.by_hand(event)
    outcome = (after.status, after.error_class, after.error_message)
    await connection.execute(QUERIES["keep_tries"], *which, recorded.at, timeout=TIMEOUT_S)
    await connection.execute(QUERIES["put_tasks"], *which, *outcome, timeout=TIMEOUT_S)
    return _tally(dict(before), after.status)


def _tally(before: dict[str, int], status: str) -> Tally:
    """All of them have this status now."""
    more = {name: -before[name] for name in ("done", "failed", "onhold", "excluded")}
    if status in more:
        more[status] += before["tasks"]
    size_after = 0 if status == task_rows.EXCLUDED else before["size"]
    return Tally(size=size_after - before["size_counted"], **more)


async def _range(connection: Connection, recorded: Recorded, event: tasks.Ranged) -> None:
    text, count = frames.once(event.frames)
    assert count == event.count, "a task a frame"
    stretches = _stretches(frames.spans(text))
    place = (recorded.sequence, recorded.index)
    await connection.execute(
        QUERIES["range_tasks"], event.job, event.first, *stretches, *place, timeout=TIMEOUT_S
    )


def _stretches(spans: Sequence[range]) -> tuple[list[int], list[int], list[int]]:
    """Their first frames, last frames and steps."""
    return (
        [span[0] for span in spans],
        [span[-1] for span in spans],
        [span.step for span in spans],
    )
