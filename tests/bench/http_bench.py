"""Commands and lists over HTTP to a whole `haulage up`, as shipped: every answer is durable.

Jobs wait because their destination's volume is gone; callers pause, resume and move them over
connections that they keep. The callers are this process, on the same cores as what they measure;
its processor time is told beside that of the services. The bare log is one writer's appends of
commits of the same size to another stream of the same server, in turns with the callers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from services.gateway.resources import JobPage
from services.runtime.bus import NatsBus, open_bus
from services.runtime.nats_log import NatsLog
from services.runtime.streams import declare
from services.supervisor.directory import load_connect, load_secrets
from tests.bench import bare_log
from tests.bench.client import Client
from tests.bench.load import Act, rate
from tests.bench.processes import cpu_by_service
from tests.bench.results import Row, alone, beside, percentiles
from tests.live.studio import Studio

COMMAND = "python -m tests.bench http"
CALLERS = 64
READERS = 16
JOBS = 512
ROUNDS = 3
WAITS_S = 30.0
LIST = "/api/jobs?limit=100"


async def measure(studio: Studio) -> list[Row]:
    connect, secret = load_connect(studio.data), load_secrets(studio.data).backend_password
    bus = await open_bus(connect.nats_url.replace("://", f"://backend:{secret}@"), name="bench")
    try:
        await declare(bus, bare_log.WORKSPACE)
        async with Client(studio) as client:
            rounds = Rounds(studio, client, bus)
            await rounds.prepare()
            for number in range(ROUNDS):
                await rounds.run(number)
            await rounds.read()
            return rounds.rows()
    finally:
        await bus.close()


class Rounds:
    """What was measured so far; `cpu` is milliseconds used while all callers gave commands."""

    def __init__(self, studio: Studio, client: Client, bus: NatsBus) -> None:
        self._studio, self._client, self._bus = studio, client, bus
        self._log = NatsLog(bus, "main")
        self._jobs: list[str] = []
        self._submits, self._bare = list[float](), list[float]()
        self._one, self._all = list[float](), list[float]()
        self._list_one, self._list_many = list[float](), list[float]()
        self._waits_one, self._waits_all = list[float](), list[float]()
        self._cpu: Counter[str] = Counter()

    async def prepare(self) -> None:
        """Jobs that wait. The agents look at their volumes each second and beat each two."""
        self._studio.incoming.rmdir()
        began = time.monotonic()
        while await self._incoming_is_online():
            assert time.monotonic() < began + WAITS_S
            await asyncio.sleep(0.2)
        began = time.monotonic()
        await asyncio.gather(*(self._submit(caller) for caller in range(CALLERS)))
        self._submits.append(JOBS / (time.monotonic() - began))
        while (await self._client.read("/api/jobs?limit=1&status=waiting", JobPage)).total < JOBS:
            assert time.monotonic() < began + WAITS_S
            await asyncio.sleep(0.2)

    async def _incoming_is_online(self) -> bool:
        return b'"code":"incoming","online":true' in await self._client.fetch("/api/endpoints")

    async def _submit(self, caller: int) -> None:
        for number in range(caller, JOBS, CALLERS):
            named = {
                "source": "hq:projects/one",
                "destination": f"stockholm:incoming/{number}",
                "name": f"shot {number:03}",
            }
            self._jobs += (await self._client.command("/api/jobs", f"submit.{number}", named)).jobs

    async def run(self, number: int) -> None:
        before = await bare_log.head(self._log)
        self._one.append(await rate(1, self._commanding(f"{number}.one"), self._waits_one))
        size = await bare_log.commit_bytes(self._log, before)
        self._bare.append(await bare_log.appends(self._bus, size))
        self._cpu.subtract(self._used_ms())
        self._all.append(await rate(CALLERS, self._commanding(f"{number}.all"), self._waits_all))
        self._cpu.update(self._used_ms())

    async def read(self) -> None:
        """Lists last: what they leave the scheduler to explain must not slow the commands."""
        self._list_one.append(await rate(1, self._list))
        self._list_many.append(await rate(READERS, self._list))

    def _used_ms(self) -> Counter[str]:
        own = Counter({"callers": round(time.process_time() * 1000)})
        return cpu_by_service(self._studio) + own

    def _commanding(self, key: str) -> Act:
        """Pause, resume, move to the top, one job after another; each caller has its own."""
        acts = [("pause", None), ("resume", None), ("move", {"to": "top"})]

        async def command(caller: int, count: int) -> None:
            turn, act = divmod(count, len(acts))
            job = self._jobs[caller + CALLERS * (turn % (JOBS // CALLERS))]
            verb, body = acts[act]
            path = f"/api/jobs/{job}/{verb}"
            await self._client.command(path, f"{key}.{caller}.{count}", body)

        return command

    async def _list(self, _caller: int, _count: int) -> None:
        await self._client.fetch(LIST)

    def rows(self) -> list[Row]:
        limit = alone(bare_log.NAME, self._bare, "commits/s", COMMAND)
        everyone = f"HTTP, commands/s of {CALLERS} callers"
        lists = f"HTTP, lists/s (100 of {JOBS} jobs)"
        return [
            limit,
            beside("HTTP, commands/s of 1 caller", self._one, "commands/s", limit, COMMAND),
            beside(everyone, self._all, "commands/s", limit, COMMAND),
            *percentiles("HTTP command to durable answer, 1 caller", self._waits_one, COMMAND),
            *percentiles(
                f"HTTP command to durable answer, {CALLERS} callers", self._waits_all, COMMAND
            ),
            *self._cpu_rows(),
            alone(f"HTTP, submits/s of {CALLERS} callers", self._submits, "jobs/s", COMMAND),
            alone(f"{lists} of 1 caller", self._list_one, "requests/s", COMMAND),
            alone(f"{lists} of {READERS} callers", self._list_many, "requests/s", COMMAND),
        ]

    def _cpu_rows(self) -> list[Row]:
        """Processor time of one command among those of all callers, by who spent it."""
        count = len(self._waits_all)
        return [
            alone(f"CPU a command: {name}", [used_ms / count], "ms", COMMAND)
            for name, used_ms in self._cpu.most_common()
            if used_ms > 0
        ]
