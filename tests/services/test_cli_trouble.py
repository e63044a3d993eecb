"""When it does not work: one line that says what and what to do, a status, never a traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.cli_server import TOKEN, Terminal, job, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [job(1)]
        yield at_hand


@contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """A server that says this to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                accepted, _ = listening.accept()
                with accepted:
                    accepted.settimeout(5)
                    accepted.recv(65536)
                    accepted.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        address = listening.getsockname()
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            stopping.set()
            with socket.create_connection(address) as last:
                last.sendall(b"bye")
            thread.join()


def test_a_gateway_that_does_not_run(cli: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for command in (["jobs"], ["pause", "0199"], ["submit", "transfer", "a:b", "c:d"]):
        said = cli.types(*command, "--url", url)
        assert said.status == 1
        assert said.err == f"haulage: nothing answers at {url}: start it with `haulage up`\n"


def test_a_wrong_token(cli: Terminal) -> None:
    said = cli.types("jobs", "--token", "wrong")
    assert said.status == 1
    assert said.err == (
        "haulage: the token is not known here; give the right token with HAULAGE_TOKEN or --token\n"
    )


def test_a_token_that_cannot_be_one(cli: Terminal) -> None:
    assert cli.types("jobs", "--token", "two words").status == 2
    assert cli.types("jobs", "--token", "a\r\nX-Evil: 1").status == 2
    assert cli.world.asked == []


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host", "http://", "http://h:99999", "http://h:x"]
)
def test_an_address_that_is_none(cli: Terminal, url: str) -> None:
    said = cli.types("jobs", "--url", url)
    assert said.status == 2
    assert "is not an address: write it like http://127.0.0.1:8181" in said.err


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>",
        b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"jobs":1}',
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope!",
    ],
)
def test_something_else_that_answers_there(cli: Terminal, reply: bytes) -> None:
    with answering(reply) as url:
        said = cli.types("jobs", "--url", url)
    assert said.status == 1
    assert said.err.startswith(f"haulage: something else than this Haulage answers at {url}: ")
    assert len(said.err.splitlines()) == 1


def test_a_host_that_there_is_not(cli: Terminal) -> None:
    said = cli.types("jobs", "--url", "http://nowhere.invalid:1")
    assert said.status == 1
    assert said.err.startswith("haulage: http://nowhere.invalid:1 cannot be reached: ")


def test_an_answer_that_breaks_off_is_asked_for_again(cli: Terminal) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n[") as url:
        said = cli.types("jobs", "--url", url)
    assert said.status == 1
    assert said.err == f"haulage: no answer from {url}: see whether `haulage up` runs there\n"


def test_a_refusal_cannot_steer_the_terminal(cli: Terminal) -> None:
    body = b'{"type":"x","title":"t","status":422,"detail":"bad \\u001b[2J","field":"source"}'
    head = b"HTTP/1.1 422 No\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head + body) as url:
        said = cli.types("submit", "transfer", "a:b", "c:d", "--url", url)
    assert said.status == 1
    assert said.err == "haulage: source: bad \\u{1b}[2J\n"


def test_a_job_that_there_is_not(cli: Terminal) -> None:
    assert cli.types("job", "0123").err.startswith("haulage: there is no job '0123': name it by")
    said = cli.types("job", "../queues")
    assert said.err.startswith("haulage: there is no job '../queues': name it by its id")
    assert all(one.path.startswith("/api/jobs/0123") for one in cli.world.asked)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["jobz"], 'Unknown command "jobz". Did you mean "job"?'),
        (["jobs", "--statuz", "done"], "Unknown option: --statuz. Did you mean --status?"),
        (["jobs", "--status", "sleeping"], 'Invalid value "sleeping" for --status.'),
        (["jobs", "--limit", "0"], "--limit"),
        (["jobs", "--limit", "many"], "--limit"),
        (["job"], 'Command "job" parameter JOB requires an argument.'),
        (["submit", "transfer", "only-one"], "name a source and a destination"),
    ],
)
def test_a_command_that_makes_no_sense(cli: Terminal, command: list[str], said: str) -> None:
    answer = cli.types(*command)
    assert answer.status == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert cli.world.asked == []


