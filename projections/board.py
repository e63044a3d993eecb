"""The board: the folded state of a workspace in memory, and the orders it is read in.

`apply` moves it by one recorded event; it is the only way it changes. Everything is found by what
a change touches (a pair, a queue, an endpoint), never by walking all jobs. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from sortedcontainers import SortedList

from events import endpoints, jobs, pairs, queues, settings, tasks, workspace
from events.codec import Recorded
from events.endpoints import Endpoint
from events.job import Job, evolve, evolve_by_tasks
from events.jobs import Status
from events.queues import Queue
from projections.back_offs import BackOffs
from projections.ended import Ended
from projections.lanes import Lanes, forgives
from projections.orders import Orders
from projections.pace import Pace
from projections.ranked import Ranked
from projections.recent import RECENT_MAX as RECENT_MAX
from projections.recent import Recent as Recent
from projections.recent import remember
from projections.standing import Leg as Leg
from projections.standing import Pair as Pair
from projections.standing import Rank as Rank
from projections.standing import in_line as in_line
from projections.standing import pair_of as pair_of
from projections.task_table import TaskTable
from projections.uris import Uris

NEXT_ARCHIVED = ("finished_keep_days", "next")


class Board:
    def __init__(self) -> None:
        self.workspace = ""
        self.epoch = ""
        self.sequence = 0
        self.at = datetime.fromtimestamp(0, UTC)
        self.settings: dict[str, settings.Value] = {}
        self.queues: dict[str, Queue] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.pair_settings: dict[Pair, dict[str, settings.Value]] = {}
        self.jobs: dict[str, Job] = {}
        self.tables: dict[str, TaskTable] = {}
        self.recent: dict[str, Recent] = {}
        self.reported: dict[str, Recent] = {}
        self.named: dict[str, str] = {}
        self.relays: set[str] = set()
        self.pace = Pace()
        self.looked_up: dict[tuple[str, str], Any] = {}
        """What settings came to, for who looks often; emptied whenever one may have changed."""
        self.lanes = Lanes()
        self.uris: dict[str, Uris] = {}  # Of jobs that are being added to.
        self._orders = Orders()
        self._bulk = False
        self.back_offs = BackOffs()
        self.ended = Ended()
        self._pairs_of: dict[str, dict[Pair, None]] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        self._in_order: list[str] = []

    # What others ask.

    def queue_by_code(self, code: str) -> Queue | None:
        return next((queue for queue in self.queues.values() if queue.code == code), None)

    def default_queue(self) -> Queue:
        return next(queue for queue in self.queues.values() if queue.default)

    def endpoint_by_name(self, name: str) -> Endpoint | None:
        return self.endpoints.get(self.named.get(name, ""))

    def rank(self, job: Job) -> Rank:
        """The one order of all jobs: priority, queue, place."""
        return (-self.queues[job.queue].priority, job.queue, job.place, job.id)

    def line(self, queue: str) -> SortedList:
        """(place, job id) of the jobs in line, in order."""
        return self._orders.line(queue)

    def position(self, job: Job) -> int | None:
        return self.line(job.queue).index((job.place, job.id)) + 1 if in_line(job) else None

    def unfinished(self, queue: str) -> Iterator[Job]:
        """The jobs of a queue that are not done or aborted: those in line first, in order."""
        for order in (self._orders.lines, self._orders.aside):
            for _, job in order.get(queue, ()):
                yield self.jobs[job]

    def waits_for(self, job: Job) -> list[Job]:
        """The jobs that it depends on and that are not done; what is under way goes on."""
        if job.listing or job.status is Status.RUNNING:
            return []
        named = (self.jobs[one] for one in job.depends_on)
        return [one for one in named if one.status is not Status.DONE]

    def dependents(self, job: str) -> list[Job]:
        """The jobs that were told to wait for this one, by age."""
        return [self.jobs[one] for one in self._dependents.get(job, ())]

    def in_order(self) -> list[str]:
        """Queue ids, the one that runs first before the others."""
        if not self._in_order:
            priorities = sorted((-one.priority, one.id) for one in self.queues.values())
            self._in_order = [queue for _, queue in priorities]
        return self._in_order

    def legs(self, pair: Pair) -> dict[Leg, Ranked]:
        """Waiting and running jobs of a pair, by the volumes that they go between."""
        return self._orders.legs.get(pair, {})

    def running(self, pair: Pair) -> list[Job]:
        """The running jobs of a pair, by id."""
        return [self.jobs[job] for job in self._orders.running.get(pair, ())]

    def unlisted(self, endpoint: str, volume: str) -> Iterator[Job]:
        """Jobs whose source is there and not listed whole, in order."""
        ranked = self._orders.unlisted.get(endpoint, {}).get(volume)
        return (self.jobs[job] for job in ranked.walk(self.in_order())) if ranked else iter(())

    def active(self, endpoint: str) -> list[Job]:
        """Jobs with a listing or a run in which the endpoint takes part, by id."""
        return [self.jobs[job] for job in self._orders.active.get(endpoint, ())]

    def relayed(self, relay: str) -> list[Job]:
        """The running jobs whose bytes go through an endpoint, by id."""
        return [self.jobs[job] for job in self._orders.relayed.get(relay, ())]

    def partners(self, endpoint: str) -> list[str]:
        """With whom it has transfers in line, by id."""
        return sorted(self._orders.partners.get(endpoint, ()))

    def pairs_in_line(self) -> list[Pair]:
        """The pairs on which jobs wait or run, by id."""
        return sorted(one for one, legs in self._orders.legs.items() if any(legs.values()))

    def pairs_of(self, endpoint: str) -> list[Pair]:
        return list(self._pairs_of.get(endpoint, ()))

    def pairs_with(self, queue: str) -> list[Pair]:
        """The pairs on which jobs of a queue wait or run."""
        return [
            pair
            for pair, legs in self._orders.legs.items()
            if any(queue in ranked for ranked in legs.values())
        ]

    def due(self, now: datetime) -> Iterator[Job]:
        return (self.jobs[job] for _, job in self._orders.retries.irange(maximum=(now, "~")))

    def short_of_room(self, endpoint: str, volume: str) -> Iterator[Job]:
        """Jobs that are tried again when there is room on their destination, by id."""
        return (self.jobs[job] for job in self._orders.roomless.get((endpoint, volume), ()))

    def next_due(self) -> datetime | None:
        """When a retry is due, or the time is over until which an endpoint is not used."""
        retry = [self._orders.retries[0][0]] if self._orders.retries else []
        over = self.back_offs.next()
        return min([*retry, *([over] if over else [])], default=None)

    # How it moves.

    def apply(self, recorded: Recorded) -> None:
        self.sequence = recorded.sequence
        self.at = recorded.at
        event = recorded.event
        if not isinstance(event, jobs.Event | tasks.Event):
            self.looked_up, self._in_order = {}, []
        match event:
            case workspace.Opened():
                self.workspace, self.epoch = event.workspace, event.epoch
            case workspace.SchedulerStarted():
                pass
            case workspace.SettingsChanged(values=values, unset=unset):
                self.settings = settings.changed(self.settings, values, unset)
                self.lanes.look_at(self.endpoints.values(), self.settings)
                self._put_avoiding()
            case pairs.SettingsChanged(one=one, other=other, values=values, unset=unset):
                held = self.pair_settings.get((one, other), {})
                self.pair_settings[one, other] = settings.changed(held, values, unset)
            case queues.Deleted(queue=queue):
                del self.queues[queue]
            case _ if isinstance(event, queues.Event):
                before = self.queues.get(event.queue)
                self.queues[event.queue] = queues.evolve(before, event, recorded.at)
                self._put_avoiding()
            case _ if isinstance(event, endpoints.Event):
                known = self.endpoints.get(event.endpoint)
                self.put(endpoints.evolve(known, event, recorded.at))
            case _ if isinstance(event, tasks.Event):
                self._apply_to_tasks(event, recorded)
            case about_a_job:
                self._apply_to_job(about_a_job, recorded)
        remember(self.recent, self.reported, recorded)

    def _apply_to_job(self, event: jobs.Event, recorded: Recorded) -> None:
        before = self.jobs.get(event.job)
        evolved = evolve(before or Job(), event, recorded.at)
        after = replace(evolved, version=recorded.sequence)
        was_done = before is not None and before.status is Status.DONE
        others = self.dependents(after.id) if was_done != (after.status is Status.DONE) else []
        for job in [*([before] if before else []), *others]:
            self._unindex(job)
        self.jobs[after.id] = after
        self.note_end(before, after)
        self.uris.pop(event.job, None)
        match event:
            case jobs.Submitted():
                self.tables[event.job] = TaskTable.empty()
            case jobs.ListingStarted(first=0) if not after.adding:
                self.tables[event.job] = TaskTable.empty()
            case jobs.Started():
                self.tables[event.job].begin()
            case _ if before is not None and before.status is not after.status:
                self.lanes.leave_all(event.job, self.tables[event.job])
                self.tables[event.job].stop_executing()
        if forgives(event) and self._compute_avoid(after) == "enable-clear-on-resume":
            self.tables[event.job].failed_on.clear()
        for job in [after, *others]:
            self.index(job)
        self.pace.apply(event, after, recorded.at)

    def _apply_to_tasks(self, event: tasks.Event, recorded: Recorded) -> None:
        table, job = self.tables[event.job], self.jobs[event.job]
        match event:
            case tasks.Dispatched(run=run, endpoint=endpoint):
                self.lanes.take(endpoint, job.id, run)
            case tasks.Exited(run=run) | tasks.Released(run=run):
                self.lanes.leave(table.buckets[run].endpoint, job.id, run)
            case _:
                pass
        table.apply(event, recorded)
        job = self.jobs[job.id] = evolve_by_tasks(job, event)
        self.pace.apply(event, job, recorded.at)
        self._put(job)

    # Compute jobs stand in `lanes`.

    def _put(self, job: Job) -> None:
        if job.computes:
            waits, avoid = bool(self.waits_for(job)), self._compute_avoid(job)
            self.lanes.put(job, self.tables[job.id], waits=waits, avoid=avoid)

    def _compute_avoid(self, job: Job) -> str:
        queue = self.queues.get(job.queue)
        held = (job.settings, queue.settings if queue else {}, self.settings)
        return str(settings.find("compute_avoid", held))

    def _put_avoiding(self) -> None:
        """Another `compute_avoid` may hold for those that avoid an endpoint."""
        for job in list(self.lanes.avoiding):
            self._put(self.jobs[job])

    def put(self, endpoint: Endpoint) -> None:
        self.back_offs.put(self.endpoints.get(endpoint.id), endpoint)
        self.endpoints[endpoint.id] = endpoint
        self.named[endpoint.name] = endpoint.id
        relays = endpoint.online and endpoint.relays
        (self.relays.add if relays else self.relays.discard)(endpoint.id)
        self.lanes.look_at([endpoint], self.settings)

    def index(self, job: Job) -> None:
        """Put a job into every order that it stands in."""
        if not self._bulk:
            self._orders.add(job, waits=bool(self.waits_for(job)))
        for one in job.depends_on:
            self._dependents.setdefault(one, {})[job.id] = None
        self._put(job)
        for endpoint in () if job.computes else pair_of(job):
            self._pairs_of.setdefault(endpoint, {})[pair_of(job)] = None

    def note_end(self, before: Job | None, after: Job) -> None:
        if self.ended.put(before, after):
            self.looked_up.pop(NEXT_ARCHIVED, None)

    def _unindex(self, job: Job) -> None:
        if not self._bulk:
            self._orders.remove(job, waits=bool(self.waits_for(job)))

    @contextmanager
    def in_bulk(self) -> Iterator[None]:
        """Many events at once: meanwhile no order is kept, and none may be read."""
        self._orders, self._bulk = Orders(), True
        yield
        self._bulk = False
        for job in self.jobs.values():
            self._orders.add(job, waits=bool(self.waits_for(job)))
