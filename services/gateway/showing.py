"""Rows as resources: what a person sees of a job, task, event, queue or endpoint. Pure.

Ids of queues and endpoints become names, numbers become what a screen draws (progress, time
left); a row whose name is not known yet shows the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from events import endpoints, jobs
from events.names import shown
from projections import job_log
from services.gateway.endpoint_resources import Disabling, Machine
from services.gateway.resources import (
    Computing,
    Endpoint,
    Job,
    Progress,
    Queue,
    Reach,
    Task,
    Volume,
)
from services.projector.commands import Moving
from services.scheduler.commands import Estimate, Holder, Limited, Reason

Row = Mapping[str, Any]
FARTHEST_S = 3650 * 86400.0
SAME = (
    "id",
    "name",
    "kind",
    "status",
    "listed",
    "place",
    "size",
    "tasks_total",
    "tasks_done",
    "tasks_failed",
    "tasks_onhold",
    "tasks_excluded",
    "tries",
    "error_class",
    "error_message",
    "created_at",
    "started_at",
    "finished_at",
    "retry_at",
    "sequence",
    "version",
    "archived",
    "route",
    "relay",
    "removed",
    "size_removed",
)


def job(
    row: Row,
    *,
    position: int | None,
    reason: Reason | None,
    estimate: Estimate | None,
    limit: Limited | None,
    awaited: int,
    now: datetime,
) -> Job:
    """`row` as sql/jobs.sql's `rows` gives it."""
    rate = row["bytes_per_second"] or 0.0 if row["status"] == "running" else 0.0
    done = min(row["bytes_done"], row["size"]) if row["size"] else row["bytes_done"]
    eta_s = time_left_s(row, done, rate)
    return Job(
        **{name: row[name] for name in SAME},
        reason=reason,
        queue=row["queue"] or row["queue_id"],
        position=position,
        progress=1.0 if row["status"] == "done" else fraction(row, done, _tasks_done(row)),
        bytes_done=done,
        bytes_per_second=rate,
        eta_s=eta_s,
        source=party(row, "source") if row["compute"] is None else None,
        destination=party(row, "destination") if row["compute"] is None else None,
        user=row["user_name"],
        failures=msgspec.json.decode(row["causes"]),
        estimate=estimate if eta_s is None else at_its_pace(estimate or Estimate(), eta_s, now),
        limit=limit,
        awaited=awaited,
        compute=_computing(row),
        depends_on=msgspec.json.decode(row["depends_on"]),
    )


def _tasks_done(row: Row) -> float:
    """With what the commands in lanes say that they have done so far."""
    return float(row["tasks_done"] + (row["partial"] or 0.0))


def _computing(row: Row) -> Computing | None:
    if row["compute"] is None:
        return None
    work = msgspec.json.decode(row["compute"], type=jobs.Compute)
    return Computing(
        command=work.command,
        range=work.frames,
        filters=list(work.filters),
        environment=work.environment,
        cwd=f"{work.volume}/{work.path}" if work.volume else "",
        lanes=msgspec.json.decode(row["lane_names"] or "[]"),
    )


def at_its_pace(estimate: Estimate, eta_s: float, now: datetime) -> Estimate:
    """Of a job that runs: it ends when its own pace says; the interval holds that time too."""
    end_at = now + timedelta(seconds=min(eta_s, FARTHEST_S))
    earliest, latest = estimate.end_earliest, estimate.end_latest
    return replace(
        estimate,
        end_at=end_at,
        end_earliest=earliest and min(earliest, end_at),
        end_latest=latest and max(latest, end_at),
        basis=estimate.basis if latest else "by its pace now: nothing comparable was measured yet",
    )


def party(row: Row, side: str) -> str:
    name = row[f"{side}_name"] or row[f"{side}_endpoint"]
    return f"{name}:{row[f'{side}_volume']}/{row[f'{side}_path']}"


def fraction(row: Row, bytes_done: int, tasks_done: float) -> float:
    """0..1 by bytes, or by tasks where there are no bytes to count; without what is left out."""
    tasks = row["tasks_total"] - row["tasks_excluded"]
    done, whole = (bytes_done, row["size"]) if row["size"] else (tasks_done, tasks)
    return float(min(1.0, done / whole)) if whole else 0.0


