"""Whom silence makes offline: when each endpoint was last heard, on the monotonic clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from events.endpoints import Endpoint
from events.jobs import ErrorClass
from projections.board import Board
from services.scheduler import policy
from services.scheduler.commands import Report, RunFailed
from services.scheduler.turn import Input

QUIET_S = 5.0  # Two beats are missing.


class Hearing:
    def __init__(self) -> None:
        self._heard: dict[str, float] = {}

    def hear(self, endpoints: Iterable[str], now: float) -> None:
        """They spoke; or nobody could be heard until now, and silence was no sign."""
        self._heard.update(dict.fromkeys(endpoints, now))

    def silent(self, board: Board, now: float) -> list[str]:
        """The endpoints that were not heard for the time that each is given."""
        online = [one for one in board.endpoints.values() if one.online]
        return [one.id for one in online if self._quiet_s(one.id, now) > _grace_s(one, board)]

    def lost_with(self, said: Input, board: Board, now: float) -> list[str]:
        """The other end of a run that failed for the network, or its relay, if it is quiet: it is
        not there.

        Between two that are heard it is a failure; what an end that went away does to a run is
        not, though the run may notice before the time is over that the end is given.
        """
        match said:
            case Report(endpoint=teller, report=RunFailed(job=job, error_class=ErrorClass.NETWORK)):
                known = board.jobs.get(job)
            case _:
                return []
        if known is None or known.computes:
            return []
        ends = {known.transfer.source.endpoint, known.transfer.destination.endpoint, known.relay}
        ends -= {teller, ""}
        online = [one for one in sorted(ends) if board.endpoints[one].online]
        return [one for one in online if self._quiet_s(one, now) > QUIET_S]

    def _quiet_s(self, endpoint: str, now: float) -> float:
        return now - self._heard.setdefault(endpoint, now)


def _grace_s(endpoint: Endpoint, board: Board) -> int:
    return int(policy.of_endpoint("client_offline_grace_s", endpoint, board))
