r"""Sources as people write them: one, several, sequences, and what can be none of these."""

from __future__ import annotations

import pytest

from events.work import Part
from services.gateway import sources
from services.gateway.sources import Sources
from services.scheduler.commands import PartyNamed, Rejected


def read(*given: str) -> tuple[str, list[Part]]:
    """The path of the folder, and its parts."""
    found = sources.read(given[0] if len(given) == 1 else list(given))
    assert isinstance(found, Sources), found
    assert (found.party.endpoint, found.party.volume) == ("hq", "v")
    return found.party.path or "", found.parts


def test_one_source_is_all_that_is_there() -> None:
    for path in ("", "a/b", "a/b/", "take[1-3]", "50%discount", "a%d", "100%", r"caf\xe9[1]"):
        assert read(f"hq:v/{path}") == (path, [])
    assert sources.read(["hq:v"]) == Sources(PartyNamed("hq", "v", ""))


def test_a_sequence_is_a_part_of_its_folder() -> None:
    assert read("hq:v/p/plate.%04d.exr[1001-1100]") == ("p/", [Part("plate.%04d.exr", "1001-1100")])
    assert read("hq:v/%d[1,3-9x2]") == ("", [Part("%d", "1,3-9x2")])
    assert read(r"hq:v/a\\[x/b%02d[1]") == (r"a\\[x/", [Part("b%02d", "1")])


def test_a_name_that_looks_like_a_sequence_can_be_written() -> None:
    assert read(r"hq:v/plate.\%04d.exr\[1-2\]") == ("plate.%04d.exr[1-2]", [])
    assert read(r"hq:v/plate.%04d\[x\][1-2]") == ("", [Part("plate.%04d[x]", "1-2")])
    assert read(r"hq:v/50\%d/plate.%04d.exr[1-2]")[0] == "50%d/"


def test_several_sources_are_parts_of_the_folder_that_all_are_in() -> None:
    assert read("hq:v/a/x/one/", "hq:v/a/y/two") == ("a/", [Part("x/one"), Part("y/two")])
    assert read("hq:v/a", "hq:v/a/b") == ("", [Part("a"), Part("a/b")])
    assert read("hq:v/ab/c", "hq:v/abc/d") == ("", [Part("ab/c"), Part("abc/d")])
    both = read("hq:v/s/p.%04d.exr[1-9]", "hq:v/s/notes")
    assert both == ("s/", [Part("p.%04d.exr", "1-9"), Part("notes")])


REFUSED = [
    (["hq:v/p.%04d.exr"], "has no frames"),
    (["hq:v/p.%04d.%04d.exr[1-2]"], "one %04d"),
    (["hq:v/s%03d/p.exr[1-2]"], "in its last name"),
    (["hq:v/s%03d/p.%04d.exr[1-2]"], "in its last name"),
    (["hq:v/p.%4d.exr[1-2]"], "has %4d: write %04d"),
    (["hq:v/p.%04d.exr[2-1]"], "write 1-2"),
    (["hq:v/p.%04d.exr[]"], "'' is no frame"),
    (["hq:v/p.%04d.exr[1-2x0]"], "at least 1"),
    (["hq:v/p.%d.exr[1-9000000]"], "at most 1,000,000"),
    ([], "0 of them"),
    (["hq:v/a"] * 1001, "1001 of them: name 1 to 1000"),
    (["hq:v/a", "oslo:v/b"], "'hq:v/a' and 'oslo:v/b' are not on one endpoint"),
    (["hq:v/a", "hq:w/b"], "submit a job for each"),
    (["hq:v/a", "hq:v"], "'hq:v' is a whole volume"),
    (["hq:v/a", "hq:v/../b"], "write where it leads"),
    (["hq:v/a", "b"], "names no endpoint"),
    (["hq:v/\ud800"], "lone surrogate"),
    ([r"hq:v/a\b"], "not escaped"),
]


@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_what_is_no_source_is_refused_with_what_to_write(given: list[str], words: str) -> None:
    answer = sources.read(given)
    assert isinstance(answer, Rejected), answer
    assert (answer.field, words in answer.detail) == ("source", True), answer.detail
