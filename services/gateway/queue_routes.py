"""The API's questions and commands about queues. Whose they are to make and to hold, and what they
may be called, is for the scheduler to say.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, TypeAlias

from litestar import Response, delete, get, patch, post
from litestar.params import JSONBody, PathParameter
from msgspec.structs import asdict

from services.gateway import past, queues
from services.gateway.bodies import NewQueue, QueueChange
from services.gateway.command_routes import Key, fresh_id, named, obeyed
from services.gateway.context import Asked, Gateway, Ours, Reads
from services.gateway.past import AsOf
from services.gateway.problems import Refusal
from services.gateway.resources import Done, Queue, QueueDeleted
from services.scheduler.commands import (
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    PauseQueue,
    ResumeQueue,
)

QueueName: TypeAlias = Annotated[
    str, PathParameter(description="A queue's id, or its code in the very same letters.")
]


@get("/queues", summary="List the queues, highest priority first")
async def list_queues(gateway: Ours, rows: Reads, as_of: AsOf = None) -> list[Queue]:
    if as_of is not None:
        return await past.queues(gateway.historian, as_of)
    return await queues.every(rows)


@get("/queues/{queue:str}", summary="Show a queue")
async def show_queue(gateway: Ours, rows: Reads, queue: QueueName, as_of: AsOf = None) -> Queue:
    if as_of is not None:
        return queues.named(queue, await past.queues(gateway.historian, as_of))
    return await queues.one(rows, queue)


@post("/queues", summary="Create a queue")
async def create_queue(
    request: Asked, gateway: Ours, data: JSONBody[NewQueue], key: Key = None
) -> Response[Done]:
    command = CreateQueue(queue=fresh_id(), **asdict(data))
    done = await obeyed(request, gateway, command, named(request, key))
    where = {"location": f"/api/queues/{data.code}"}
    return Response(done, status_code=201, headers=where)


@patch("/queues/{queue:str}", summary="Change a queue")
async def change_queue(
    request: Asked, gateway: Ours, queue: QueueName, data: JSONBody[QueueChange], key: Key = None
) -> Done:
    command = ChangeQueue(queue=queue, **asdict(data))
    return await obeyed(request, gateway, command, named(request, key))


@post("/queues/{queue:str}/pause", summary="Hold all jobs of a queue", status_code=200)
async def pause_queue(request: Asked, gateway: Ours, queue: QueueName, key: Key = None) -> Done:
    return await obeyed(request, gateway, PauseQueue(queue), named(request, key))


@post("/queues/{queue:str}/resume", summary="Let the jobs of a queue go on", status_code=200)
async def resume_queue(request: Asked, gateway: Ours, queue: QueueName, key: Key = None) -> Done:
    return await obeyed(request, gateway, ResumeQueue(queue), named(request, key))


@delete("/queues/{queue:str}", summary="Delete a queue", status_code=200)
async def delete_queue(
    request: Asked, gateway: Ours, queue: QueueName, key: Key = None
) -> QueueDeleted:
    """Its unfinished jobs go to the default queue."""
    command_id = named(request, key)
    done = await obeyed(request, gateway, DeleteQueue(queue), command_id)
    return QueueDeleted(done.sequence, done.jobs, await _taker(gateway, done.sequence, command_id))


async def _taker(gateway: Gateway, sequence: int, command_id: str) -> str | None:
    """What is stored is done, whether or not the read side can say more of it."""
    with suppress(Refusal):
        await gateway.clock.reach(sequence)
        return await queues.jobs_went_to(gateway.rows, sequence, command_id)
    return None


READS = [list_queues, show_queue]
COMMANDS = [create_queue, change_queue, pause_queue, resume_queue, delete_queue]
