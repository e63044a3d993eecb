"""What the threads of one receiving run share."""

from __future__ import annotations

from msgspec import Struct, field

from events import ranges
from services.agent.commands import Receive
from services.agent.connecting import Connect, pulled
from services.agent.desk import Desk
from services.agent.halt import Halt
from services.agent.progress import Progress
from services.agent.pulse import Pulse
from services.agent.reserve import Reserve
from services.agent.throttle import Throttle


class Overruled(Exception):
    """A hand changed the task since it was given: it is dropped, and nothing is reported of it."""


class Run(Struct):
    """`duty` is as the newest orders have it; `began` is on the monotonic clock, in seconds."""

    duty: Receive
    desk: Desk
    halt: Halt
    progress: Progress
    began: float
    pulse: Pulse = field(default_factory=Pulse)
    throttle: Throttle = field(default_factory=Throttle)
    reserve: Reserve = field(default_factory=Reserve)
    connect: Connect = pulled

    def refresh(self, duty: Receive) -> None:
        """The same run with a newer ticket, address or limit."""
        self.duty = duty
        self.throttle.change(duty.limit)
        self.reserve.size = duty.reserved

    @property
    def hands(self) -> int:
        """The newest hand on tasks that the orders know of since the run began; 0 for none."""
        touches = self.duty.touches
        return touches[-1][0] if touches else 0

    def is_overruled(self, number: int, hands: int) -> bool:
        """Whether a later hand than number `hands`, under which the task was given, changed it."""
        return self.hands > hands and any(
            hand > hands and ranges.holds(numbers, number) for hand, numbers in self.duty.touches
        )

    def step(self) -> None:
        """The work got on. Raises Stopped when it is to stop."""
        self.halt.check()
        self.pulse.beat()
