"""Tokens: made once, kept private, checked by hash, changed while running."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from services.runtime import tokens
from services.runtime.tokens import Tokens, write_private
from services.scheduler.commands import Actor, Role


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tokens.create(tmp_path)
    return tmp_path


def test_the_first_token_is_an_admins(data: Path) -> None:
    assert Tokens(data).check(tokens.read(data / "token")) == Actor("admin", Role.ADMIN)


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\udcff", "ü"])
def test_any_other_token_is_nobodys(data: Path, token: str) -> None:
    assert Tokens(data).check(token) is None


def test_a_token_that_agents_join_with_is_no_persons(data: Path) -> None:
    assert Tokens(data).check(tokens.read(data / "agent-token")) is None


def test_making_them_again_changes_nothing(data: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    tokens.create(data)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_nobody_else_can_read_them_and_the_table_holds_no_token(data: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in data.iterdir()} == {0o600}
    assert tokens.read(data / "token").encode() not in (data / "tokens.json").read_bytes()


def test_a_person_who_is_added_or_removed_counts_at_once(data: Path) -> None:
    known = Tokens(data)
    assert known.check("ann's") is None
    ann = {"sha256": sha256(b"ann's").hexdigest(), "name": "ann", "role": "user"}
    write_private(data / "tokens.json", msgspec.json.encode([ann]))
    assert known.check("ann's") == Actor("ann", Role.USER)
    write_private(data / "tokens.json", b"[]")
    assert known.check("ann's") is None


def test_agents_join_with_their_token_only() -> None:
    assert tokens.is_agents("right", "right")
    assert not tokens.is_agents("wrong", "right")
    assert not tokens.is_agents("", "")
