"""Asks the sender of a run for the extended attributes of folders, once all in them has come."""

from __future__ import annotations

from events.jobs import ErrorClass
from services.agent import pull
from services.agent.connecting import who
from services.agent.faults import Fault
from services.agent.frames import Cut, Head, Item, Malformed
from services.agent.run import Run
from services.agent.sender import Broken, Sender
from services.agent.xattrs import Xattrs
from services.scheduler.commands import GivenTask


class FolderXattrs:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._sender = Sender(lambda: run.duty, run.halt, run.pulse, run.throttle, run.connect)

    def of(self, folders: list[GivenTask]) -> dict[int, Head]:
        """By number, a thousand at most; nothing if the run does not keep them. Raises Fault,
        Stopped."""
        if self._run.duty.choice.xattrs != "on":
            return {}
        for pause_s in pull.PAUSES_S:
            try:
                return self._ask(folders)
            except (Broken, Cut, Malformed) as error:
                self._sender.close()
                message = f"{who(self._run.duty)} cannot be read: {pull.told(error)}"
                self._run.halt.sleep(pause_s)
        raise Fault(ErrorClass.NETWORK, message)

    def _ask(self, folders: list[GivenTask]) -> dict[int, Head]:
        numbers = [task.number for task in folders]
        items = [Item(one.number, one.entry.uri, "folder", xattrs=True) for one in folders]
        inflow = self._sender.read(items)
        heads = [inflow.read_head() for _ in numbers]
        self._sender.finish()
        if [head.number for head in heads] != numbers:
            raise Malformed("folders came in another order than asked")
        return dict(zip(numbers, heads, strict=True))

    def close(self) -> None:
        self._sender.close()


def told_of(head: Head | None) -> Xattrs | None:
    """Raises Fault for a folder that its sender cannot read."""
    if head is not None and head.error_class is not None:
        raise Fault(head.error_class, head.message)
    return head.xattrs if head is not None else None
