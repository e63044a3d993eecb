"""Many jobs at once: what led to them, as events, for a board in memory or for a log.

The jobs stand on pairs of a few dozen endpoints and in many queues, spread evenly: every pair has
its jobs in many queues, every queue its jobs on many pairs. Job `n` stands on pair `n % pairs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import combinations, islice

from msgspec import Struct

from events import codec, endpoints, jobs, places, queues, tasks, workspace
from events.codec import SCHEDULER, Recorded
from events.endpoints import Volume
from projections.board import Board
from services.scheduler.turn import Turn

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VOLUMES = [Volume("projects"), Volume("incoming")]
JOBS_PER_COMMIT = 400
SESSION = "1"
QUIET_S = 3600


class Crowd(Struct, frozen=True):
    """`finished` of the jobs are done, the others wait; ids of jobs begin at `first`."""

    jobs: int
    finished: int = 0
    first: int = 0
    tasks: int = 1
    pairs: int = 1_000
    queues: int = 50

    def ends(self) -> list[tuple[str, str]]:
        """The endpoints of each pair."""
        count = 2
        while count * (count - 1) // 2 < self.pairs:
            count += 1
        names = [endpoint_id(number) for number in range(count)]
        return list(islice(combinations(names, 2), self.pairs))


def job_id(number: int) -> str:
    return f"{number:024x}"


def queue_id(number: int) -> str:
    return f"a{number:023x}"


def endpoint_id(number: int) -> str:
    return f"e{number:023x}"


def scenery(crowd: Crowd) -> list[codec.Event]:
    """Queues and endpoints, all online; nobody counts as silent for an hour."""
    used = sorted({end for pair in crowd.ends() for end in pair})
    there: list[codec.Event] = [
        queues.Created(queue_id(number), f"q{number:02}", 100 + number * 10)
        for number in range(crowd.queues)
    ]
    for number, end in enumerate(used):
        there.append(endpoints.Enrolled(end, f"host{number:02}"))
        there.append(endpoints.CameOnline(end, SESSION, "http://127.0.0.1:1", VOLUMES))
    return [*there, workspace.SettingsChanged({"client_offline_grace_s": QUIET_S})]


def submitted(crowd: Crowd) -> Iterator[list[codec.Event]]:
    """The jobs, some hundreds a commit: submitted and listed, one file each, or done."""
    ends, last = crowd.ends(), dict[int, str]()
    entries = [tasks.Entry(f"{number:04}", size=1_000) for number in range(crowd.tasks)]
    events: list[codec.Event] = []
    for number in range(crowd.jobs):
        queue = (number + number // crowd.pairs) % crowd.queues
        last[queue] = place = places.between(last.get(queue), None)[0]
        pair = ends[number % crowd.pairs]
        events += _job(crowd.first + number, pair, queue_id(queue), place, entries)
        if number < crowd.finished:
            events += _finished(crowd.first + number, pair, crowd.tasks)
        if (number + 1) % JOBS_PER_COMMIT == 0:
            yield events
            events = []
    if events:
        yield events


def _job(
    number: int, pair: tuple[str, str], queue: str, place: str, entries: list[tasks.Entry]
) -> list[codec.Event]:
    job = job_id(number)
    source = jobs.Party(pair[0], "projects", f"shots/{number:07}")
    destination = jobs.Party(pair[1], "incoming", f"shots/{number:07}")
    work = jobs.Transfer(source, destination)
    return [
        jobs.Submitted(job, f"shot {number:07}", "ann", queue, place, work),
        jobs.ListingStarted(job, 1),
        tasks.Found(job, 1, 0, entries),
        jobs.Listed(job, 1, len(entries), 1_000 * len(entries)),
    ]


def _finished(number: int, pair: tuple[str, str], count: int) -> list[codec.Event]:
    job, numbers = job_id(number), f"0-{count - 1}" if count > 1 else "0"
    return [
        jobs.Started(job, 2, pair[1]),
        tasks.Started(job, 2, numbers),
        tasks.Done(job, 2, numbers, 1_000 * count, [0] * count, [1] * count, ["0" * 64] * count),
        jobs.Done(job, 2),
    ]


def recorded(events: Iterable[codec.Event], sequence: int, at: datetime = NOON) -> list[Recorded]:
    """A commit of these events."""
    return [
        Recorded(sequence, index, at, SCHEDULER, "", event) for index, event in enumerate(events)
    ]


def board_of(crowd: Crowd) -> Board:
    """A board with the crowd on it, planned: on each pair the first one runs."""
    board = Board()
    opening = Turn(board, NOON)
    opening.open("main", ["f" * 24, "b" * 24, "c" * 24, "d" * 24])
    for commit in ([*scenery(crowd)], *submitted(crowd)):
        for one in recorded(commit, board.sequence + 1):
            board.apply(one)
    Turn(board, NOON).start_scheduler("s" * 24, "host", "0")
    return board
