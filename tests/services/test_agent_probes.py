"""Whom an agent can dial: tried by itself, doubted before it is given up, told as it changes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from events.endpoints import Dialled
from services.agent import probes
from services.agent.commands import Peer
from services.agent.probes import Probes, answers
from tests.services.agent_planes import planes_in

PEER = Peer("a" * 24, "http://10.0.0.1:1", "f" * 64)
ELSEWHERE = Peer("a" * 24, "http://10.0.0.2:1", "f" * 64)


class World:
    """Where each address answers or not, and who was tried how often."""

    def __init__(self) -> None:
        self.there = {PEER.url: True, ELSEWHERE.url: True}
        self.tries = {PEER.url: 0, ELSEWHERE.url: 0}
        self.probes = Probes(self._ask)

    def _ask(self, peer: Peer) -> bool:
        self.tries[peer.url] += 1
        return self.there[peer.url]

    def finds(self, *found: tuple[Peer, bool]) -> None:
        expected = [Dialled(peer.endpoint, peer.url, reached) for peer, reached in found]
        until(lambda: self.probes.found() == expected)


def until(holds: Callable[[], bool]) -> None:
    patience_ends = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < patience_ends
        time.sleep(0.005)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for pause in ("AGAIN_S", "DOUBTED_S", "UNREACHED_MAX_S"):
        monkeypatch.setattr(probes, pause, 0.02)
    world = World()
    yield world
    world.probes.stop()


def test_a_peer_is_tried_again_and_again_and_no_longer_than_it_is_asked_for(world: World) -> None:
    world.probes.follow([PEER])
    world.finds((PEER, True))
    until(lambda: world.tries[PEER.url] > 3)
    world.probes.follow([])
    assert world.probes.found() == []
    time.sleep(0.05)
    tries = world.tries[PEER.url]
    time.sleep(0.1)
    assert world.tries[PEER.url] == tries


def test_one_that_answered_is_doubted_before_it_is_given_up(world: World) -> None:
    world.probes.follow([PEER])
    world.finds((PEER, True))
    tries, world.there[PEER.url] = world.tries[PEER.url], False
    world.finds((PEER, False))
    assert world.tries[PEER.url] >= tries + probes.DOUBTS_MAX
    world.there[PEER.url] = True
    world.finds((PEER, True))


def test_one_that_never_answered_is_given_up_at_once(world: World) -> None:
    world.there[PEER.url] = False
    world.probes.follow([PEER])
    world.finds((PEER, False))


def test_at_another_address_it_is_tried_anew(world: World) -> None:
    world.there[PEER.url] = False
    world.probes.follow([PEER])
    world.finds((PEER, False))
    world.probes.follow([ELSEWHERE])
    world.finds((ELSEWHERE, True))


def test_one_that_bytes_come_from_is_not_given_up(world: World) -> None:
    world.probes.follow([PEER])
    world.finds((PEER, True))
    world.there[PEER.url] = False
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends:
        world.probes.alive(PEER.url)
        time.sleep(0.002)
    world.finds((PEER, True))


def test_one_that_was_dialled_for_bytes_needs_no_other_proof(world: World) -> None:
    world.there[PEER.url] = False
    world.probes.follow([PEER])
    world.finds((PEER, False))
    world.probes.alive(PEER.url)
    assert world.probes.found() == [Dialled(PEER.endpoint, PEER.url, True)]


def test_it_answers_only_as_itself(tmp_path: Path) -> None:
    with planes_in(tmp_path) as planes:
        assert answers(Peer("a" * 24, planes.url, planes.fingerprint))
        assert not answers(Peer("a" * 24, planes.url, "0" * 64))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert not answers(Peer("a" * 24, url, planes.fingerprint))
    assert not answers(Peer("a" * 24, "no address", planes.fingerprint))
