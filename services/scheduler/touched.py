"""Where something changed: what has to be planned again, and nothing else. Pure."""

from __future__ import annotations

from msgspec import Struct

from events import codec, endpoints, jobs, queues, tasks, workspace
from events.job import Job
from projections.board import Board, Pair, pair_of
from services.scheduler import routing


class Touched(Struct):
    """Where something changed: what has to be planned again. Dicts keep the order of asking.

    `lanes`: a lane, or a compute job.
    """

    pairs: dict[Pair, None]
    sources: dict[str, None]
    lanes: bool = False

    @classmethod
    def nothing(cls) -> Touched:
        return cls({}, {})


def touch(touched: Touched, event: codec.Event, board: Board) -> None:
    """Add what an event just applied to the board may have changed."""
    match event:
        case (
            endpoints.CameOnline()
            | endpoints.VolumesChanged()
            | endpoints.VolumeFreed()
            | endpoints.VolumeFilled()
            | endpoints.WentOffline()
            | endpoints.Readmitted()
            | endpoints.Disabled()
            | endpoints.Enabled()
        ):
            _touch_endpoint(touched, event.endpoint, board)
            touched.sources[event.endpoint] = None
            touched.lanes = True
        case endpoints.ReachChanged():
            _touch_endpoint(touched, event.endpoint, board)
        case _ if isinstance(event, tasks.Event):
            touched.lanes |= board.jobs[event.job].computes
        case queues.Paused() | queues.Resumed() | queues.Changed() | queues.SettingsChanged():
            touched.pairs.update(dict.fromkeys(board.pairs_with(event.queue)))
            touched.lanes = True
        case endpoints.SettingsChanged():
            touched.pairs.update(dict.fromkeys(board.pairs_of(event.endpoint)))
            touched.lanes = True
        case workspace.SettingsChanged():
            touched.lanes = True
            for endpoint in board.endpoints:
                touched.pairs.update(dict.fromkeys(board.pairs_of(endpoint)))
        case _ if isinstance(event, jobs.Event):
            _touch_by_job(touched, event, board)
        case _:
            pass


def _touch_by_job(touched: Touched, event: jobs.Event, board: Board) -> None:
    match event:
        case jobs.Submitted() | jobs.ListingStarted():
            job = board.jobs[event.job]
            touched.lanes |= job.computes
            if not job.computes:
                touched.sources[job.transfer.source.endpoint] = None
        case (
            jobs.Opened()
            | jobs.Listed()
            | jobs.Started()
            | jobs.GaveWay()
            | jobs.Interrupted()
            | jobs.Paused()
            | jobs.Resumed()
            | jobs.Aborted()
            | jobs.Failed()
            | jobs.Retried()
            | jobs.Done()
            | jobs.Moved()
            | jobs.SettingsChanged()
            | jobs.Appended()
            | jobs.Archived()
        ):
            _touch_job(touched, board.jobs[event.job], board)
            for job in board.dependents(event.job) if isinstance(event, jobs.Done) else ():
                _touch_job(touched, job, board)


def _touch_endpoint(touched: Touched, endpoint: str, board: Board) -> None:
    """What goes through it, or may from now on, is touched as well."""
    touched.pairs.update(dict.fromkeys(board.pairs_of(endpoint)))
    relayed = board.relayed(endpoint)
    touched.pairs.update((pair_of(job), None) for job in relayed)
    if relayed or endpoint in board.relays:
        touched.pairs.update(dict.fromkeys(routing.apart(board)))


def _touch_job(touched: Touched, job: Job, board: Board) -> None:
    touched.lanes |= job.computes
    if job.relay:
        touched.pairs.update(dict.fromkeys(routing.apart(board)))
    if not job.computes:
        touched.pairs[pair_of(job)] = None
        touched.sources[job.transfer.source.endpoint] = None
