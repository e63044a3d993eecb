"""What a process of ours writes on stderr: a line an outcome, libraries' words among them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec

SAID = """
import logging
from services.runtime.log import configure
configure("test")
try:
    raise ConnectionRefusedError(111, "Connection refused")
except OSError:
    logging.getLogger("asyncpg.pool").{level}("again", exc_info=True)
"""


def said(level: str) -> dict[str, Any]:
    program = [sys.executable, "-c", SAID.format(level=level)]
    done = subprocess.run(program, capture_output=True, timeout=30, check=True)
    (line,) = done.stderr.splitlines()
    return msgspec.json.decode(line, type=dict[str, Any])


def test_a_librarys_warning_is_one_line_without_a_traceback() -> None:
    line = said("warning")
    assert (line["library"], line["message"], line["level"]) == ("asyncpg.pool", "again", "warning")
    assert (line["kind"], line["error"]) == (
        "ConnectionRefusedError",
        "[Errno 111] Connection refused",
    )
    assert "exception" not in line


def test_a_librarys_error_says_where_it_came_from() -> None:
    assert said("error")["exception"][0]["frames"]
