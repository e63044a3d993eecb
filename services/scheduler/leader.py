"""The leading scheduler: takes what was asked meanwhile, decides it in one turn, stores, answers.

Two leaders cannot both store: the log refuses the one whose board is old, and that one leaves its
board behind (`Conflict`). There is no lock and no lease, only the sequence. What has not been
stored, nobody has been told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import OrderedDict
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
from msgspec import Struct

from events import codec, subjects
from events.ids import CHANCE_BYTES, new_id
from projections import snapshot
from projections.board import RECENT_MAX, Board
from services.agent.commands import Orders
from services.runtime.log import logger
from services.runtime.ports import Bus, Conflict, Log, NoAnswer, Serving, Snapshot, Snapshots
from services.scheduler import plan
from services.scheduler.commands import (
    Accepted,
    Answer,
    Beat,
    ChangeFiles,
    CreateQueue,
    Rejected,
    Report,
    Request,
    Submit,
    SubmitCompute,
    Why,
)
from services.scheduler.hearing import QUIET_S, Hearing
from services.scheduler.inbox import TURN_BYTES_MAX, Asked, Inbox, Told
from services.scheduler.ordering import Ordering
from services.scheduler.reading import Reading, agent_of, unreadable
from services.scheduler.rooms import Rooms
from services.scheduler.turn import Clock, Input, Roomier, Silent, Turn

SNAPSHOT_EVENTS = 20_000
IDLE_S = 1.0
SAVE_AT_THE_END_S = 1.5


class Ports(Struct):
    workspace: str
    bus: Bus
    log: Log
    snapshots: Snapshots


class Leader:
    """Holds the board and writes the log. What it has not stored, nobody has been told."""

    def __init__(self, ports: Ports, board: Board, chain: str, replayed: int = 0) -> None:
        """`replayed` events lie between the newest snapshot and the board."""
        self.ports = ports
        self.board = board
        self.chain = chain
        self.inbox = Inbox()
        self.ordering = Ordering(ports.bus, ports.workspace, board)
        self.answered: OrderedDict[str, tuple[bytes, Accepted]] = OrderedDict()
        self.hearing = Hearing()
        self.rooms = Rooms()
        self.checked_s = time.monotonic()
        self.stored = True
        self.events_since_snapshot = replayed
        self.saving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.saving.set_result(None)
        self.reading = Reading(ports.log, board, self.ordering.needs.of)

    async def lead(self) -> None:
        """Raises Conflict when someone else has stored a commit. Cancelled, it keeps its board."""
        await self._take_the_lead()
        try:
            async with contextlib.AsyncExitStack() as stack:
                for serving in await self._listen():
                    stack.push_async_callback(serving.stop)
                stack.callback(self.inbox.close)
                await self.ordering.send(list(self.board.endpoints))
                while True:
                    await self._turn(await self.inbox.gather(self._idle_s()))
        except asyncio.CancelledError:
            await self._save_at_the_end()
            raise

    async def _take_the_lead(self) -> None:
        turn = Turn(self.board, _now())
        if self.board.sequence == 0:
            turn.open(self.ports.workspace, [_new_id() for _ in range(4)])
        host = socket.gethostname()
        turn.start_scheduler(_new_id(), host, version("haulage"))
        await self._store(turn)
        self.hearing.hear(self.board.endpoints, time.monotonic())
        logger.info("scheduler.leads", sequence=self.board.sequence, jobs=len(self.board.jobs))

    async def _listen(self) -> list[Serving]:
        workspace, serve_on = self.ports.workspace, self.ports.bus.serve
        heard = {
            subjects.command(workspace): self._on_command,
            subjects.from_agent(workspace, "*", "beat"): self._on_beat,
            subjects.from_agent(workspace, "*", "report"): self._on_report,
            subjects.from_agent(workspace, "*", "tasks"): self.reading.on_tasks,
            subjects.ask(workspace): self.reading.on_ask,
            subjects.leader(workspace): self._on_probe,
        }
        return [await serve_on(subject, handler) for subject, handler in heard.items()]

    # What comes in.

    async def _on_probe(self, _subject: str, _payload: bytes) -> bytes:
        return msgspec.json.encode(self.board.sequence)

    async def _on_command(self, _subject: str, payload: bytes) -> bytes | None:
        """The same id again gets the first answer again, but not for another command."""
        try:
            said = msgspec.json.decode(payload, type=Request)
        except msgspec.MsgspecError as error:
            return _encoded(unreadable(error))
        mark = _mark(said)
        known = self.answered.get(said.id)
        if known is not None:
            return _encoded(known[1] if known[0] == mark else _other_command())
        answer = await self.inbox.put(said, len(payload))
        if isinstance(answer, Accepted):
            self.answered[said.id] = (mark, answer)
            if len(self.answered) > RECENT_MAX:
                self.answered.popitem(last=False)
        return _encoded(answer)

    async def _on_report(self, subject: str, payload: bytes) -> bytes | None:
        return _encoded(await self._ask(Report, payload, of=agent_of(subject)))

    async def _on_beat(self, subject: str, payload: bytes) -> bytes | None:
        endpoint = agent_of(subject)
        answer = await self._ask(Beat, payload, of=endpoint)
        if isinstance(answer, Rejected):
            return msgspec.json.encode(self.ordering.refusal(answer.detail))
        return _encoded(answer)

    async def _ask(self, kind: type[Report] | type[Beat], payload: bytes, of: str) -> Told:
        """What an agent says; it speaks only for itself."""
        try:
            said = msgspec.json.decode(payload, type=kind)
        except msgspec.MsgspecError as error:
            return unreadable(error)
        if said.endpoint != of:
            return unreadable(f"endpoint {said.endpoint} is not {of}")
        return await self.inbox.put(said, len(payload))

    # Turns.

    def _idle_s(self) -> float:
        due = [one for one in (self.board.next_due(), self.ordering.next_due()) if one]
        return min(IDLE_S, max(0.0, (min(due) - _now()).total_seconds())) if due else IDLE_S

    async def _check_the_lead(self) -> None:
        """One that was overtaken must not go on answering from an old board.

        While the log does not answer, or this process was held up, agents may speak unheard.
        """
        before, self.checked_s = self.checked_s, time.monotonic()
        is_deaf = self.checked_s - before > QUIET_S
        try:
            last = await self.ports.log.last()
        except NoAnswer:
            is_deaf = True
        else:
            if last is not None and last.sequence > self.board.sequence:
                raise Conflict
        if is_deaf:
            self.hearing.hear(self.board.endpoints, time.monotonic())

    async def _turn(self, asked: list[Asked]) -> None:
        """Decide what fits one commit, store it, answer; what does not fit is the next turn's."""
        if time.monotonic() - self.checked_s >= IDLE_S:
            await self._check_the_lead()
        turn, answers = Turn(self.board, _now()), list[Answer]()
        self.stored = False
        for one in asked:
            if turn.size_bytes > TURN_BYTES_MAX:
                break
            if isinstance(one.said, Beat):
                self.hearing.hear([one.said.endpoint], time.monotonic())
            for endpoint in self.hearing.lost_with(one.said, self.board, time.monotonic()):
                turn.take(Silent(endpoint))
            answers.append(turn.take(one.said))
            if isinstance(one.said, Beat):
                more = self.rooms.more(one.said, self.board, turn.now)
                turn.take(Roomier(more))
        self.inbox.give_back(asked[len(answers) :])
        for endpoint in self.hearing.silent(self.board, time.monotonic()):
            turn.take(Silent(endpoint))
        if turn.size_bytes <= TURN_BYTES_MAX:
            turn.take(Clock())
        if turn.recorded:
            await self._store(turn)
        self.stored = True
        for one, answer in zip(asked, answers, strict=False):
            one.tell(self._told(one.said, answer))
        events = [recorded.event for recorded in turn.recorded]
        anew = plan.ordered_anew(events, self.board)
        beats = [one.said for one in asked[: len(answers)] if isinstance(one.said, Beat)]
        heard = [end for said in beats for end in self.ordering.hear(said)]
        ends = dict.fromkeys([*anew, *turn.stopped, *self.ordering.due(), *heard])
        await self.ordering.send(list(ends))

    def _told(self, said: Input, answer: Answer) -> Answer | Orders:
        """A beat is answered with orders: from the board as it is stored, before the next turn."""
        if isinstance(said, Beat) and isinstance(answer, Accepted):
            return self.ordering.orders(said.endpoint)
        return answer

    async def _store(self, turn: Turn) -> None:
        payload = turn.payload()
        chain = codec.chain(self.chain, payload)
        await self.ports.log.append(payload, chain=chain, after=turn.sequence - 1)
        self.chain = chain
        self.events_since_snapshot += len(turn.recorded)
        # A snapshot holds all jobs there ever were: the more, the more events one is worth.
        enough = max(SNAPSHOT_EVENTS, len(self.board.jobs) // 2)
        if self.events_since_snapshot >= enough and self.saving.done():
            self.events_since_snapshot = 0
            taken = Snapshot(self.board.sequence, chain, snapshot.save(self.board))
            self.saving = asyncio.create_task(self._save(taken), name="scheduler.snapshot")

    async def _save_at_the_end(self) -> None:
        """So that the next start need not replay; what is not stored is in no snapshot."""
        if self.stored and self.events_since_snapshot:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVE_AT_THE_END_S):
                    board = snapshot.save(self.board)
                    await self._save(Snapshot(self.board.sequence, self.chain, board))

    async def _save(self, taken: Snapshot) -> None:
        try:
            await self.ports.snapshots.save(taken)
            logger.info("scheduler.snapshot", sequence=taken.sequence)
        except NoAnswer:
            logger.warning("scheduler.snapshot_failed", sequence=taken.sequence)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return new_id(_now(), os.urandom(CHANCE_BYTES))


def _mark(said: Request) -> bytes:
    """What tells one command from another under one id; new ids in it are made at every try."""
    match said.command:
        case Submit() | SubmitCompute() as command:
            return msgspec.json.encode(msgspec.structs.replace(command, job=""))
        case CreateQueue() as command:
            return msgspec.json.encode(msgspec.structs.replace(command, queue=""))
        case ChangeFiles() as command:
            return msgspec.json.encode(msgspec.structs.replace(command, change=""))
        case command:
            return msgspec.json.encode(command)


def _other_command() -> Rejected:
    detail = "this key was used for another command: take a new one"
    return Rejected(Why.INVALID, detail, "Idempotency-Key")


def _encoded(answer: Told) -> bytes | None:
    return None if answer is None else msgspec.json.encode(answer)
