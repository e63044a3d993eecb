"""Parts of a source, and sequences: they arrive by their last names, and nothing else is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.tasks import Entry
from events.work import Part
from services.agent.commands import Choice
from services.agent.faults import Fault
from services.agent.listing import Listing
from services.agent.volume import Volume
from tests.services.agent_planes import Ledger, Planes, planes_in
from tests.services.test_agent_choice import fill

PARTS = [Part("a/plate.%04d.exr", "1-3"), Part("b/notes"), Part("b/now"), Part("c/one.mov")]
FILES = ("a/plate.0001.exr", "a/plate.0003.exr", "a/plate.0004.exr", "b/notes/deep/x", "c/one.mov")


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        fill(planes.source, *(f"show/{file}" for file in FILES), "show/b/other")
        (planes.source / "show/b/now").symlink_to("other")
        planes.parts = PARTS
        yield planes


def some(planes: Planes, *only: str) -> list[str]:
    volume = Volume("v", planes.source)
    with volume.opened() as opened, opened.source("show/", False, planes.parts) as source:
        listing = Listing(source, planes.choice, parts=planes.parts)
        return [entry.uri for entry in listing.some(only)]


def test_parts_arrive_under_their_last_names_and_a_missing_frame_by_name(planes: Planes) -> None:
    ledger = planes.receive("show/", "to")
    there = planes.destination / "to"
    found = sorted(str(path.relative_to(there)) for path in there.rglob("*"))
    assert found == [
        *("notes", "notes/deep", "notes/deep/x", "now", "one.mov"),
        *("plate.0001.exr", "plate.0003.exr"),
    ]
    assert (there / "notes/deep/x").read_text() == "show/b/notes/deep/x"
    assert os.readlink(there / "now") == "other"
    assert list(ledger.failed()) == ["plate.0002.exr"]
    error_class, message = ledger.failed()["plate.0002.exr"]
    assert (error_class, "v/show/a/plate.0002.exr" in message) == ("missing", True)


def test_one_part_goes_into_its_destination_and_not_in_its_place(planes: Planes) -> None:
    planes.parts = [Part("a/plate.%04d.exr", "3")]
    assert planes.receive("show/", "to").failures == []
    assert [path.name for path in (planes.destination / "to").iterdir()] == ["plate.0003.exr"]


def test_nothing_but_the_parts_can_be_read(planes: Planes) -> None:
    asked = ("other", "b/other", "b/notes/deep/x", "plate.0004.exr", "one.mov/..", "notes/../other")
    ledger = planes.receive("show/", ledger=Ledger([Entry(uri) for uri in asked]))
    assert sorted(ledger.failed()) == sorted(asked)
    assert not list(planes.destination.rglob("*.*"))


def test_a_ticket_is_for_its_parts_only(planes: Planes) -> None:
    ledger = Ledger(planes.list("show/"))
    planes.shown = [*PARTS, Part("b/other")]
    with pytest.raises(Fault, match="other parts of the source"):
        planes.receive("show/", ledger=ledger)


def test_parts_are_chosen_from_like_any_source(planes: Planes) -> None:
    planes.choice = Choice(exclude="deep/, *.0001.*, one.mov", symlinks="skip")
    assert [entry.uri for entry in planes.list("show/")] == [
        *("plate.0002.exr", "plate.0003.exr", "notes")
    ]
    planes.choice = Choice(include="x, *.mov", symlinks="follow")
    assert [one.uri for one in planes.list("show/")] == [
        *("notes", "notes/deep", "notes/deep/x", "one.mov")
    ]


def test_what_is_added_to_parts_comes_after_the_folders_that_it_is_in(planes: Planes) -> None:
    assert some(planes, "notes/deep/x", "plate.0003.exr", "notes") == [
        *("notes", "notes/deep", "notes/deep/x", "plate.0003.exr"),
        *("notes", "notes/deep", "notes/deep/x"),
    ]
    assert some(planes, "plate.0004.exr") == ["plate.0004.exr"], "none of it: its task fails"
