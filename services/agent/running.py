"""A duty while it is carried out: its thread, its reports, and the end of both."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from events.jobs import ErrorClass
from services.agent.bucket import Bucket
from services.agent.changes import carry_out
from services.agent.commands import Change, Duty, Execute, List, Receive, Tick
from services.agent.connecting import Connect, pulled, who
from services.agent.execute import Lane, execute
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.pages import list_source
from services.agent.progress import Progress
from services.agent.pulse import Pulse
from services.agent.receive import receive
from services.agent.reports import Reports
from services.agent.run import Run
from services.agent.volumes import AnyVolume
from services.runtime.log import logger
from services.scheduler.commands import RunFailed

MESSAGE_MAX = 2_000
VOLUME_TOLD_S = 4.0  # A look each second, a beat each two.


class Running:
    """`before` are runs that this one has to wait for: their threads may still be ending.

    Only a bucket has a `lane`.
    """

    def __init__(
        self,
        duty: Duty,
        volumes: Mapping[str, AnyVolume],
        reports: Reports,
        before: Sequence[Running] = (),
        lane: Lane | None = None,
        connect: Connect = pulled,
    ) -> None:
        self.duty = duty
        self.reports = reports
        self._volumes = volumes
        self._before = list(before)
        self._halt = Halt()
        self._stopped = threading.Event()
        self._pulse = Pulse()
        self._receiving: Run | None = None
        self._moved = 0
        if isinstance(duty, Receive):
            progress, began = Progress(duty), time.monotonic()
            self._receiving = Run(
                duty, reports, self._halt, progress, began, self._pulse, connect=connect
            )
            self._receiving.refresh(duty)
        self._lane = lane
        self._bucket = Bucket(duty) if isinstance(duty, Execute) else None
        name = f"run.{duty.job}.{duty.run}"
        self._thread = threading.Thread(target=self._carry_out, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """At once: no byte is written and nothing is reported from here on."""
        self._stopped.set()
        self._halt.call()
        if self._lane is not None:
            self._lane.outlet.finish()
        self.reports.close()

    def refresh(self, duty: Duty) -> None:
        """The same run with a newer ticket, address or limit."""
        self.duty = duty
        if self._receiving is not None and isinstance(duty, Receive):
            self._receiving.refresh(duty)

    def used(self) -> float:
        """Bytes per second of its limit since this was asked last."""
        return self._receiving.throttle.used() if self._receiving is not None else 0.0

    def tick(self) -> Tick | None:
        if self._bucket is not None:
            return self._bucket.tick(time.monotonic())
        if self._receiving is None:
            return None
        return self._receiving.progress.tick(time.monotonic())

    def look(self) -> None:
        """Fail the run if it stalled. Time that it waits for the scheduler does not count."""
        duty = self.duty
        if self.reports.is_called:
            self._pulse.rest()
        if isinstance(duty, Execute | Change) or self._halt.called:
            return
        if self._pulse.still_s(time.monotonic()) > duty.stall_s:
            logger.warning("run.stalled", job=duty.job, run=duty.run, stall_s=duty.stall_s)
            self.reports.fail(_stalled(duty))
            self._halt.call()

    def comes_from(self) -> str:
        """The address that was dialled for bytes that came since this was asked, "" if none did."""
        run = self._receiving
        if run is None or run.progress.bytes_moved == self._moved:
            return ""
        self._moved = run.progress.bytes_moved
        return run.duty.relay.url if run.duty.relay else run.duty.url

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> None:
        self._thread.join(timeout_s)

    def _carry_out(self) -> None:
        duty = self.duty
        try:
            while self._before:
                self._before.pop().join()
            self._halt.check()
            failed = self._failure()
            if failed is not None and not self._is_stopped_for(failed):
                report = RunFailed(
                    duty.job, duty.run, failed.error_class, failed.message[:MESSAGE_MAX]
                )
                self.reports.report(report)
                logger.warning("run.failed", job=duty.job, run=duty.run, message=failed.message)
            self.reports.end()
        except Stopped:
            logger.info("run.stopped", job=duty.job, run=duty.run)
        finally:
            if self._lane is not None:
                self._lane.outlet.finish()

    def _is_stopped_for(self, failed: Fault) -> bool:
        """A volume that went away: the beat of its agent says so a little later than it is noticed
        here, and then the run is stopped, not failed. Waits for that.
        """
        return failed.error_class is ErrorClass.VOLUME and self._stopped.wait(VOLUME_TOLD_S)

    def _failure(self) -> Fault | None:
        """Do the duty; what ended it early. Raises Stopped."""
        try:
            self._do()
        except Fault as fault:
            return fault
        except Stopped:
            raise
        except Exception as error:
            logger.exception("run.broke", job=self.duty.job, run=self.duty.run)
            return Fault(ErrorClass.INTERNAL, f"the agent failed: {error!r}")
        return None

    def _do(self) -> None:
        if self._bucket is not None:
            assert self._lane is not None, "a bucket has a lane"
            return execute(self._bucket, self._volumes, self._lane, self.reports, self._halt)
        volume = self._volumes.get(self.duty.volume)
        if volume is None:
            message = f"there is no volume {self.duty.volume} here: it has {list(self._volumes)}"
            raise Fault(ErrorClass.VOLUME, message)
        if isinstance(self.duty, Change):
            self.reports.report(carry_out(self.duty, volume, self._halt.check))
        elif isinstance(self.duty, List):
            ports = (self.reports, self._halt, self._pulse)
            list_source(self.duty, volume, *ports, stable_s=self._stable_s)
        elif self._receiving is not None:
            receive(self._receiving, volume)
        return None

    def _stable_s(self) -> int:
        """By the newest orders."""
        return self.duty.choice.stable_s if isinstance(self.duty, List) else 0


def _stalled(duty: List | Receive) -> RunFailed:
    for_long = f"stalled: no progress for {duty.stall_s} s (stall_s)"
    match duty:
        case List(volume=volume, path=path):
            message = f"{volume}/{path}: its listing {for_long}"
            return RunFailed(duty.job, duty.run, ErrorClass.VOLUME, message)
        case Receive():
            message = f"the transfer from {who(duty)} {for_long}"
            return RunFailed(duty.job, duty.run, ErrorClass.NETWORK, message)
