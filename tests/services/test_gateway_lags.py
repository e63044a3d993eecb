"""How far behind a projection is: told in events and in time, of a log in memory."""

from __future__ import annotations

from datetime import timedelta

from services.gateway.lags import COUNTED_MAX, lags
from services.runtime.memory import MemoryLog
from tests.projections.histories import OPENING, commit, job_id, stored, submitted


async def test_a_lag_is_what_is_stored_and_not_there_and_since_when() -> None:
    commits = commit([OPENING, *([submitted(job_id(n))] * 2 for n in range(1, 9))])
    log = MemoryLog()
    for one in stored(commits):
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
    now = commits[5][0].at + timedelta(milliseconds=1250)

    async def here() -> int:
        return len(commits)

    async def behind() -> int:
        return 5

    rows, feed = await lags(log, {"rows": here, "feed": behind}, now)
    assert (rows.events, rows.ms) == (0, 0)
    assert (feed.projection, feed.sequence, feed.events, feed.ms) == ("feed", 5, 8, 1250)


async def test_of_many_commits_the_events_are_estimated() -> None:
    commits = commit([[submitted(job_id(n)), submitted(job_id(n))] for n in range(1, 100)])
    log = MemoryLog()
    for one in stored(commits):
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)

    async def behind() -> int:
        return 9

    assert COUNTED_MAX < 90
    (lag,) = await lags(log, {"rows": behind}, commits[0][0].at)
    assert (lag.events, lag.ms) == (180, 0)


async def test_a_log_that_is_empty_has_nobody_behind() -> None:
    async def at_all() -> int:
        return 0

    (lag,) = await lags(MemoryLog(), {"rows": at_all}, commit([OPENING])[0][0].at)
    assert (lag.events, lag.ms) == (0, 0)
