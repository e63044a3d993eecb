"""Services that are started by hand: what they are told, and how they end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import msgspec
import pytest

from services.cli import addresses
from services.cli.failures import Failure, Usage
from services.cli.main import app, run
from services.runtime import tokens
from services.runtime.bus import open_bus
from services.runtime.settings import Settings
from services.supervisor.directory import Connect, load_secrets, save_connect
from tests.services.agent_scheduler import Scheduler

SERVICES = ("scheduler", "projector", "gateway", "rebuild", "agent")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HAULAGE_DATA", str(tmp_path))
    return tmp_path


def test_volumes_are_typed_as_code_and_path(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    given = (f"projects={tmp_path}", f"odd={tmp_path / 'a=b'}")
    assert addresses.volumes(given) == {"projects": str(tmp_path), "odd": f"{tmp_path}/a=b"}


def test_commands_can_be_kept_off_this_machine() -> None:
    for options, allowed in (((), None), (("--no-compute",), False), (("--compute",), True)):
        _, bound, _ = app.parse_args(("up", *options))
        assert bound.arguments.get("compute") is allowed


@pytest.mark.parametrize("given", [("projects",), ("=a",), ("a=",), ("a=/", "a=/")])
def test_what_is_no_volume_is_refused(given: tuple[str, ...]) -> None:
    with pytest.raises(Usage):
        addresses.volumes(given)


def test_a_volume_that_is_not_there_yet_is_said_to_be_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses.volumes((f"projects={tmp_path / 'later'}",))
    assert "the volume projects is offline until it is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("0.0.0.0", ("0.0.0.0", 0)),
        ("10.0.0.5:9000", ("10.0.0.5", 9000)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_where_to_listen(typed: str, address: tuple[str, int]) -> None:
    assert addresses.address(typed) == address


@pytest.mark.parametrize("typed", [":9000", "host:port", "host:70000", "host:"])
def test_where_one_cannot_listen(typed: str) -> None:
    with pytest.raises(Usage):
        addresses.address(typed)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_nobody_told_anything_says_what_it_needs(
    data: Path, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    options = ["--name", "hq", "--volume", "projects=/"] if service == "agent" else []
    assert run([service, *options]) == 1
    said = capsys.readouterr().err
    assert f"nothing was ever started in {data}: run `haulage up` there first" in said
    assert "HAULAGE_NATS_URL" in said
    assert list(data.iterdir()) == []


@pytest.mark.parametrize(
    "options", [["--volume", "projects=/"], ["--name", "hq"], ["--name", "hq", "--volume", "x"]]
)
def test_an_agent_has_a_name_and_a_volume(data: Path, options: list[str]) -> None:
    assert run(["agent", *options]) == 2


@pytest.mark.parametrize("command", [["agent", "--volume", "projects=/"], ["up"]])
def test_a_name_that_is_none_is_refused_before_anything_starts(
    data: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert run([*command, "--name", "a b"]) == 1
    assert "'a b' is no name for an endpoint" in capsys.readouterr().err
    assert list(data.iterdir()) == []


def test_once_goes_with_demo(data: Path) -> None:
    assert run(["up", "--once"]) == 2


def test_by_hand_beside_up_the_addresses_are_found_in_its_directory(data: Path) -> None:
    tokens.create(data)
    secrets = load_secrets(data)
    save_connect(data, Connect(nats_url="nats://127.0.0.1:20001", nats_port=20001))
    backend = addresses.complete(Settings(data=data), "nats_url", "database_url")
    assert re.fullmatch(r"nats://\w+:[\w-]+@127\.0\.0\.1:20001", backend.nats_url)
    assert secrets.backend_password in backend.nats_url
    assert "postgres" in backend.database_url
    agent = addresses.joining(Settings(data=data))
    assert agent.nats_url == "nats://127.0.0.1:20001"
    assert agent.agent_token == tokens.read(data / "agent-token")
    assert secrets.backend_password not in str(msgspec.structs.asdict(agent))


def test_beside_an_up_that_was_given_its_servers_they_are_asked_for(data: Path) -> None:
    address, given = "nats://bus.example:4222", ["nats_url", "database_url"]
    save_connect(data, Connect(nats_url=address, nats_port=20001, given=given))
    with pytest.raises(Failure, match="HAULAGE_NATS_URL and HAULAGE_DATABASE_URL here as there"):
        addresses.complete(Settings(data=data), "nats_url", "database_url")
    with pytest.raises(Failure, match="set HAULAGE_DATABASE_URL here"):
        addresses.complete(Settings(data=data, nats_url=address), "nats_url", "database_url")
    assert addresses.joining(Settings(data=data)).nats_url == address


def test_credentials_that_agents_need_are_asked_for_where_they_are_not_kept(data: Path) -> None:
    address = "nats://bus.example:4222"
    save_connect(data, Connect(nats_url=address, given=["nats_url"], open_to_agents=False))
    with pytest.raises(Failure, match=f"{address} lets agents in by credentials.*--nats-url"):
        addresses.joining(Settings(data=data))
    own = Settings(data=data, nats_url="nats://me:secret@bus.example:4222")
    assert addresses.joining(own).nats_url == own.nats_url


def test_what_was_given_is_kept_and_no_secret_is_read(data: Path) -> None:
    given = Settings(data=data, nats_url="nats://given:4222")
    assert addresses.complete(given, "nats_url") is given


def test_a_database_that_goes_away_in_a_rebuild_is_said_in_a_sentence(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise asyncpg.InterfaceError("connection has been released back to the pool")

    monkeypatch.setattr("services.projector.rebuild.rebuild", lost)
    monkeypatch.setattr("services.cli.proof.log", lambda *_: None)
    monkeypatch.setenv("HAULAGE_NATS_URL", "nats://127.0.0.1:1")
    monkeypatch.setenv("HAULAGE_DATABASE_URL", "postgres://127.0.0.1:1/none")
    assert run(["rebuild", "--data", str(data)]) == 1
    assert "the bus or the database does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_ends_in_order_when_it_is_told_to(
    nats_url: str, workspace: str, tmp_path: Path, number: signal.Signals
) -> None:
    environ = {**os.environ, "HAULAGE_NATS_URL": nats_url, "HAULAGE_WORKSPACE": workspace}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "scheduler"],
        env={**environ, "HAULAGE_DATA": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:  # What it warns of first is not this test's.
            if msgspec.json.decode(line)["event"] == "scheduler.leads":
                break
        process.send_signal(number)
        _, rest = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in rest


async def test_an_agent_whose_name_is_taken_says_so_and_ends_with_status_1(
    nats_url: str, workspace: str, tmp_path: Path
) -> None:
    bus = await open_bus(nats_url, name="test")
    scheduler = Scheduler(bus, workspace)
    scheduler.refused = "the name hq belongs to endpoint x: choose another --name"
    await scheduler.open()
    environ = {**os.environ, "HAULAGE_NATS_URL": nats_url, "HAULAGE_WORKSPACE": workspace}
    command = ["agent", "--name", "hq", "--volume", f"projects={tmp_path}"]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "services.cli.main", *command],
        env={**environ, "HAULAGE_DATA": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await bus.close()
    assert process.returncode == 1
    assert said.splitlines()[-1].decode() == f"haulage: agent: {scheduler.refused}"
    assert b"traceback" not in said.lower()


def test_without_a_bus_a_service_says_so_and_ends_with_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "HAULAGE_NATS_URL": f"nats://127.0.0.1:{port}",
        "HAULAGE_DATABASE_URL": f"postgres://u@127.0.0.1:{port}/none",
        "HAULAGE_DATA": str(tmp_path),
    }
    agent = ["agent", "--name", "hq", "--volume", f"projects={tmp_path}"]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", *command],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in (["rebuild"], ["scheduler"], ["projector"], agent)
    ]
    try:
        for process in started:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 1
            said = err.splitlines()[-1]
            assert said.startswith("haulage: ")
            assert f"127.0.0.1:{port}" in said
    finally:
        for process in started:
            process.kill()
            process.communicate()
