"""A working day of jobs for the stage: every status, long names, odd names, a long task list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import asdict, replace

from events.job import Job
from events.settings import Level, Value
from projections.board import Board
from services.gateway import resources
from services.gateway.endpoint_resources import Disabling, Machine
from services.scheduler import setting
from services.scheduler.commands import Estimate, Holder, Reason
from tests.web import desk_scenery
from tests.web.stage import Stage

NOW = datetime.now(UTC).replace(microsecond=0)
GB = 10**9


def ahead(**left: float) -> datetime:
    """From now on, however long the session has run by then."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**left)


def ago(**elapsed: float) -> datetime:
    return NOW - timedelta(**elapsed)


def job_id(number: int) -> str:
    return f"{number:024x}"


def job(number: int, name: str, **changes: object) -> resources.Job:
    """A waiting transfer; `changes` are fields of its row."""
    plain = resources.Job(
        id=job_id(number),
        name=name,
        kind="transfer",
        status="waiting",
        reason=None,
        queue="medium",
        position=None,
        progress=0.0,
        size=4 * GB,
        bytes_done=0,
        bytes_per_second=0.0,
        eta_s=None,
        tasks_total=24,
        tasks_done=0,
        tasks_failed=0,
        source=f"hq:projects/{name}/",
        destination=f"stockholm:incoming/{name}/",
        user="admin",
        error_class=None,
        error_message=None,
        tries=0,
        created_at=ago(minutes=90 - number),
        started_at=None,
        finished_at=None,
        retry_at=None,
        sequence=0,
        place=f"a{number:04d}",
    )
    return replace(plain, **changes)


def running(number: int, name: str, share: float, **changes: object) -> resources.Job:
    size = 42 * GB
    moving = job(
        number,
        name,
        status="running",
        size=size,
        progress=share,
        bytes_done=int(size * share),
        bytes_per_second=412e6,
        eta_s=size * (1 - share) / 412e6,
        tasks_total=312,
        tasks_done=int(312 * share),
        tries=1,
        started_at=ago(minutes=2),
    )
    return replace(moving, **changes)


def behind(name: str) -> Reason:
    return Reason(
        code="behind_job",
        text=f"behind {name} on hq–stockholm",
        holder=Holder("job", job_id(1), name),
        since=ago(minutes=7).isoformat(),
        release=f"{name} ends, or this job is moved above it",
    )


PAUSED = Reason(
    code="queue_paused",
    text="queue low is paused",
    holder=Holder("queue", job_id(902), "low"),
    since=None,
    release="queue low is resumed, or this job is moved to another queue",
)


def expected(minutes: float) -> Estimate:
    """It starts in so many minutes and takes five, by seven others."""
    starts, took = ahead(minutes=minutes), timedelta(minutes=5)
    return Estimate(
        start_at=starts,
        start_earliest=starts - timedelta(minutes=minutes / 4),
        start_latest=starts + timedelta(minutes=minutes),
        end_at=starts + took,
        end_earliest=starts + took / 2,
        end_latest=starts + timedelta(minutes=minutes) + took * 2,
        runs=7,
        basis="measured on 7 finished transfers from hq to stockholm",
    )


def queues() -> list[resources.Queue]:
    rows = (("high", 999, False), ("medium", 500, True), ("low", 1, False))
    return [
        resources.Queue(job_id(900 + i), code, priority, "", default, "waiting", 1, 1, 1)
        for i, (code, priority, default) in enumerate(rows)
    ]


