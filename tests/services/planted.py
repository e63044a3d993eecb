"""Bugs to plant in the real code: each must make a property fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from unittest.mock import patch

from msgspec.structs import replace

from events.job import Job
from events.jobs import Party, Status
from projections import orders
from projections.board import Board
from projections.task_table import TaskTable
from services.scheduler import admit, move, obstacles, policy, reports


@contextmanager
def one_too_many() -> Iterator[None]:
    real = admit.limit
    with patch.object(admit, "limit", lambda queue, board: real(queue, board) + 1):
        yield


@contextmanager
def a_full_endpoint_takes_another() -> Iterator[None]:
    with patch.object(admit, "room", lambda endpoint, board: admit.UNLIMITED):
        yield


@contextmanager
def a_full_volume_takes_more() -> Iterator[None]:
    with patch.object(obstacles, "_destination_obstacles", obstacles._party_obstacles):
        yield


@contextmanager
def a_held_queue_runs_on() -> Iterator[None]:
    real = obstacles.found

    def bug(job: Job, board: Board) -> Iterator[obstacles.Obstacle]:
        return (one for one in real(job, board) if one.code != "queue_paused")

    with patch.object(obstacles, "found", bug):
        yield


@contextmanager
def a_running_job_forgets_its_policy() -> Iterator[None]:
    def bug(name: str, queue: str, board: Board) -> object:
        real = policy.of_queue(name, queue, board)
        return "order" if name == "queue_interrupt_policy" else real

    with patch.object(admit, "policy", SimpleNamespace(**vars(policy) | {"of_queue": bug})):
        yield


@contextmanager
def nobody_gives_way() -> Iterator[None]:
    with patch.object(admit, "running", lambda pair, board: []):
        yield


@contextmanager
def offline_is_overlooked() -> Iterator[None]:
    with (
        patch.object(obstacles, "can_run", lambda job, board: True),
        patch.object(obstacles, "is_open", lambda route, board: True),
    ):
        yield


@contextmanager
def nobody_waits_for_another() -> Iterator[None]:
    with patch.object(Board, "waits_for", lambda self, job: []):
        yield


@contextmanager
def those_who_waited_are_forgotten() -> Iterator[None]:
    with patch.object(Board, "dependents", lambda self, job: []):
        yield


@contextmanager
def moves_forget_the_neighbour() -> Iterator[None]:
    real = move._gap

    def bug(moving: set[str], to: move.Target, board: Board) -> tuple[str | None, str | None]:
        above, _ = real(moving, to, board)
        return (above, None)

    with patch.object(move, "_gap", bug):
        yield


@contextmanager
def a_stopped_run_keeps_executing() -> Iterator[None]:
    with patch.object(TaskTable, "stop_executing", lambda self: None):
        yield


@contextmanager
def repeats_are_forgotten() -> Iterator[None]:
    with patch("projections.board.remember", lambda recent, reported, recorded: None):
        yield


@contextmanager
def a_listing_has_no_reason() -> Iterator[None]:
    with patch.object(obstacles, "found", lambda job, board: iter(())):
        yield


@contextmanager
def what_keeps_dropping_out_is_used() -> Iterator[None]:
    real = obstacles._party_obstacles

    def bug(party: Party, board: Board) -> Iterator[obstacles.Obstacle]:
        return (one for one in real(party, board) if one.until is None)

    with patch.object(obstacles, "_party_obstacles", bug):
        yield


@contextmanager
def late_reports_overrule_hands() -> Iterator[None]:
    with patch.object(TaskTable, "overruled", lambda self, numbers, hand: set()):
        yield


@contextmanager
def a_run_ends_beside_its_listing() -> Iterator[None]:
    real = reports._run_ended

    def bug(job: Job, board: Board, now: datetime) -> object:
        return real(replace(job, listed=True), board, now)

    with patch.object(reports, "_run_ended", bug):
        yield


@contextmanager
def a_listing_is_taken_for_a_run() -> Iterator[None]:
    real = reports._receiver

    def bug(job: Job) -> tuple[str, int] | None:
        found = real(job)
        return found and (found[0], job.listing_run)

    with patch.object(reports, "_receiver", bug):
        yield


@contextmanager
def a_run_may_tell_of_the_listing() -> Iterator[None]:
    real = reports._lister

    def bug(job: Job) -> tuple[str, int] | None:
        found = real(job)
        return found and (found[0], job.run)

    with patch.object(reports, "_lister", bug):
        yield


@contextmanager
def a_listing_that_stopped_is_forgotten() -> Iterator[None]:
    with patch.object(orders, "IN_LINE", {Status.INIT}):
        yield


BUGS = [
    one_too_many,
    a_full_endpoint_takes_another,
    a_full_volume_takes_more,
    a_held_queue_runs_on,
    a_running_job_forgets_its_policy,
    nobody_gives_way,
    offline_is_overlooked,
    nobody_waits_for_another,
    those_who_waited_are_forgotten,
    moves_forget_the_neighbour,
    a_stopped_run_keeps_executing,
    repeats_are_forgotten,
    a_listing_has_no_reason,
    what_keeps_dropping_out_is_used,
    late_reports_overrule_hands,
    a_run_ends_beside_its_listing,
    a_listing_is_taken_for_a_run,
    a_run_may_tell_of_the_listing,
    a_listing_that_stopped_is_forgotten,
]
