"""Take the blocks of a stretch, for one thread: from frames to the disk.

Where one connection brings a file, a block goes straight to the disk (`direct.py`): verified in
memory, and written while the next one comes. Else each piece is written as it comes, through the
cache, and the block is verified behind that: of what several bring, most is read again for the hash
of the whole file (`whole.py`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from services.agent.arrival import Arrival, Over
from services.agent.commands import BLOCK_BYTES
from services.agent.crew import Crew
from services.agent.destination import Destination
from services.agent.direct import UNIT_BYTES, aligned
from services.agent.frames import Inflow
from services.agent.reserve import claim
from services.agent.run import Overruled, Run
from services.agent.stretch import Stretch


class Blocks:
    """`piece` is memory that stays in the cache while it is hashed and written."""

    def __init__(self, run: Run, destination: Destination, crew: Crew, piece: memoryview) -> None:
        self._run = run
        self._destination = destination
        self._crew = crew
        self._piece = piece
        self._memory: list[memoryview] = []  # Of two blocks, once there is use for them.
        self._writer = ThreadPoolExecutor(1, "bytes.write")
        self.steps = 0  # Blocks that were verified.
        self.moved = 0  # Bytes.
        self.rate = 0.0  # Bytes a second, of the last stretch.

    def close(self) -> None:
        self._writer.shutdown()

    def take(self, arrival: Arrival, stretch: Stretch, inflow: Inflow) -> None:
        """Raises Over, Overruled, Damaged, Fault, OSError, and what the connection raises."""
        began, start = time.monotonic(), stretch.at
        try:
            while length := inflow.read_block_length():
                self._take_block(arrival, stretch, inflow, length)
                self.steps += 1
                self._crew.step()
                arrival.partial.hash_on(self._run.step)
                if arrival.is_shared and self._crew.is_spare(arrival) and stretch.left:
                    raise Over
        finally:
            stretch.finish()
        taken_s = time.monotonic() - began
        self.rate = (stretch.at - start) / taken_s if taken_s > 0 else self.rate

    def _take_block(self, arrival: Arrival, stretch: Stretch, inflow: Inflow, length: int) -> None:
        direct = arrival.partial.direct
        if direct is not None and direct.is_fast and self._goes_straight(arrival, length, inflow):
            block = self._take_whole(arrival, stretch, inflow, length)
            stretch.write_behind(block, direct, self._writer)
            return
        stretch.finish()
        for index, size in enumerate(inflow.runs):
            if index % 2:
                self._check(arrival)
                stretch.leave_hole(size)
                self._run.progress.moved(arrival.number, size)
            else:
                self._take_data(arrival, stretch, inflow, size)
        stretch.verify(inflow.read_hash())
        stretch.note()

    def _goes_straight(self, arrival: Arrival, length: int, inflow: Inflow) -> bool:
        """Whether it is whole, has its room, comes at full speed, and stays here."""
        is_held_back = self._run.throttle.portion(length) < length
        is_usual = inflow.runs == [length] and length % UNIT_BYTES == 0 and not is_held_back
        is_alone = self._crew.size == 1 and self._destination.beyond is None
        return is_usual and is_alone and arrival.has_room

    def _take_whole(
        self, arrival: Arrival, stretch: Stretch, inflow: Inflow, length: int
    ) -> memoryview:
        """The block in memory, verified; that of the one before may still be on its way."""
        self._memory = self._memory[::-1] or [aligned(BLOCK_BYTES), aligned(BLOCK_BYTES)]
        block = self._memory[0][:length]
        for at in range(0, length, len(self._piece)):
            piece = block[at : at + len(self._piece)]
            inflow.read_into(piece)
            self._check(arrival)
            stretch.take(piece)
            self._came(arrival, len(piece))
        stretch.verify(inflow.read_hash())
        return block

    def _take_data(self, arrival: Arrival, stretch: Stretch, inflow: Inflow, length: int) -> None:
        while length:
            # In small pieces where it is slow, so that it is seen to move.
            piece = self._piece[: self._run.throttle.portion(length)]
            inflow.read_into(piece)
            self._check(arrival)
            if not arrival.has_room:
                claim(self._run, self._destination, arrival.entry.uri, len(piece), take=True)
            stretch.write(piece)
            self._came(arrival, len(piece))
            length -= len(piece)

    def _came(self, arrival: Arrival, size: int) -> None:
        self._run.progress.moved(arrival.number, size)
        self.moved += size

    def _check(self, arrival: Arrival) -> None:
        self._run.halt.check()
        if arrival.is_over:
            raise Over
        if self._run.is_overruled(arrival.number, arrival.hands):
            raise Overruled
