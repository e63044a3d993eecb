"""What the gateway asks of the others over the bus: commands, reasons, settings, what lies there.

An answer or a Refusal comes back, never silence: a command that nobody answered may or may not
have been stored, and says so. What a scheduler left unanswered is asked again, of the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import cast

import msgspec
from msgspec import Struct

from events import subjects
from events.jobs import ErrorClass
from services.agent.commands import Call, CallFailed, Stat, Told
from services.gateway.problems import Refusal, later, rejected
from services.projector.commands import Moving
from services.runtime.log import logger
from services.runtime.ports import Bus, NoAnswer
from services.scheduler.commands import (
    Accepted,
    Answer,
    Estimate,
    Heard,
    Limited,
    Preview,
    PreviewAsked,
    Reason,
    Reasons,
    ReasonsAsked,
    Rejected,
    Request,
    Settings,
    SettingsAsked,
    Shown,
)

COMMAND_S = 10.0
TRY_S = 2.0
TRY_AGAIN_S = 0.2
ASK_S = 2.0
REASONS_S = 0.5
STAT_S = 2.0
LEADER_S = 1.0
SENT_MAX = 10_000
HEARD_MAX = 500
HEARD_S = 5.0

_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_reasons = msgspec.json.Decoder(Reasons)
_settings: msgspec.json.Decoder[Settings | Rejected] = msgspec.json.Decoder(Settings | Rejected)
_preview: msgspec.json.Decoder[Preview | Rejected] = msgspec.json.Decoder(Preview | Rejected)
_told = msgspec.json.Decoder(Told)


class Standing(Struct, frozen=True):
    """By job: the worst reason why it waits, its position in its queue, when it will run, how fast
    it may go, for how many files its listing waits.
    """

    reasons: dict[str, Reason] = {}
    positions: dict[str, int] = {}
    estimates: dict[str, Estimate] = {}
    limits: dict[str, Limited] = {}
    statuses: dict[str, str] = {}
    awaited: dict[str, int] = {}

    def reason(self, job: str, status: str) -> Reason | None:
        """Why a job of this status waits; None where the scheduler has it in another by now."""
        return self.reasons.get(job) if self.statuses.get(job) == status else None


class Asking:
    def __init__(self, bus: Bus, workspace: str) -> None:
        self._bus = bus
        self._workspace = workspace
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._heard: OrderedDict[str, tuple[float, Heard]] = OrderedDict()

    def has_sent(self, command_id: str) -> bool:
        """Whether a command with this id was sent lately, whatever came of it."""
        return command_id in self._sent

    async def command(self, request: Request) -> Accepted:
        """Have the scheduler decide and store. Raises Refusal."""
        self._note(request.id)
        subject, payload = subjects.command(self._workspace), msgspec.json.encode(request)
        try:
            answer = _answers.decode(await self._insist(subject, payload, within_s=COMMAND_S))
        except NoAnswer as error:
            logger.warning("command.unanswered", error=str(error))
            raise _unknown() from error
        if isinstance(answer, Rejected):
            raise rejected(answer)
        return answer

    async def _insist(self, subject: str, payload: bytes, *, within_s: float) -> bytes:
        """Ask until there is an answer: a question changes nothing, and a command is known by its
        id and obeyed once. Raises NoAnswer.
        """
        ends_s = time.monotonic() + within_s
        while True:
            left_s = ends_s - time.monotonic()
            try:
                return await self._bus.request(subject, payload, timeout_s=min(TRY_S, left_s))
            except NoAnswer:
                if time.monotonic() + TRY_AGAIN_S >= ends_s:
                    raise
            await asyncio.sleep(TRY_AGAIN_S)

    def _note(self, command_id: str) -> None:
        self._sent[command_id] = None
        if len(self._sent) > SENT_MAX:
            self._sent.popitem(last=False)

    async def standing(self, jobs: list[str]) -> Standing:
        """How these jobs stand in line, as the scheduler has it; nothing while nobody answers."""
        if not jobs:
            return Standing()
        subject, payload = subjects.ask(self._workspace), self._reasons_asked(jobs)
        try:
            answer = _reasons.decode(await self._bus.request(subject, payload, timeout_s=REASONS_S))
        except NoAnswer:
            return Standing()
        except msgspec.MsgspecError as error:
            logger.warning("reasons.unreadable", error=str(error))
            return Standing()
        worst = {job: reasons[0] for job, reasons in answer.reasons.items() if reasons}
        return Standing(
            worst,
            answer.positions,
            answer.estimates,
            answer.limits,
            answer.statuses,
            answer.awaited,
        )

    async def reasons(self, job: str) -> Reasons:
        """All that keeps a job, and its status, as the scheduler has it. Raises Refusal."""
        subject, payload = subjects.ask(self._workspace), self._reasons_asked([job])
        try:
            return _reasons.decode(await self._insist(subject, payload, within_s=ASK_S))
        except NoAnswer as error:
            raise _nobody() from error

    def hear(self, moving: Moving) -> None:
        """A tick: the scheduler hears none, and is told with the next question."""
        heard = Heard(moving.run, moving.bytes_done, moving.bytes_per_second)
        self._heard[moving.job] = (time.monotonic(), heard)
        self._heard.move_to_end(moving.job)
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)

    def heard(self) -> dict[str, Heard]:
        """What ticks said of running jobs lately."""
        since = time.monotonic() - HEARD_S
        while self._heard and next(iter(self._heard.values()))[0] < since:
            self._heard.popitem(last=False)
        return {job: heard for job, (_, heard) in self._heard.items()}

    def _reasons_asked(self, jobs: list[str]) -> bytes:
        return msgspec.json.encode(ReasonsAsked(jobs, self.heard()))

    async def settings(self, asked: SettingsAsked) -> list[Shown]:
        """What holds at a level, as the scheduler has it. Raises Refusal."""
        subject, payload = subjects.ask(self._workspace), msgspec.json.encode(asked)
        try:
            answer = _settings.decode(await self._insist(subject, payload, within_s=ASK_S))
        except NoAnswer as error:
            raise _nobody() from error
        if isinstance(answer, Rejected):
            raise rejected(answer)
        return answer.settings

    async def preview(self, asked: PreviewAsked) -> Preview:
        """What a transfer would do, as the scheduler has it. Raises Refusal."""
        subject, payload = subjects.ask(self._workspace), msgspec.json.encode(asked)
        try:
            answer = _preview.decode(await self._insist(subject, payload, within_s=ASK_S))
        except NoAnswer as error:
            raise _nobody() from error
        if isinstance(answer, Rejected):
            raise rejected(answer)
        return answer

    async def is_missing(self, endpoint: str, volume: str, path: str) -> bool:
        """Whether the agent says that nothing is there. Silence and other faults say nothing."""
        try:
            answer = await self.call(endpoint, Stat(volume, path), within_s=STAT_S)
        except NoAnswer:
            return False
        return isinstance(answer, CallFailed) and answer.error_class is ErrorClass.MISSING

    async def call(self, endpoint: str, call: Call, *, within_s: float) -> Told:
        """What an agent says of its volumes. Raises NoAnswer."""
        subject, payload = subjects.call(self._workspace, endpoint), msgspec.json.encode(call)
        answer = await self._bus.request(subject, payload, timeout_s=within_s)
        return cast("Told", _told.decode(answer))

    async def head(self) -> int | None:
        """Where the leading scheduler's board stands; None while nobody leads."""
        subject = subjects.leader(self._workspace)
        try:
            answer = await self._bus.request(subject, b"", timeout_s=LEADER_S)
        except NoAnswer:
            return None
        return msgspec.json.decode(answer, type=int)


def _nobody() -> Refusal:
    return later("no scheduler answers now: ask again in a moment")


def _unknown() -> Refusal:
    return later(
        "no scheduler answers: the command may or may not have been stored; "
        "repeat it with the same Idempotency-Key, then it is obeyed once"
    )
