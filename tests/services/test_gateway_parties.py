r"""What a person may write for `endpoint:volume/path`, and what they are told otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.names import to_text
from services.gateway.parties import read, read_destination, read_source
from services.scheduler.commands import PartyNamed, Rejected, Why


def test_a_party_is_an_endpoint_a_volume_and_a_path() -> None:
    assert read_source("hq:projects/shot 010/") == PartyNamed("hq", "projects", "shot 010/")
    assert read_source("hq:projects/ü/x:y") == PartyNamed("hq", "projects", "ü/x:y")


def test_a_source_without_a_path_is_the_whole_volume() -> None:
    assert read_source("hq:projects") == PartyNamed("hq", "projects", "")
    assert read_source("hq:projects/") == PartyNamed("hq", "projects", "")


def test_a_destination_without_a_path_mirrors_and_one_with_a_slash_does_not() -> None:
    assert read_destination("hq:projects") == PartyNamed("hq", "projects", None)
    assert read_destination("hq:projects/") == PartyNamed("hq", "projects", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "endpoint:volume/path"),
        ("projects/shot", "no endpoint"),
        ("a/b:c/d", "no endpoint"),
        (":projects/shot", "endpoint is missing"),
        ("hq:", "volume is missing"),
        ("hq:/etc/passwd", "volume is missing"),
        ("hq:projects//etc", "absolute"),
        ("hq:projects/../x", "'..'"),
        ("hq:projects/x/..", "'..'"),
        ("hq:projects/./x", "'.'"),
        ("hq:projects/a//b", "two slashes"),
        ("hq:projects/a\0b", "NUL"),
        (r"hq:projects/a\b", "escaped"),
        (r"hq:projects/\x00", "escaped"),
        (r"hq:projects/\xE9", "escaped"),
        ("h\u202eq:projects/a", "endpoint"),
        ("h\0q:projects/a", "endpoint"),
        (" hq:projects/a", "endpoint"),
        ("hq:pro\tjects/a", "volume"),
        ("hq:projects/\ud800", "surrogate"),
        ("h\ud800:projects/a", "endpoint"),
        ("hq:projects/" + "a" * 256, "255 bytes"),
        ("hq:projects/" + "/".join(["a" * 100] * 50), "4096"),
        ("hq:projects/" + "a" * 20_000, "16384"),
        ("h" * 256 + ":projects/a", "255"),
    ],
)
def test_what_can_be_no_party_is_refused_with_what_to_write(text: str, words: str) -> None:
    refused = read(text, "source")
    assert isinstance(refused, Rejected)
    assert (refused.why, refused.field) == (Why.INVALID, "source")
    assert words in refused.detail
    assert "\0" not in refused.detail


NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & set(b"/\0"))
PATHS = st.lists(NAMES.filter(lambda name: name not in (b".", b"..")), min_size=1, max_size=5)


@given(PATHS, st.booleans())
def test_every_path_that_a_disk_can_hold_can_be_named(names: list[bytes], folder: bool) -> None:
    path = to_text(b"/".join(names)) + "/" * folder
    assert read_source(f"hq:projects/{path}") == PartyNamed("hq", "projects", path)


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused_and_never_leaves_the_volume(text: str) -> None:
    party = read(f"hq:projects/{text}", "destination")
    if isinstance(party, PartyNamed):
        assert party.path == text
        assert not {"..", "."} & set(text.split("/"))
        assert not text.startswith("/")
    else:
        assert party.field == "destination"
