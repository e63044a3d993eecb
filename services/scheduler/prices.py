"""What each way between two endpoints costs, by what was measured of it, and why so. Pure.

A way that was never measured borrows from what goes on there now, from the way back, or from all
others; where nothing comparable was measured, there is no price, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from events.job import Job
from projections.board import Board, pair_of
from projections.pace import SHORT_S, Going, Measured, back, way_of
from projections.task_table import BOOTING, DONE, EXECUTING, QUEUED
from services.scheduler import admit
from services.scheduler.commands import Heard
from services.scheduler.cost import Cost, fit

THE_OTHER_WAY, ELSEWHERE = 2.0, 3.0
OWN_PACE_S = 5.0
UNMEASURED = "nothing comparable was measured yet"

NOT_HEARD: Mapping[str, Heard] = MappingProxyType({})


class Price(NamedTuple):
    """From how many finished jobs the cost is, and which."""

    cost: Cost
    runs: int
    basis: str


class Prices:
    """`heard` is what ticks said of running jobs."""

    def __init__(self, board: Board, heard: Mapping[str, Heard] = NOT_HEARD) -> None:
        self._board, self._heard = board, heard
        self._ways: dict[str, Price | None] = {}
        everywhere = tuple(board.pace.everywhere)
        self._elsewhere = fit(everywhere, ELSEWHERE) if everywhere else None

    def of(self, job: Job) -> Price | None:
        """What the way of a transfer costs; None when nothing was measured."""
        way = way_of(job)
        if way not in self._ways:
            self._ways[way] = self._of_way(job, way)
        return self._ways[way]

    def heard_of(self, job: Job) -> Heard | None:
        """Of its present run, if that moves."""
        heard = self._heard.get(job.id)
        return heard if heard and heard.run == job.run and heard.bytes_per_second > 0 else None

    def _of_way(self, job: Job, way: str) -> Price | None:
        pace = self._board.pace
        names = [self._board.endpoints[end].name for end in way.split(" ")]
        to = f"from {names[0]} to {names[1]}"
        if measured := pace.ways.get(way):
            basis = f"measured on {_finished(measured)} {to}"
            return Price(fit(tuple(measured)), len(measured), basis)
        if under_way := self._under_way(job, way):
            return Price(fit(tuple(under_way)), 0, f"measured on what goes on {to} now")
        if measured := pace.ways.get(back(way)):
            basis = f"measured on {_finished(measured)} the other way: none {to} was, yet"
            return Price(fit(tuple(measured), THE_OTHER_WAY), len(measured), basis)
        if self._elsewhere is not None:
            measured = pace.everywhere
            basis = f"measured on {_finished(measured)} elsewhere: none {to} was, yet"
            return Price(self._elsewhere, len(measured), basis)
        return None

    def _under_way(self, job: Job, way: str) -> list[Measured]:
        """The paces of those that run there now: by what they finished, else by what they move."""
        found: list[Measured] = []
        for one in admit.running(pair_of(job), self._board):
            going = self._board.pace.going.get(one.id)
            if way_of(one) != way:
                continue
            if going is not None and (its_own := own(going)):
                found.append(its_own)
            elif heard := self.heard_of(one):
                found.append(Measured(round(heard.bytes_per_second * OWN_PACE_S), 1, OWN_PACE_S))
        return found


def _finished(measured: list[Measured]) -> str:
    return f"{len(measured)} finished {'transfer' if len(measured) == 1 else 'transfers'}"


def own(going: Going) -> Measured | None:
    """What a job under way did until it was last heard of, if that says anything."""
    run_s = (going.heard - going.began).total_seconds() if going.began and going.heard else 0.0
    seconds = going.seconds + run_s
    known = going.tasks > 0 and seconds >= SHORT_S
    return Measured(going.size, going.tasks, seconds) if known else None


def left(job: Job, board: Board) -> tuple[int, int]:
    """Bytes and tasks; bytes by the share of its tasks that is left to be done."""
    table = board.tables[job.id]
    to_do = sum(table.count(status) for status in (QUEUED, EXECUTING, BOOTING))
    not_done = len(table) - table.count(DONE)
    size = max(0, job.size - table.size_done)
    return (size if to_do >= not_done else size * to_do // not_done), to_do
