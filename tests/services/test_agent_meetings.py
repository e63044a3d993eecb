"""Connections that the sender dials: to its receiver, or to a relay where both meet."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from services.agent import connecting, meetings, pull, relay, serving
from services.agent.certificate import kept_or_made
from services.agent.commands import Dial, Meeting, MeetingTicket, Receive, Ticket
from services.agent.connecting import Connecting
from services.agent.dialler import Dialler
from services.agent.dialling import dial, joined, knock
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.listing import Listing
from services.agent.progress import Progress
from services.agent.receive import receive
from services.agent.relay import Relay
from services.agent.run import Run
from services.agent.serve import ByteServer
from services.agent.serving import Serving
from services.agent.tls import shown
from services.agent.trust import Trust
from services.agent.volume import Volume
from services.runtime.tickets import Signer
from tests.services.agent_planes import JOB, Ledger, Planes, Proxy, leftovers, planes_in, tree

MIB = 1 << 20
RUN = 1
SOURCE, DESTINATION, RELAY = "a" * 24, "b" * 24, "c" * 24


class End:
    """An agent's byte side, listening or not, with the tickets of one scheduler."""

    def __init__(
        self, root: Path, endpoint: str, signer: Signer, *, listens: bool, relays: int = 0
    ) -> None:
        self.endpoint = endpoint
        self.volume = root / endpoint
        (root / f"{endpoint}.own").mkdir()
        self.volume.mkdir()
        certificate = kept_or_made(root / f"{endpoint}.own")
        self.fingerprint = certificate.fingerprint
        trust = Trust(endpoint)
        trust.learn(signer.public_hex)
        volumes = {"v": Volume("v", self.volume)}
        self.serving = Serving(volumes, trust.check, shown(certificate.path), Relay(relays))
        self.dialler = Dialler(self.serving)
        self.server = ByteServer("127.0.0.1", 0, self.serving) if listens else None
        if self.server is not None:
            self.server.start()

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.address[1]}"

    def stop(self) -> None:
        self.dialler.follow(())
        self.serving.stop()
        if self.server is not None:
            self.server.stop()


