"""The scheduler's shell over ports in memory: what is stored, what is answered, who leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from events import codec, subjects
from events.jobs import ErrorClass
from events.tasks import Entry
from projections import snapshot
from projections.board import Board
from projections.snapshot import save
from services.agent.commands import List, Orders, Receive, Ticket
from services.runtime.memory import MemoryBus, MemoryLog, MemorySnapshots
from services.runtime.ports import Conflict, NoAnswer
from services.runtime.tickets import verify
from services.scheduler import hearing, leader, main
from services.scheduler.commands import (
    Accepted,
    AgentsReport,
    Answer,
    ChangeFiles,
    ListingEnded,
    ListingFound,
    PartyNamed,
    Pause,
    PersonsCommand,
    Reasons,
    ReasonsAsked,
    Rejected,
    Report,
    Request,
    Resume,
    RunFailed,
    Submit,
    TasksAsked,
    TasksGiven,
)
from services.scheduler.leader import Leader, Ports
from tests.services.spec import ANN, HQ, STOCKHOLM, beat, job_id, transfer

A = job_id("a")


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def snapshots() -> MemorySnapshots:
    return MemorySnapshots()


@pytest.fixture
def ports(log: MemoryLog, snapshots: MemorySnapshots) -> Ports:
    return Ports("main", MemoryBus(), log, snapshots)


@asynccontextmanager
async def leading(ports: Ports) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(main.serve(ports))
    await until(lambda: _leads(ports))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - another process would be asked like this
            await asyncio.sleep(0.005)


async def _leads(ports: Ports) -> bool:
    try:
        await ports.bus.request(subjects.leader("main"), b"")
    except NoAnswer:
        return False
    return True


async def command(ports: Ports, what: PersonsCommand, key: str = "k") -> Answer:
    payload = msgspec.json.encode(Request(key, ANN, what))
    answer = await ports.bus.request(subjects.command("main"), payload)
    return decode(answer)


async def beats(ports: Ports, endpoint: str) -> Orders:
    subject = subjects.from_agent("main", endpoint, "beat")
    answer = await ports.bus.request(subject, msgspec.json.encode(beat(endpoint)))
    return msgspec.json.decode(answer, type=Orders)


async def report(ports: Ports, endpoint: str, what: AgentsReport, key: str) -> Answer:
    payload = msgspec.json.encode(Report(key, endpoint, "1", what))
    answer = await ports.bus.request(subjects.from_agent("main", endpoint, "report"), payload)
    return decode(answer)


def decode(answer: bytes) -> Answer:
    return msgspec.json.decode(answer, type=Accepted | Rejected)


async def listed(ports: Ports, letter: str) -> None:
    """Bring a job through its listing to its run."""
    run = (await beats(ports, HQ)).duties[0].run
    job, entries = job_id(letter), [Entry("one", size=5), Entry("two", size=7)]
    await report(ports, HQ, ListingFound(job, run, 0, entries), f"{letter}1")
    await report(ports, HQ, ListingEnded(job, run, 2), f"{letter}2")


async def follower(ports: Ports) -> main.Follower:
    """Followed to where nobody leads."""
    following = main.Follower(ports)
    await following.follow()
    return following


async def leader_of(ports: Ports) -> Leader:
    following = await follower(ports)
    return Leader(ports, following.board, following.chain, following.replayed)


async def overtaking(ports: Ports) -> Leader:
    """One that does not ask whether somebody leads."""
    following = main.Follower(ports)
    await following.catch_up()
    return Leader(ports, following.board, following.chain)


def fold(log: MemoryLog) -> Board:
    board = Board()
    for stored in log.commits:
        for recorded in codec.decode(stored.payload):
            board.apply(recorded)
    return board


async def test_an_empty_log_opens_with_a_workspace_and_three_queues(
    ports: Ports, log: MemoryLog
) -> None:
    async with leading(ports):
        board = fold(log)
        assert board.workspace == "main"
        assert {queue.code: queue.priority for queue in board.queues.values()} == {
            "high": 999,
            "medium": 500,
            "low": 1,
        }


async def test_a_job_is_listed_then_received_by_orders_with_a_ticket(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        assert isinstance(await command(ports, transfer("a")), Accepted)
        assert (await beats(ports, HQ)).duties == [List(A, 1, "projects", "shot")]
        await listed(ports, "a")
        orders = await beats(ports, STOCKHOLM)
        [duty] = orders.duties
        assert isinstance(duty, Receive)
        ticket = verify(duty.ticket, [orders.ticket_key], 0)
        assert isinstance(ticket, Ticket)
        assert (ticket.endpoint, ticket.volume, ticket.path) == (HQ, "projects", "shot")


async def test_a_sender_that_is_gone_is_no_failure_of_the_job(
    ports: Ports, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "QUIET_S", 0.1)
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        await command(ports, transfer("a"))
        await listed(ports, "a")
        [duty] = (await beats(ports, STOCKHOLM)).duties
        await asyncio.sleep(0.15)
        failed = RunFailed(A, duty.run, ErrorClass.NETWORK, "refused")
        answer = await report(ports, STOCKHOLM, failed, "r")
        assert isinstance(answer, Rejected)
        board = fold(log)
        assert (board.jobs[A].status, board.jobs[A].failures) == ("waiting", 0)
        assert not board.endpoints[HQ].online


async def test_an_endpoint_that_speaks_again_is_not_silent_any_more(
    ports: Ports, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "_grace_s", lambda endpoint, board: 0.1)
    monkeypatch.setattr(leader, "IDLE_S", 0.02)
    async with leading(ports):
        for _ in range(2):
            await beats(ports, HQ)
            assert fold(log).endpoints[HQ].online
            await asyncio.sleep(0.2)
            assert not fold(log).endpoints[HQ].online


async def test_names_and_sizes_are_read_back_from_the_log(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        await command(ports, transfer("a"))
        await listed(ports, "a")
        asked = TasksAsked(STOCKHOLM, A, 2, after=0)
        subject = subjects.from_agent("main", STOCKHOLM, "tasks")
        answer = await ports.bus.request(subject, msgspec.json.encode(asked))
        given = msgspec.json.decode(answer, type=TasksGiven)
        assert [(task.number, task.entry.uri, task.entry.size) for task in given.tasks] == [
            (1, "two", 7)
        ]
        assert given.after == 1


async def test_long_names_are_given_in_smaller_pages(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        await command(ports, transfer("a"))
        for page in range(4):
            entries = [Entry(f"{page}{number}" + "x" * 2000) for number in range(100)]
            await report(ports, HQ, ListingFound(A, 1, page * 100, entries), f"p{page}")
        await report(ports, HQ, ListingEnded(A, 1, 400), "end")
        after, seen = -1, 0
        while (given := await _given(ports, after)).tasks:
            after, seen = given.after, seen + len(given.tasks)
        assert seen == 400


async def _given(ports: Ports, after: int) -> TasksGiven:
    asked = msgspec.json.encode(TasksAsked(STOCKHOLM, A, 2, after=after))
    answer = await ports.bus.request(subjects.from_agent("main", STOCKHOLM, "tasks"), asked)
    assert len(answer) < 700_000
    return msgspec.json.decode(answer, type=TasksGiven)


async def test_a_waiting_job_is_explained(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        for letter in "ab":
            await command(ports, transfer(letter), letter)
            await listed(ports, letter)
        payload = msgspec.json.encode(ReasonsAsked([A, job_id("b")]))
        answer = await ports.bus.request(subjects.ask("main"), payload)
        reasons = msgspec.json.decode(answer, type=Reasons).reasons
        assert list(reasons) == [job_id("b")]
        assert reasons[job_id("b")][0].text == "behind a on hq–stockholm"


async def test_what_was_asked_meanwhile_is_one_commit(ports: Ports, log: MemoryLog) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        before = len(log.commits)
        letters = "abcdefgh"
        answers = await asyncio.gather(*(command(ports, transfer(one), one) for one in letters))
        assert {answer.sequence for answer in answers} == {before + 1}  # type: ignore[union-attr]


async def test_a_repeated_command_gets_the_first_answer_after_a_restart_too(
    ports: Ports, log: MemoryLog
) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        first = await command(ports, transfer("a"))
    async with leading(ports):
        assert await command(ports, transfer("b")) == first
        assert fold(log).jobs.keys() == {A}


async def test_a_restart_goes_on_from_snapshot_and_log(
    ports: Ports, log: MemoryLog, snapshots: MemorySnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "SNAPSHOT_EVENTS", 6)
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        for letter in "abc":
            await command(ports, transfer(letter), letter)
        expected = save(fold(log))
    assert len(snapshots.saved) >= 2
    assert save((await follower(ports)).board) == expected


async def test_a_leader_that_was_overtaken_stores_and_answers_nothing(
    ports: Ports, log: MemoryLog
) -> None:
    old = await leader_of(ports)
    task = asyncio.create_task(old.lead())
    await until(lambda: _leads(ports))
    await (await overtaking(ports))._take_the_lead()
    payload = msgspec.json.encode(beat(HQ))
    with pytest.raises(NoAnswer):
        await ports.bus.request(subjects.from_agent("main", HQ, "beat"), payload, timeout_s=0.2)
    with pytest.raises(Conflict):
        await task
    assert HQ not in fold(log).endpoints


async def test_an_idle_leader_that_was_overtaken_steps_down(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "IDLE_S", 0.01)
    task = asyncio.create_task((await leader_of(ports)).lead())
    await until(lambda: _leads(ports))
    await (await overtaking(ports))._take_the_lead()
    with pytest.raises(Conflict):
        async with asyncio.timeout(30):
            await task


async def test_a_standby_leads_when_the_leader_is_gone(
    ports: Ports, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "LEADER_PROBE_S", 0.01)
    async with leading(ports) as first:
        standby = asyncio.create_task(main.serve(ports))
        await asyncio.sleep(0.05)
        starts = [stored.payload.count(b"scheduler_started") for stored in log.commits]
        first.cancel()
        await asyncio.wait([first])
        await until(lambda: _leads(ports))
        assert isinstance(await beats(ports, HQ), Orders)
        standby.cancel()
        await asyncio.wait([standby])
    assert sum(starts) == 2  # The tag stands twice in its one envelope.


async def test_an_agent_speaks_only_for_itself(ports: Ports, log: MemoryLog) -> None:
    async with leading(ports):
        payload = msgspec.json.encode(beat(HQ))
        answer = await ports.bus.request(subjects.from_agent("main", STOCKHOLM, "beat"), payload)
        assert "is not" in msgspec.json.decode(answer, type=Orders).refused
        assert HQ not in fold(log).endpoints


async def test_an_orderly_end_keeps_a_snapshot_and_a_short_replay(
    ports: Ports, snapshots: MemorySnapshots
) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        await command(ports, transfer("a"))
    assert len(snapshots.saved) == 1
    following = await follower(ports)
    assert (following.replayed, list(following.board.jobs)) == (0, [A])


async def test_a_snapshot_of_another_version_is_not_read_but_the_log_is(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leading(ports):
        await beats(ports, HQ)
    monkeypatch.setattr(snapshot, "FORM", "of tomorrow")
    following = await follower(ports)
    assert following.replayed > 0
    assert HQ in following.board.endpoints


async def test_what_does_not_fit_one_commit_is_the_next(
    ports: Ports, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        monkeypatch.setattr(leader, "TURN_BYTES_MAX", 2_000)
        first = len(log.commits)
        letters = "abcdefghijkl"
        answers = await asyncio.gather(*(command(ports, transfer(one), one) for one in letters))
        assert all(isinstance(answer, Accepted) for answer in answers)
        sizes = [len(stored.payload) for stored in log.commits[first:]]
        assert len(sizes) > 2
        assert max(sizes) < 4_000
        assert len(fold(log).jobs) == len(letters)


async def test_a_key_is_for_one_command(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        first = await command(ports, transfer("a"), "k1")
        again = await command(ports, Submit(job_id("b"), *_parties(), "a"), "k1")
        assert again == first
        other = await command(ports, transfer("c", destination="hq:incoming"), "k1")
        assert isinstance(other, Rejected)
        assert "another command" in other.detail
        made = ChangeFiles("1" * 24, "mkdir", "hq", "projects", "new")
        stored = await command(ports, made, "k2")
        assert isinstance(stored, Accepted)
        assert await command(ports, msgspec.structs.replace(made, change="2" * 24), "k2") == stored


async def test_a_repeat_of_what_added_nothing_gets_the_first_answer_too(ports: Ports) -> None:
    async with leading(ports):
        await beats(ports, HQ)
        await beats(ports, STOCKHOLM)
        await command(ports, transfer("a", paused=True), "k1")
        held = await command(ports, Pause(A), "k2")
        await command(ports, Resume(A), "k3")
        assert await command(ports, Pause(A), "k2") == held
        await listed(ports, "a")


def _parties() -> tuple[PartyNamed, PartyNamed]:
    submitted = transfer("a")
    return submitted.source, submitted.destination
