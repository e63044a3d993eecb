"""Reading queues: all of them, and one by its code or id."""

from __future__ import annotations

from services.gateway import showing
from services.gateway.problems import Refusal, absent
from services.gateway.resources import Queue
from services.gateway.rows import QUEUES, Picture, Row, Rows

CODE_SHOWN_MAX = 64


async def there_are(picture: Picture) -> list[Row]:
    """Highest priority first."""
    return await picture.all(QUEUES["queues"], None)


async def every(rows: Rows) -> list[Queue]:
    """Raises Refusal."""

    async def question(picture: Picture) -> list[Queue]:
        return [showing.queue(row) for row in await there_are(picture)]

    return await rows.read(question)


async def one(rows: Rows, name: str) -> Queue:
    """The queue with this id or, in these very letters, code. Raises Refusal."""
    return named(name, await every(rows))


def named(name: str, found: list[Queue]) -> Queue:
    """Raises Refusal."""
    for queue in sorted(found, key=lambda queue: queue.id != name):
        if name in (queue.id, queue.code):
            return queue
    raise _no_queue(name)


async def ever_called(picture: Picture, name: str) -> str:
    """The id of the queue with this id or code, also of a deleted one. Raises Refusal."""
    queue = None if "\0" in name else await picture.value(QUEUES["ever_called"], name)
    if queue is None:
        raise _no_queue(name)
    return str(queue)


async def jobs_went_to(rows: Rows, sequence: int, cause: str) -> str | None:
    """The code of the queue that has the jobs of the one that was deleted there and so."""

    async def question(picture: Picture) -> str | None:
        found = await picture.value(QUEUES["jobs_went_to"], sequence, cause)
        return None if found is None else str(found)

    return await rows.read(question)


def _no_queue(name: str) -> Refusal:
    return absent(f"there is no queue {name[:CODE_SHOWN_MAX]!r}: see the list of queues", "queue")
