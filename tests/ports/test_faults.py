"""What the ports on NATS promise while the server is killed, stopped and deceived."""

from __future__ import annotations

import asyncio
import itertools
import time
import zlib
from collections.abc import Mapping
from contextlib import aclosing, suppress
from itertools import pairwise

import msgspec
import pytest
from nats.aio.msg import Msg
from structlog.testing import capture_logs

from events import codec, subjects
from services.runtime import cursor, jetstream, streams
from services.runtime.bus import NatsBus, open_bus
from services.runtime.jetstream import Refusal
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog, NatsSnapshots
from services.runtime.nats_ticks import NatsTicks
from services.runtime.ports import Broken, Conflict, NoAnswer, Refused, Snapshot, Told
from tests.ports.server import Server
from tests.ports.writing import Writer, read

KILLS = 4
COMMITS = 1_500
ENDPOINT = "5f0000000000000000000001"


async def _kill_and_start(server: Server, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0.25)
        server.kill()
        await asyncio.sleep(0.05)
        await asyncio.to_thread(server.start)


async def _write(writer: Writer, count: int) -> None:
    for _ in range(count):
        await writer.write(b"%d" % len(writer.written))


async def test_no_commit_is_lost_or_doubled_when_the_server_is_killed(
    server: Server, bus: NatsBus
) -> None:
    """A writer appends and two followers read, over several kills; one joins at the end."""
    writer = Writer(NatsLog(bus, "main"))
    other = await open_bus(server.url, name="reader")
    followers = [asyncio.create_task(read(NatsLog(one, "main"), COMMITS)) for one in (bus, other)]
    await asyncio.gather(_write(writer, COMMITS), _kill_and_start(server, KILLS))
    assert [stored.sequence for stored in writer.written] == list(range(1, COMMITS + 1))
    for follower in followers:
        assert await follower == writer.written
    assert await read(NatsLog(other, "main"), COMMITS) == writer.written
    await other.close()


async def test_an_append_whose_answer_is_late_is_stored_once(server: Server, bus: NatsBus) -> None:
    """The server stands still for longer than an append waits, with the append in its socket."""
    writer = Writer(NatsLog(bus, "main"))
    await _write(writer, 3)
    server.pause()
    appending = asyncio.create_task(writer.write(b"late"))
    await asyncio.sleep(jetstream.ANSWER_S + 1)
    assert not appending.done()
    server.resume()
    await asyncio.wait_for(appending, 30)
    await writer.write(b"next")
    assert await read(writer.log, 5) == writer.written
    assert (await jetstream.state(bus, subjects.log_stream("main"))).last == 5


async def test_an_append_overtaken_by_its_own_repetition_is_stored_once(bus: NatsBus) -> None:
    """The first try arrives only after it was looked for and not found, just before the second."""
    writer = Writer(NatsLog(Delaying(bus), "main"))
    await _write(writer, 3)
    assert [stored.sequence for stored in writer.written] == [1, 2, 3]
    assert await read(NatsLog(bus, "main"), 3) == writer.written
    assert (await jetstream.state(bus, subjects.log_stream("main"))).last == 3


