"""`haulage up`: one line when all of it answers, nothing left when it ends, whatever ended it."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw, Struct

from services.runtime.embedded import nats_program
from services.runtime.privileges import Account, before_exec
from services.runtime.tokens import read
from services.supervisor import directory, probes
from tests.live.machine import ROOT, Machine
from tests.servers import Database, Nats, free_port

CHILDREN = ["nats-server", "postgres", "scheduler", "projector", "historian", "gateway", "agent"]

pytestmark = pytest.mark.live


class Endpoint(Struct, frozen=True):
    name: str
    status: str


class Jobs(Struct, frozen=True):
    total: int


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One that the tests of this module share; a test leaves it running and whole."""
    with Machine(tmp_path_factory.mktemp("up") / "data") as machine:
        yield machine


def test_it_says_in_one_line_where_it_answers(machine: Machine) -> None:
    assert len(machine.lines) == 1
    assert machine.lines[0].startswith("ready http://127.0.0.1:")
    machine.get("/health", Raw)


def test_its_agent_is_there_when_it_says_so(machine: Machine) -> None:
    endpoints = machine.get("/api/endpoints", list[Endpoint])
    assert [one.status for one in endpoints] == ["online"]


async def test_an_agent_of_its_name_in_another_directory_is_not_its_own(
    machine: Machine, tmp_path: Path
) -> None:
    (own,) = (machine.data / "agents").glob("*/endpoint")
    assert await probes.agent(machine.api, own)
    (tmp_path / "endpoint").write_text("0" * 24)
    assert not await probes.agent(machine.api, tmp_path / "endpoint")
    assert not await probes.agent(machine.api, tmp_path / "none")


def test_everything_runs_as_a_process_of_its_own(machine: Machine) -> None:
    assert all(machine.child(name) is not None for name in CHILDREN)


def test_no_secret_is_on_a_command_line(machine: Machine) -> None:
    kept = msgspec.json.decode((machine.data / "secrets.json").read_bytes(), type=dict[str, str])
    tokens = [read(machine.data / name) for name in ("token", "agent-token")]
    called = "\n".join(machine.processes().values())
    assert not [secret for secret in (*kept.values(), *tokens) if secret in called]


def test_the_agent_does_not_know_the_secrets_of_the_services(machine: Machine) -> None:
    kept = msgspec.json.decode((machine.data / "secrets.json").read_bytes(), type=dict[str, str])
    told = Path(f"/proc/{machine.child('agent')}/environ").read_text()
    assert not [secret for secret in kept.values() if secret in told]


def test_nobody_else_can_read_the_data_directory(machine: Machine) -> None:
    assert stat.S_IMODE(machine.data.stat().st_mode) == 0o700


def test_a_second_up_on_the_directory_is_refused_and_the_first_goes_on(machine: Machine) -> None:
    refused = _refused(machine.data)
    assert refused.returncode == 1
    assert str(machine.data) in refused.stderr
    assert refused.stdout == ""
    machine.get("/health", Raw)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_that_is_killed_is_started_again_and_said_so(machine: Machine, name: str) -> None:
    before = machine.child(name)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    machine.until(lambda: machine.child(name) not in (None, before))
    assert f'"child":"{name}' in machine.log
    assert '"event":"child.ended"' in machine.log
    after = machine.child(name)
    machine.until(lambda: _is_said_ready(machine, after))
    machine.get("/api/jobs", Jobs)


def _is_said_ready(machine: Machine, pid: int | None) -> bool:
    lines = machine.log.splitlines()
    return any("child.ready" in line and f'"pid":{pid},' in line for line in lines)


def test_a_taken_port_is_refused_with_advice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        refused = _refused(tmp_path / "data", "--port", port)
    assert refused.returncode == 1
    assert port in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with Machine(tmp_path / "data") as machine:
        began = time.monotonic()
        assert machine.stop(number) == 0
        assert time.monotonic() - began < 10
        assert machine.processes() == {}


