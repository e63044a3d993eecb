"""`job`, `why` and `tasks`: one job in full. Changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from events.names import shown
from services.cli import pages, screen, tables, words
from services.cli.client import Query, connect
from services.cli.connection import HERE, Connection
from services.cli.naming import find_job
from services.gateway.history import TaskStatus
from services.gateway.resources import Computing, Job, Timing, Why
from services.scheduler.commands import Estimate, Reason

SHOWN_S = 0.05  # Less is 0.0 s.


def job(
    job: str,
    /,
    *,
    as_of: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Show one job in full.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    found = find_job(connect(connection), job, as_of=as_of)
    if json:
        screen.emit(found)
    else:
        show(found)


def show(job: Job) -> None:
    now = datetime.now(UTC)
    known = tables.expected(job.estimate, now) if job.estimate else {}
    screen.facts(
        [
            ("id", job.id),
            ("name", job.name),
            ("status", screen.status(job.status)),
            ("waits", _waits(job)),
            ("error", f"{tables.again(job, now)}{tables.error(job)}"),
            ("queue", tables.queue(job)),
            ("source", job.source),
            ("destination", job.destination),
            *_computing(job.compute),
            ("waits for", ", ".join(job.depends_on)),
            ("progress", _progress(job)),
            ("speed", tables.speed(job) if job.status == "running" and not job.compute else ""),
            ("limit", _limit(job, now)),
            ("route", _route(job)),
            ("tasks", _tasks(job)),
            ("deleted", _removed(job)),
            ("tries", str(job.tries or "")),
            ("failures", tables.failures(job)),
            *_spent(job.timing),
            ("user", job.user),
            ("created", words.moment(job.created_at)),
            ("started", words.moment(job.started_at)),
            ("finished", f"{words.moment(job.finished_at)}{', archived' if job.archived else ''}"),
            ("starts", known.get("starts", "")),
            ("ends", known.get("ends", "")),
            ("estimate", job.estimate.basis if job.estimate else ""),
        ]
    )


def _spent(timing: Timing | None) -> list[tuple[str, str]]:
    """What the time went for, the most first; what took nothing is left out."""
    if timing is None:
        return []
    seconds = {part: getattr(timing, f"{part}_s") for part in words.SPENT}
    seen = [part for part, spent_s in seconds.items() if spent_s >= SHOWN_S]
    most_first = sorted(seen, key=lambda part: -seconds[part])
    told = [f"{words.SPENT[part]} {words.took(seconds[part])}" for part in most_first]
    return [
        ("saved", words.size(timing.bytes_saved) if timing.bytes_saved else ""),
        ("spent", ", ".join(told)),
        ("bottleneck", timing.text or ""),
    ]


def _route(job: Job) -> str:
    match job.route:
        case None:
            return ""
        case "relay":
            return f"relayed by {job.relay}"
        case "push":
            return "push: its sender dials"
        case "pull":
            return "pull: its receiver dials"
        case other:
            return other


def why(
    job: str,
    /,
    *,
    as_of: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Say why a job waits, or waited: each reason, the worst first, and what would release it.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    client = connect(connection)
    as_of = pages.instant(client, as_of)
    found = find_job(client, job, as_of=as_of)
    answer = client.get(Why, "jobs", found.id, "why", query={"as_of": as_of})
    if json:
        screen.emit(answer)
        return
    screen.say(shown(f"{found.name} {_state(answer, is_past=as_of is not None)}"))
    for reason in answer.reasons:
        _explain(reason)
    if answer.estimate is not None:
        _expect(answer.estimate)


def _state(answer: Why, *, is_past: bool) -> str:
    waits, none = ("waited", "did not wait") if is_past else ("waits", "does not wait")
    because = f"{waits} because" if answer.reasons else none
    verb = "was" if is_past else "is"
    return f"{verb} {answer.status}{_place(answer)}: it {because}"


def _place(answer: Why) -> str:
    return "" if answer.position is None else f", number {answer.position} in its queue"


def _explain(reason: Reason) -> None:
    since = f" (since {_moment(reason.since)})" if reason.since else ""
    clock = reason.holder if reason.holder and reason.holder.kind == "clock" else None
    when = f" at {_moment(clock.name)}" if clock else ""
    screen.say(shown(f"- {reason.text}{when}{since}"))
    screen.say(shown(f"  releases it: {reason.release}"))


def _expect(estimate: Estimate) -> None:
    known = tables.expected(estimate, datetime.now(UTC))
    times = ", ".join(f"{name} {when}" for name, when in known.items()) or "unknown"
    screen.say(shown(f"Expected: {times}"))
    screen.say(shown(f"  {estimate.basis}"))


def _moment(written: str) -> str:
    return words.moment(datetime.fromisoformat(written))


def _limit(job: Job, now: datetime) -> str:
    """`10 MB/s by endpoint hq, which gives 20 MB/s to 2 transfers, until 22:00`."""
    if job.limit is None:
        return ""
    until = f", until {words.minute(job.limit.until, now)}" if job.limit.until else ""
    return f"{job.limit.text}{until}"


def _computing(compute: Computing | None) -> list[tuple[str, str]]:
    if compute is None:
        return []
    lanes = Counter(compute.lanes)
    return [
        ("command", compute.command),
        ("range", compute.range),
        ("filters", ", ".join(compute.filters)),
        ("environment", " ".join(f"{name}={value}" for name, value in compute.environment.items())),
        ("runs in", compute.cwd),
        ("lanes", ", ".join(f"{name} ×{count}" for name, count in sorted(lanes.items()))),
    ]


def _waits(job: Job) -> str:
    if job.reason is None:
        return ""
    text, release = job.reason.text, job.reason.release
    return f"{text} ({release})" if release else text


def _progress(job: Job) -> str:
    found = "" if job.listed else " found so far"
    return f"{tables.percent(job)}, {tables.moved(job)}{found}"


def _tasks(job: Job) -> str:
    others = {
        "failed": job.tasks_failed,
        "on hold": job.tasks_onhold,
        "excluded": job.tasks_excluded,
    }
    told = "".join(f", {count:,} {word}" for word, count in others.items() if count)
    return f"{job.tasks_done:,} of {job.tasks_total:,} done{told}"


def _removed(job: Job) -> str:
    return f"{job.removed:,} ({words.size(job.size_removed)})" if job.removed else ""


def tasks(
    job: str,
    /,
    *,
    status: TaskStatus | None = None,
    limit: pages.Limit = None,
    as_of: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """List the tasks of a job: one a file, folder or frame.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    status
        Only tasks with this status.
    limit
        At most so many; without it 100 in the table and all as JSON.
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    client = connect(connection)
    wanted = pages.wanted(limit, json)
    as_of = pages.instant(client, as_of)
    found_job = find_job(client, job, as_of=as_of)
    query: Query = {"status": status, "as_of": as_of}
    rows, total = pages.tasks(client, found_job.id, query, wanted)
    if json:
        screen.emit_all(rows)
    elif total:
        found = list(rows)
        screen.draw(tables.tasks(found))
        pages.say_more(len(found), total, "task")
    else:
        screen.say("no tasks")
