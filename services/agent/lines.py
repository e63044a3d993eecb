r"""The output of a command, cut into lines as it comes.

A line ends with `\n`, `\r\n` or `\r` (how programs draw over their progress). What is no UTF-8 is
written `\xHH`, byte by byte; a backslash stays itself, for a log is there to be read. A line is
cut at LINE_BYTES_MAX and says how much was left out.
"""

from __future__ import annotations

import re

LINE_BYTES_MAX = 8 << 10
_END = re.compile(rb"\r\n|\n|\r")


class Lines:
    def __init__(self) -> None:
        self._begun = bytearray()
        self._left_out = 0
        self._after_return = False

    def feed(self, output: bytes) -> list[str]:
        """The lines that end in this piece of output."""
        if self._after_return and output.startswith(b"\n"):
            output = output[1:]
        if output:
            self._after_return = output.endswith(b"\r")
        *ended, rest = _END.split(output)
        lines = [self._ended(one) for one in ended]
        self._add(rest)
        return lines

    def end(self) -> list[str]:
        """What is left when the output ends: at most one line."""
        return [self._ended(b"")] if self._begun else []

    def _ended(self, last: bytes) -> str:
        self._add(last)
        line = self._begun.decode("utf-8", "backslashreplace")
        if self._left_out:
            line += f" […{self._left_out} bytes of this line left out]"
        self._begun.clear()
        self._left_out = 0
        return line

    def _add(self, piece: bytes) -> None:
        room = LINE_BYTES_MAX - len(self._begun)
        self._begun += piece[:room]
        self._left_out += max(0, len(piece) - room)
