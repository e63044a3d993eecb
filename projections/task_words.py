"""Events about tasks, and what ends a run or a bucket from outside, in people's words."""

from __future__ import annotations

from collections.abc import Mapping

from events import ranges, tasks
from projections import figures, job_log

LIST_MAX = 60
_CAUSES = {
    "silent": "no sign of life",
    "stopped": "it was stopped",
    "endpoint_restarted": "the agent was started again",
    "endpoint_offline": "an endpoint went offline",
    "endpoint_disabled": "an endpoint was disabled",
    "volume_offline": "a volume went offline",
    "volume_full": "a volume is full",
    "by_hand": "by hand",
    "tasks_queued": "tasks were queued meanwhile",
    "no_route": "its ends do not reach one another any more",
}


def said(event: job_log.OfTasks, who: str, names: Mapping[str, str]) -> str:
    match event:
        case job_log.Found(count=count, size=size):
            return f"found {figures.count(count, 'task')}, {figures.size(size)}"
        case tasks.Started(numbers=numbers):
            return f"{_numbered(numbers)} started"
        case job_log.Done(numbers=numbers, size=size):
            return f"{_numbered(numbers)} done{f', {figures.size(size)}' if size else ''}"
        case job_log.Failed(count=count, failures=failures):
            return _failures(count, failures)
        case tasks.Queued(numbers=numbers):
            return _hand(who, "queued", numbers, " again")
        case tasks.Held(numbers=numbers):
            return _hand(who, "put", numbers, " on hold")
        case tasks.Excluded(numbers=numbers):
            return _hand(who, "excluded", numbers)
        case tasks.MarkedDone(numbers=numbers):
            return _hand(who, "set", numbers, " done")
        case tasks.MarkedFailed(numbers=numbers):
            return _hand(who, "set", numbers, " failed")
        case tasks.Ranged(frames=frames, count=count):
            return (
                f"{figures.count(count, 'task')} for {frames}"
                if frames
                else figures.count(count, "task")
            )
        case tasks.Dispatched(numbers=numbers, endpoint=endpoint):
            return f"{_numbered(numbers)} went to a lane of {names.get(endpoint, endpoint)}"
        case tasks.Exited(exit_code=code, took_ms=took_ms):
            ended = "could not be started" if code is None else f"ended with exit code {code}"
            return f"the command of run {event.run} {ended} after {took_ms / 1000:.1f} s"
        case tasks.Released(numbers=numbers, cause=cause):
            return f"{_numbered(numbers)} stopped: {cause_of(cause)}"


def _hand(who: str, did: str, numbers: str, how: str = "") -> str:
    return f"{who} {did} {_numbered(numbers)}{how}" if who else f"{_numbered(numbers)} {did}{how}"


def _failures(count: int, failures: list[tasks.Failure]) -> str:
    if not failures:
        return f"{figures.count(count, 'task')} failed"
    first = failures[0]
    more = f", and {figures.count(count - 1, 'more task')}" if count > 1 else ""
    return f"task {first.number} failed: {first.message} ({first.error_class.value}){more}"


def cause_of(word: str) -> str:
    return _CAUSES.get(word, word.replace("_", " "))


def _numbered(numbers: str) -> str:
    count = ranges.count(numbers)
    listed = numbers if len(numbers) <= LIST_MAX else f"{numbers[:LIST_MAX]}…"
    return f"task {numbers}" if count == 1 else f"{count:,} tasks ({listed})"
