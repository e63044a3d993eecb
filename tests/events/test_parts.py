"""Parts of a source: what arrives of them, from where, and when two would arrive as one."""

from __future__ import annotations

from events.parts import Places, clash, names, shown
from events.work import Part

PLATES = Part("a/plate.%04d.exr", "1001-1003,7,12345,1001")
NOTES = Part("b/notes")


def test_a_part_arrives_under_its_last_name_and_a_sequence_under_one_for_each_frame() -> None:
    assert list(names(NOTES)) == ["notes"]
    numbers = ("1001", "1002", "1003", "0007", "12345")
    assert list(names(PLATES)) == [f"plate.{number}.exr" for number in numbers]
    assert list(names(Part("%d", "9-10"))) == ["9", "10"]


def test_what_arrives_is_found_where_it_lies() -> None:
    places = Places([PLATES, NOTES])
    assert places.path("notes") == "b/notes"
    assert places.path("notes/deep/file") == "b/notes/deep/file"
    assert [places.path(name) for name in names(PLATES)] == [f"a/{name}" for name in names(PLATES)]
    for strange in ("", "note", "b/notes", "plate.1004.exr", "plate.01001.exr", "plate..exr"):
        assert places.path(strange) is None, strange
    for strange in ("plate.1001.exr/x", "plate.7.exr", "plate.+007.exr", "plate.\u0660\u0667.exr"):
        assert places.path(strange) is None, strange


def test_two_that_would_arrive_as_one_are_found() -> None:
    assert clash([PLATES, NOTES]) is None
    other = Part("c/notes")
    assert clash([NOTES, other]) == ("notes", NOTES, other)
    assert clash([NOTES, NOTES]) == ("notes", NOTES, NOTES)
    literal = Part("x/plate.1002.exr")
    assert clash([PLATES, literal]) == ("plate.1002.exr", PLATES, literal)
    assert clash([Part("%02d", "1-20"), Part("x/%d", "7")]) is None
    assert clash([Part("%02d", "1-20"), Part("x/%d", "17")])


def test_people_are_shown_the_first_of_many() -> None:
    assert shown("a/", []) == "a/"
    assert shown("s/", [Part("p.%d", "1-9")]) == "s/p.%d[1-9]"
    assert shown("", [Part("a"), Part("b/c")]) == "{a,b/c}"
    assert shown("s/", [Part(one) for one in "abcde"]) == "s/{a,b,c,… 2 more}"
