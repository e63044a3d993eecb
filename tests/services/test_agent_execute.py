"""Commands in lanes: real processes, run as who was allowed, ended whole, reported as they were."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from events.jobs import ErrorClass
from services.agent.certificate import kept_or_made
from services.agent.commands import Duty, Execute
from services.agent.identity import Refused
from services.agent.machine import Allowed, allowed, memory_bytes
from services.agent.main import serve
from services.agent.reports import Post
from services.agent.volume import Volume
from services.runtime.memory import MemoryBus
from services.runtime.privileges import own_user
from services.scheduler.commands import BucketEnded, RunFailed, TasksStarted
from tests.services.agent_scheduler import HQ, JOB, Scheduler, until
from tests.services.ordinary import NOBODY, as_ordinary_user, ordinary_folder

MINE = allowed(own_user(), site="hq", tags=("gpu",))
IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")


@pytest.fixture
async def scheduler() -> Scheduler:
    scheduler = Scheduler(MemoryBus())
    await scheduler.open()
    return scheduler


@asynccontextmanager
async def agent(
    scheduler: Scheduler, root: Path, commands: Allowed | None = MINE
) -> AsyncIterator[asyncio.Task[None]]:
    post = Post(scheduler.bus, "main", HQ, "a session")
    volumes = {"v": Volume("v", root)}
    where = ("127.0.0.1", 0)
    running = asyncio.create_task(
        serve(
            post,
            name="hq",
            volumes=volumes,
            listen=where,
            certificate=kept_or_made(root),
            commands=commands,
        )
    )
    await until(lambda: scheduler.beats[HQ])
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=5)
        assert running.done()


def duty(command: str, run: int = 1, **more: object) -> Execute:
    plain = Execute(JOB, run, "0", "1001", command, {}, "", "", 0)
    return replace(plain, **more)


async def ended(scheduler: Scheduler, run: int = 1) -> BucketEnded:
    await until(lambda: scheduler.last(run) is BucketEnded)
    last = scheduler.of(run)[-1]
    assert isinstance(last, BucketEnded)
    return last


async def run_one(scheduler: Scheduler, root: Path, one: Execute) -> BucketEnded:
    async with agent(scheduler, root):
        await scheduler.order(HQ, one)
        return await ended(scheduler, one.run)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def numbers_in(path: Path) -> list[int]:
    return [int(one) for one in path.read_text().split()] if path.exists() else []


def is_there(path: str) -> bool:
    return os.path.exists(path)


async def pids(path: Path, count: int) -> list[int]:
    """What the processes of a command wrote of themselves."""
    await until(lambda: len(numbers_in(path)) == count)
    return numbers_in(path)


async def test_a_command_runs_and_its_end_is_told(scheduler: Scheduler, tmp_path: Path) -> None:
    one = duty("sh -c 'echo \"$0 $HAULAGE_FRAMES $HAULAGE_TASKS $A\"; pwd' {first}-{last}")
    one = replace(one, numbers="3-5", frames="10-30x10", environment={"A": "b c"})
    done = await run_one(scheduler, tmp_path, one)
    assert scheduler.of(1)[0] == TasksStarted(JOB, 1, "3-5")
    assert (done.exit_code, done.error_class, done.message) == (0, None, "")
    said, where = scheduler.output(1)
    assert said == "10-30 10-30x10 3-5 b c"
    assert where.startswith(tempfile.gettempdir())
    assert not is_there(where)


async def test_its_environment_is_clean(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAULAGE_AGENT_TOKEN", "secret")
    await run_one(scheduler, tmp_path, duty("env"))
    names = {line.partition("=")[0] for line in scheduler.output(1)}
    base = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR"}
    assert names == base | {f"HAULAGE_{one}" for one in ("JOB", "RUN", "TASKS", "FRAMES")}


async def test_it_works_in_a_folder_of_a_volume(scheduler: Scheduler, tmp_path: Path) -> None:
    (tmp_path / "shot").mkdir()
    done = await run_one(scheduler, tmp_path, duty("touch made", volume="v", path="shot/"))
    assert done.exit_code == 0
    assert os.listdir(tmp_path / "shot") == ["made"]


@pytest.mark.parametrize(
    ("path", "error_class"),
    [
        ("none", ErrorClass.MISSING),
        ("../up", ErrorClass.PERMISSION),
        ("away", ErrorClass.PERMISSION),
    ],
)
async def test_it_does_not_leave_its_volume(
    scheduler: Scheduler, tmp_path: Path, path: str, error_class: ErrorClass
) -> None:
    (tmp_path / "away").symlink_to("/")
    async with agent(scheduler, tmp_path):
        await scheduler.order(HQ, duty("true", volume="v", path=path))
        await until(lambda: scheduler.last(1) is RunFailed)
    (failed,) = scheduler.of(1)
    assert isinstance(failed, RunFailed)
    assert failed.error_class is error_class


@pytest.mark.parametrize(
    ("command", "exit_code", "message"),
    [
        ("sh -c 'echo so; echo what >&2; exit 3'", 3, "exit code 3: what"),
        ("sh -c 'kill -SEGV $$'", -11, "ended by SIGSEGV"),
        ("sh -c 'echo openjd_fail: no license; echo bye; exit 1'", 1, "exit code 1: no license"),
        ("no-such-program x", None, "no-such-program cannot be run by"),
        ("/etc/passwd", None, "Permission denied"),
        ("sh -c 'echo openjd_fail: never mind'", 0, ""),
    ],
)
async def test_how_it_ended_is_told(
    scheduler: Scheduler, tmp_path: Path, command: str, exit_code: int | None, message: str
) -> None:
    done = await run_one(scheduler, tmp_path, duty(command))
    assert done.exit_code == exit_code
    assert message in done.message
    assert done.error_class is (None if exit_code == 0 else ErrorClass.COMMAND)


async def test_what_it_used_is_told(scheduler: Scheduler, tmp_path: Path) -> None:
    """Also by a process that it started and did not wait for."""
    eat = "x = bytearray(200 << 20); import time; [None for _ in range(10**7)]; time.sleep(0.2)"
    done = await run_one(scheduler, tmp_path, duty(f"sh -c '{sys.executable} -c \"{eat}\"'"))
    assert 200 << 20 < done.peak_memory_bytes < 400 << 20
    assert 200 <= done.took_ms < 10_000
    assert 20 <= done.cpu_ms < 10_000


STAYS = "trap : TERM; echo \\$\\$ >> {0}; while :; do sleep 1; done"
ESCAPES = f"sh -c 'echo $$ >> {{0}}; setsid sh -c \"{STAYS}\" & {{1}}'"


async def test_past_its_limit_it_is_ended_whole(scheduler: Scheduler, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    command = f"sh -c 'echo $$ >> {told}; setsid sleep 70 & echo $! >> {told}; sleep 60'"
    done = await run_one(scheduler, tmp_path, duty(command, limit_s=1))
    assert 1_000 <= done.took_ms < 4_000
    assert done.error_class is ErrorClass.COMMAND
    assert done.message.startswith("took longer than 1 s")
    assert not any(map(is_alive, await pids(told, 2)))


async def test_stopped_it_is_gone_with_all_that_it_started(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """Also what left its group and does not heed SIGTERM; nothing is reported any more."""
    told = tmp_path / "pids"
    async with agent(scheduler, tmp_path):
        await scheduler.order(HQ, duty(ESCAPES.format(told, "sleep 60")))
        both = await pids(told, 2)
        reported = len(scheduler.reports)
        began = time.monotonic()
        await scheduler.order(HQ)
        await until(lambda: not any(map(is_alive, both)))
        assert time.monotonic() - began < 4.0
        assert len(scheduler.reports) == reported


async def test_what_it_leaves_behind_is_ended(scheduler: Scheduler, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    done = await run_one(scheduler, tmp_path, duty(ESCAPES.format(told, "sleep 0.3")))
    assert done.exit_code == 0
    assert not any(map(is_alive, await pids(told, 2)))


async def test_buckets_of_one_job_run_side_by_side(scheduler: Scheduler, tmp_path: Path) -> None:
    """Each waits for a file that another makes."""
    meet = "sh -c 'touch {0}; until [ -e {1} ]; do sleep 0.05; done'"
    ones = [
        duty(meet.format(tmp_path / str(run), tmp_path / str(run % 3 + 1)), run)
        for run in (1, 2, 3)
    ]
    async with agent(scheduler, tmp_path):
        await scheduler.order(HQ, *ones)
        for run in (1, 2, 3):
            assert (await ended(scheduler, run)).exit_code == 0


async def test_a_bucket_waits_for_one_that_was_stopped(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """Two at once would hold one lane."""
    told = tmp_path / "pids"
    async with agent(scheduler, tmp_path):
        await scheduler.order(HQ, duty(ESCAPES.format(told, "sleep 60")))
        both = await pids(told, 2)
        await scheduler.order(HQ, duty("true", 2))
        await until(lambda: scheduler.of(2))
        assert not any(map(is_alive, both))
        assert (await ended(scheduler, 2)).exit_code == 0


async def test_what_it_says_of_its_progress_is_told(scheduler: Scheduler, tmp_path: Path) -> None:
    says = "echo openjd_progress: 42.5; echo openjd_status: so far >&2; echo openjd_progress: 101"
    async with agent(scheduler, tmp_path):
        await scheduler.order(HQ, duty(f"sh -c '{says}; sleep 0.6'", numbers="7"))
        await until(lambda: scheduler.ticks)
        await ended(scheduler)
    tick = scheduler.ticks[-1]
    assert (tick.run, tick.numbers, tick.percent, tick.status) == (1, "7", 42.5, "so far")
    assert len(scheduler.ticks) <= 2


async def test_nothing_runs_where_nothing_is_allowed(scheduler: Scheduler, tmp_path: Path) -> None:
    async with agent(scheduler, tmp_path, None):
        await scheduler.order(HQ, duty(f"touch {tmp_path}/made"))
        await until(lambda: scheduler.last(1) is RunFailed)
    (failed,) = scheduler.of(1)
    assert isinstance(failed, RunFailed)
    assert failed.error_class is ErrorClass.PERMISSION
    assert "--compute-user" in failed.message
    assert scheduler.beats[HQ][-1].machine is None
    assert not (tmp_path / "made").exists()


async def test_the_beat_tells_of_the_machine(scheduler: Scheduler, tmp_path: Path) -> None:
    async with agent(scheduler, tmp_path):
        machine = scheduler.beats[HQ][0].machine
    assert machine is not None
    assert (machine.user, machine.site, machine.tags) == (own_user(), "hq", ("gpu",))
    assert machine.cores >= 1
    assert machine.memory_bytes > 64 << 20


def test_the_memory_is_that_of_the_control_group_if_that_is_less(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroups"
    (proc / "self").mkdir(parents=True)
    (cgroups / "a/b").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal:       16000 kB\n")
    (proc / "self/cgroup").write_text("0::/a/b\n")
    (cgroups / "a/b/memory.max").write_text("max\n")
    assert memory_bytes(proc, cgroups) == 16_000 << 10
    (cgroups / "a/memory.max").write_text(f"{1 << 20}\n")
    assert memory_bytes(proc, cgroups) == 1 << 20


def test_a_user_that_cannot_be_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="no such user"):
        allowed("no-such-user-here", site="", tags=())
    assert as_ordinary_user(ask_for_root) == 0


def ask_for_root() -> None:
    with pytest.raises(Refused, match="cannot become root"):
        allowed("root", site="", tags=())


@as_root
async def test_a_command_runs_as_the_user_that_the_operator_named(scheduler: Scheduler) -> None:
    with ordinary_folder() as folder:
        async with agent(scheduler, folder, allowed("nobody", site="", tags=())):
            say = "id -u; id -G; umask; cat /proc/self/status | grep NoNewPrivs; cat /etc/shadow"
            await scheduler.order(HQ, duty(f"sh -c '{say}; touch made'", volume="v"))
            done = await ended(scheduler)
        assert done.exit_code == 0
        assert (folder / "made").stat().st_uid == NOBODY
    user, groups, umask, no_new, shadow = scheduler.output(1)
    assert user == str(NOBODY)
    assert "0" not in groups.split()
    assert umask == "0022"
    assert no_new.split() == ["NoNewPrivs:", "1"]
    assert "Permission denied" in shadow


@as_root
async def test_a_folder_that_its_user_may_not_enter_is_refused(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    os.chmod(tmp_path, 0o700)
    async with agent(scheduler, tmp_path, allowed("nobody", site="", tags=())):
        await scheduler.order(HQ, duty("true", volume="v"))
        done = await ended(scheduler)
    assert (done.exit_code, done.error_class) == (None, ErrorClass.PERMISSION)
    assert "nobody cannot work there" in done.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_outlives_an_agent(tmp_path: Path, number: signal.Signals) -> None:
    """Neither its command, nor what left its group, nor the folder of both."""
    told = tmp_path / "pids"
    command = ESCAPES.format(told, f"echo $TMPDIR > {tmp_path}/folder; sleep 60")
    agent = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", __name__, str(tmp_path), command]
    )
    try:
        both = await pids(told, 2)
        await until((tmp_path / "folder").exists)
        folder = (tmp_path / "folder").read_text().strip()
        assert is_there(folder)
    finally:
        agent.send_signal(number)
        agent.wait(10)
    await until(lambda: not any(map(is_alive, both)))
    await until(lambda: not is_there(folder))


async def _be_an_agent(root: str, command: str) -> None:
    scheduler = Scheduler(MemoryBus())
    await scheduler.open()
    async with agent(scheduler, Path(root)):
        duties: list[Duty] = [duty(command)]
        await scheduler.order(HQ, *duties)
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(_be_an_agent(*sys.argv[1:]))
