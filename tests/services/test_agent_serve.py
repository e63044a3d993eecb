"""The byte server: no ticket, no byte; no more than the ticket says; bounds on what is asked."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent import guests
from services.agent.certificate import kept_or_made
from services.agent.commands import BLOCK_BYTES, Ticket
from services.agent.dialling import address
from services.agent.faults import Fault
from services.agent.frames import Inflow, Item, write_request
from services.agent.serve import ByteServer
from services.agent.serving import Serving
from services.agent.tls import shown
from services.agent.volume import Volume
from services.runtime.tickets import Right, Signer, verify

ENDPOINT = "e" * 24
NOW = 1_800_000_000
OPEN: list[http.client.HTTPConnection] = []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shared/sub").mkdir(parents=True)
    (tmp_path / "shared/file").write_bytes(b"shared")
    (tmp_path / "shared/sub/file").write_bytes(b"below")
    (tmp_path / "private").write_bytes(b"private")
    return tmp_path


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def server(root: Path, signer: Signer) -> Iterator[ByteServer]:
    def check(text: str) -> Right | None:
        ticket = verify(text, [signer.public_hex], NOW)
        return ticket if ticket and ticket.endpoint == ENDPOINT else None

    tls = shown(kept_or_made(root).path)
    server = ByteServer("127.0.0.1", 0, Serving({"v": Volume("v", root)}, check, tls))
    server.start()
    yield server
    server.stop()


def ticket(
    *,
    endpoint: str = ENDPOINT,
    volume: str = "v",
    path: str = "shared",
    expires: int = NOW + 1,
    plain: bool = True,
) -> Ticket:
    return Ticket("1" * 24, 1, endpoint, volume, path, expires, plain)


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def connect(server: ByteServer) -> http.client.HTTPConnection:
    """Closed when the test is over."""
    OPEN.append(http.client.HTTPConnection(*server.address, timeout=5))
    return OPEN[-1]


def post(
    server: ByteServer, token: str, body: bytes, path: str = "/read", scheme: str = "Bearer"
) -> http.client.HTTPResponse:
    connection = connect(server)
    connection.request("POST", path, body, {"Authorization": f"{scheme} {token}"})
    return connection.getresponse()


def asked(server: ByteServer, token: str, *uris: str) -> list[tuple[str, str]]:
    """What comes for each uri: its error class ("" for a file) and its content."""
    answer = post(server, token, write_request([Item(n, uri) for n, uri in enumerate(uris)]))
    assert answer.status == 200
    inflow, found = Inflow(answer), []
    for _ in uris:
        head = inflow.read_head()
        content = b""
        if head.error_class is None:
            inflow.begin_file(head.size)
            while length := inflow.read_block_length():
                block = bytearray(length)
                inflow.read_into(memoryview(block))
                inflow.read_hash()
                content += block
            inflow.read_end()
        found.append((head.error_class or "", content.decode()))
    assert answer.read() == b""
    return found


def refusal(answer: http.client.HTTPResponse) -> tuple[int, str]:
    return answer.status, json.loads(answer.read())["error_class"]


BODY = write_request([Item(0, "file")])


def test_a_ticket_opens_what_lies_below_its_path_and_nothing_else(
    server: ByteServer, signer: Signer
) -> None:
    token = signer.sign(ticket())
    found = asked(server, token, "file", "sub/file", "../private", "/private", "none", "sub", "")
    assert found == [
        ("", "shared"),
        ("", "below"),
        ("permission", ""),
        ("permission", ""),
        ("missing", ""),
        ("changed", ""),
        ("changed", ""),
    ]


def test_a_ticket_for_one_file_opens_that_file_only(server: ByteServer, signer: Signer) -> None:
    token = signer.sign(ticket(path="shared/file"))
    assert asked(server, token, "file", "sub/file", "../private", "") == [
        ("", "shared"),
        ("missing", ""),
        ("permission", ""),
        ("missing", ""),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ticket(endpoint="f" * 24),
        ticket(expires=NOW),
        ticket(expires=0),
    ],
    ids=["for another endpoint", "just over", "long over"],
)
def test_a_ticket_that_does_not_hold_opens_nothing(
    server: ByteServer, signer: Signer, wrong: Ticket
) -> None:
    assert refusal(post(server, signer.sign(wrong), BODY)) == (401, "network")


def test_a_forged_ticket_opens_nothing(server: ByteServer, signer: Signer) -> None:
    good = signer.sign(ticket())
    body, _, signature = good.partition(".")
    other = signer.sign(ticket(path="")).partition(".")[0]
    for token in ("", "x", Signer().sign(ticket()), f"{other}.{signature}", body, good[:-4], "."):
        assert refusal(post(server, token, BODY)) == (401, "network"), token
    assert refusal(post(server, good, BODY, scheme="Basic")) == (401, "network")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (ticket(volume="other"), "volume"),
        (ticket(path="none"), "missing"),
        (ticket(path="../.."), "permission"),
    ],
    ids=["another volume", "nothing there", "outside"],
)
def test_a_request_that_cannot_be_met_says_why(
    server: ByteServer, signer: Signer, wrong: Ticket, why: str
) -> None:
    assert refusal(post(server, signer.sign(wrong), BODY)) == (409, why)


def test_other_doors_are_closed(server: ByteServer, signer: Signer) -> None:
    token = signer.sign(ticket())
    assert refusal(post(server, token, BODY, path="/")) == (404, "internal")
    assert refusal(post(server, token, BODY, path="/read/../../etc/passwd")) == (404, "internal")
    assert refusal(post(server, token, b"{}")) == (400, "internal")
    connection = connect(server)
    connection.request("GET", "/read", headers={"Authorization": f"Bearer {token}"})
    assert connection.getresponse().status == 501


@pytest.mark.parametrize(
    ("length", "status"),
    [("-1", 411), ("", 411), ("1e3", 411), ("99999999999999999999", 413), ("8388609", 413)],
)
def test_a_length_that_cannot_be_is_refused_before_a_byte_is_read(
    server: ByteServer, length: str, status: int
) -> None:
    with socket.create_connection(server.address, timeout=5) as line:
        line.sendall(f"POST /read HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert line.recv(100).startswith(f"HTTP/1.1 {status}".encode())


def test_a_body_without_a_ticket_is_not_taken_in(server: ByteServer) -> None:
    with socket.create_connection(server.address, timeout=5) as line:
        line.sendall(b"POST /read HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 401")
        while line.recv(1 << 16):
            pass


def test_one_connection_serves_many_requests(server: ByteServer, signer: Signer) -> None:
    connection = connect(server)
    lines = set()
    for _ in range(3):
        headers = {"Authorization": f"Bearer {signer.sign(ticket())}"}
        connection.request("POST", "/read", BODY, headers)
        lines.add(connection.sock.getsockname())
        assert connection.getresponse().read().startswith(b"\0\0\0")
    assert len(lines) == 1


@pytest.mark.parametrize("offset", [1, BLOCK_BYTES - 1, 7, 2**60])
def test_an_offset_that_is_no_end_of_a_block_starts_anew(
    server: ByteServer, signer: Signer, root: Path, offset: int
) -> None:
    found = (root / "shared/file").stat()
    item = Item(0, "file", "file", offset, found.st_size, found.st_mtime_ns)
    answer = post(server, signer.sign(ticket()), write_request([item]))
    assert Inflow(answer).read_head().offset == 0


def test_those_who_say_nothing_keep_nobody_out(
    server: ByteServer, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "STRANGERS_MAX", 3)
    silent = [socket.create_connection(server.address, timeout=5) for _ in range(4)]
    assert silent[0].recv(1) == b"", "the oldest made room for the fourth"
    silent[1].sendall(b"\x16\x03")  # A hello that never ends keeps no place either.
    assert asked(server, signer.sign(ticket()), "file") == [("", "shared")]
    for line in silent:
        line.close()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"POST /read HTTP/1.1\r\n"])
def test_a_stranger_has_little_time(
    server: ByteServer, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(guests, "STRANGER_S", 0.1)
    with socket.create_connection(server.address, timeout=5) as line:
        line.sendall(said)
        assert line.recv(1) == b""


def test_more_readers_than_there_is_room_for_are_turned_away(
    server: ByteServer, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guests.PLACES_MAX, "reader", 2)
    token = signer.sign(ticket())
    for _ in range(2):
        post(server, token, BODY).read()
    assert refusal(post(server, token, BODY)) == (503, "network")
    while OPEN:
        OPEN.pop().close()
    patience_ends = time.monotonic() + 5
    while post(server, token, BODY).status != 200:
        assert time.monotonic() < patience_ends, "the places of those that left stay taken"
        time.sleep(0.02)


def test_a_stopped_server_ends_its_connections(server: ByteServer, signer: Signer) -> None:
    with socket.create_connection(server.address, timeout=5) as line:
        line.sendall(b"POST /read HTTP/1.1\r\n")
        time.sleep(0.1)
        server.stop()
        assert line.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.address, timeout=1)


@pytest.mark.parametrize(
    "url", ["", "https://h:1", "http://h", "http://:1", "file:///etc/passwd", "http://h:x", "h:1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Fault, match="is not http"):
        address(url)
