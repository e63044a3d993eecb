"""Bytes travel encrypted, to and from the one agent that they are for."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent import pull
from services.agent.certificate import FILE, kept_or_made
from services.agent.dialling import dial
from services.agent.faults import Fault
from services.agent.halt import Halt
from services.agent.identity import Refused
from services.agent.sender import Sender
from services.agent.tls import Impostor, shown
from tests.services.agent_planes import Planes, Proxy, planes_in, tree

SIZE = 9 << 20


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001, 0.001))
    (tmp_path / "source").mkdir()
    (tmp_path / "source/large").write_bytes(b"plate " * (SIZE // 6))
    for number in range(20):
        (tmp_path / f"source/{number}").write_bytes(os.urandom(number * 1_000))
    with planes_in(tmp_path) as planes:
        planes.plain = False
        yield planes


class Listening(Proxy):
    """Passes everything on and remembers whether it could read any of it."""

    read = False

    def passed(self, data: bytes) -> bytes:
        self.read = self.read or b"plate plate" in data
        return data


def test_whoever_listens_on_the_way_reads_nothing(planes: Planes) -> None:
    spy = Listening(planes.server.address[1], [])
    ledger = planes.receive(url=spy.url, fingerprint=planes.fingerprint)
    spy.close()
    assert ledger.ended
    assert tree(planes.destination) == tree(planes.source)
    assert (spy.read, spy.came > SIZE) == (False, True)


def test_whoever_shows_another_certificate_hears_no_ticket(planes: Planes, tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"another certificate .* --url") as caught:
        planes.receive(fingerprint="0" * 64)
    assert caught.value.error_class == "network"

    (tmp_path / "other").mkdir()
    heard: list[bytes] = []
    context = shown(kept_or_made(tmp_path / "other").path)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    heard.append(encrypted.recv(1))
            except OSError:
                heard.append(b"")

        impostor = threading.Thread(target=answer)
        impostor.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Impostor):
            dial(url, planes.fingerprint)
        impostor.join(5)
    assert heard == [b""]


def test_a_plain_connection_is_refused_unless_the_ticket_allows_it(planes: Planes) -> None:
    with pytest.raises(Fault, match="encrypted connection") as caught:
        planes.receive(fingerprint="")
    assert caught.value.error_class == "network"
    planes.plain = True
    assert planes.receive(fingerprint="").ended


def test_nobody_on_the_way_makes_a_receiver_speak_plainly(planes: Planes) -> None:
    """One that answers the hello with plain HTTP is not spoken to."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.sendall(b"HTTP/1.1 400 Plain HTTP, please\r\n\r\n")
                while data := connection.recv(1 << 16):
                    heard.append(data)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ssl.SSLError):
            dial(f"http://127.0.0.1:{listener.getsockname()[1]}", planes.fingerprint)
        thread.join(5)
    assert not any(b"POST" in data for data in heard)


def test_a_connection_that_ended_is_not_opened_again_by_itself(planes: Planes) -> None:
    """The standard library would, and plainly."""
    sender = Sender(lambda: planes.duty(fingerprint=planes.fingerprint), Halt())
    try:
        connection = sender._connect(planes.duty(fingerprint=planes.fingerprint))
        connection.close()
        with pytest.raises(http.client.NotConnected):
            connection.request("GET", "/")
    finally:
        sender.close()


def test_a_certificate_is_made_once_and_for_the_agent_alone(tmp_path: Path) -> None:
    made = kept_or_made(tmp_path)
    assert kept_or_made(tmp_path) == made
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    (tmp_path / FILE).write_text("nothing of the kind")
    with pytest.raises(Refused, match="holds no key and certificate: put it back or remove"):
        kept_or_made(tmp_path)


def test_noise_on_the_port_does_no_harm(planes: Planes) -> None:
    chance = random.Random(4)
    for length in [*range(1, 40), 1_000, 20_000]:
        first = chance.choice([b"", b"\x16", b"\x16\x03\x01\x02\x00", b"POST /read HTTP/1.1\r\n"])
        with socket.create_connection(planes.server.address, timeout=5) as line:
            line.sendall(first + chance.randbytes(length))
    assert planes.receive(fingerprint=planes.fingerprint).ended
