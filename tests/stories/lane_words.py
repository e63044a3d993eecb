"""The sentences of stories about compute jobs: machines, commands, lanes."""

from __future__ import annotations

from collections.abc import Iterator

from events.jobs import ErrorClass
from services.scheduler.commands import Accepted, BucketEnded
from tests.services.spec import NAMES, compute
from tests.stories.telling import Line, Scene, compare
from tests.stories.words import HOST, NAME, PERSON, Match, ask, job_named, sentence

GIB = 1 << 30
LANES = ("endpoint", "job", "tasks")


@sentence(rf"{HOST} allows commands in (\d+) lanes?(?: on (\d+) GB)?")
def _allows(scene: Scene, said: Match, _line: Line) -> None:
    """Its agent starts anew."""
    scene.next_step()
    endpoint = next(one for one, name in NAMES.items() if name == said[1])
    scene.history.allows(endpoint, int(said[2]), memory_bytes=int(said[3] or 32) * GIB)


@sentence(
    rf"{PERSON} submits {NAME}: `([^`]+)` for frames ([\d,x-]+)"
    rf"(?: by (\d+))?(?: needing (\S+))?(?: after {NAME})?(?: to (\w+))?"
)
def _computes(scene: Scene, said: Match, _line: Line) -> None:
    given: dict[str, object] = {"command": said[3], "filters": [said[6]] if said[6] else []}
    if said[5]:
        given["bucket"] = int(said[5])
    if said[7]:
        given["depends_on"] = [job_named(scene, said[7]).id]
    ask(scene, said[1], compute(said[2], said[4], queue=said[8], **given))


@sentence(rf"{HOST} ends tasks? ([\d,-]+) of {NAME}(?: with exit code (\d+))?")
def _ends_bucket(scene: Scene, said: Match, _line: Line) -> None:
    scene.next_step()
    job = job_named(scene, said[3])
    there = scene.history.board.tables[job.id].buckets.items()
    runs = [run for run, one in there if (NAMES[one.endpoint], one.numbers) == (said[1], said[2])]
    assert runs, f"{said[1]} has no lane with tasks {said[2]} of {job.name}"
    scene.history.begins(job.name, runs[0])
    failure = ErrorClass.COMMAND if said[4] else None
    message = f"exit code {said[4]}" if said[4] else ""
    ended = BucketEnded(
        job.id, runs[0], int(said[4] or 0), 1000, error_class=failure, message=message
    )
    assert isinstance(scene.history.report(ended), Accepted)


@sentence(r"the lanes are:")
def _lanes(scene: Scene, _said: Match, line: Line) -> None:
    scene.accepted()
    compare(line.table, [LANES, *_taken(scene)])


def _taken(scene: Scene) -> Iterator[tuple[str, str, str]]:
    board = scene.history.board
    for endpoint in board.lanes.machines():
        for job, run in board.lanes.taken(endpoint):
            numbers = board.tables[job].buckets[run].numbers
            yield NAMES[endpoint], board.jobs[job].name, numbers
