"""The event stream: all of what happened, once, in order, however often the client comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from events import codec
from services.cli.stream import messages
from services.gateway import changes, live, stream
from services.gateway.messages import View
from services.gateway.rows import Rows
from services.projector.commands import Moving
from services.scheduler.commands import Abort, Move, Pause, Resume
from tests.services.gateway_studio import Client, World, world
from tests.services.spec import BOB, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")
WAIT_S = 30.0


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


class Told:
    """A message as a client gets it."""

    def __init__(self, kind: str, data: Any, position: str) -> None:
        self.kind, self.data, self.id = kind, data, position


class Listening:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.told: list[Told] = []
        self._lines: list[bytes] = []

    async def next(self) -> Told | None:
        """The next message; None for a comment. Raises EOFError at the end."""
        async with asyncio.timeout(WAIT_S):
            while line := await self.answer.content.readline():
                self._lines.append(line)
                if line.rstrip(b"\r\n") == b"":
                    break
            else:
                raise EOFError
        found = [message for message in messages(self._lines) if message is not None]
        self._lines = []
        if not found:
            return None
        (message,) = found
        told = Told(message.event, msgspec.json.decode(message.data), message.id)
        self.told.append(told)
        return told

    async def to_the_end(self) -> None:
        with suppress(EOFError):
            while True:
                await self.next()

    async def until_position(self, sequence: int) -> list[Told]:
        """All up to the `position` that has it."""
        while True:
            told = await self.next()
            if told is not None and told.kind == "position" and int(told.id) >= sequence:
                return self.told

    async def until(self, kind: str, **fields: Any) -> Any:
        while True:
            told = await self.next()
            if told is not None and told.kind == kind and fields.items() <= told.data.items():
                return told.data


@asynccontextmanager
async def listening(client: Client, query: str = "", **headers: str) -> AsyncIterator[Listening]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.session.get(
        f"{client.url}/api/events{query}",
        headers={"Authorization": f"Bearer {client.token}"} | given,
    ) as answer:
        assert answer.status == 200, await answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Listening(answer)


async def settled(heard: Listening) -> int:
    """Where the stream begins."""
    told = await heard.next()
    while told is None or told.kind != "position":
        told = await heard.next()
    return int(told.id)


async def readers(studio: World, count: int) -> None:
    """Wait until so many streams are open."""
    async with asyncio.timeout(WAIT_S):
        while len(studio.gateway.hub.readers) != count:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)


def submit(studio: World, *letters: str) -> None:
    for letter in letters:
        studio.history.ask(transfer(letter))
        studio.history.listed(letter)


def events_of(told: list[Told]) -> list[str]:
    return [one.data["id"] for one in told if one.kind == "event"]


async def test_a_stream_begins_with_where_it_stands(studio: World) -> None:
    sequence = await studio.shown()
    async with listening(studio.ann) as heard:
        assert await settled(heard) <= sequence


async def test_what_changes_is_told_as_rows_and_as_events(studio: World) -> None:
    before = await studio.shown()
    async with listening(studio.ann, f"?since={before}") as heard:
        await settled(heard)
        submit(studio, "a")
        sequence = await studio.studio.store()
        told = await heard.until_position(sequence)
        job = [one.data for one in told if one.kind == "job"][-1]
        assert (job["id"], job["status"]) == (A, "running")
        assert job == (await studio.ann.get(f"/api/jobs/{A}")).json
        kinds = [one.data["type"] for one in told if one.kind == "event"]
        assert kinds[0] == "job.submitted"
        assert kinds[-1] == "job.started"
        event = next(one.data for one in told if one.kind == "event")
        assert (event["specversion"], event["subject"]) == ("1.0", f"job/{A}")
        assert event["data"]["name"] == "a"


async def test_counts_of_queues_and_endpoints_follow(studio: World) -> None:
    async with listening(studio.ann, "?only=rows") as heard:
        await settled(heard)
        submit(studio, "a")
        await studio.studio.store()
        await heard.until("queue", code="medium", jobs_running=1)
        await heard.until("endpoint", name="stockholm", jobs_running=1)
        studio.history.silent("e" * 23 + "1")
        await studio.studio.store()
        await heard.until("endpoint", name="hq", status="offline")


async def test_positions_and_reasons_behind_a_change_follow_without_events(studio: World) -> None:
    submit(studio, "a", "b", "c")
    await studio.shown()
    async with listening(studio.ann, "?only=rows") as heard:
        await settled(heard)
        studio.history.ask(Abort(A))
        await studio.studio.store()
        last = await heard.until("job", id=C, position=2)
        assert last["reason"]["holder"]["id"] == B
        studio.history.ask(Move([C], to="top"))
        await studio.studio.store()
        second = await heard.until("job", id=B, status="waiting", position=2)
        assert second["reason"]["holder"]["id"] == C


async def test_ticks_move_the_row_of_a_running_job(studio: World) -> None:
    submit(studio, "a")
    await studio.shown()
    async with listening(studio.ann, "?only=rows") as heard:
        await settled(heard)
        await studio.studio.moving(Moving(A, 2, 150, 50.0, 1))
        tick = await heard.until("progress", id=A)
        assert tick == {
            "id": A,
            "bytes_done": 150,
            "bytes_per_second": 50.0,
            "eta_s": 3.0,
            "progress": 0.5,
            "tasks_done": 1,
        }


async def test_only_what_was_asked_for_is_told(studio: World) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    async with (
        listening(studio.ann, "?only=events") as events,
        listening(studio.ann, "?only=rows") as rows,
        listening(studio.ann, f"?job={A}") as job,
    ):
        for heard in (events, rows, job):
            await settled(heard)
        studio.history.ask(Pause(B))
        studio.history.ask(Pause(A))
        sequence = await studio.studio.store()
        for heard in (events, rows, job):
            await heard.until_position(sequence)
        assert {one.kind for one in events.told} == {"event", "position"}
        assert {one.kind for one in rows.told} <= {"job", "queue", "endpoint", "position"}
        assert {one.kind for one in job.told} == {"event", "job", "position"}
        assert {one.data["subject"] for one in job.told if one.kind == "event"} == {f"job/{A}"}
        assert {one.data["id"] for one in job.told if one.kind == "job"} == {A}


async def test_a_user_hears_of_their_own_jobs_only(studio: World) -> None:
    submit(studio, "a")
    studio.history.ask(transfer("b"), by=BOB)
    studio.history.listed("b")
    await studio.shown()
    async with (
        listening(studio.by("bob"), "?since=0") as back,
        listening(studio.by("bob")) as now,
        listening(studio.by("cat"), "?since=0") as other,
    ):
        await settled(now)
        await studio.studio.moving(Moving(A, 2, 150, 50.0, 1))
        studio.history.ask(Pause(A))
        studio.history.ask(Pause(B), by=BOB)
        sequence = await studio.studio.store()
        for heard in (back, now):
            await heard.until_position(sequence)
            jobs = {one.data["id"] for one in heard.told if one.kind in ("job", "progress")}
            assert jobs == {B}
            subjects = {one.data["subject"] for one in heard.told if one.kind == "event"}
            assert subjects == {f"job/{B}"}
            named = [one.data for one in heard.told if one.kind == "job"]
            assert all(A not in str(job["reason"]) for job in named)
        await settled(other)
        assert {one.kind for one in other.told} <= {"queue", "endpoint", "position"}


async def test_whoever_comes_back_misses_nothing_and_hears_no_event_twice(studio: World) -> None:
    """Readers of all kinds leave and return at every moment of a busy log."""
    everything: list[list[str]] = [[] for _ in range(6)]
    ended = asyncio.Event()

    async def read(number: int) -> None:
        position = 0
        while True:
            query = "?only=events" if number % 2 else ""
            client = studio.ann
            async with listening(client, query, Last_Event_ID=str(position)) as heard:
                for _ in range(1 + number * 3):
                    await heard.until_position(position + 1)
                    position = int(heard.told[-1].id)
                    if ended.is_set() and position >= studio.history.board.sequence:
                        break
                last = max(i for i, one in enumerate(heard.told) if one.kind == "position")
                everything[number] += events_of(heard.told[: last + 1])
            if ended.is_set() and position >= studio.history.board.sequence:
                return

    async def work() -> None:
        for number in range(40):
            submit(studio, letter := chr(0xC0 + number))
            if number % 3 == 0:
                studio.history.ask(Pause(job_id(letter)))
            await studio.studio.store()
            await asyncio.sleep(0.02)
        ended.set()  # Before the last change, so that everyone is told something after it.
        submit(studio, "z")
        await studio.studio.store()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(len(everything)):
            group.create_task(read(number))
        group.create_task(work())
    recorded = [f"{one.sequence}.{one.index}" for one in studio.studio.events()]
    for heard_by_one in everything:
        assert heard_by_one == recorded


async def test_what_happens_between_catching_up_and_joining_is_told(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence, read = await studio.shown(), changes.read

    async def read_then_something_happens(rows: Rows, after: int, view: View) -> changes.Change:
        change = await read(rows, after, view)
        if not view.rows and not studio.history.board.jobs:
            submit(studio, "a")
            await studio.shown()
            while studio.gateway.hub.position < studio.history.board.sequence:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return change

    monkeypatch.setattr(changes, "read", read_then_something_happens)
    async with listening(studio.ann, f"?only=events&since={sequence}") as heard:
        await heard.until_position(studio.history.board.sequence + 1)
        happened = [one for one in studio.studio.events() if one.sequence > sequence]
        assert len(happened) > 3
        assert events_of(heard.told) == [f"{one.sequence}.{one.index}" for one in happened]


async def test_whoever_comes_back_is_told_every_row_that_changed(studio: World) -> None:
    submit(studio, "a", "b")
    position = await studio.shown()
    submit(studio, "c")
    studio.history.ask(Pause(A))
    sequence = await studio.shown()
    async with listening(studio.ann, f"?only=rows&since={position}") as heard:
        told = await heard.until_position(sequence)
        jobs = {one.data["id"]: one.data["status"] for one in told if one.kind == "job"}
        assert jobs == {A: "paused", B: "running", C: "waiting"}


async def test_a_long_absence_is_read_in_parts(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.changes.EVENTS_MAX", 5)
    monkeypatch.setattr("services.gateway.changes.ROWS_MAX", 2)
    submit(studio, *"abcdefg")
    sequence = await studio.shown()
    async with listening(studio.ann, "?since=0") as heard:
        told = await heard.until_position(sequence)
        positions = [int(one.id) for one in told if one.kind == "position"]
        assert len(positions) > 5
        assert positions == sorted(set(positions))
        assert len(events_of(told)) == len(studio.studio.events())
        assert {one.data["id"] for one in told if one.kind == "job"} == {
            job_id(letter) for letter in "abcdefg"
        }


async def test_a_page_that_missed_too_much_is_told_to_read_its_lists_anew(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.changes.CATCH_UP_ROWS_MAX", 3)
    submit(studio, *"abcde")
    sequence = await studio.shown()
    async with listening(studio.ann, "?only=rows&since=0") as heard:
        await heard.until_position(sequence - 1)
        assert heard.told[0].kind == "reset"
        assert "job" not in {one.kind for one in heard.told[:2]}
    async with listening(studio.ann, "?since=0") as heard:
        await heard.until_position(sequence)
        assert "reset" not in {one.kind for one in heard.told}, "who wants events gets them"


async def test_a_position_of_another_log_begins_where_this_one_ends(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.clock.PATIENCE_S", 1.0)
    sequence = await studio.shown()
    async with listening(studio.ann, Last_Event_ID=str(sequence + 1_000)) as heard:
        assert await asyncio.wait_for(heard.next(), 0.7) is None, "the answer does not wait for it"
        assert await settled(heard) == sequence


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "٣", "9" * 30])
async def test_a_position_that_is_none_is_refused(studio: World, position: str) -> None:
    answer = await studio.ann.get("/api/events", Last_Event_ID=position)
    assert (answer.status, answer.json["field"]) == (422, "Last-Event-ID")


async def test_a_quiet_stream_shows_that_it_lives(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.1)
    async with listening(studio.ann) as heard:
        await settled(heard)
        for _ in range(3):
            while await heard.next() is not None:
                pass


async def test_a_token_that_is_taken_away_ends_the_stream(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.1)
    async with listening(studio.ann) as heard:
        await settled(heard)
        (studio.data / "tokens.json").write_bytes(b"[]")
        await heard.to_the_end()


async def test_a_client_that_does_not_read_is_let_go_and_holds_up_nobody(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REST_MAX_S", 0.0)
    monkeypatch.setattr(stream, "SEND_S", 0.5)
    reader, writer = await asyncio.open_connection(
        *studio.url.removeprefix("http://").split(":"), limit=1024
    )
    ask = (
        "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-of-ann\r\n\r\n"
    )
    writer.write(ask.encode())
    async with listening(studio.ann, "?only=events") as heard:
        await settled(heard)
        await readers(studio, 2)
        submit(studio, "a")
        async with asyncio.timeout(60):
            while studio.gateway.hub.dropped == 0 and len(studio.gateway.hub.readers) == 2:
                for _ in range(20):
                    studio.history.ask(Pause(A))
                    studio.history.ask(Resume(A))
                await heard.until_position(await studio.studio.store())
        assert len(studio.gateway.hub.readers) == 1
        assert events_of(heard.told) == [
            f"{one.sequence}.{one.index}"
            for one in studio.studio.events()
            if one.sequence > int(heard.told[0].id)
        ]
    writer.close()
    assert reader is not None


async def test_a_client_that_goes_is_forgotten(studio: World) -> None:
    async with listening(studio.ann) as heard:
        await settled(heard)
        assert len(studio.gateway.hub.readers) == 1
    await readers(studio, 0)


async def test_without_the_read_side_no_stream_pretends_to_be_live(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BLIND_MAX_S", 1.5)
    async with listening(studio.ann) as heard:
        await settled(heard)
        await studio.rows.execute("alter schema haulage rename to elsewhere")
        await heard.to_the_end()
        assert (await studio.ann.get("/api/events")).status == 503
    await studio.rows.execute("alter schema elsewhere rename to haulage")
    await asyncio.sleep(live.LOOK_S + 0.5)
    async with listening(studio.ann) as heard:
        await settled(heard)


async def test_events_are_told_as_the_log_has_them(studio: World) -> None:
    submit(studio, "a")
    sequence = await studio.shown()
    async with listening(studio.ann, "?only=events&since=0") as heard:
        told = await heard.until_position(sequence)
    recorded = {f"{one.sequence}.{one.index}": one for one in studio.studio.events()}
    for one in told:
        if one.kind == "event":
            known = codec.envelope("main", recorded[one.data["id"]])
            expected = msgspec.json.decode(msgspec.json.encode(known))
            assert one.data | {"data": None} == expected | {"data": None}
            if not one.data["type"].startswith("task."):
                assert one.data["data"] == expected["data"]