class Studio:
    """A sender that nobody can dial, a receiver, and a relay."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.signer = Signer()
        self._root = root
        self._stack = stack
        self.sender = self.end(SOURCE, listens=False)

    def end(self, endpoint: str, *, listens: bool, relays: int = 0) -> End:
        end = End(self._root, endpoint, self.signer, listens=listens, relays=relays)
        self._stack.callback(end.stop)
        return end

    def meeting(
        self,
        at: End,
        side: Literal["sender", "receiver"] = "sender",
        *,
        url: str | None = None,
        encrypted: bool = True,
        run: int = RUN,
    ) -> Meeting:
        right = MeetingTicket(JOB, run, at.endpoint, side, 2**40, plain=not encrypted)
        shown_as = at.fingerprint if encrypted else ""
        return Meeting(url or at.url, shown_as, self.signer.sign(right))

    def dial(self, meeting: Meeting) -> None:
        self.sender.dialler.follow([Dial(JOB, RUN, meeting)])

    def ticket(self, *, plain: bool = False) -> str:
        return self.signer.sign(Ticket(JOB, RUN, SOURCE, "v", "", 2**40, plain))

    def receive(
        self,
        at: End,
        *,
        via: Meeting | None = None,
        encrypted: bool = True,
        fingerprint: str | None = None,
        halt: Halt | None = None,
    ) -> Ledger:
        """Raises Fault."""
        with Volume("v", self.sender.volume).opened() as volume, volume.source("") as source:
            entries = list(Listing(source))
        pinned = self.sender.fingerprint if encrypted else ""
        duty = Receive(
            *(JOB, RUN, "", self.ticket(plain=not encrypted), "v", "in"),
            bytes_done=0,
            fingerprint=pinned if fingerprint is None else fingerprint,
            relay=via,
        )
        ledger = Ledger(entries)
        connect = Connecting(at.serving).connect
        progress, began = Progress(duty), time.monotonic()
        run = Run(duty, ledger, halt or Halt(), progress, began, connect=connect)
        receive(run, Volume("v", at.volume))
        return ledger

    def arrived(self, at: End) -> bool:
        return tree(at.volume / "in") == tree(self.sender.volume) and leftovers(at.volume) == []


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.01, 0.05, 0.1))
    monkeypatch.setattr(connecting, "DIALLED_S", 1.0)
    monkeypatch.setattr(serving, "RECEIVER_WAITS_S", 1.0)
    with ExitStack() as stack:
        studio = Studio(tmp_path, stack)
        (studio.sender.volume / "large").write_bytes(os.urandom(MIB) * 9)
        for number in range(20):
            (studio.sender.volume / f"{number}").write_bytes(b"plate " * number * 100)
        yield studio


@contextmanager
def through(end: End, cuts: list[int]) -> Iterator[Proxy]:
    assert end.server is not None
    proxy = Proxy(end.server.address[1], cuts)
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_sender_that_cannot_be_dialled_dials(studio: Studio, encrypted: bool) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    studio.dial(studio.meeting(receiver, encrypted=encrypted))
    assert studio.receive(receiver, encrypted=encrypted).ended
    assert studio.arrived(receiver)


def test_a_relay_joins_two_that_nobody_can_dial(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=False)
    between = studio.end(RELAY, listens=True, relays=8)
    studio.dial(studio.meeting(between))
    assert studio.receive(receiver, via=studio.meeting(between, "receiver")).ended
    assert studio.arrived(receiver)


def test_connections_that_break_are_dialled_again(
    studio: Studio,
) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    with through(receiver, [2**40, 2**40]) as proxy:
        studio.dial(studio.meeting(receiver, url=proxy.url))

        def cut() -> None:
            while not (receiver.volume / "in").exists():
                time.sleep(0.005)
            proxy.cut()

        cutter = threading.Thread(target=cut)
        cutter.start()
        assert studio.receive(receiver).ended
        cutter.join()
    assert studio.arrived(receiver)


def test_a_relay_sees_nothing_but_ciphertext(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = studio.end(DESTINATION, listens=False)
    between = studio.end(RELAY, listens=True, relays=8)
    seen: list[bytes] = []
    splice = os.splice

    def spied(origin: int, to: int, size: int) -> int:
        with socket.socket(fileno=os.dup(origin)) as line:
            if line.family:
                seen.append(line.recv(1 << 16, socket.MSG_PEEK))
        return splice(origin, to, size)

    def only_sockets(origin: int, to: int, size: int) -> int:
        try:
            return spied(origin, to, size)
        except OSError:
            return splice(origin, to, size)

    monkeypatch.setattr(os, "splice", only_sockets)
    studio.dial(studio.meeting(between))
    assert studio.receive(receiver, via=studio.meeting(between, "receiver")).ended
    assert seen
    assert not any(word in data for data in seen for word in (b"plate", b"POST", b"Bearer"))


def test_a_receiver_is_not_fooled_by_a_sender_with_another_certificate(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    studio.dial(studio.meeting(receiver))
    with pytest.raises(Fault, match="another certificate") as caught:
        studio.receive(receiver, fingerprint="0" * 64)
    assert caught.value.error_class == "network"


def test_a_receiver_that_nobody_dials_says_so(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    connecting.DIALLED_S = 0.05
    with pytest.raises(Fault, match="has not dialled"):
        studio.receive(receiver)
    between = studio.end(RELAY, listens=True, relays=8)
    serving.RECEIVER_WAITS_S = 0.05
    with pytest.raises(Fault, match="has not come to the relay"):
        studio.receive(receiver, via=studio.meeting(between, "receiver"))


def test_a_stop_ends_the_wait_for_the_other_end(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=False)
    between = studio.end(RELAY, listens=True, relays=8)
    serving.RECEIVER_WAITS_S = 30.0
    halt = Halt()
    threading.Timer(0.3, halt.call).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        studio.receive(receiver, via=studio.meeting(between, "receiver"), halt=halt)
    assert time.monotonic() - began < 3


def refused(meeting: Meeting) -> str:
    """The status that a knock is answered with."""
    waiting = knock(meeting)
    waiting.settimeout(3)
    try:
        joined(waiting)
    except ConnectionRefusedError as refusal:
        return str(refusal).split("HTTP/1.1 ")[1][:3]
    finally:
        waiting.close()
    return ""


def test_without_the_right_ticket_nobody_meets_anybody(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    between = studio.end(RELAY, listens=True, relays=8)
    good = studio.meeting(receiver)
    wrong = [
        "",
        "x",
        studio.ticket(),
        Signer().sign(MeetingTicket(JOB, RUN, DESTINATION, "sender", 2**40)),
        studio.signer.sign(MeetingTicket(JOB, RUN, DESTINATION, "sender", 1)),
        studio.meeting(between).ticket,
    ]
    for ticket in wrong:
        assert refused(Meeting(good.url, good.fingerprint, ticket)) == "401", ticket
    assert refused(Meeting(good.url, "", good.ticket)) == "403", "it is for an encrypted one"
    assert refused(studio.meeting(receiver, "receiver")) == "503", "it is no relay"


def test_a_ticket_to_meet_reads_nothing(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    meeting = studio.meeting(receiver)
    with dial(meeting.url, meeting.fingerprint) as line:
        head = f"POST /read HTTP/1.1\r\nAuthorization: Bearer {meeting.ticket}\r\n"
        line.sendall(f"{head}Content-Length: 2\r\n\r\n[]".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 401")


def test_one_run_does_not_get_the_connections_of_another(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    studio.sender.dialler.follow([Dial(JOB, 2, studio.meeting(receiver, run=2))])
    connecting.DIALLED_S = 0.05
    with pytest.raises(Fault, match="has not dialled"):
        studio.receive(receiver)


def test_a_relay_keeps_to_its_operators_limit(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = studio.end(RELAY, listens=True, relays=1)
    studio.dial(studio.meeting(between))
    first = joined(knock(studio.meeting(between, "receiver")))
    assert first is not None
    assert refused(studio.meeting(between, "receiver")) == "503"
    first.close()
    patience_ends = time.monotonic() + 5
    while (again := _met(studio.meeting(between, "receiver"))) is None:
        assert time.monotonic() < patience_ends, "the place stays taken"
    again.close()


def _met(meeting: Meeting) -> socket.socket | None:
    waiting = knock(meeting)
    try:
        return joined(waiting)
    except ConnectionRefusedError:
        return None
    finally:
        waiting.close()


def test_a_relay_that_is_used_in_one_direction_only_does_not_give_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "LOOK_S", 1)
    monkeypatch.setattr(relay, "SILENCE_S", 1.5)
    (near, one), (far, other) = socket.socketpair(), socket.socketpair()
    joint = threading.Thread(target=Relay(1).join, args=(one, other))
    joint.start()
    for _ in range(5):
        near.sendall(b"x")
        assert far.recv(1) == b"x"
        time.sleep(0.5)
    joint.join(5)
    assert not joint.is_alive(), "silent in both directions for longer than it may be"
    assert (near.recv(1), far.recv(1)) == (b"", b"")
    near.close()
    far.close()


def test_too_many_that_wait_do_not_keep_out_the_newest(studio: Studio) -> None:
    receiver = studio.end(DESTINATION, listens=True)
    dead = [knock(studio.meeting(receiver)) for _ in range(meetings.OF_A_RUN_MAX)]
    time.sleep(0.2)
    for line in dead:
        line.close()
    studio.dial(studio.meeting(receiver))
    assert studio.receive(receiver).ended


def test_where_too_many_wait_nobody_knocks_without_a_pause(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meetings, "WAITING_MAX", 0)
    receiver = studio.end(DESTINATION, listens=True)
    assert refused(studio.meeting(receiver)) == "503"


def test_noise_at_a_meeting_does_no_harm(studio: Studio) -> None:
    """Whoever has a ticket to wait, and then says what it likes, is not taken for the sender."""
    receiver = studio.end(DESTINATION, listens=True)
    chance = random.Random(5)
    lines = [knock(studio.meeting(receiver)) for _ in range(3)]

    def speak(line: socket.socket) -> None:
        with line:
            try:
                met = joined(line)
            except OSError:
                return
            if met is not None:
                with met:
                    met.sendall(chance.randbytes(1_000))

    speakers = [threading.Thread(target=speak, args=(line,)) for line in lines]
    for speaker in speakers:
        speaker.start()
    time.sleep(0.2)
    studio.dial(studio.meeting(receiver))
    assert studio.receive(receiver).ended
    receiver.serving.meetings.end()
    for speaker in speakers:
        speaker.join(5)
    assert studio.arrived(receiver)


def test_an_agent_receives_from_itself_without_a_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with planes_in(tmp_path) as planes:
        (planes.source / "file").write_bytes(b"x" * 5 * MIB)
        monkeypatch.setattr(Planes, "url", "")
        assert _from_itself(planes).ended
        assert tree(planes.destination) == tree(planes.source)


def _from_itself(planes: Planes) -> Ledger:
    entries = planes.list("")
    duty = msgspec.structs.replace(planes.duty(), here=True)
    ledger = Ledger(entries)
    connect = Connecting(planes.serving).connect
    run = Run(duty, ledger, Halt(), Progress(duty), time.monotonic(), connect=connect)
    receive(run, Volume("v", planes.destination))
    return ledger
