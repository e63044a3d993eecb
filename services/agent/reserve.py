"""The room that is left of a volume beside what is reserved there: no file takes more.

What a file has left is looked at before its bytes come, and each piece before it is written, for
others write there too. A file that does not fit fails alone. While the volume as a whole is full a
run waits a little: the scheduler sees that too, and stops the run until there is room.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from events.jobs import ErrorClass
from events.room import is_full
from services.agent.faults import Fault, Full
from services.agent.volume import room_at

if TYPE_CHECKING:
    from services.agent.destination import Destination
    from services.agent.run import Run

LOOK_EACH_S = 0.1
NEAR_BYTES = 256_000_000  # So little may be gone sooner than that: it is looked every time.
FULL_S = 10.0
STEP_S = 0.25
MEGABYTE = 1_000_000


class Reserve:
    """`size` bytes are to be left; shared by the threads of a run."""

    def __init__(self) -> None:
        self.size = 0
        self._lock = threading.Lock()
        self._left = 0
        self._looked = float("-inf")

    def lacks(self, need: int, root: int, *, take: bool) -> int | None:
        """The bytes free of the volume that `root` lies on if so many more do not fit; None if they
        do, and then they are set aside. Raises OSError.
        """
        if not self.size:
            return None
        with self._lock:
            is_near, old_s = self._left < NEAR_BYTES, time.monotonic() - self._looked
            if is_near or need > self._left or old_s > LOOK_EACH_S:
                self._left = room_at(root)[0] - self.size
                self._looked = time.monotonic()
            if need > self._left:
                return self._left + self.size
            self._left -= need if take else 0
            return None


def claim(run: Run, destination: Destination, uri: str, need: int, *, take: bool) -> None:
    """So many bytes are to come of a file, or (`take`) a piece is to be written, for which there is
    no room only where there is none at all. Raises Fault (space), Full, Stopped, OSError.
    """
    reserve, ends = run.reserve, time.monotonic() + FULL_S
    while (free := reserve.lacks(need, destination.root, take=take)) is not None:
        if not take and not is_full(free, reserve.size):
            raise Fault(ErrorClass.SPACE, _told(destination.named(uri), need, free, reserve.size))
        if time.monotonic() > ends:
            volume = f"volume {destination.named('').partition('/')[0]}"
            raise Full(ErrorClass.SPACE, _told(volume, need, free, reserve.size))
        run.step()
        run.halt.sleep(STEP_S)


def _told(what: str, need: int, free: int, reserved: int) -> str:
    kept = f"{reserved // MEGABYTE:,} MB are reserved (transfer_reserved_space)"
    wanted, there = f"{-(-need // MEGABYTE):,} MB", f"{free // MEGABYTE:,} MB"
    return f"{what}: no room for {wanted}: {there} are free, of which {kept}: make room"
