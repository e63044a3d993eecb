"""A person at the command line of a machine: what they type, and what came of it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import msgspec

from tests.live.machine import ROOT, Machine

PATIENCE_S = 60.0


class Terminal:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def environ(self) -> dict[str, str]:
        return self.machine.environ | {"HAULAGE_DATA": str(self.machine.data)}

    def types(self, *arguments: str, status: int = 0) -> str:
        """What was said; on stderr where another status than 0 is expected."""
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environ,
            timeout=90,
            check=False,
        )
        assert ran.returncode == status, (ran.stdout, ran.stderr)
        return ran.stdout if status == 0 else ran.stderr

    def json(self, *arguments: str) -> Any:
        return msgspec.json.decode(self.types(*arguments, "--json"))

    def until(self, job: str, **wanted: object) -> Any:
        """The job once it is so."""
        ends_by = time.monotonic() + PATIENCE_S
        while True:
            found = self.json("job", job)
            if all(found[name] == value for name, value in wanted.items()):
                return found
            assert time.monotonic() < ends_by, found
            time.sleep(0.2)
