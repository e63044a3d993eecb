"""Tell a story to the real core: each step is asked of a board, each expectation compared.

A story is a text file: its first line is the title, what stands at the margin is prose, what is
indented is a step (`given`, `when`, `after`, `and`) or an expectation (`then`), and deeper lines
are the table of the expectation above them. `words.py` says which sentences there are. A sentence
that nobody understands stops the story with its file and line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from events import codec
from tests.services.spec import History

STEP = re.compile(r"    (given|when|after|and|then) (\S.*)")
DEEPER = " " * 6


class Line(Struct, frozen=True):
    """A sentence, where it stands, and the rows of the table below it (cells by column)."""

    file: str
    number: int
    said: str
    table: tuple[tuple[str, ...], ...] = ()


class Story(Struct, frozen=True):
    title: str
    lines: tuple[Line, ...]


class Misread(Exception):
    """The story says what nobody understands: where, and what is wrong."""

    def __init__(self, line: Line, problem: str) -> None:
        super().__init__(f"{line.file}:{line.number}: {problem}: {line.said}")


class Scene:
    """The board of a story, with what its last step stored, or was refused with."""

    def __init__(self) -> None:
        self.history = History()
        self.stored_before = 0
        self.refusal: str | None = None

    def stored(self) -> list[str]:
        """The tags of all that the last step stored."""
        commits = self.history.log[self.stored_before :]
        return [codec.tag(one.event) for commit in commits for one in commit]

    def accepted(self) -> None:
        assert self.refusal is None, f"this was refused: {self.refusal}"

    def next_step(self) -> None:
        self.accepted()
        self.stored_before = len(self.history.log)


Sentence = Callable[[Scene, "re.Match[str]", Line], object]


def read(path: Path) -> Story:
    texts = path.read_text().splitlines()
    lines = [_line(path.name, number, texts) for number in range(1, len(texts) + 1)]
    return Story(texts[0], tuple(line for line in lines if line is not None))


def _line(file: str, number: int, texts: Sequence[str]) -> Line | None:
    text = texts[number - 1]
    if not text.startswith(" ") or text.startswith(DEEPER) or not text.strip():
        return None
    found = STEP.fullmatch(text.rstrip())
    if found is None:
        raise Misread(Line(file, number, text.strip()), "a step begins with given, when or then")
    return Line(file, number, found[2], tuple(_rows(texts[number:])))


def _rows(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for text in texts:
        if not text.startswith(DEEPER) or not text.strip():
            return
        yield tuple(re.split(r"\s{2,}", text.strip()))


def tell(story: Story, sentences: dict[str, Sentence]) -> None:
    """Raises Misread, or AssertionError with file, line and difference."""
    scene = Scene()
    for line in story.lines:
        sentence, found = _understood(line, sentences)
        try:
            sentence(scene, found, line)
        except AssertionError as error:
            raise AssertionError(f"{line.file}:{line.number}: {line.said}\n{error}") from error
    scene.next_step()


def _understood(line: Line, sentences: dict[str, Sentence]) -> tuple[Sentence, re.Match[str]]:
    said = [(one, re.fullmatch(pattern, line.said)) for pattern, one in sentences.items()]
    found = [(one, match) for one, match in said if match is not None]
    if len(found) != 1:
        raise Misread(line, "two sentences in one" if found else "nobody understands")
    return found[0]


def compare(expected: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> None:
    """Tables of cells; a difference is shown line by line, as they would be written."""
    if [list(row) for row in expected] != [list(row) for row in found]:
        told, is_so = _aligned(expected, [*expected, *found]), _aligned(found, [*expected, *found])
        difference = difflib.ndiff(told, is_so)
        shown = "\n".join(one.rstrip() for one in difference if not one.startswith("?"))
        raise AssertionError(f"- the story, + the board\n{shown}")


def _aligned(rows: Sequence[Sequence[str]], of_all: Sequence[Sequence[str]]) -> list[str]:
    widths = [
        max((len(row[at]) for row in of_all if at < len(row)), default=0)
        for at in range(max((len(row) for row in of_all), default=0))
    ]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
