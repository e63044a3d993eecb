"""What an agent's credentials allow on the bus, and what they do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus, open_bus
from services.runtime.callout import serve_callout
from services.runtime.nats_ticks import NatsTicks
from services.runtime.ports import NoAnswer, Refused, Ticked
from tests.servers import Nats

HQ = "5f0000000000000000000001"
STOCKHOLM = "5f0000000000000000000002"
TOKEN = "joins"


@asynccontextmanager
async def _answering(server: Nats, workspace: str, *, life_s: int = 60) -> AsyncIterator[None]:
    bus = await open_bus(server.callout_url, name="callout")
    await serve_callout(
        bus,
        seed=server.issuer_seed,
        workspace=workspace,
        check_token=lambda endpoint, token: endpoint in (HQ, STOCKHOLM) and token == TOKEN,
        life_s=life_s,
    )
    yield
    await bus.close()


@pytest.fixture
async def gate(nats_server: Nats, workspace: str) -> AsyncIterator[None]:
    async with _answering(nats_server, workspace):
        yield


@asynccontextmanager
async def _agent(server: Nats, endpoint: str, token: str = TOKEN) -> AsyncIterator[NatsBus]:
    bus = await open_bus(
        server.agents_url,
        name=endpoint,
        user=endpoint,
        password=token,
        inbox_prefix=f"_INBOX_{endpoint}",
    )
    yield bus
    await bus.close()


async def _echo(subject: str, payload: bytes) -> bytes:
    return subject.encode() + b" " + payload


@pytest.mark.usefixtures("gate")
async def test_an_agent_speaks_under_its_own_id(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    await shared_bus.serve(subjects.from_agent(workspace, "*", "*"), _echo)
    beat = subjects.from_agent(workspace, HQ, "beat")
    async with _agent(nats_server, HQ) as agent:
        assert await agent.request(beat, b"x") == beat.encode() + b" x"


@pytest.mark.usefixtures("gate")
async def test_an_agent_hears_and_answers_its_own_orders_and_calls(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    async with _agent(nats_server, HQ) as agent:
        for subject in (subjects.orders(workspace, HQ), subjects.call(workspace, HQ)):
            await agent.serve(subject, _echo)
            assert await shared_bus.request(subject, b"x") == subject.encode() + b" x"


@pytest.mark.usefixtures("gate")
async def test_an_agents_ticks_arrive(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    async with _agent(nats_server, HQ) as agent:
        await agent.publish(subjects.progress(workspace, HQ, "job"), b"tick")
        await agent.publish(subjects.progress(workspace, STOCKHOLM, "job"), b"forged")
        async for batch in NatsTicks(shared_bus, workspace).follow():
            assert batch == [Ticked(HQ, "job", b"tick")]
            break
        await asyncio.sleep(0.2)
        state = await jetstream.state(shared_bus, subjects.progress_stream(workspace))
        assert state.last == 1


@pytest.mark.usefixtures("gate")
async def test_an_agents_process_logs_are_kept_under_its_own_id(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    async with _agent(nats_server, HQ) as agent:
        stored = await agent.request(subjects.output(workspace, HQ, "job", 1, 0), b"part")
        assert b'"seq":1' in stored
        with pytest.raises(NoAnswer):
            await agent.request(subjects.output(workspace, STOCKHOLM, "job", 1, 0), b"forged")
    assert (await jetstream.state(shared_bus, subjects.output_stream(workspace))).last == 1


@pytest.mark.usefixtures("gate")
async def test_an_agent_cannot_speak_for_another_or_as_a_service(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    await shared_bus.serve(">", _echo)
    forbidden = [
        subjects.from_agent(workspace, STOCKHOLM, "beat"),
        subjects.from_agent("another", HQ, "beat"),
        subjects.command(workspace),
        subjects.ask(workspace),
        subjects.log(workspace),
        subjects.rows(workspace),
        subjects.orders(workspace, STOCKHOLM),
        subjects.orders(workspace, HQ),
        f"haulage.{workspace}.job.{HQ}.paused",
        "$SYS.REQ.SERVER.PING",
    ]
    async with _agent(nats_server, HQ) as agent:
        for subject in forbidden:
            with pytest.raises(NoAnswer, match="not permitted"):
                await agent.request(subject, b"", timeout_s=2)


@pytest.mark.usefixtures("gate", "shared_bus")
async def test_an_agent_cannot_call_jetstream(nats_server: Nats, workspace: str) -> None:
    stream = subjects.log_stream(workspace)
    async with _agent(nats_server, HQ) as agent:
        for verb in ("INFO", f"STREAM.INFO.{stream}", f"STREAM.DELETE.{stream}"):
            with pytest.raises(NoAnswer, match="not permitted"):
                await agent.ask(f"$JS.API.{verb}", b"", timeout_s=2)


@pytest.mark.usefixtures("gate")
async def test_an_agent_hears_nothing_that_is_not_for_it(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    heard: list[str] = []

    async def hear(subject: str, _payload: bytes) -> None:
        heard.append(subject)

    secret = [
        subjects.orders(workspace, STOCKHOLM),
        subjects.call(workspace, STOCKHOLM),
        subjects.rows(workspace),
        subjects.command(workspace),
        f"_INBOX_{STOCKHOLM}.x",
        "_INBOX.x",
    ]
    async with _agent(nats_server, HQ) as agent:
        for subject in (*secret, ">", f"haulage.{workspace}.orders.*"):
            await agent.serve(subject, hear)
        await agent.serve(subjects.orders(workspace, HQ), hear)
        for subject in (*secret, subjects.orders(workspace, HQ)):
            await shared_bus.publish(subject, b"")
        await asyncio.sleep(0.3)
    assert heard == [subjects.orders(workspace, HQ)]


@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize(
    ("endpoint", "token"),
    [
        (HQ, "wrong"),
        (HQ, ""),
        ("5f0000000000000000000003", TOKEN),
        ("*", TOKEN),
        (f"{HQ}.>", TOKEN),
        ("backend", TOKEN),
    ],
)
async def test_bad_credentials_are_refused(nats_server: Nats, endpoint: str, token: str) -> None:
    with pytest.raises(Refused):
        async with _agent(nats_server, endpoint, token):
            pass


async def test_nobody_is_let_in_while_nobody_answers(nats_server: Nats) -> None:
    with pytest.raises(Refused):
        async with _agent(nats_server, HQ):
            pass


async def test_an_agent_comes_back_by_itself_when_its_permission_ran_out(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    async with (
        _answering(nats_server, workspace, life_s=2),
        _agent(nats_server, HQ) as agent,
    ):
        orders = subjects.orders(workspace, HQ)
        await agent.serve(orders, _echo)
        with capture_logs() as logged:
            answered = 0
            for _ in range(45):
                await asyncio.sleep(0.1)
                answered += await _answers(shared_bus, orders)
        assert [line["event"] for line in logged].count("bus.back") == 2
        assert answered >= 35


async def test_an_agent_comes_back_when_who_lets_it_in_was_away(
    nats_server: Nats, shared_bus: NatsBus, workspace: str
) -> None:
    orders = subjects.orders(workspace, HQ)
    async with AsyncExitStack() as stack:
        async with _answering(nats_server, workspace, life_s=1):
            agent = await stack.enter_async_context(_agent(nats_server, HQ))
            await agent.serve(orders, _echo)
        with capture_logs() as logged:
            async with asyncio.timeout(30):
                while not _refusals(logged):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        assert not agent.connected
        await stack.enter_async_context(_answering(nats_server, workspace))
        async with asyncio.timeout(30):
            while not await _answers(shared_bus, orders):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


def _refusals(logged: Sequence[Mapping[str, object]]) -> list[object]:
    told = [line["error"] for line in logged if line["event"] == "bus.refused"]
    return [error for error in told if "no gateway answers" in str(error)]


async def _answers(bus: NatsBus, subject: str) -> bool:
    try:
        return bool(await bus.request(subject, b"", timeout_s=1))
    except NoAnswer:
        return False