@pytest.fixture
def data(cli: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of an `up` whose gateway is the tests' server; nothing else is set."""
    monkeypatch.delenv("HAULAGE_URL")
    monkeypatch.delenv("HAULAGE_TOKEN")
    monkeypatch.setenv("HAULAGE_DATA", str(tmp_path))
    (tmp_path / "connect.json").write_text(json.dumps({"gateway_url": cli.world.url, "more": 1}))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return tmp_path


def test_on_the_machine_of_up_nothing_need_be_said(cli: Terminal, data: Path) -> None:
    assert cli.types("jobs").status == 0
    assert cli.types("jobs", "--url", cli.world.url.replace("127.0.0.1", "localhost")).status == 0


def test_the_token_of_this_machine_is_not_shown_to_another(cli: Terminal, data: Path) -> None:
    (data / "connect.json").write_text(json.dumps({"gateway_url": "http://127.0.0.1:1"}))
    said = cli.types("jobs", "--url", cli.world.url)
    assert said.status == 1
    assert said.err == f"haulage: no token for {cli.world.url}: set HAULAGE_TOKEN or give --token\n"
    assert cli.world.asked == []


def test_a_directory_in_which_nothing_was_started(cli: Terminal, data: Path) -> None:
    empty = data / "empty"
    said = cli.types("jobs", "--data", str(empty))
    assert said.status == 1
    assert f"there is no token in {empty}: start Haulage here with `haulage up`" in said.err


def test_a_file_that_is_damaged_is_named(cli: Terminal, data: Path) -> None:
    (data / "connect.json").write_text("{")
    said = cli.types("jobs")
    assert said.status == 1
    assert f"{data / 'connect.json'} cannot be read" in said.err


def test_a_misspelt_setting_is_named(cli: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAULAGE_TOKKEN", "x")
    said = cli.types("jobs")
    assert said.status == 1
    assert said.err == "haulage: environment: there is no setting HAULAGE_TOKKEN\n"


def test_the_link_of_the_page_carries_the_token_where_no_server_logs_it(
    cli: Terminal, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert cli.types("open").out == f"{cli.world.url}/#{TOKEN}"
    monkeypatch.setenv("BROWSER", "echo opened %s")
    assert cli.types("open").status == 0


def test_whoever_stops_reading_is_no_trouble(cli: Terminal) -> None:
    cli.world.jobs = [job(number) for number in range(1, 2001)]
    environ = {**os.environ, "HAULAGE_URL": cli.world.url, "HAULAGE_TOKEN": TOKEN}
    with subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "jobs", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"[\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 0


def test_a_terminal_that_cannot_show_a_name_shows_its_code(cli: Terminal) -> None:
    cli.world.jobs = [job(1, name="für")]
    shown = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "jobs"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={
            **os.environ,
            "HAULAGE_URL": cli.world.url,
            "HAULAGE_TOKEN": TOKEN,
            "PYTHONIOENCODING": "ascii",
        },
    )
    assert r"f\xfcr" in shown.stdout


@pytest.mark.parametrize("command", ["jobs", "--version", "--help"])
def test_a_command_of_a_person_imports_nothing_heavy(cli: Terminal, command: str) -> None:
    """Start time counts: what the services need is not loaded to ask them something."""
    told = "import sys; from services.cli.main import run; run(sys.argv[1:]); print(*sys.modules)"
    environ = {**os.environ, "HAULAGE_URL": cli.world.url, "HAULAGE_TOKEN": TOKEN}
    ran = subprocess.run(
        [sys.executable, "-c", told, command],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=environ,
    )
    heavy = {"litestar", "nats", "asyncpg", "aiohttp", "structlog", "uvloop", "granian", "asyncio"}
    assert not heavy & set(ran.stdout.splitlines()[-1].split())
