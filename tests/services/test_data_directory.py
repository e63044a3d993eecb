"""The data directory: one `up` at a time, secrets made once, ports that stay."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.supervisor import directory
from services.supervisor.directory import Connect, Refused

HOLD = "import sys, time; from services.supervisor import directory; from pathlib import Path\n"
HOLD += "with directory.held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_a_held_directory_is_refused_at_once_and_free_again_afterwards(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    began = time.monotonic()
    told = f"{tmp_path} .*: stop that one, or choose another directory with --data"
    with pytest.raises(Refused, match=told), directory.held(tmp_path):
        pass
    assert time.monotonic() - began < 1
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with directory.held(tmp_path):
        pass


def test_what_an_earlier_up_left_is_waited_for(tmp_path: Path) -> None:
    """A child that still has the lock keeps the directory from a second server."""
    with directory.held(tmp_path) as lock:
        child = subprocess.Popen(["sleep", "0.5"], pass_fds=[lock])
        os.pwrite(lock, b"999999999 1\n", 0)
        os.ftruncate(lock, 12)
    began = time.monotonic()
    with directory.held(tmp_path):
        assert time.monotonic() - began > 0.3
    child.wait(10)


def test_a_directory_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="file"), directory.held(tmp_path / "file" / "data"):
        pass


def test_the_directory_is_private(tmp_path: Path) -> None:
    with directory.held(tmp_path / "new"):
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        directory.load_secrets(tmp_path / "new")
        assert stat.S_IMODE((tmp_path / "new" / "secrets.json").stat().st_mode) == 0o600


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = directory.load_secrets(tmp_path)
    assert directory.load_secrets(tmp_path) == first
    assert len({first.backend_password, first.callout_password, first.system_password}) == 3


def test_what_was_chosen_is_found_again(tmp_path: Path) -> None:
    assert directory.load_connect(tmp_path) == Connect()
    chosen = Connect(gateway_url="http://127.0.0.1:1", nats_port=2)
    directory.save_connect(tmp_path, chosen)
    assert directory.load_connect(tmp_path) == chosen


def test_a_taken_port_is_refused_and_says_how_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(Refused, match=rf"port {taken} .*--port"):
            directory.gateway_port("127.0.0.1", taken, 0)


def test_ports_stay_while_they_are_free() -> None:
    kept = directory.gateway_port("127.0.0.1", 0, 0)
    assert directory.gateway_port("127.0.0.1", 0, kept) == kept
    chosen = directory.nats_port(0)
    assert directory.nats_port(chosen) == chosen
    with socket.create_server(("127.0.0.1", chosen)):
        assert directory.nats_port(chosen) != chosen


def _holder(data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(data)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "held\n"
    return holder
