"""The sentences of stories: what people ask, what agents report, what there is to see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from events import endpoints, ranges
from events.job import Job
from events.jobs import ErrorClass, Status
from events.settings import Level
from events.tasks import Entry
from services.agent.commands import Room
from services.scheduler import explain
from services.scheduler.commands import (
    Abort,
    Actor,
    Append,
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    PersonsCommand,
    Reason,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    Role,
    RunFailed,
    Set,
    TasksStarted,
)
from tests.services.spec import ANN, NAMES, VOLUMES, beat, job_id, transfer
from tests.stories.telling import Line, Scene, Sentence, compare

ROLES = {"ann": Role.ADMIN, "eve": Role.EMPLOYEE, "bob": Role.USER}
FILES, SIZE = 3, 100

SENTENCES: dict[str, Sentence] = {}
NAME = r'"([^"]+)"'
MANY = r'("[^"]+"(?:(?:, | and )"[^"]+")*)'
PARTY = r"([a-z]+:[\w./-]+)"
PERSON = "(ann|bob|eve)"
HOST = f"({'|'.join(NAMES.values())})"

Match = re.Match[str]


def sentence(pattern: str) -> Callable[[Sentence], Sentence]:
    def learn(one: Sentence) -> Sentence:
        SENTENCES[pattern] = one
        return one

    return learn


def ask(scene: Scene, person: str, command: PersonsCommand) -> None:
    """Asked twice by `when`: the second time must add nothing."""
    scene.next_step()
    outcome = scene.history.when(command, Actor(person, ROLES[person]))
    if isinstance(outcome.answer, Rejected):
        scene.refusal = f"{outcome.answer.why}: {outcome.answer.detail}"


def names(said: str) -> list[str]:
    return [job_id(name) for name in re.findall(NAME, said)]


def job_named(scene: Scene, name: str) -> Job:
    known = scene.history.board.jobs
    there_are = ", ".join(job.name for job in known.values())
    assert job_id(name) in known, f'there is no job "{name}": there are {there_are}'
    return known[job_id(name)]


# People.


@sentence(rf"{NAME} {PARTY} -> {PARTY}(?: in (\w+))?")
def _given(scene: Scene, said: Match, _line: Line) -> None:
    """A job that is listed already: three files of a hundred bytes."""
    scene.next_step()
    scene.history.ask(transfer(said[1], said[2], said[3], said[4]), ANN)
    scene.history.listed(said[1], FILES, SIZE)


@sentence(rf"{PERSON} submits {NAME} {PARTY} -> {PARTY}(?: to (\w+))?( paused)?")
def _submits(scene: Scene, said: Match, _line: Line) -> None:
    ask(scene, said[1], transfer(said[2], said[3], said[4], said[5], paused=bool(said[6])))


@sentence(rf"{PERSON} (pauses|resumes|retries|aborts) {NAME}")
def _hand(scene: Scene, said: Match, _line: Line) -> None:
    kinds: dict[str, type[Pause | Resume | Retry | Abort]]
    kinds = {"pauses": Pause, "resumes": Resume, "retries": Retry, "aborts": Abort}
    ask(scene, said[1], kinds[said[2]](job_named(scene, said[3]).id))


@sentence(rf"{PERSON} appends (.+) to {NAME}")
def _appends(scene: Scene, said: Match, _line: Line) -> None:
    job = job_named(scene, said[3])
    ask(scene, said[1], Append(job.id, uris=said[2].split(", ")))


@sentence(
    rf"{PERSON} (retries|holds|sets failed|sets done|excludes) "
    rf"(?:(?:files?|tasks?) ([\d,-]+)|all (?:files|tasks)) of {NAME}"
)
def _hand_on_tasks(scene: Scene, said: Match, _line: Line) -> None:
    actions: dict[str, Literal["retry", "hold", "fail", "done", "exclude"]] = {
        "retries": "retry",
        "holds": "hold",
        "sets failed": "fail",
        "sets done": "done",
        "excludes": "exclude",
    }
    job, tasks = job_named(scene, said[4]).id, said[3] or "all"
    ask(scene, said[1], HandOnTasks(job=job, action=actions[said[2]], tasks=tasks))


@sentence(rf"{PERSON} drags {MANY} to (?:the (top|bottom) of )?queue (\w+)")
def _drag_to_queue(scene: Scene, said: Match, _line: Line) -> None:
    jobs, queue = names(said[2]), said[4]
    move = Move(jobs, queue, to="top") if said[3] == "top" else Move(jobs, queue, to="bottom")
    ask(scene, said[1], move)


@sentence(rf"{PERSON} drags {MANY} (above|below) {NAME}")
def _drag_beside(scene: Scene, said: Match, _line: Line) -> None:
    beside = job_named(scene, said[4]).id
    if said[3] == "above":
        ask(scene, said[1], Move(names(said[2]), before=beside))
    else:
        ask(scene, said[1], Move(names(said[2]), after=beside))


@sentence(rf"{PERSON} creates queue (\w+) with priority (\d+)")
def _creates_queue(scene: Scene, said: Match, _line: Line) -> None:
    queue = f"{len(scene.history.board.queues):024x}"
    ask(scene, said[1], CreateQueue(queue, said[2], int(said[3])))


@sentence(rf"{PERSON} (pauses|resumes|deletes) queue (\w+)")
def _hand_on_queue(scene: Scene, said: Match, _line: Line) -> None:
    kinds: dict[str, type[PauseQueue | ResumeQueue | DeleteQueue]]
    kinds = {"pauses": PauseQueue, "resumes": ResumeQueue, "deletes": DeleteQueue}
    ask(scene, said[1], kinds[said[2]](said[3]))


@sentence(rf"{PERSON} gives queue (\w+) priority (\d+)")
def _changes_priority(scene: Scene, said: Match, _line: Line) -> None:
    ask(scene, said[1], ChangeQueue(said[2], priority=int(said[3])))


@sentence(rf"{PERSON} makes queue (\w+) the default")
def _makes_default(scene: Scene, said: Match, _line: Line) -> None:
    ask(scene, said[1], ChangeQueue(said[2], default=True))


ON = rf"(the workspace|queue (\w+)|endpoint {HOST}|{NAME})"


def _level(scene: Scene, said: Match, at: int) -> tuple[Level, str]:
    if said[at + 1]:
        return "queue", said[at + 1]
    if said[at + 2]:
        return "endpoint", said[at + 2]
    return ("job", job_named(scene, said[at + 3]).id) if said[at + 3] else ("workspace", "")


@sentence(rf"{PERSON} sets (\w+) to (\w+) on {ON}")
def _sets(scene: Scene, said: Match, _line: Line) -> None:
    level, which = _level(scene, said, 4)
    value = int(said[3]) if said[3].isdigit() else said[3]
    ask(scene, said[1], Set(level, which, {said[2]: value}))


@sentence(rf"{PERSON} unsets (\w+) on {ON}")
def _unsets(scene: Scene, said: Match, _line: Line) -> None:
    level, which = _level(scene, said, 3)
    ask(scene, said[1], Set(level, which, unset=[said[2]]))


# Agents, and time.


def _endpoint(name: str) -> str:
    return next(endpoint for endpoint, known in NAMES.items() if known == name)


@sentence(rf"{HOST} lists {NAME}: (\d+) files of (\d+) bytes")
def _lists(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    _lists_on(job_named(scene, said[2]), said[1])
    scene.history.listed(said[2], int(said[3]), int(said[4]))


@sentence(rf"{HOST} finds (\d+) files in {NAME} so far")
def _finds_so_far(scene: Scene, said: Match, _line: Line) -> None:
    """And goes on."""
    scene.next_step()
    _lists_on(job_named(scene, said[3]), said[1])
    answer = scene.history.lists_some(said[3], int(said[2]), SIZE)
    assert not isinstance(answer, Rejected), answer


@sentence(rf"{HOST} is through with {NAME}")
def _is_through(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    _lists_on(job_named(scene, said[2]), said[1])
    answer = scene.history.is_through(said[2])
    assert not isinstance(answer, Rejected), answer


@sentence(rf"{HOST} fails to list {NAME}: (\w+), (.+)")
def _fails_to_list(scene: Scene, said: Match, _line: Line) -> None:
    """Whatever its run is at."""
    scene.next_step()
    job = job_named(scene, said[2])
    _lists_on(job, said[1])
    broke = RunFailed(job.id, job.listing_run, ErrorClass(said[3]), said[4])
    answer = scene.history.report(broke)
    assert not isinstance(answer, Rejected), answer


def _lists_on(job: Job, host: str) -> None:
    assert job.listing, f"{job.name} is not being listed"
    assert job.transfer.source.endpoint == _endpoint(host), f"not {host} lists it"


@sentence(rf"{HOST} finds (.+) in {NAME}")
def _finds(scene: Scene, said: Match, _line: Line) -> None:
    """Of what was appended."""
    scene.next_step()
    _lists_on(job_named(scene, said[3]), said[1])
    uris = [] if said[2] == "nothing" else said[2].split(", ")
    scene.history.listed_as(said[3], [Entry(uri, size=SIZE) for uri in uris])


@sentence(rf"{HOST} receives (?:all|files? ([\d,-]+)) of {NAME}")
def _receives(scene: Scene, said: Match, _line: Line) -> None:
    """All that is left, or some; when nothing is left the run ends."""
    scene.next_step()
    job = job_named(scene, said[3])
    _runs_on(scene, job, said[1])
    table = scene.history.board.tables[job.id]
    numbers = said[2] or ranges.write(n for n in range(len(table)) if table.status(n) in (0, 1))
    scene.history.done(said[3], numbers, SIZE * ranges.count(numbers))
    if not said[2]:
        scene.history.ended(said[3])


@sentence(rf"{HOST} starts file (\d+) of {NAME}")
def _starts(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    job = job_named(scene, said[3])
    _runs_on(scene, job, said[1])
    scene.history.report(TasksStarted(job.id, job.run, said[2]))


@sentence(rf"{HOST} fails file (\d+) of {NAME}: (\w+)")
def _fails_file(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    _runs_on(scene, job_named(scene, said[3]), said[1])
    scene.history.failed(said[3], int(said[2]), ErrorClass(said[4]))


@sentence(rf"{HOST} ends its run of {NAME}")
def _ends(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    _runs_on(scene, job_named(scene, said[2]), said[1])
    answer = scene.history.ended(said[2])
    if isinstance(answer, Rejected):
        scene.refusal = f"{answer.why}: {answer.detail}"


@sentence(rf"{HOST} fails {NAME}: (\w+), (.+)")
def _fails(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    job = job_named(scene, said[2])
    if not job.listing:
        _runs_on(scene, job, said[1])
    answer = scene.history.breaks(said[2], ErrorClass(said[3]), said[4])
    assert not isinstance(answer, Rejected), answer


def _runs_on(scene: Scene, job: Job, host: str) -> None:
    assert job.status is Status.RUNNING, f"{job.name} does not run: it is {job.status}"
    there = job.transfer.destination.endpoint
    assert there == _endpoint(host), f"{NAMES[there]} works at {job.name}, not {host}"


@sentence(rf"{HOST} goes silent")
def _goes_silent(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    scene.history.silent(_endpoint(said[1]))


@sentence(rf"{HOST} comes back")
def _comes_back(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    endpoint = _endpoint(said[1])
    session = scene.history.board.endpoints[endpoint].session
    scene.history.take(beat(endpoint, f"{session}+"))


@sentence(rf"volume (\w+) of {HOST} (is lost|is there again)")
def _volume(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    endpoint = _endpoint(said[2])
    session = scene.history.board.endpoints[endpoint].session
    lost = said[1] if said[3] == "is lost" else ""
    volumes = [endpoints.Volume(one.code, online=one.code != lost) for one in VOLUMES]
    scene.history.take(beat(endpoint, session, volumes=volumes))


@sentence(rf"volume (\w+) of {HOST} has (\d+) MB free")
def _free(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    endpoint = _endpoint(said[2])
    session = scene.history.board.endpoints[endpoint].session
    rooms = [Room(said[1], int(said[3]) * 1_000_000, 10**12)]
    scene.history.take(beat(endpoint, session, rooms=rooms))


@sentence(r"(\d+) s(?:econds)?")
def _passes(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    scene.history.passes(int(said[1]))


# What there is to see.

BOARD = ("queue", "position", "job", "status", "reason")


@sentence(r"the board is:")
def _board(scene: Scene, _said: Match, line: Line) -> None:
    """Queue by queue: the jobs in line with their positions, those beside it, the finished."""
    scene.accepted()
    board = scene.history.board
    rows: list[tuple[str, ...]] = [BOARD]
    for queue in board.in_order():
        mine = sorted(
            (job for job in board.jobs.values() if job.queue == queue),
            key=lambda job: (board.position(job) or len(board.jobs) + 1, job.id),
        )
        code = board.queues[queue].code
        rows += [_row(scene, code, job) for job in mine]
    compare(line.table, rows)


def _row(scene: Scene, code: str, job: Job) -> tuple[str, ...]:
    reasons = _reasons(scene, job)
    position = scene.history.board.position(job)
    first = (reasons[0].text,) if reasons else ()
    return (code, str(position or "-"), job.name, str(job.status), *first)


def _reasons(scene: Scene, job: Job) -> list[Reason]:
    return explain.reasons([job], scene.history.board)[job.id]


@sentence(rf"{NAME} is (\w+)")
def _is(scene: Scene, said: Match, _line: Line) -> None:
    scene.accepted()
    assert str(job_named(scene, said[1]).status) == said[2], (
        f"it is {job_named(scene, said[1]).status}"
    )


@sentence(rf"{NAME} waits because:")
def _waits(scene: Scene, said: Match, line: Line) -> None:
    """All its reasons, the worst first, each with what would release it."""
    scene.accepted()
    reasons = _reasons(scene, job_named(scene, said[1]))
    compare(
        line.table, [("reason", "released when"), *((one.text, one.release) for one in reasons)]
    )


@sentence(r"the queues are:")
def _queues(scene: Scene, _said: Match, line: Line) -> None:
    scene.accepted()
    board = scene.history.board
    rows = [("queue", "priority", "status", "jobs")]
    for one in (board.queues[queue] for queue in board.in_order()):
        status = "paused" if one.paused else "waiting"
        status += " (default)" if one.default else ""
        rows.append((one.code, str(one.priority), status, str(len(board.line(one.id)))))
    compare(line.table, rows)


@sentence(r"this was stored:")
def _stored(scene: Scene, _said: Match, line: Line) -> None:
    compare(line.table, [(tag,) for tag in scene.stored()])


@sentence(r"nothing was stored")
def _nothing(scene: Scene, _said: Match, _line: Line) -> None:
    assert scene.stored() == [], scene.stored()


@sentence(r"this is refused: (.+)")
def _refused(scene: Scene, said: Match, _line: Line) -> None:
    refusal, scene.refusal = scene.refusal, None
    assert refusal is not None, "it was accepted"
    assert said[1] in refusal, f"it is refused with: {refusal}"


@sentence(rf"the (?:files|tasks) of {NAME} are: (.+)")
def _files(scene: Scene, said: Match, _line: Line) -> None:
    job = job_named(scene, said[1])
    table = scene.history.board.tables[job.id]
    found = ", ".join(table.status(number).name.lower() for number in range(len(table)))
    assert found == said[2], f"they are: {found}"


@sentence(rf"{NAME} tries again in (\d+) s")
def _tries_again(scene: Scene, said: Match, _line: Line) -> None:
    job = job_named(scene, said[1])
    assert job.retry_at is not None, "it does not try again by itself"
    found = (job.retry_at - scene.history.now).total_seconds()
    assert found == float(said[2]), f"in {found:g} s"


@sentence(rf"{NAME} does not try again by itself")
def _gives_up(scene: Scene, said: Match, _line: Line) -> None:
    job = job_named(scene, said[1])
    assert job.status is Status.FAILED
    assert job.retry_at is None, f"it does: at {job.retry_at}"
