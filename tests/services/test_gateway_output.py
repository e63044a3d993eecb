"""Process logs over HTTP: which lines, of which try, while they come and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from events import codec, subjects, tasks
from events.codec import SCHEDULER
from events.jobs import ErrorClass
from services.agent.commands import Output
from services.scheduler.turn import Turn
from tests.services.gateway_studio import World, world
from tests.services.spec import BOB, HQ, STOCKHOLM, compute, job_id, transfer

AT_MS = 1_700_000_000_000
A, B = job_id("a"), job_id("b")
PATH = f"/api/jobs/{A}/tasks/0/log"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """bob's compute job: task 0 failed on hq and is tried again on stockholm."""
    async with world(database_url, tmp_path) as world_:
        world_.history.ask(compute("a", frames="1-3"), by=BOB)
        failure = tasks.Failure(0, ErrorClass.COMMAND, "exit code 1")
        happened: list[codec.Event] = [
            tasks.Dispatched(A, 1, HQ, "0-1"),
            tasks.Started(A, 1, "0-1"),
            tasks.Failed(A, 1, [failure]),
            tasks.Exited(A, 1, 1),
            tasks.Queued(A, "0"),
            tasks.Dispatched(A, 2, STOCKHOLM, "0"),
            tasks.Started(A, 2, "0"),
        ]
        await happens(world_, happened)
        yield world_


async def happens(world_: World, happened: Sequence[codec.Event]) -> None:
    turn = Turn(world_.history.board, world_.history.now)
    turn._record(happened, SCHEDULER, "")
    world_.history.log.append(turn.recorded)
    await world_.shown()


async def write(
    world_: World, run: int, *lines: str, first: int = 0, part: int = 0, endpoint: str = HQ
) -> None:
    told = Output(A, run, part, first, [(AT_MS + at, line) for at, line in enumerate(lines)])
    subject = subjects.output("main", endpoint, A, run, part)
    await world_.studio.bus.request(subject, msgspec.json.encode(told))


async def test_the_log_of_the_last_try_is_read_and_of_any_other(studio: World) -> None:
    await write(studio, 1, "broke \x1b[31m")
    await write(studio, 2, "one", "two", endpoint=STOCKHOLM)
    now = (await studio.ann.get(PATH)).json
    assert (now["attempt"], now["run"], now["endpoint"]) == (2, 2, "stockholm")
    assert (now["outcome"], now["over"], now["after"], now["more"]) == (
        "executing",
        False,
        1,
        False,
    )
    assert [line["text"] for line in now["lines"]] == ["one", "two"]
    assert now["lines"][1]["at"] == "2023-11-14T22:13:20.001000Z"
    before = (await studio.ann.get(f"{PATH}?attempt=1")).json
    assert (before["outcome"], before["over"]) == ("failed", True)
    assert [line["text"] for line in before["lines"]] == ["broke \x1b[31m"]
    assert (await studio.ann.get(f"{PATH}?attempt=3")).status == 404


async def test_it_is_read_by_the_page_from_the_end_and_as_text(studio: World) -> None:
    await write(studio, 1, *map(str, range(3, 10)), first=3, part=1)
    await write(studio, 1, *map(str, range(10, 12)), first=10, part=2)
    first = (await studio.ann.get(f"{PATH}?attempt=1&limit=8")).json
    assert [line["number"] for line in first["lines"]] == list(range(3, 11))
    assert first["lines"][0]["dropped"] == 3
    assert (first["more"], first["over"]) == (True, False)
    rest = (await studio.ann.get(f"{PATH}?attempt=1&after={first['after']}")).json
    assert ([line["number"] for line in rest["lines"]], rest["over"]) == ([11], True)
    last = (await studio.ann.get(f"{PATH}?attempt=1&tail=2")).json
    assert [line["text"] for line in last["lines"]] == ["10", "11"]
    text = await studio.ann.get(f"{PATH}?attempt=1&format=text&limit=2")
    assert text.headers["content-type"].startswith("text/plain")
    assert text.content == b"[3 earlier lines were dropped]\n3\n4\n"


async def test_who_waits_gets_the_next_line_when_it_comes(studio: World) -> None:
    await write(studio, 2, "one", endpoint=STOCKHOLM)
    waiting = asyncio.create_task(studio.ann.get(f"{PATH}?after=0&wait=10"))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await write(studio, 2, "one", "two", endpoint=STOCKHOLM)
    async with asyncio.timeout(0.9):
        assert [line["text"] for line in (await waiting).json["lines"]] == ["two"]


async def test_who_waits_is_told_when_the_try_is_over(studio: World) -> None:
    waiting = asyncio.create_task(studio.ann.get(f"{PATH}?wait=10"))
    await asyncio.sleep(0.1)
    await happens(studio, [tasks.Done(A, 2, "0", 0, [0], [5], [""]), tasks.Exited(A, 2, 0)])
    async with asyncio.timeout(5):
        answer = (await waiting).json
    assert (answer["outcome"], answer["over"], answer["lines"]) == ("done", True, [])


async def test_what_another_agent_says_of_the_run_is_not_its_log(studio: World) -> None:
    await write(studio, 2, "forged", endpoint=HQ)
    assert (await studio.ann.get(PATH)).json["lines"] == []


async def test_who_may_see_the_job_may_read_its_log(studio: World) -> None:
    await write(studio, 1, "line")
    assert (await studio.by("bob").get(PATH)).status == 200
    assert (await studio.by("cat").get(PATH)).status == 404
    assert (await studio.nobody.get(PATH)).status == 401


async def test_a_task_that_was_not_tried_has_no_lines_yet(studio: World) -> None:
    answer = (await studio.ann.get(f"/api/jobs/{A}/tasks/2/log")).json
    assert (answer["attempt"], answer["outcome"], answer["over"]) == (None, "queued", False)
    assert (await studio.ann.get(f"/api/jobs/{A}/tasks/3/log")).status == 404
    assert (await studio.ann.get(f"/api/jobs/{A}/tasks/2/log?attempt=1")).status == 404


async def test_a_transfer_has_no_process_log(studio: World) -> None:
    studio.history.ask(transfer("b"))
    studio.history.listed("b")
    await studio.shown()
    answer = await studio.ann.get(f"/api/jobs/{B}/tasks/0/log")
    assert answer.status == 404
    assert "process log" in answer.json["detail"]
