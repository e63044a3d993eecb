"""Endpoints taken out of use and given back from the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.cli_server import Terminal, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        yield at_hand


def test_endpoints_are_disabled_and_enabled_each_by_itself(cli: Terminal) -> None:
    disabled = cli.types("endpoint", "disable", "stockholm", "attic")
    assert disabled.status == 1
    assert disabled.out.startswith("stockholm  offline  disabled by ann since ")
    assert disabled.err == "haulage: attic: there is no endpoint 'attic'\n"
    enabled = cli.types("endpoint", "enable", "hq", "--json").json()
    assert (enabled[0]["asked"], enabled[0]["endpoint"]["disabled"]) == ("hq", None)
    assert [(one.method, one.path) for one in cli.world.commands()] == [
        ("POST", "/api/endpoints/stockholm/disable"),
        ("POST", "/api/endpoints/attic/disable"),
        ("POST", "/api/endpoints/hq/enable"),
    ]


def test_a_disabled_endpoint_is_listed_as_such_and_none_is_not_all(cli: Terminal) -> None:
    assert "disabled" in cli.types("endpoints").out
    assert "name at least one endpoint" in cli.types("endpoint", "disable").err