def time_left_s(row: Row, bytes_done: int, rate: float) -> float | None:
    """Nobody knows how much is left of what is still being listed."""
    known = rate > 0 and row["size"] and row["listed"]
    return round((row["size"] - bytes_done) / rate, 1) if known else None


def progress(row: Row, moving: Moving) -> Progress:
    """A tick of a running job; `row` as in `job`."""
    done = min(moving.bytes_done, row["size"]) if row["size"] else moving.bytes_done
    return Progress(
        id=moving.job,
        bytes_done=done,
        bytes_per_second=moving.bytes_per_second,
        eta_s=time_left_s(row, done, moving.bytes_per_second),
        progress=fraction(row, done, moving.tasks_done + moving.partial),
        tasks_done=moving.tasks_done,
    )


def unnamed(shown: Job, owners: Mapping[str, str]) -> Job:
    """The job as its own user may see it."""
    if shown.reason is None:
        return shown
    masked = unnamed_reason(shown.reason, shown.user, owners)
    return shown if masked is shown.reason else replace(shown, reason=masked)


def unnamed_reason(reason: Reason, user: str, owners: Mapping[str, str]) -> Reason:
    """A reason as this user may see it: a job of someone else that holds theirs has no name."""
    holder = reason.holder
    if holder is None or holder.kind != "job" or owners.get(holder.id) == user:
        return reason
    masked = Holder("job", "", "a job of someone else")
    return replace(reason, text=f"behind {masked.name}", holder=masked, release="that job ends")


def task(row: Row, root: str) -> Task:
    """`root` names the task whose uri is "": the source itself."""
    took_ms = row["took_ms"]
    return Task(
        number=row["number"],
        uri=row["uri"],
        name=row["uri"].rstrip("/").rpartition("/")[2] or root,
        kind=row["kind"],
        size=row["size"],
        status=row["status"],
        tries=row["tries"],
        started_at=row["started_at"],
        took_s=None if took_ms is None else took_ms / 1000,
        error_class=row["error_class"],
        error_message=row["error_message"],
        hash=row["hash"] or None,
        percent=row["percent"],
        said=row["said"] or None,
    )


def about(subject: str, names: Mapping[str, str]) -> str:
    """What an event is about, as people call it; "" for the workspace."""
    noun, _, rest = subject.partition("/")
    ids = rest.split("/") if rest else []
    named = " and ".join(shown(names.get(one, one)) for one in ids)
    return f"{noun} {named}" if noun == "queue" else named


def gave_way(row: Row) -> str:
    """The id of the job that a `job.gave_way` names."""
    event = job_log.decode(row["data"])
    return event.to if isinstance(event, jobs.GaveWay) else ""


def queue(row: Row) -> Queue:
    return Queue(
        id=row["id"],
        code=row["code"],
        priority=row["priority"],
        description=row["description"],
        default=row["is_default"],
        status=row["status"],
        jobs_waiting=row["jobs_waiting"],
        jobs_running=row["jobs_running"],
        sequence=row["sequence"],
        compute_default=row["is_compute_default"],
        metadata=msgspec.json.decode(row["metadata"], type=dict[str, str]),
    )


def _volumes(row: Row) -> list[Volume]:
    full = msgspec.json.decode(row["full_volumes"], type=set[str])
    rooms = msgspec.json.decode(row["rooms"] or "{}", type=dict[str, tuple[int, int]])
    volumes = msgspec.json.decode(row["volumes"], type=list[Volume])
    return [
        Volume(one.code, one.online, one.code in full, *rooms.get(one.code, (None, None)))
        for one in volumes
    ]


def _machine(stored: str | bytes | None) -> Machine | None:
    told = msgspec.json.decode(stored or "null", type=endpoints.Machine | None)
    if told is None:
        return None
    size, tags = (told.cores, told.memory_bytes), list(told.tags)
    return Machine(told.hostname, told.user, *size, told.platform, told.site, tags)


def endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        status="online" if row["online"] else "offline",
        volumes=_volumes(row),
        jobs_running=row["jobs_running"],
        sequence=row["sequence"],
        listens=bool(row["url"]),
        relays=row["relays"],
        reaches=msgspec.json.decode(row["reaches"] or "[]", type=list[Reach]),
        since=row["since"],
        machine=_machine(row["machine"]),
        lanes=row["lanes"],
        lanes_taken=row["lanes_taken"],
        disabled=Disabling(row["disabled_by"], row["disabled_at"]) if row["disabled_at"] else None,
    )
