"""A capsule opened elsewhere shows what was there, now and in the past, and cannot be changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from projections import capsule
from services.cli import opened
from services.cli.failures import Failure, Usage
from services.cli.stretch import Wanted, packed
from services.runtime.settings import Settings
from tests.servers import free_port
from tests.services.gateway_studio import WORKSPACE, Client, World, make_people, token_of, world
from tests.services.test_past import READS, STEPS, A, B, _without

ALL = [*READS, f"/jobs/{B}/wait?", f"/jobs/{A}/tasks/0/attempts?"]


async def _seen(client: Client, query: str = "") -> dict[str, Any]:
    answers = {path: await client.get(f"/api{path}{query}") for path in ALL}
    return {path: (one.status, _without(one.json)) for path, one in answers.items()}


async def _packed(studio: World, wanted: Wanted) -> bytes:
    archive = studio.historian.instants._archive
    return (await packed(studio.studio.log, archive, WORKSPACE, wanted))[1]


@asynccontextmanager
async def _opened(content: bytes, url: str, data: Path) -> AsyncIterator[Client]:
    make_people(data)
    header, body = capsule.read(content)
    settings = Settings(data=data, port=free_port(), database_url=url, workspace=header.workspace)
    async with (
        opened.opened(header, body, settings) as gateway,
        opened.serving(gateway, settings),
        aiohttp.ClientSession() as session,
    ):
        client = Client(session, f"http://127.0.0.1:{settings.port}", token_of("ann"))
        while True:
            try:
                await client.get("/health")
            except aiohttp.ClientConnectionError:
                continue
            break
        yield client


async def _without_a_trace(studio: World) -> None:
    await studio.rows.execute("drop schema haulage cascade; drop schema history cascade")


@pytest.mark.parametrize("begins", [None, 7, 15])
async def test_what_a_capsule_shows_is_what_was_there(
    database_url: str, tmp_path: Path, begins: int | None
) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    async with world(database_url, tmp_path / "here") as studio:
        for step in STEPS:
            step(studio.history)
            await studio.shown()
            await studio.historian.keep_up()
        last = await studio.shown()
        now = await _seen(studio.ann)
        then = {at: await _seen(studio.ann, f"as_of={at}") for at in (begins or 9, last - 3)}
        wanted = Wanted(begins=None if begins is None else str(begins))
        content = await _packed(studio, wanted)
        studio.gateway.hub.end()
        await _without_a_trace(studio)
    async with _opened(content, database_url, tmp_path / "there") as client:
        assert await _seen(client) == now
        for at, seen in then.items():
            found = await _seen(client, f"as_of={at}")
            for path in ALL:
                if begins is None or "/tasks?" not in path:
                    assert found[path] == seen[path], (at, path)
        log = (await client.get(f"/api/log?limit=500&from={begins or 1}")).json["lines"]
        assert {line["sequence"] for line in log} == set(range(begins or 1, last + 1))
        check = (await client.get(f"/api/replay/check?from={begins or 1}")).json
        assert (check["same"], check["sequence"]) == (True, last)
        before = (await client.get(f"/api/jobs?as_of={(begins or 1) - 2}")).status
        assert before == 422
        for path in (f"jobs/{A}/retry", "queues/low/pause"):
            answer = await client.post(f"/api/{path}")
            assert (answer.status, "capsule" in answer.json["detail"]) == (403, True)
        health = (await client.get("/health")).json
        assert (health["status"], health["sequence"]) == ("ok", last)


async def test_a_capsule_of_a_job_begins_where_it_was_submitted(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as studio:
        for step in STEPS:
            step(studio.history)
        await studio.shown()
        header, body = capsule.read(await _packed(studio, Wanted(job=B)))
        assert header.job == B
        assert body.commits[-1].sequence == header.last == studio.history.board.sequence
        made_up, _ = capsule.read(await _packed(studio, Wanted(job=B, pseudonyms=True)))
        assert (made_up.first, made_up.pseudonyms, made_up.job) == (1, True, B)
        for wanted, error, words in (
            (Wanted(job="f" * 24), Failure, "no job"),
            (Wanted(begins="yesterday"), Usage, "--from"),
            (Wanted(begins="5", ends="3"), Usage, "before"),
            (Wanted(ends="9999"), Failure, "none of them"),
        ):
            with pytest.raises(error, match=words):
                await _packed(studio, wanted)
