"""Commands over HTTP to a whole `haulage up` where 100,000 jobs wait: every answer is durable.

Callers pause, resume and move jobs to the top over connections that they keep, one caller, 64, then
1,000; endpoints are online, so what is moved to the top starts and others give way. The callers
are this process, on the same cores as what they measure; whose processor time it was is told. The
bare log's own limit, in turns with the callers, is one writer's appends of commits of the size that
one caller's are.
"""

from __future__ import annotations

import time
from collections import Counter

from services.runtime.bus import NatsBus
from services.runtime.nats_log import NatsLog
from services.runtime.streams import declare
from tests.bench import bare_log, crowd, filled
from tests.bench.client import Client
from tests.bench.crowd import Crowd
from tests.bench.load import Act, rate
from tests.bench.processes import cpu_by_service
from tests.bench.results import Row, alone, beside, percentiles
from tests.live.machine import Machine

COMMAND = "python -m tests.bench commands"
CROWD = Crowd(100_000)
CALLERS = (1, 64, 1_000)
ROUNDS = 3
ACTS = [("pause", None), ("resume", None), ("move", {"to": "top"})]


async def measure(machine: Machine) -> list[Row]:
    async with filled.backend(machine) as bus, Client(machine) as client:
        await declare(bus, bare_log.WORKSPACE)
        await filled.fill(machine, bus, CROWD)
        rounds = Rounds(machine, client, bus)
        for number in range(ROUNDS):
            await rounds.run(number)
        return rounds.rows()


class Rounds:
    """What was measured so far, by how many callers there were; `cpu` in milliseconds."""

    def __init__(self, machine: Machine, client: Client, bus: NatsBus) -> None:
        self._machine, self._client, self._bus = machine, client, bus
        self._log = NatsLog(bus, "main")
        self._bare = list[float]()
        self._rates: dict[int, list[float]] = {callers: [] for callers in CALLERS}
        self._waits_s: dict[int, list[float]] = {callers: [] for callers in CALLERS}
        self._cpu: dict[int, Counter[str]] = {callers: Counter() for callers in CALLERS}

    async def run(self, number: int) -> None:
        before = await bare_log.head(self._log)
        for callers in CALLERS:
            self._cpu[callers].subtract(self._used_ms())
            act, waits_s = self._commanding(f"{number}.{callers}"), self._waits_s[callers]
            self._rates[callers].append(await rate(callers, act, waits_s))
            self._cpu[callers].update(self._used_ms())
            if callers == 1:
                size = await bare_log.commit_bytes(self._log, before)
                self._bare.append(await bare_log.appends(self._bus, size))

    def _used_ms(self) -> Counter[str]:
        own = Counter({"callers": round(time.process_time() * 1000)})
        return cpu_by_service(self._machine) + own

    def _commanding(self, key: str) -> Act:
        """Pause, resume, move to the top, one job after another; each caller has its own."""

        async def command(caller: int, count: int) -> None:
            turn, act = divmod(count, len(ACTS))
            job = crowd.job_id((caller + max(CALLERS) * turn) * 7 % CROWD.jobs)
            verb, body = ACTS[act]
            await self._client.command(f"/api/jobs/{job}/{verb}", f"{key}.{caller}.{count}", body)

        return command

    def rows(self) -> list[Row]:
        limit = alone(bare_log.NAME, self._bare, "commits/s", COMMAND)
        rows = [limit]
        for callers in CALLERS:
            who = f"{callers:,} caller{'s' if callers > 1 else ''}, {CROWD.jobs:,} jobs"
            rate_row = beside(f"commands/s, {who}", self._rates[callers], "1/s", limit, COMMAND)
            rows += [rate_row, *percentiles(who, self._waits_s[callers], COMMAND)]
            count = len(self._waits_s[callers])
            rows += [
                alone(f"CPU a command, {callers:,}: {name}", [used_ms / count], "ms", COMMAND)
                for name, used_ms in self._cpu[callers].most_common()
                if used_ms > 0
            ]
        return rows
