"""The stories of the guide run through the real core; a story that is wrong says where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stories import lane_words as lane_words
from tests.stories.telling import Misread, Story, read, tell
from tests.stories.words import SENTENCES

STORIES = [read(path) for path in sorted(Path(__file__).parent.glob("*.txt"))]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_story(story: Story) -> None:
    tell(story, SENTENCES)


def _written(path: Path, *lines: str) -> Story:
    path.write_text("\n".join(["A title", *lines]))
    return read(path)


def test_a_story_that_is_wrong_shows_the_difference(tmp_path: Path) -> None:
    story = _written(
        tmp_path / "wrong.txt",
        '    given "plates" hq:projects/a -> stockholm:incoming',
        "    then the board is:",
        "      queue   position  job     status   reason",
        "      medium  2         plates  running",
    )
    with pytest.raises(AssertionError) as failure:
        tell(story, SENTENCES)
    assert "wrong.txt:3" in str(failure.value)
    assert "- medium  2         plates  running" in str(failure.value)
    assert "+ medium  1         plates  running" in str(failure.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("    when ann paints the fence", "nobody understands"),
        ("    perhaps ann pauses it", "a step begins with"),
    ],
)
def test_a_line_that_nobody_understands_is_named(line: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(Misread, match=rf"odd\.txt:2: {problem}"):
        tell(_written(tmp_path / "odd.txt", line), SENTENCES)


def test_a_refusal_that_the_story_does_not_expect_fails_it(tmp_path: Path) -> None:
    story = _written(tmp_path / "refused.txt", "    when ann deletes queue medium")
    with pytest.raises(AssertionError, match="default queue"):
        tell(story, SENTENCES)


def test_every_sentence_is_told_somewhere() -> None:
    said = [line.said for story in STORIES for line in story.lines]
    silent = [one for one in SENTENCES if not any(re.fullmatch(one, line) for line in said)]
    assert silent == []