def test_killed_it_leaves_nothing_and_starts_again_where_it_was(tmp_path: Path) -> None:
    with Machine(tmp_path / "data") as machine:
        url = machine.url
        machine.kill()
        machine.wait_until_gone()
        machine.start()
        machine.wait_until_ready()
        assert machine.url == url
        machine.kill_tree()
        machine.start()
        machine.wait_until_ready()
        assert machine.url == url
        assert machine.stop() == 0


def test_servers_that_are_given_are_used_and_left_alone(tmp_path: Path) -> None:
    nats, database = Nats(tmp_path / "nats"), Database(tmp_path / "postgres")
    nats.start()
    database.start()
    given = {
        "HAULAGE_NATS_URL": nats.url,
        "HAULAGE_CALLOUT_URL": nats.callout_url,
        "HAULAGE_CALLOUT_SEED": nats.issuer_seed,
        "HAULAGE_DATABASE_URL": database.url(),
    }
    with Machine(tmp_path / "data", environ=given) as machine:
        assert machine.child("nats-server") is None
        assert machine.child("postgres") is None
        machine.get("/api/jobs", Jobs)
        kept = directory.load_connect(machine.data)
        assert kept.nats_url == nats.agents_url
        assert kept.open_to_agents
        assert machine.stop() == 0
    nats.stop()
    database.stop()


def test_a_nats_server_that_knows_nothing_of_us_lets_our_agent_in_by_its_address(
    tmp_path: Path,
) -> None:
    port, database = free_port(), Database(tmp_path / "postgres")
    command = [nats_program(), "-js", "-sd", str(tmp_path / "nats"), "-a", "127.0.0.1"]
    command += ["-p", str(port), "--user", "somebody", "--pass", "secret"]
    given = {
        "HAULAGE_NATS_URL": f"nats://somebody:secret@127.0.0.1:{port}",
        "HAULAGE_DATABASE_URL": database.url(),
    }
    database.start()
    nats = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with Machine(tmp_path / "data", environ=given) as machine:
            assert [one.status for one in machine.get("/api/endpoints", list[Endpoint])] == [
                "online"
            ]
            kept = directory.load_connect(machine.data)
            assert kept.nats_url == f"nats://127.0.0.1:{port}"
            assert not kept.open_to_agents
            assert machine.stop() == 0
        refused = _refused(tmp_path / "other", "--port", "0", environ=given)
        assert refused.returncode == 1
        assert "belongs to endpoint" in refused.stderr
        assert "haulage up: agent " in refused.stderr.splitlines()[-1]
        assert "does not start" in refused.stderr.splitlines()[-1]
    finally:
        nats.terminate()
        nats.wait(10)
        database.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="we are an ordinary user already")
def test_an_ordinary_user_needs_no_more(tmp_path: Path) -> None:
    """As nobody, but past the closed folders on the way to this project."""
    nobody = pwd.getpwnam("nobody")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    as_nobody = before_exec(Account(nobody.pw_uid, nobody.pw_gid))
    given = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    with Machine(home / "data", environ=given, preexec=as_nobody) as machine:
        child = machine.child("postgres")
        assert Path(f"/proc/{child}").stat().st_uid == nobody.pw_uid
        assert machine.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be anyone")
def test_a_user_without_a_name_is_told_what_to_do(tmp_path: Path) -> None:
    nameless = Account(54321, 54321)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, nameless.uid, nameless.gid)
    given = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    refused = _refused(home / "data", "--port", "0", environ=given, preexec=before_exec(nameless))
    assert refused.returncode == 1
    said = refused.stderr.splitlines()[-1]
    assert said.startswith("haulage up: user 54321 has no name on this machine")
    assert "/etc/passwd" in said


def _refused(
    data: Path,
    *options: str,
    environ: dict[str, str] | None = None,
    preexec: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    machine = Machine(data, *options, environ=environ)
    return subprocess.run(
        machine.command,
        capture_output=True,
        text=True,
        timeout=30,
        env=machine.environ,
        cwd=ROOT,
        preexec_fn=preexec,
    )
