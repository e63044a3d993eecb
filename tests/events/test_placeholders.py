"""Placeholders of a command: filled in word by word, and refused where they are none."""

from __future__ import annotations

import pytest

from events import placeholders
from events.placeholders import BadCommand

VALUES = {"frame": "7", "first": "7", "last": "9", "frames": "7-9 x"}


def filled(command: str) -> list[str]:
    return [placeholders.filled(word, VALUES) for word in placeholders.words(command)]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("render --frame {frame}", ["render", "--frame", "7"]),
        (
            "render -s {first} -e '{last}' f.{first}.exr",
            ["render", "-s", "7", "-e", "9", "f.7.exr"],
        ),
        ("sh -c 'echo {frames}'", ["sh", "-c", "echo 7-9 x"]),
        ("echo {frames}", ["echo", "7-9 x"]),
        ("sh -c 'echo ${{HOME}} {{frame}} {{{frame}}}'", ["sh", "-c", "echo ${HOME} {frame} {7}"]),
        ("awk '{{print $1}}'", ["awk", "{print $1}"]),
    ],
)
def test_values_go_into_words_that_are_split_already(command: str, words: list[str]) -> None:
    placeholders.named(placeholders.words(command))
    assert filled(command) == words


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "empty: write what to run"),
        ("  ", "empty"),
        ("'' x", "empty"),
        ("render 'a", "close its quotes"),
        ("render \\", "close its quotes"),
        ("render \0", "NUL"),
        ("render {fram}", "{fram}: there are {frame}, {first}, {last}, {frames}"),
        ("render {frame:04}", "no placeholder {frame:04}"),
        ("render {}", "no placeholder {}"),
        ("render {frame", "write {{ for one"),
        ("render frame}", "write }} for one"),
    ],
)
def test_what_is_no_command_is_said(command: str, said: str) -> None:
    with pytest.raises(BadCommand) as caught:
        placeholders.named(placeholders.words(command))
    assert said in str(caught.value)