def endpoints() -> list[resources.Endpoint]:
    """One sends, one receives and computes, one is away and out of use."""

    def one(number: int, name: str, status: str, *codes: str, **more: Any) -> resources.Endpoint:
        rooms = [(3 + 5 * place) * 10**12 // 10 for place in range(len(codes))]
        volumes = [
            resources.Volume(code, status == "online", not place, room, 10**12)
            for place, (code, room) in enumerate(zip(codes, rooms, strict=True))
        ]
        kept = (job_id(800 + number), name, "server", status, volumes)
        return resources.Endpoint(*kept, 1 if status == "online" else 0, 1, **more)

    machine = Machine("node-1.sto.example", "render", 64, 256 << 30, "linux", "sto", ["gpu", "a"])
    reaches = [resources.Reach("berlin", False), resources.Reach("hq", True)]
    render: dict[str, Any] = {"machine": machine, "lanes": 8, "lanes_taken": 3}
    return [
        one(0, "hq", "online", "projects", "dailies", since=ago(days=3)),
        one(1, "stockholm", "online", "incoming", since=ago(hours=2), reaches=reaches, **render),
        one(2, "berlin", "offline", "in", since=ago(hours=1), disabled=Disabling("anna", ago())),
    ]


def settings(level: Level, of: str = "", **held: Value) -> list[resources.Setting]:
    """Those of a level as the API has them; `held` are set on the workspace."""
    board = Board()
    board.settings, board.jobs = held, {of: Job(id=of)}
    holder = setting.Holder(level, of, held if level == "workspace" else {})
    return [resources.Setting(**asdict(one)) for one in setting.show(holder, board)]


def set_up(stage: Stage) -> None:
    stage.queues, stage.endpoints = queues(), endpoints()
    for one in [*_high(), *_medium(), *_low(), *_finished()]:
        stage.put(one)
    desk_scenery.set_up(stage)
    stage.settings[""] = settings("workspace")
    stage.settings[f"queues/{job_id(902)}"] = settings("queue", job_id(902), stall_s=60)
    first = job_id(1)
    stage.settings[f"jobs/{first}"] = settings("job", first, job_max_retries=5)
    stage.timings[first], stage.throughput = TIMING, pace()
    stage.tasks[first] = [task(number) for number in range(312)]
    stage.reasons[job_id(2)] = [behind("sh010_comp_v014"), PAUSED]
    stage.causes[job_id(2)] = [
        resources.Cause("behind_job", "behind sh010_comp_v014 on hq–stockholm", 420.0),
        resources.Cause("init", "listing the source", 12.0),
    ]
    for minutes, actor, text in _life():
        stage.log(first, text, ago(minutes=minutes), actor)


def task(number: int) -> resources.Task:
    status = "done" if number < 131 else "executing" if number < 133 else "queued"
    name = f"sh010_comp_v014.{1001 + number}.exr"
    done = status == "done"
    return resources.Task(
        number=number,
        uri=f"plates/{name}",
        name=name,
        kind="file",
        size=134_800_000 + number * 7919,
        status=status,
        tries=0 if status == "queued" else 1,
        started_at=None if status == "queued" else ago(seconds=130 - number * 0.9),
        took_s=0.3 + number % 7 / 10 if done else None,
        error_class=None,
        error_message=None,
        hash=None,
    )


ATTEMPTS = [
    resources.Attempt(1, "interrupted", "gave_way", 2, "hq", NOW, 12.0, None, None, None, None),
    resources.Attempt(2, "failed", None, 4, "hq", NOW, 0.2, None, None, "space", "disk\u202efull"),
    resources.Attempt(3, "done", None, 5, "stockholm", NOW, 1.0, GB, float(GB), None, None),
]


TIMING = resources.Timing(
    *(1.2, 64.0, 21.5, 0.0, 30.0, 12.0),
    2 * GB,
    "reading",
    0.5,
    "reading at hq is the bottleneck (50 % of the time)",
)


def pace() -> resources.Throughput:
    """Two minutes of it, up and down."""
    values = [GB * (1 + number * 7 % 5) for number in range(12)]
    return resources.Throughput(ago(minutes=2), NOW, 10, values)


def _life() -> list[tuple[float, str, str]]:
    return [
        (12, "anna", "submitted to queue high"),
        (12, "scheduler", "hq was told to list the source"),
        (11.8, "endpoint/hq", "listed: 312 files, 42.0 GB"),
        (11.8, "scheduler", "run 2 started on stockholm"),
        (9, "anna", "paused"),
        (4, "anna", "resumed, at the bottom of high"),
        (2, "scheduler", "run 3 started on stockholm"),
    ]


def _high() -> list[resources.Job]:
    waits = {"queue": "high", "reason": behind("sh010_comp_v014")}
    return [
        running(1, "sh010_comp_v014", 0.42, queue="high", user="anna"),
        job(2, "sh020_plates", size=18 * GB, estimate=expected(10), **waits),
        job(
            3,
            "titles_final_FINAL_v3_really_the_last_one_with_subtitles_de_fr_es",
            estimate=expected(15),
            **waits,
        ),
    ]


def _medium() -> list[resources.Job]:
    trouble = {"error_class": "space", "error_message": "not enough space on incoming: 2.1 GB left"}
    offline = Reason("endpoint_offline", "berlin is offline", None, ago(hours=1).isoformat(), "")
    return [
        running(4, "dailies_2026-11-22", 0.87, source="stockholm:dailies/2026-11-22/"),
        job(5, "conform_reel_3", status="init", tasks_total=0, size=0),
        job(6, "archive_show_A", status="paused", progress=0.31, bytes_done=int(1.3 * GB)),
        job(7, "lut_pack", status="failed", progress=0.64, tasks_failed=3, tries=4, **trouble),
        job(8, "audio_stems", status="failed", retry_at=ahead(seconds=95), **trouble),
        job(9, "to_berlin", destination="berlin:in/to_berlin/", reason=offline),
        job(10, "invoice\u202egpj.exe", reason=behind("dailies_2026-11-22")),
    ]


def _low() -> list[resources.Job]:
    waits = {"queue": "low", "reason": behind("sh010_comp_v014")}
    return [job(20 + i, f"backup_shot{i:03d}", size=i * 997_000_000, **waits) for i in range(40)]


def _finished() -> list[resources.Job]:
    def ended(number: int, status: str, hours: float, share: float) -> resources.Job:
        size = (number - 99) * 3 * GB
        return job(
            number,
            f"delivery_{number}",
            status=status,
            size=size,
            bytes_done=int(size * share),
            progress=share,
            tasks_done=int(24 * share),
            tries=1,
            started_at=ago(hours=hours, minutes=number % 50),
            finished_at=ago(hours=hours),
        )

    done = [ended(100 + i, "done", 0.4 + i * 3, 1.0) for i in range(14)]
    return [*done, ended(120, "aborted", 2, 0.31)]
