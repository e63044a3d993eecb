"""Events in people's words: `text` of a line of the job log, or of an event as it comes.

Ids become names through `names` (id of a queue, endpoint or job to what people call it); an id
without a name is shown as it is. Times of day are UTC. Control and direction characters in names
and messages are shown escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from events import codec, endpoints, jobs, pairs, queues, workspace
from events.codec import Recorded
from events.endpoints import Dialled, Volume
from events.names import shown
from projections import figures, file_words, job_log, task_words
from projections.job_log import Line, Told
from projections.task_words import cause_of

Names = Mapping[str, str]

LISTED_MAX = 3
_ROUTES = {"pull": "", "local": "", "push": ", dialled by its sender"}


def text(line: Line | Recorded, names: Names) -> str:
    """One short sentence without a full stop: `ann moved it to high`."""
    event = job_log.in_short(line.event) if isinstance(line, Recorded) else line.event
    return shown(_said(event, _who(line.actor, names), line.at, names))


def who(actor: str, names: Names) -> str:
    """Who did it: a person's name, an endpoint's, or `scheduler`."""
    return shown(names.get(actor.removeprefix("endpoint/"), actor))


def _who(actor: str, names: Names) -> str:
    """The name of a person who did it; "" for what the machinery did by itself."""
    machinery = actor == codec.SCHEDULER or actor.startswith("endpoint/")
    return "" if machinery else names.get(actor, actor)


def _said(event: Told, who: str, at: datetime, names: Names) -> str:
    if isinstance(event, jobs.Event):
        return _job(event, who, at, names)
    if isinstance(event, endpoints.Event):
        return _endpoint(event, who, at, names)
    if isinstance(event, queues.Event):
        return _queue(event, who, names)
    match event:
        case workspace.SettingsChanged():
            return _by(who, "set", _settings(event, "of the workspace"))
        case pairs.SettingsChanged(one=one, other=other):
            ends = f"{_name(one, names)} and {_name(other, names)}"
            return _by(who, "set", _settings(event, f"between {ends}"))
        case workspace.Opened(workspace=name):
            return f"workspace {name} opened"
        case workspace.SchedulerStarted(host=host, version=version):
            return f"a scheduler took the lead on {host} (version {version})"
        case about_tasks:
            return task_words.said(about_tasks, who, names)


def _by(who: str, done: str, what: str = "it") -> str:
    """`ann paused it`, or `paused` when nobody in particular did."""
    if who:
        return f"{who} {done} {what}"
    return done if what == "it" else f"{done} {what}"


def _job(event: jobs.Event, who: str, at: datetime, names: Names) -> str:
    match event:
        case jobs.Submitted(queue=queue, work=work):
            return f"{_by(who, 'submitted')}: {_work(work, names)}, in queue {_name(queue, names)}"
        case jobs.ListingStarted(first=first):
            known = f" again, {figures.count(first, 'task')} known" if first else ""
            return f"listing the source{known}"
        case jobs.Opened():
            return "ready to run while the listing goes on"
        case jobs.Listed(tasks=count, size=size, skipped=skipped):
            left_out = f", {figures.count(skipped, 'special file')} skipped" if skipped else ""
            return f"listed: {figures.count(count, 'task')}, {figures.size(size)}{left_out}"
        case jobs.Awaited(files=0):
            return "no file changes any more"
        case jobs.Awaited(files=files):
            return f"waiting for {figures.count(files, 'file')} that still changed"
        case jobs.Started(run=run, endpoint=endpoint, route=route, relay=relay):
            way = _ROUTES.get(route, f", relayed by {_name(relay, names)}")
            return f"run {run} started on {_name(endpoint, names)}{way}"
        case jobs.GaveWay(to=job):
            return f"gave way to {_name(job, names)}"
        case jobs.Interrupted(cause=cause, holder=holder):
            where = f" ({_name(holder, names)})" if holder else ""
            return f"interrupted: {cause_of(cause)}{where}"
        case jobs.Paused():
            return _by(who, "paused")
        case jobs.Resumed():
            return _by(who, "resumed")
        case jobs.Aborted():
            return _by(who, "aborted")
        case jobs.Failed(error_class=error_class, message=message, retry_at=retry_at):
            next_try = f", next try {figures.time(retry_at, at)}" if retry_at else ""
            return f"failed: {message} ({error_class.value}){next_try}"
        case jobs.Retried(place=place):
            return "tried again" if place is None and not who else _by(who, "retried")
        case jobs.Done():
            return "done"
        case jobs.Removing() | jobs.Removed():
            return _removal(event)
        case jobs.SettingsChanged():
            return _by(who, "set", _settings(event))
        case jobs.Moved(queue=queue):
            return f"{_by(who, 'moved')} to {_name(queue, names)}"
        case jobs.Archived():
            return "left the list of finished jobs"
        case jobs.Appended(uris=uris) if not who:
            return f"what was added meanwhile is listed next: {_some(uris)}"
        case jobs.Appended(uris=uris):
            return f"{_by(who, 'added', figures.count(len(uris), 'path'))}: {_some(uris)}"


def _removal(event: jobs.Removing | jobs.Removed) -> str:
    match event:
        case jobs.Removing(uris=uris):
            what = figures.count(len(uris), "thing")
            return f"deletes {what} that the source does not have: {_some(uris)}"
        case jobs.Removed(count=count, size=size):
            return f"deleted {figures.count(count, 'thing')}, {figures.size(size)}"


def _work(work: jobs.Work, names: Names) -> str:
    match work:
        case jobs.Transfer(source=source, destination=destination):
            return f"{_party(source, names)} to {_party(destination, names)}"
        case jobs.Compute(command=command, frames=frames):
            return f"{command} for {frames}" if frames else command


def _some(listed: Sequence[str]) -> str:
    text = ", ".join(listed[:LISTED_MAX])
    return text if len(listed) <= LISTED_MAX else f"{text}, …"


def _queue(event: queues.Event, who: str, names: Names) -> str:
    name = f"queue {_name(event.queue, names)}"
    match event:
        case queues.Created(code=code, priority=priority):
            return _by(who, "created", f"queue {code} with priority {priority}")
        case queues.Changed():
            given = ((one, getattr(event, one)) for one in queues.CHANGEABLE)
            said = [_set(one, value) for one, value in given if value is not None]
            return _by(who, "changed", f"{name}: {', '.join(said)}")
        case queues.Paused():
            return _by(who, "paused", name)
        case queues.Resumed():
            return _by(who, "resumed", name)
        case queues.SettingsChanged():
            return _by(who, "set", _settings(event, f"of {name}"))
        case queues.Deleted(to=to):
            return _by(who, "deleted", f"{name}, its jobs went to {_name(to, names)}")


def _set(what: str, value: object) -> str:
    word = what.replace("_", " ")
    if isinstance(value, bool):
        return word if value else f"no longer {word}"
    if isinstance(value, dict):
        return f"{word} {' '.join(f'{key}={one}' for key, one in value.items()) or 'none'}"
    return f"{word} {value}"


def _endpoint(event: endpoints.Event, who: str, at: datetime, names: Names) -> str:
    name = names.get(event.endpoint, event.endpoint)
    match event:
        case endpoints.Enrolled(name=enrolled):
            return f"endpoint {enrolled} enrolled"
        case endpoints.CameOnline(volumes=volumes):
            return f"{name} came online with {_volumes(volumes)}"
        case endpoints.VolumesChanged(volumes=volumes):
            return f"{name} now serves {_volumes(volumes)}"
        case endpoints.ReachChanged(dialled=dialled):
            return f"{name} {_reach(dialled, names)}"
        case endpoints.SettingsChanged():
            return _by(who, "set", _settings(event, f"of {name}"))
        case endpoints.WentOffline(cause=cause):
            return f"{name} went offline: {cause_of(cause)}"
        case endpoints.BackedOff(volume=volume, drops=drops, until=until):
            what = f"volume {volume} of {name}" if volume else name
            again = figures.count(drops + 1, "time")
            return f"{what} dropped out {again} in a row: not used until {figures.time(until, at)}"
        case endpoints.VolumeFilled(volume=volume, free_bytes=free):
            return f"volume {volume} of {name} is full: {figures.size(free)} are free"
        case endpoints.VolumeFreed(volume=volume, free_bytes=free):
            return f"volume {volume} of {name} has room again: {figures.size(free)} are free"
        case endpoints.Disabled():
            return _by(who, "disabled", f"endpoint {name}")
        case endpoints.Enabled():
            return _by(who, "enabled", f"endpoint {name}")
        case endpoints.Readmitted(volume=volume):
            return f"volume {volume} of {name} is used again" if volume else f"{name} is used again"
        case endpoints.FilesChanging():
            return file_words.begun(event, who, name)
        case endpoints.FilesChanged():
            return file_words.ended(event, name)


def _settings(
    event: workspace.SettingsChanged
    | queues.SettingsChanged
    | jobs.SettingsChanged
    | endpoints.SettingsChanged
    | pairs.SettingsChanged,
    of: str = "",
) -> str:
    """`transfer_concurrent to 2, job_on_missing to its default of queue low`."""
    given = [f"{name} to {value}" for name, value in event.values.items()]
    said = ", ".join([*given, *(f"{name} to its default" for name in event.unset)])
    return f"{said} {of}".strip()


def _reach(dialled: list[Dialled], names: Names) -> str:
    """`reaches hq, oslo; cannot reach attic`."""
    said = []
    for word, reached in (("reaches", True), ("cannot reach", False)):
        those = [_name(one.endpoint, names) for one in dialled if one.reached is reached]
        said += [f"{word} {', '.join(those)}"] if those else []
    return "; ".join(said)


def _volumes(volumes: list[Volume]) -> str:
    listed = (one.code if one.online else f"{one.code} (offline)" for one in volumes)
    return ", ".join(listed) or "no volumes"


def _party(party: jobs.Party, names: Names) -> str:
    return f"{_name(party.endpoint, names)}:{party.volume}/{party.path}"


def _name(identity: str, names: Names) -> str:
    return names.get(identity, identity)
