"""Put the frames of an answer on a socket: small ones gathered, a file's blocks as they are.

The body is HTTP chunked; where a chunk ends means nothing to the reader.
"""

from __future__ import annotations

import socket
import ssl
import time

from services.agent.frames import write_block_length, write_holed_length

GATHER_BYTES = 128 << 10
GATHER_S = 1.0  # Of many files that are slow to open, the first are not kept back for the last.


class Outflow:
    """Raises OSError when the peer is gone, or takes nothing for the socket's time-out."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._more = 0 if isinstance(connection, ssl.SSLSocket) else socket.MSG_MORE
        self._gathered: list[bytes] = []
        self._size = 0
        self._sent = time.monotonic()

    def put(self, *pieces: bytes) -> None:
        self._gathered += pieces
        self._size += sum(map(len, pieces))
        if self._size >= GATHER_BYTES or time.monotonic() - self._sent > GATHER_S:
            self.flush()

    def put_block(self, block: memoryview, digest: bytes) -> None:
        length = write_block_length(len(block))
        self._gathered.append(length)
        self._send_head(self._size + len(length) + len(block) + len(digest))
        while block:  # A time-out is for what is taken, not for all: a slow peer is no dead one.
            block = block[self._connection.send(block) :]
        self._connection.sendall(digest + b"\r\n")

    def put_holed(self, block: memoryview, runs: list[int], digest: bytes) -> None:
        """A block of which only the data of `runs` (data, hole, data, …) are sent."""
        self.put(write_holed_length(runs))
        at = 0
        for index, length in enumerate(runs):
            if index % 2 == 0:
                self.put(bytes(block[at : at + length]))
            at += length
        self.put(digest)

    def flush(self) -> None:
        if self._size:
            self._send_head(self._size)
            self._connection.sendall(b"\r\n")

    def end(self) -> None:
        self.flush()
        self._connection.sendall(b"0\r\n\r\n")

    def _send_head(self, chunk: int) -> None:
        self._connection.sendall(b"".join([b"%x\r\n" % chunk, *self._gathered]), self._more)
        self._gathered, self._size, self._sent = [], 0, time.monotonic()
