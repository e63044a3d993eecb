"""What a command says of itself in its output, by the words of Open Job Description.

A line `openjd_progress: 42`, `openjd_status: …` or `openjd_fail: …` on stdout or stderr. Failing is
the exit code's word alone; `openjd_fail` says why. Other lines of the kind (`openjd_env`) are of
sessions, which we do not have.
https://github.com/OpenJobDescription/openjd-specifications/wiki/How-Jobs-Are-Run#stdoutstderr-messages
https://github.com/OpenJobDescription/openjd-specifications/wiki/2023-09-Template-Schemas#5-action
"""

from __future__ import annotations

import re

STATUS_MAX = 500
_SAID = re.compile(r"openjd_(progress|status|fail): ?(.*)")


class Said:
    """The newest of each; `percent` is 0 to 100."""

    def __init__(self) -> None:
        self.percent: float | None = None
        self.status = ""
        self.failure = ""

    def take(self, line: str) -> None:
        found = _SAID.fullmatch(line) if line.startswith("openjd_") else None
        if found is None:
            return
        value = found[2].strip()[:STATUS_MAX]
        match found[1]:
            case "progress":
                self._progress(value)
            case "status":
                self.status = value
            case "fail":
                self.failure = value

    def _progress(self, value: str) -> None:
        """One that is no number from 0 to 100 is only a line of output."""
        try:
            percent = float(value)
        except ValueError:
            return
        if 0.0 <= percent <= 100.0:
            self.percent = percent
