"""The agent as its scheduler sees it: what it shall be doing, and what it does.

Orders are a level: what they list and is not running is started, what runs and is not listed is
stopped at once. A run that ended here is not started again however late an order comes.
"""

from __future__ import annotations

import asyncio
from collections import deque

from services.agent.commands import Duty, Execute, Orders, Tick
from services.agent.connecting import Connecting
from services.agent.dialler import Dialler
from services.agent.execute import Lane
from services.agent.outlet import Outlet
from services.agent.permission import Permission
from services.agent.probes import Probes
from services.agent.reports import Post, Reports
from services.agent.running import Running
from services.agent.serving import Serving
from services.agent.trust import Trust
from services.runtime.log import logger
from services.scheduler.commands import Holding

OVER_MAX = 10_000

Key = tuple[str, int]
"""A job and the number of its run."""


class Agent:
    """Lives on one event loop; `tasks` owns what runs on it for the runs."""

    def __init__(
        self,
        post: Post,
        serving: Serving,
        trust: Trust,
        tasks: asyncio.TaskGroup,
        permission: Permission | None = None,
    ) -> None:
        self._post = post
        self.volumes = serving.volumes
        self._connect = Connecting(serving).connect
        self.probes = Probes()
        self._dialler = Dialler(serving, self.probes.alive)
        self._trust = trust
        self._permission = permission
        self._tasks = tasks
        self._runs: dict[Key, Running] = {}
        self._deliveries: dict[Key, asyncio.Task[None]] = {}
        self._ending: list[Running] = []
        self._ended: deque[Tick] = deque(maxlen=OVER_MAX)
        self._over: dict[Key, None] = {}
        self._sequence = -1
        self._refused = ""
        self._stopping = False

    def holding(self) -> list[Holding]:
        """To be asked with each beat."""
        return [Holding(*key, running.used()) for key, running in self._runs.items()]

    def look(self) -> None:
        """Fail what stalled; whom bytes come from is there."""
        for running in self._runs.values():
            running.look()
            if url := running.comes_from():
                self.probes.alive(url)

    def ticks(self) -> list[Tick]:
        """Of the runs that are on, and the last of those that ended since they were asked for."""
        ended = list(self._ended)
        self._ended.clear()
        ticks = [running.tick() for running in self._runs.values()]
        return [*ended, *(tick for tick in ticks if tick is not None)]

    def follow(self, orders: Orders) -> None:
        """Do what is ordered, unless newer orders were followed already."""
        if self._stopping or orders.sequence < self._sequence:
            return
        self._sequence = orders.sequence
        self._note(orders)
        wanted = {(duty.job, duty.run): duty for duty in orders.duties}
        for key in [key for key in self._runs if key not in wanted]:
            self._stop(key)
        self._dialler.follow(orders.dials)
        self.probes.follow(orders.peers)
        for key, duty in wanted.items():
            if key in self._runs:
                self._runs[key].refresh(duty)
            elif key not in self._over:
                self._start(key, duty)

    def stop(self) -> None:
        """Stop every run at once and start none from here on."""
        self._stopping = True
        self._dialler.follow(())
        self.probes.stop()
        for key in list(self._runs):
            self._stop(key)

    def _note(self, orders: Orders) -> None:
        self._trust.learn(orders.ticket_key)
        if orders.refused and orders.refused != self._refused:
            logger.error("agent.refused", endpoint=self._post.endpoint, reason=orders.refused)
        self._refused = orders.refused

    def _start(self, key: Key, duty: Duty) -> None:
        reports = Reports(self._post, *key, dropped=lambda: self._stop(key))
        lane = self._lane(key) if isinstance(duty, Execute) else None
        running = Running(duty, self.volumes, reports, self._before(duty), lane, self._connect)
        self._runs[key] = running
        running.start()
        logger.info("run.started", job=duty.job, run=duty.run, duty=type(duty).__name__)
        name = f"reports.{duty.job}.{duty.run}"
        self._deliveries[key] = self._tasks.create_task(self._deliver(key, running), name=name)

    def _lane(self, key: Key) -> Lane:
        outlet = Outlet(self._post, *key)
        self._tasks.create_task(outlet.deliver(), name=f"output.{key[0]}.{key[1]}")
        return Lane(self._permission, outlet)

    def _before(self, duty: Duty) -> list[Running]:
        """What has to end first: runs of the same job that do the same, and of a command those that
        hold a lane.

        Buckets of one job run side by side; one that was stopped may take a moment to be gone.
        """
        self._ending = [one for one in self._ending if one.is_alive]
        if isinstance(duty, Execute):
            return [one for one in self._ending if isinstance(one.duty, Execute)]
        known = [*self._runs.values(), *self._ending]
        alike = (one for one in known if type(one.duty) is type(duty))
        return [one for one in alike if one.duty.job == duty.job]

    async def _deliver(self, key: Key, running: Running) -> None:
        await running.reports.deliver()
        if key in self._runs:
            logger.info("run.ended", job=running.duty.job, run=running.duty.run)
        self._end(key)

    def _stop(self, key: Key) -> None:
        running = self._runs.get(key)
        if running is not None:
            running.stop()
            self._deliveries[key].cancel()
            self._end(key)

    def _end(self, key: Key) -> None:
        running = self._runs.pop(key, None)
        if running is not None:
            self._ending.append(running)
            if (last := running.tick()) is not None:
                self._ended.append(last)
        self._deliveries.pop(key, None)
        self._over[key] = None
        while len(self._over) > OVER_MAX:
            self._over.pop(next(iter(self._over)))
