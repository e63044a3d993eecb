"""Resources as tables: which columns, in which words. Asks nobody anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.cli import screen, words
from services.gateway.log_resources import LogLine
from services.gateway.resources import Endpoint, Job, Queue, Setting, Task, Volume

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from events.settings import Value
    from services.scheduler.commands import Estimate


def jobs(rows: Sequence[Job], now: datetime) -> Table:
    made = screen.table("ID", "NAME", "QUEUE", "STATUS", "%", "SIZE", "", right=("%", "SIZE"))
    _give_way(made, 1, 6)
    ids = words.short([job.id for job in rows])
    for job in rows:
        made.add_row(
            ids[job.id],
            screen.cut(job.name),
            screen.plain(queue(job)),
            screen.status(job.status),
            percent(job).removesuffix(" %"),
            amount(job),
            screen.cut(remark(job, now), "red" if job.status == "failed" else ""),
        )
    return made


def line(job: Job) -> Text:
    """A job in one line: what to say after something was done to it."""
    made = screen.plain(f"{job.id}  {job.name}  ")
    made.append_text(screen.status(job.status))
    return made.append_text(screen.plain(f"  {queue(job)}"))


def amount(job: Job) -> str:
    """How much it is: in bytes, or of a compute job in frames."""
    return words.size(job.size) if job.compute is None else words.count(job.tasks_total, "frame")


def moved(job: Job) -> str:
    """`12 MB of 30 MB`, `4 of 6 frames`."""
    done = words.size(job.bytes_done) if job.compute is None else f"{job.tasks_done:,}"
    return f"{done} of {amount(job)}"


def queue(job: Job) -> str:
    """The queue, and the position in brackets."""
    return f"{job.queue} [{job.position}]" if job.position else job.queue


def remark(job: Job, now: datetime) -> str:
    """What a person wants to know next about a job in this status."""
    match job.status:
        case "running":
            pace = speed(job) if job.kind == "transfer" else ""
            return "; ".join(filter(None, (pace, _lists(job), _ends(job, now))))
        case "init" | "waiting":
            reason = job.reason.text if job.reason else ""
            return "; ".join(filter(None, (reason, _starts(job, now))))
        case "failed":
            return f"{again(job, now)}{error(job)}"
        case "done" | "aborted":
            return words.moment(job.finished_at)
        case _:
            return ""


def percent(job: Job) -> str:
    """Of what is still being listed nobody knows."""
    return words.percent(job.progress) if job.listed else "…"


def _lists(job: Job) -> str:
    if job.awaited:
        return f"waits for {words.count(job.awaited, 'file')} to stay as is"
    return "" if job.listed else "still listing"


def _starts(job: Job, now: datetime) -> str:
    at = job.estimate.start_at if job.estimate else None
    return f"starts {words.about(at, now)}" if at else ""


def _ends(job: Job, now: datetime) -> str:
    """Of one whose own pace does not tell how much is left."""
    at = job.estimate.end_at if job.estimate and job.eta_s is None else None
    return f"ends {words.about(at, now)}" if at else ""


def expected(estimate: Estimate, now: datetime) -> dict[str, str]:
    """Its `starts` and `ends` with their intervals, as far as anything is known of them."""
    start = (estimate.start_at, estimate.start_earliest, estimate.start_latest)
    end = (estimate.end_at, estimate.end_earliest, estimate.end_latest)
    said: dict[str, str] = {}
    for name, (at, earliest, latest) in (("starts", start), ("ends", end)):
        interval = words.between(earliest, latest, now)
        if at is not None:
            said[name] = f"{words.about(at, now)}{f' ({interval})' if interval else ''}"
    return said


def speed(job: Job) -> str:
    left = "" if job.eta_s is None else f", {words.duration(job.eta_s)} left"
    return f"{words.rate(job.bytes_per_second)}{left}"


def again(job: Job, now: datetime) -> str:
    if job.retry_at is None:
        return ""
    return f"again in {words.duration((job.retry_at - now).total_seconds())}; "


def error(job: Job | Task) -> str:
    return ": ".join(part for part in (job.error_class, job.error_message) if part)


def failures(job: Job) -> str:
    """How often it failed, by class, the most frequent first: `network 2, space 1`."""
    ordered = sorted(job.failures.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{cause} {count:,}" for cause, count in ordered)


def tasks(rows: Sequence[Task]) -> Table:
    """Frames have no size."""
    sized = any(task.kind != "frame" for task in rows)
    what = ("PATH", "SIZE") if sized else ("FRAME",)
    columns = ("#", *what, "STATUS", "TRIES", "START", "TIME", "")
    made = screen.table(*columns, right=("#", "SIZE", "TRIES"))
    _give_way(made, 1, len(columns) - 1)
    for task in rows:
        made.add_row(
            str(task.number),
            screen.cut(task.uri or task.name),
            *([_size(task)] if sized else []),
            _status(task),
            str(task.tries),
            words.clock(task.started_at),
            words.took(task.took_s),
            screen.cut(error(task), "red") if task.error_class else screen.cut(task.said or ""),
        )
    return made


def _size(task: Task) -> Text:
    return screen.plain(words.size(task.size) if task.kind == "file" else task.kind)


def _status(task: Task) -> Text:
    """With how far its command says that it is."""
    made = screen.status(task.status)
    return made if task.percent is None else made.append(f" {words.percent(task.percent / 100)}")


def queues(rows: Sequence[Queue]) -> Table:
    numbers = ("PRIORITY", "WAITING", "RUNNING")
    made = screen.table("QUEUE", "PRIORITY", "STATUS", *numbers[1:], "DESCRIPTION", right=numbers)
    _give_way(made, 5)
    for row in rows:
        made.add_row(
            screen.plain(_code(row)),
            str(row.priority),
            screen.status(row.status),
            str(row.jobs_waiting),
            str(row.jobs_running),
            screen.cut(row.description),
        )
    return made


def settings(rows: Sequence[Setting]) -> Table:
    made = screen.table("SETTING", "VALUE", "FROM", "DEFAULT", "ALLOWED", "MEANING")
    _give_way(made, 4, 5)
    for row in rows:
        made.add_row(
            screen.plain(row.name),
            screen.plain(
                row.together or _value(row.value), "" if row.source == "default" else "bold"
            ),
            screen.plain(row.source),
            screen.plain(_value(row.default), "dim"),
            screen.cut(allowed(row)),
            screen.cut(row.meaning),
        )
    return made


def allowed(row: Setting) -> str:
    """`fail, ignore`, or `1 to 3600 s`, or how a text is written."""
    if row.low is None:
        return ", ".join(row.choices) or row.written
    return f"{row.low} to {row.high} {row.unit}".rstrip()


def _value(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def queue_line(row: Queue) -> Text:
    """A queue in one line: what to say after something was done to it."""
    made = screen.plain(f"{_code(row)}  ")
    made.append_text(screen.status(row.status))
    return made.append_text(screen.plain(f"  priority {row.priority}  {row.description}".rstrip()))


def _code(row: Queue) -> str:
    given = {"default": row.default, "compute default": row.compute_default}
    marks = ", ".join(mark for mark, holds in given.items() if holds)
    return f"{row.code} ({marks})" if marks else row.code


def endpoints(rows: Sequence[Endpoint]) -> Table:
    heads = ("NAME", "KIND", "STATUS", "RUNNING", "VOLUMES", "REACHES", "ID")
    made = screen.table(*heads, right=("RUNNING",))
    _give_way(made, 4, 5)
    for row in rows:
        made.add_row(
            screen.cut(row.name),
            screen.plain(row.kind),
            screen.status("disabled" if row.disabled else row.status),
            str(row.jobs_running),
            screen.cut(_volumes(row)),
            screen.cut(_reaches(row)),
            screen.plain(row.id, "dim"),
        )
    return made


def endpoint_line(row: Endpoint) -> Text:
    """An endpoint in one line: what to say after something was done to it."""
    made = screen.plain(f"{row.name}  ").append_text(screen.status(row.status))
    if row.disabled is None:
        return made.append_text(screen.plain("  in use"))
    when = words.moment(row.disabled.at)
    return made.append_text(screen.plain(f"  disabled by {row.disabled.by} since {when}"))


def _reaches(row: Endpoint) -> str:
    """`oslo, not attic; no port`, `relays 32`."""
    found = [one.endpoint if one.reached else f"not {one.endpoint}" for one in row.reaches]
    silent = row.status == "online" and not row.listens
    relays = f"relays {row.relays}" if row.relays else ""
    said = [", ".join(found), "no port" if silent else "", relays]
    return "; ".join(filter(None, said)) or "-"


def _volumes(row: Endpoint) -> str:
    return ", ".join(map(_volume, row.volumes)) or "-"


def _volume(one: Volume) -> str:
    """`projects (1.2 TB free)`, `incoming (full, 80.0 MB free)`, `attic (offline)`."""
    free = "" if one.free_bytes is None else f"{words.size(one.free_bytes)} free"
    said = ["full" if one.full else "", free] if one.online else ["offline"]
    remark = ", ".join(filter(None, said))
    return f"{one.code} ({remark})" if remark else one.code


def log_line(line: LogLine, *, whole: bool = False, cause: bool = False) -> Text:
    """When, who, what, why; a text that names who did it needs no more.

    `whole`: also to what it happened; `cause`: also the id of the command.
    """
    made = screen.plain(f"{words.moment(line.at)}  ", "dim")
    who = line.who or line.actor
    if not line.text.startswith(who):
        made.append_text(screen.plain(f"{who}: ", "cyan"))
    made.append_text(screen.plain(line.text))
    if whole and line.about and line.about not in line.text:
        made.append_text(screen.plain(f"  {line.about}", "bold"))
    if line.because:
        made.append_text(screen.plain(f"  because {line.because}", "dim"))
    if cause and line.cause:
        made.append_text(screen.plain(f"  {line.cause}", "dim"))
    return made


def _give_way(made: Table, *columns: int) -> None:
    """These are cut when the terminal is too narrow; the others stay whole."""
    for column in columns:
        made.columns[column].no_wrap = False
