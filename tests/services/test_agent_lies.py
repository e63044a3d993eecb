"""A sender that lies: whatever it answers, nothing wrong arrives and the run ends with a reason."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent import pull
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.agent.frames import End, Head, write_block_length, write_end, write_head
from tests.services.agent_planes import Ledger, Planes, planes_in

CONTENT = b"the truth"
HEAD = write_head(Head(0, size=len(CONTENT)))
LENGTH = write_block_length(len(CONTENT))
BLOCK = LENGTH + CONTENT + blake3(CONTENT).digest()
END = write_end(End())
TRUTH = HEAD + BLOCK + END


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001, 0.001))
    with planes_in(tmp_path) as planes:
        yield planes


class Liar:
    """Answers every request with the same bytes."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
                self.wfile.write(chunk + b"0\r\n\r\n")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Liar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def receive(planes: Planes, answer: bytes, *, status: int = 200) -> Ledger:
    ledger = Ledger([Entry("file", "file", len(CONTENT))])
    with Liar(answer, status) as liar:
        planes.receive("", "", ledger=ledger, url=liar.url)
    return ledger


def test_the_truth_is_believed(planes: Planes) -> None:
    assert receive(planes, TRUTH).failures == []
    assert (planes.destination / "file").read_bytes() == CONTENT


def test_more_behind_the_truth_changes_nothing(planes: Planes) -> None:
    assert receive(planes, TRUTH + TRUTH).failures == []
    assert (planes.destination / "file").read_bytes() == CONTENT


LARGE = write_head(Head(0, size=9 * BLOCK_BYTES))
LIES: dict[str, bytes] = {
    "nothing": b"",
    "a head cut short": HEAD[:-1],
    "another task": write_head(Head(1, size=len(CONTENT))) + BLOCK + END,
    "a head of no JSON": struct.pack(">I", 4) + b"nope",
    "a head of 4 GiB": struct.pack(">I", 2**32 - 1) + b"{}",
    "a negative size": struct.pack(">I", 23) + b'{"number":0,"size":-10}',
    "a size beyond 63 bits": struct.pack(">I", 38) + b'{"number":0,"size":92233720368547758080}',
    "a mode with more than its bits": struct.pack(">I", 25) + b'{"number":0,"mode":99999}',
    "a size that never comes": LARGE + write_block_length(BLOCK_BYTES) + b"x" * 100,
    "a block of a large file too short": LARGE + BLOCK + END,
    "an offset that was not asked for": write_head(Head(0, size=9, offset=9)) + END,
    "an offset beyond the end": write_head(Head(0, size=9, offset=BLOCK_BYTES)) + END,
    "a block longer than the file": HEAD + struct.pack(">I", 10) + b"the truths" + bytes(32) + END,
    "a block of 4 GiB": HEAD + struct.pack(">I", 2**32 - 1) + b"x" * 100,
    "two blocks for one": HEAD + BLOCK + BLOCK + END,
    "a wrong hash": HEAD + LENGTH + CONTENT + bytes(32) + END,
    "the hash of something else": HEAD + LENGTH + b"the lies!" + BLOCK[-32:] + END,
    "no block at all": HEAD + END,
    "no end": HEAD + BLOCK,
    "an end cut short": TRUTH[:-1],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_fails_the_run_and_leaves_nothing(planes: Planes, lie: str) -> None:
    with pytest.raises(Fault) as told:
        receive(planes, LIES[lie])
    assert told.value.error_class is ErrorClass.NETWORK
    assert "cannot be read" in told.value.message
    assert not (planes.destination / "file").exists()


def test_a_size_that_no_disk_has_is_refused_before_a_byte_comes(planes: Planes) -> None:
    ledger = receive(planes, write_head(Head(0, size=2**62)) + BLOCK + END)
    assert ledger.failed()["file"][0] == "space"
    assert list(planes.destination.rglob("*")) == []


@pytest.mark.parametrize("status", [204, 302, 404, 500, 503])
def test_another_status_is_an_answer_that_cannot_be_read(planes: Planes, status: int) -> None:
    with pytest.raises(Fault, match=str(status)):
        receive(planes, b"<html>", status=status)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../out", "\\xzz"])
def test_a_link_that_leads_out_is_not_made_whatever_the_sender_says(
    planes: Planes, target: str
) -> None:
    ledger = Ledger([Entry("", "folder"), Entry("link", "link", target="fine")])
    answer = write_head(Head(1, target=target))
    with Liar(answer) as liar:

        def check() -> Ledger:
            return planes.receive("", "", ledger=ledger, url=liar.url)

        if target.startswith("\\"):
            with pytest.raises(Fault):
                check()
        else:
            assert check().failed()["link"][0] == "permission"
    assert list(planes.destination.iterdir()) == []
