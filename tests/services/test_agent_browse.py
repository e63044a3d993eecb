"""What lies on an endpoint is told page by page, in one order, whoever asks how often."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent import calls, walks
from services.agent.calls import Calls
from services.agent.commands import Amount, Browse, CallFailed, Found, Page, Stat
from services.agent.volume import Volume
from services.agent.walks import Walks
from tests.services.ordinary import as_ordinary_user, ordinary_folder

NAMES = [b"a", b"a b", b"a-/deep/er", b"a/b", b"a/b-", b"b\xff/\xc3\xa9", b"c\\d", b"z/"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "v")


def fill(root: Path) -> Path:
    top = os.fsencode(root)
    for name in NAMES[1:]:
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        if not name.endswith(b"/"):
            Path(os.fsdecode(os.path.join(top, name))).write_bytes(name)
    (root / "link").symlink_to("a")
    os.mkfifo(root / "pipe")
    return root


def pages(root: Path, call: Browse, kept: Walks | None = None) -> Iterator[Page]:
    """To the last one; without `kept` each page is asked of an agent that was started again."""
    while True:
        page = (kept or Walks()).page(Volume("v", root), call)
        yield page
        if not page.walk:
            return
        call = replace(call, walk=page.walk, after=page.after)


def told(found: Iterator[Page]) -> list[Entry]:
    return [entry for page in found for entry in page.entries]


EVERYTHING = Browse("v", "")
Answer = Found | Page | CallFailed


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
@pytest.mark.parametrize("kept", [True, False])
def test_pages_hold_everything_once_and_in_order(
    root: Path, monkeypatch: pytest.MonkeyPatch, size: int, kept: bool
) -> None:
    whole = told(pages(root, EVERYTHING))
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", size)
    assert told(pages(root, EVERYTHING, Walks() if kept else None)) == whole
    uris = [entry.uri for entry in whole]
    assert uris == ["", "a", "a/b", "a/b-", "a b", "a-", "a-/deep", "a-/deep/er", *uris[8:]]
    assert uris[8:] == ["b\\xff", "b\\xff/é", "c\\\\d", "link", "z"]


def test_a_page_that_is_asked_for_twice_is_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", 4)
    kept = Walks()
    first = kept.page(Volume("v", root), EVERYTHING)
    call = replace(EVERYTHING, walk=first.walk, after=first.after)
    second, again = (kept.page(Volume("v", root), call) for _ in range(2))
    assert second.entries == again.entries
    assert len(first.entries) == len(second.entries) == 4


def test_nobody_goes_on_in_another_folder_than_they_began_in(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", 1)
    kept = Walks()
    first = kept.page(Volume("v", root), EVERYTHING)
    elsewhere = Browse("v", "a", walk=first.walk, after=first.after)
    assert [one.uri for one in kept.page(Volume("v", root), elsewhere).entries] == ["b"]


def test_a_slow_disk_makes_small_pages(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(pages(root, EVERYTHING))
    monkeypatch.setattr(walks, "PAGE_S", -1.0)
    found = list(pages(root, EVERYTHING, Walks()))
    assert [len(page.entries) for page in found] == [1] * len(whole) + [0]
    assert told(iter(found)) == whole


@pytest.mark.parametrize(
    ("depth", "uris"),
    [
        (1, ["", "a", "a b", "a-", "b\\xff", "c\\\\d", "link", "z"]),
        (2, ["", "a", "a/b", "a/b-", "a b", "a-", "a-/deep", "b\\xff", "b\\xff/é", "c\\\\d"]),
    ],
)
def test_it_goes_as_deep_as_asked(root: Path, depth: int, uris: list[str]) -> None:
    found = told(pages(root, replace(EVERYTHING, depth=depth), Walks()))
    assert [entry.uri for entry in found][: len(uris)] == uris


def test_how_much_it_is_adds_up_over_the_pages(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "PAGE_S", -1.0)
    found = list(pages(root, replace(EVERYTHING, measured=True), Walks()))
    assert told(iter(found)) == []
    fields = Amount.__struct_fields__
    total = Amount(*(sum(getattr(page.amount, name) for page in found) for name in fields))
    size = sum(len(name) for name in NAMES[1:] if not name.endswith(b"/"))
    assert total == Amount(files=6, folders=5, links=1, size=size)


def test_a_file_is_all_there_is_of_it(root: Path) -> None:
    [entry] = told(pages(root, Browse("v", "a-/deep/er")))
    assert (entry.uri, entry.size) == ("er", 10)


def look_into_a_closed_folder(folder: str) -> None:
    root = fill(Path(folder) / "v")
    (root / "a").chmod(0)
    found = list(pages(root, EVERYTHING))
    assert [entry.uri for entry in told(iter(found))][:3] == ["", "a", "a b"]
    assert found[-1].amount.unread == 1


def test_a_folder_that_cannot_be_read_keeps_nobody_from_the_others() -> None:
    with ordinary_folder() as folder:
        assert as_ordinary_user(look_into_a_closed_folder, folder) == 0


def test_few_walks_are_kept_and_none_for_long(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", 1)
    monkeypatch.setattr(walks, "WALKS_MAX", 2)
    kept, before = Walks(), open_files()
    for _ in range(5):
        kept.page(Volume("v", root), EVERYTHING)
    few = open_files()
    monkeypatch.setattr(walks, "KEPT_S", -1.0)
    kept.give_up()
    assert before == open_files() < few <= before + 2 * 4


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_calls_are_answered_over_the_bus_and_none_changes_anything(root: Path) -> None:
    answering = Calls({"v": Volume("v", root)})

    async def asked(call: Stat | Browse) -> Answer:
        answer = await answering.answer("", msgspec.json.encode(call))
        return cast("Answer", msgspec.json.decode(answer, type=Answer))

    page = await asked(EVERYTHING)
    assert isinstance(page, Page)
    assert page.entries == told(pages(root, EVERYTHING))
    found = await asked(Stat("v", "a-/deep/er"))
    state = (root / "a-/deep/er").stat()
    assert found == Found("file", 10, state.st_mode & 0o7777, state.st_mtime_ns)
    refusals = {
        Browse("v", "none"): ErrorClass.MISSING,
        Browse("v", "../v"): ErrorClass.PERMISSION,
        Browse("v", "out"): ErrorClass.PERMISSION,
        Browse("w", ""): ErrorClass.VOLUME,
    }
    (root / "out").symlink_to("/")
    for call, error_class in refusals.items():
        refused = await asked(call)
        assert isinstance(refused, CallFailed)
        assert refused.error_class is error_class, call


async def test_a_volume_that_hangs_is_said_to_hang(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(_: Volume) -> None:
        release.wait()
        raise OSError

    monkeypatch.setattr(calls, "ANSWER_S", 0.05)
    monkeypatch.setattr(Volume, "opened", hang)
    answer = await Calls({"v": Volume("v", root)}).answer("", msgspec.json.encode(EVERYTHING))
    release.set()
    refused = msgspec.json.decode(answer, type=CallFailed)
    assert (refused.error_class, "does not answer" in refused.message) == (ErrorClass.VOLUME, True)
