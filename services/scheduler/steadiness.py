"""Whether what comes back may be used at once: what keeps dropping out is left alone for a while.

The first time is free. What drops out again before it was there for STEADY_S waits when it comes
back: the workspace's `job_autoretry_delay_s`, doubled each time, an hour at most. An agent that is
stopped in order begins anew; one that starts again without a goodbye has dropped out. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from events.endpoints import BackedOff, Endpoint, Volume
from events.settings import find
from projections.board import Board
from services.scheduler import policy
from services.scheduler.commands import Holder, Reason

STEADY = timedelta(minutes=10)


def came_back(
    endpoint: Endpoint, volumes: list[Volume], board: Board, now: datetime
) -> Iterator[BackedOff]:
    """The endpoint, as it was before it came (again), with what volumes it has now."""
    yield from _back_off(endpoint, "", board, now)
    yield from mounted(endpoint, volumes, board, now)


def mounted(
    endpoint: Endpoint, volumes: list[Volume], board: Board, now: datetime
) -> Iterator[BackedOff]:
    """Those of the volumes that the agent has now and had lost, as they were before."""
    for volume in volumes:
        stay = endpoint.stays.get(volume.code)
        if volume.online and stay is not None and stay.went is not None:
            yield from _back_off(endpoint, volume.code, board, now)


def _back_off(endpoint: Endpoint, volume: str, board: Board, now: datetime) -> Iterator[BackedOff]:
    stay = endpoint.stays.get(volume)
    if stay is None or not stay.returned or (stay.went or now) - stay.came >= STEADY:
        return
    drops = stay.drops + 1
    first_s = int(find("job_autoretry_delay_s", [board.settings]))
    until = now + policy.retry_delay(drops, first_s)
    yield BackedOff(endpoint.id, drops, until, volume)


def reason(endpoint: Endpoint, volume: str = "") -> Reason:
    """Why what is not used yet is not: the endpoint, or the volume of it."""
    until, stay = endpoint.unused_until(volume), endpoint.stays[volume]
    assert until is not None, "asked only while it is left alone"
    what = f"volume {volume} of {endpoint.name}" if volume else endpoint.name
    of_volume = Holder("volume", f"{endpoint.id}/{volume}", volume)
    again = f"dropped out {stay.drops + 1} times in a row"
    return Reason(
        code="volume_backing_off" if volume else "endpoint_backing_off",
        text=f"{what} {again}, not used until {until:%H:%M:%S} UTC",
        holder=of_volume if volume else Holder("endpoint", endpoint.id, endpoint.name),
        since=stay.came.isoformat().replace("+00:00", "Z"),
        release=f"the clock, or the agent of {endpoint.name} is stopped in order and started again",
    )
