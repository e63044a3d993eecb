"""A capsule as a file, and the made-up names in one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from events import codec
from events.ids import is_id
from projections import capsule, past
from projections.capsule import BadCapsule, Body, Header
from projections.pseudonyms import Pseudonyms
from tests.services.test_checking import checked, story

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))
TOLD = {
    *("actor", "name", "user", "code", "description", "host", "hostname", "site", "tags", "by"),
    *("volume", "path", "to", "uri", "uris", "target", "same_as", "message", "url", "fingerprint"),
    *("command", "filters", "owner", "group", "hashes"),
}
HEADER = Header(1, "0.1.0", past.FORM, "main", "e", 1, 3, datetime(2030, 1, 1, tzinfo=UTC))


def _commits() -> list[capsule.Commit]:
    return capsule.chained(codec.encode("main", commit) for commit in story().log)


def test_a_capsule_is_read_as_it_was_written() -> None:
    body = Body(None, _commits())
    header, read = capsule.read(capsule.write(HEADER, body))
    assert read == body
    assert msgspec.structs.replace(header, digest="") == HEADER


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda content: b"PK" + content, "no capsule"),
        (lambda content: content[:-1], "cut off"),
        (lambda content: content.replace(b'"capsule":1', b'"capsule":2'), "newer"),
        (lambda content: content.replace(b'"first":1', b'"first":5').replace(
            past.FORM.encode(), b"another"), "another form"),
    ],
)  # fmt: skip
def test_what_is_no_good_is_said(harm: object, words: str) -> None:
    content = capsule.write(HEADER, Body(None, _commits()))
    assert callable(harm)
    with pytest.raises(BadCapsule, match=words):
        capsule.read(harm(content))


def test_commits_that_do_not_fit_are_not_opened() -> None:
    commits = _commits()
    for wrong in (commits[1:], [*commits[:2], *commits[3:]], [commits[1], commits[0]]):
        with pytest.raises(BadCapsule, match="does not fit"):
            capsule.read(capsule.write(HEADER, Body(None, wrong)))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_of_every_event_there_is_no_name_is_left(path: Path) -> None:
    payload = path.read_bytes().strip()
    made_up = Pseudonyms(b"k" * 32).payload(payload)
    codec.decode(made_up)
    left = set(_texts(msgspec.json.decode(made_up)))
    assert left & set(_told(msgspec.json.decode(payload))) == set()


def _texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for one in value.values():
                yield from _texts(one)
        case list():
            for one in value:
                yield from _texts(one)
        case str():
            yield value


def _told(value: object) -> Iterator[str]:
    """What the fields that name something hold; ids are no names."""
    match value:
        case dict():
            for name, one in value.items():
                if name in TOLD or name in ("environment", "metadata"):
                    yield from (text for text in _texts(one) if text and not is_id(text))
                yield from _told(one)
        case list():
            for one in value:
                yield from _told(one)


def test_with_made_up_names_the_same_is_decided() -> None:
    history = story()
    made_up = Pseudonyms(b"k" * 32)
    log = [codec.decode(made_up.payload(codec.encode("main", one))) for one in history.log]
    differs, check = checked(log)
    assert differs is None
    named = {job.id: job.name for job in check.board.jobs.values()}
    assert named.keys() == history.board.jobs.keys()
    assert not set(named.values()) & {job.name for job in history.board.jobs.values()}
    assert {job.status for job in check.board.jobs.values()} == {
        job.status for job in history.board.jobs.values()
    }


def test_the_same_name_is_the_same_word_and_a_path_keeps_its_shape() -> None:
    payload = (Path(__file__).parents[1] / "golden/job.submitted.json").read_bytes().strip()
    one, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    (event,) = msgspec.json.decode(one.payload(payload))
    data = event["data"]
    assert data["user"] == event["actor"]
    assert data["work"]["source"]["path"] == f"{data['name']}/"
    assert one.payload(payload) == one.payload(payload)
    assert one.payload(payload) != other.payload(payload)