class Delaying(NatsBus):
    """A network that holds back every other append until the next, and says nothing."""

    def __init__(self, bus: NatsBus) -> None:
        super().__init__(bus._connection)
        self._pass_on = bus.ask
        self._held: tuple[bytes, Mapping[str, str]] | None = None
        self.ask = self._ask

    async def _ask(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> Msg:
        if subject == subjects.log("main") and headers is not None:
            held, self._held = self._held, None
            if held is None:
                self._held = (payload, headers)
                raise NoAnswer("held back")
            await self._pass_on(subject, held[0], headers=held[1], timeout_s=timeout_s)
        return await self._pass_on(subject, payload, headers=headers, timeout_s=timeout_s)


async def test_of_two_writers_over_kills_each_place_is_one_s(server: Server, bus: NatsBus) -> None:
    """Both believe only what they were told; no place is told to both."""
    other = await open_bus(server.url, name="rival")
    killing = asyncio.create_task(_kill_and_start(server, KILLS))
    won = await asyncio.gather(*(_contend(NatsLog(one, "main"), killing) for one in (bus, other)))
    await killing
    last = await NatsLog(bus, "main").last()
    assert last is not None
    assert sorted(won[0] + won[1]) == list(range(1, last.sequence + 1))
    await other.close()


async def _contend(log: NatsLog, until: asyncio.Task[None]) -> list[int]:
    """Append behind the newest as often as possible; the places that were told to be ours."""
    won: list[int] = []
    while not until.done():
        last = await log.last()
        after, chain = (last.sequence, last.chain) if last else (0, codec.CHAIN_START)
        try:
            won.append(await log.append(b"x", chain=codec.chain(chain, b"x"), after=after))
        except Conflict:
            continue
    return won


async def test_a_follower_survives_the_loss_of_its_consumer(bus: NatsBus) -> None:
    writer = Writer(NatsLog(bus, "main"))
    following = asyncio.create_task(read(NatsLog(bus, "main"), 600))
    for _ in range(3):
        await _delete_consumer(bus)
        await _write(writer, 200)
    assert await following == writer.written


async def _delete_consumer(bus: NatsBus) -> None:
    """Wait for one; its reader may be quicker to delete it."""
    stream = subjects.log_stream("main")
    for _ in range(500):
        listed = await jetstream.manage(bus, f"CONSUMER.NAMES.{stream}", {})
        for name in listed["consumers"] or []:
            with suppress(Refusal):
                await jetstream.manage(bus, f"CONSUMER.DELETE.{stream}.{name}", {})
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody reads")


async def test_a_follower_left_in_peace_never_begins_again(bus: NatsBus) -> None:
    """Neither many commits nor a long silence make it doubt; it must be neither slow nor busy."""
    writer = Writer(NatsLog(bus, "main"))
    await _write(writer, 2_500)
    with capture_logs() as logged:
        following = asyncio.create_task(read(writer.log, 2_600))
        await asyncio.sleep(cursor.PULL_S + cursor.SILENCE_S)
        await _write(writer, 100)
        assert await following == writer.written
    assert logged == []


async def test_a_hole_in_the_log_stops_its_readers(bus: NatsBus) -> None:
    """As a damaged disk leaves it: the server passes over what it cannot read."""
    await _make_deletable_log(bus, "holed")
    writer = Writer(NatsLog(bus, "holed"))
    await _write(writer, 9)
    await jetstream.manage(bus, "STREAM.MSG.DELETE.LOG-holed", {"seq": 5})
    assert await read(writer.log, 4) == writer.written[:4]
    with pytest.raises(Broken):
        await read(writer.log, 9)
    with pytest.raises(LookupError):
        await writer.log.get(5)


async def test_a_log_whose_newest_commit_is_missing_is_broken(bus: NatsBus) -> None:
    await _make_deletable_log(bus, "cut")
    writer = Writer(NatsLog(bus, "cut"))
    await writer.write(b"only")
    await jetstream.manage(bus, "STREAM.MSG.DELETE.LOG-cut", {"seq": 1})
    with pytest.raises(Broken):
        await writer.log.last()


async def _make_deletable_log(bus: NatsBus, workspace: str) -> None:
    allowed = {"deny_delete": False, "deny_purge": False}
    await streams.declare_one(bus, streams.log(workspace) | allowed)


async def test_streams_are_declared_again_without_harm(bus: NatsBus) -> None:
    writer = Writer(NatsLog(bus, "main"))
    await _write(writer, 3)
    await streams.declare_one(bus, streams.feed("main") | {"max_age": 3600 * streams.S})
    await streams.declare(bus, "main")
    await streams.declare(bus, "main")
    feed = await jetstream.manage(bus, "STREAM.INFO.FEED-main", {})
    assert feed["config"]["max_age"] == streams.FEED_AGE_S * streams.S
    assert await read(writer.log, 3) == writer.written


async def test_nobody_can_delete_from_the_log(bus: NatsBus) -> None:
    writer = Writer(NatsLog(bus, "main"))
    await _write(writer, 3)
    for verb, body in (("STREAM.MSG.DELETE", {"seq": 2}), ("STREAM.PURGE", {})):
        with pytest.raises(Refusal):
            await jetstream.manage(bus, f"{verb}.LOG-main", body)
    with pytest.raises(Refusal):
        await jetstream.manage(
            bus, "STREAM.UPDATE.LOG-main", streams.log("main") | {"deny_delete": False}
        )


async def test_a_request_ends_in_time_without_a_server_and_serving_resumes_with_it(
    server: Server, bus: NatsBus
) -> None:
    async def echo(_subject: str, payload: bytes) -> bytes:
        return payload

    await bus.serve("echo", echo)
    server.kill()
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(NoAnswer):
            await bus.request("echo", b"x", timeout_s=0.5)
    await bus.publish("echo", b"lost")
    assert time.monotonic() - started < 1.5
    asking = asyncio.create_task(bus.request("echo", b"y", timeout_s=10))
    await asyncio.sleep(0.2)
    server.start()
    assert await asking == b"y"  # It was sent only when there was a connection.


async def test_a_request_under_way_fails_at_once_when_the_server_dies(
    server: Server, bus: NatsBus
) -> None:
    async def never(_subject: str, _payload: bytes) -> None:
        await asyncio.Event().wait()

    await bus.serve("never", never)
    asking = asyncio.create_task(bus.request("never", b"", timeout_s=30))
    await asyncio.sleep(0.2)
    server.kill()
    with pytest.raises(NoAnswer):
        await asyncio.wait_for(asking, 2)
    server.start()


async def test_a_bus_cannot_be_opened_without_a_server_or_with_a_wrong_password(
    server: Server,
) -> None:
    wrong = server.url.replace("backend-pw", "wrong")
    with pytest.raises(Refused):
        await open_bus(wrong, name="wrong")
    server.kill()
    with pytest.raises(NoAnswer):
        await open_bus(server.url, name="early", patience_s=0.5)
    opening = asyncio.create_task(open_bus(server.url, name="patient"))
    await asyncio.sleep(0.3)
    server.start()
    await (await opening).close()


async def test_a_payload_over_the_servers_limit_is_the_callers_error(bus: NatsBus) -> None:
    with pytest.raises(ValueError, match="too many"):
        await bus.request("echo", bytes(5 << 20))
    with pytest.raises(ValueError, match="too many"):
        await NatsLog(bus, "main").append(bytes(5 << 20), chain="", after=0)


async def test_a_snapshot_that_was_cut_off_or_damaged_is_passed_over(bus: NatsBus) -> None:
    snapshots = NatsSnapshots(bus, "main")
    await snapshots.save(Snapshot(1, "whole", b"board"))
    for chunk, payload in (("1/2", zlib.compress(b"half")), ("1/1", b"not zlib")):
        headers = {
            "Haulage-Save": chunk,
            "Haulage-Sequence": "2",
            "Haulage-Chain": "bad",
            "Haulage-Chunk": chunk,
        }
        await jetstream.store(bus, subjects.snapshot("main"), payload, headers)
    assert await snapshots.newest() == Snapshot(1, "whole", b"board")


async def test_only_the_newest_few_snapshots_are_kept(bus: NatsBus) -> None:
    for sequence in range(6):
        snapshots = NatsSnapshots(bus, "main")
        await snapshots.newest()
        await snapshots.save(Snapshot(sequence, "", b"a"))
        await snapshots.save(Snapshot(sequence, "", b"b"))
    state = await jetstream.state(bus, subjects.snapshot_stream("main"))
    assert (state.messages, state.last) == (3, 12)


async def test_the_feed_is_gapless_over_kills(server: Server, bus: NatsBus) -> None:
    feed = NatsFeed(bus, "main")
    subject = f"haulage.main.job.{ENDPOINT}.paused"
    events = [Told(subject, sequence, 0, b"%d" % sequence) for sequence in range(1, 6_001)]
    killing = asyncio.create_task(_kill_and_start(server, KILLS))
    at = 0
    while at < len(events) or not killing.done():
        try:
            await feed.append(events[at : at + 60] or events[-1:])
        except NoAnswer:
            continue
        at += 60
        await asyncio.sleep(0.005)
    await killing
    assert await NatsFeed(bus, "main").position() == (6_000, 0)
    assert await _fed(bus) == [told.payload for told in events]


async def _fed(bus: NatsBus) -> list[bytes]:
    stream = subjects.feed_stream("main")
    state = await jetstream.state(bus, stream)
    fed = [await jetstream.read(bus, stream, seq=n) for n in range(1, state.last + 1)]
    return [message.payload for message in fed if message is not None]


async def test_an_empty_feed_leaves_out_what_is_too_old_for_it(bus: NatsBus) -> None:
    writer = Writer(NatsLog(bus, "main"))
    await _write(writer, 3)
    assert await NatsFeed(bus, "main").position() < (1, 0)
    await asyncio.sleep(1.1)
    old = await NatsFeed(bus, "main", age_s=1).position()
    assert (3, 1_000_000) < old < (4, 0)
    await writer.write(b"young")
    assert await NatsFeed(bus, "main", age_s=1).position() == old


async def test_ticks_flow_again_after_the_server_forgot_them(server: Server, bus: NatsBus) -> None:
    subject = subjects.progress("main", ENDPOINT, "job")

    async def publish() -> None:
        for number in itertools.count():
            await bus.publish(subject, b"%d" % number)
            await asyncio.sleep(0.02)

    publishing = asyncio.create_task(publish())
    seen: list[int] = []
    killed = False
    async with asyncio.timeout(20), aclosing(NatsTicks(bus, "main").follow()) as batches:
        async for batch in batches:
            seen += [int(ticked.payload) for ticked in batch]
            if not killed and len(seen) >= 20:
                killed = True
                server.kill()
                await asyncio.to_thread(server.start)
            if len(seen) >= 40:
                break
    publishing.cancel()
    await asyncio.wait([publishing])
    assert all(one < two for one, two in pairwise(seen))


async def test_a_commit_carries_its_chain_for_other_readers(bus: NatsBus) -> None:
    writer = Writer(NatsLog(bus, "main"))
    await writer.write(msgspec.json.encode(["event"]))
    message = await jetstream.read_from_leader(bus, subjects.log_stream("main"), seq=1)
    assert message is not None
    assert message.headers["Haulage-Chain"] == writer.chain
