"""README draws the life cycles; what the code does is compared with the drawing, both ways."""

from __future__ import annotations

import re
from pathlib import Path

from events import codec, tasks
from events.jobs import ErrorClass
from events.tasks import Entry, Status
from projections.board import Board
from services.scheduler.commands import (
    Abort,
    Append,
    ListingFound,
    Pause,
    PersonsCommand,
    Resume,
    Retry,
    TasksDone,
    TasksStarted,
)
from tests.services.spec import HQ, STOCKHOLM, History, beat, compute, given, job_id, transfer

README = Path(__file__).parents[2] / "README.md"
Arrow = tuple[str, str, str]
A = job_id("a")
MORE = Append(A, uris=["more"])


def drawn(number: int) -> set[Arrow]:
    """The arrows (from, to, event) of README's n-th picture."""
    picture = re.findall(r"```mermaid\n(.*?)```", README.read_text(), re.DOTALL)[number]
    return set(re.findall(r"(\S+) --> (\w+): (.+)", picture))


def failed(history: History) -> None:
    history.breaks("a", ErrorClass.INTERNAL)


def unlisted() -> History:
    history = History()
    history.ask(transfer("a"))
    return history


def opened(history: History | None = None) -> History:
    """Its listing goes on, and it waits behind the jobs of the history, or runs."""
    history = history or History()
    history.ask(transfer("a"))
    history.lists_some("a")
    return history


def stories() -> list[History]:
    """Directed walks that together go along every arrow there should be."""
    told: list[History] = []

    def tell(history: History, *hands: PersonsCommand) -> History:
        for hand in hands:
            history.ask(hand)
        told.append(history)
        return history

    for start in (unlisted, lambda: given(transfer("a"))):
        tell(start(), Pause(A), Resume(A), Pause(A), Abort(A), Retry(A), Abort(A))
        tell(start(), Abort(A), MORE, Abort(A))
        broken = start()
        failed(broken)
        tell(broken, Retry(A))
        failed(broken)
        tell(broken, Abort(A))
        broken = start()
        failed(broken)
        tell(broken, MORE)
    tell(given(transfer("b"), transfer("a")), MORE)
    tell(given(transfer("a")), MORE)
    ended = given(transfer("a"))
    ended.finished("a")
    tell(ended, MORE)
    ended.report(ListingFound(A, ended.job("a").listing_run, 0, [Entry("f0")]))
    for hand in (MORE, Abort(A)):
        tell(opened(), hand, MORE)
    for broken in (opened(), opened(given(transfer("b")))):
        failed(broken)
        tell(broken, MORE)
    second = given(transfer("b"), transfer("a"))
    tell(second, Pause(A), Resume(A), Abort(A))
    history = tell(given(transfer("a"), transfer("b", queue="high")))
    history.finished("b")
    history.report(TasksDone(A, history.job("a").run, "0", 100, [0], [0], [""]))
    history.take(beat(STOCKHOLM, "2"))
    history.report(_started(history, "1"))
    history.failed("a", 1, ErrorClass.SPACE)
    history.report(_started(history, "2"))
    history.take(beat(STOCKHOLM, "2", leaving=True))
    history.take(beat(STOCKHOLM, "3"))
    history.failed("a", 2, ErrorClass.SPACE)
    history.ended("a")
    history.passes(15)
    history.done("a", "1-2")
    history.ended("a")
    tell(history, Retry(A))
    return told


def stories_of_lanes() -> list[History]:
    """The same for a compute job, a, with the one lane that there is."""
    told = [History() for _ in range(4)]
    for history in told:
        history.allows(HQ)
        history.ask(compute("a", "1-2"))
    first, held, above, lost = told
    first.bucket_ends("a", ErrorClass.COMMAND)
    first.bucket_ends("a")
    first.passes(15)
    first.bucket_ends("a")
    for again in (Retry(A), Abort(A), Retry(A)):
        first.ask(again)
    held.begins("a", held.job("a").run)
    for hand in (Pause(A), Resume(A), Pause(A)):
        held.ask(hand)
    above.ask(compute("b", "1", queue="high"))
    above.bucket_ends("a")
    above.ask(Abort(A))
    lost.allows(HQ)
    lost.begins("a", lost.job("a").run)
    lost.silent(HQ)
    return told


def _started(history: History, numbers: str) -> TasksStarted:
    return TasksStarted(A, history.job("a").run, numbers)


def walked(history: History) -> tuple[set[Arrow], set[Arrow]]:
    """The arrows that jobs and tasks went along in a history."""
    board, job_arrows, task_arrows = Board(), set[Arrow](), set[Arrow]()
    for recorded in (one for commit in history.log for one in commit):
        job = getattr(recorded.event, "job", None)
        before = (_status(board, job), _task_statuses(board, job))
        board.apply(recorded)
        after = (_status(board, job), _task_statuses(board, job))
        tag = codec.tag(recorded.event)
        if before[0] != after[0]:
            job_arrows.add((before[0], after[0], tag))
        cause = tag if isinstance(recorded.event, tasks.Event) else "the run ends"
        padded = before[1] + ["[*]"] * (len(after[1]) - len(before[1]))
        task_arrows |= {(b, a, cause) for b, a in zip(padded, after[1], strict=False) if b != a}
    return job_arrows, task_arrows


def _status(board: Board, job: str | None) -> str:
    return str(board.jobs[job].status) if job in board.jobs else "[*]"


def _task_statuses(board: Board, job: str | None) -> list[str]:
    table = board.tables.get(job or "")
    return [Status(table.status(n)).name.lower() for n in range(len(table))] if table else []


def test_a_job_lives_as_readme_draws_it() -> None:
    told = [*stories(), *stories_of_lanes()]
    assert {arrow for history in told for arrow in walked(history)[0]} == drawn(0)


def test_a_task_lives_as_readme_draws_it() -> None:
    went = {arrow for history in stories() for arrow in walked(history)[1]}
    assert went == drawn(1)


def test_a_frame_lives_as_readme_draws_it() -> None:
    went = {arrow for history in stories_of_lanes() for arrow in walked(history)[1]}
    assert went == drawn(2)
