"""A preview says what a transfer would do, and does nothing: two agents, real folders."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from events.rules import COMPARISONS, Comparison, Rules
from events.tasks import Entry
from events.verdicts import Verdict, verdict
from services.agent import walks
from services.agent.calls import Calls
from services.agent.commands import Choice
from services.agent.partial import is_ours
from services.agent.volume import Volume
from services.scheduler.commands import Removing
from tests.services.agent_planes import Planes, planes_in
from tests.services.gateway_studio import World, token_of, types, world
from tests.services.spec import HQ, STOCKHOLM

NS = 1_700_000_000_123_456_789
FILE, FOLDER = Entry("a", "file", 3, 0o644, NS), Entry("a", "folder", 0, 0o755, NS)
LINK = Entry("a", "link", mtime_ns=NS, target="b")


@pytest.mark.parametrize(
    ("entry", "here", "comparison", "expected"),
    [
        (FILE, None, "size+modified", "created"),
        (FILE, FILE, "size+modified", "same"),
        (FILE, Entry("a", "file", 3, 0o600, NS), "size+modified", "same"),
        (FILE, Entry("a", "file", 3, 0o644, 0), "size+modified", "changed"),
        (FILE, Entry("a", "file", 3, 0o644, 0), "size", "same"),
        (FILE, Entry("a", "file", 4, 0o644, NS), "modified", "same"),
        (FILE, Entry("a", "file", 3, 0o644, 0), "hash", "compared"),
        (FILE, Entry("a", "file", 4, 0o644, NS), "hash", "changed"),
        (FILE, LINK, "size", "changed"),
        (FILE, FOLDER, "size", "blocked"),
        (FOLDER, FILE, "size", "blocked"),
        (FOLDER, LINK, "size", "blocked"),
        (FOLDER, Entry("a", "folder", 0, 0o700, 0), "hash", "same"),
        (LINK, Entry("a", "link", mtime_ns=1, target="b"), "hash", "same"),
        (LINK, Entry("a", "link", mtime_ns=NS, target="c"), "size", "changed"),
    ],
)
def test_what_becomes_of_an_entry(
    entry: Entry, here: Entry | None, comparison: Comparison, expected: Verdict
) -> None:
    assert verdict(entry, here, Rules(comparison=comparison)) == expected


# Between two agents.


def put(path: Path, content: bytes, mtime_ns: int = NS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


@pytest.fixture
async def studio(database_url: str, tmp_path: Path, planes: Planes) -> AsyncIterator[World]:
    (tmp_path / "data").mkdir()
    async with world(database_url, tmp_path / "data") as made:
        made.studio.calls[HQ] = Calls({"projects": Volume("projects", planes.source)})
        made.studio.calls[STOCKHOLM] = Calls({"incoming": Volume("incoming", planes.destination)})
        yield made


BODY = {"source": "hq:projects/", "destination": "stockholm:incoming/"}
THERE = {"same": (b"abc", NS), "newer": (b"abc", NS + 1), "longer": (b"abcd", NS)}


async def told(studio: World, **body: object) -> tuple[dict[str, str], dict[str, Any]]:
    """What is said of each path, and the total."""
    answer = await studio.ann.post("/api/jobs/preview", BODY | body)
    assert answer.status == 200, answer.content
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, total = (msgspec.json.decode(line) for line in answer.content.splitlines())
    assert {line["line"] for line in lines} <= {"file"}
    return {line["path"]: line["what"] for line in lines}, total


def variety(planes: Planes) -> None:
    for name in (*THERE, "new", "deep/er/new", "folder in its way", "link in its way", "\udcff"):
        put(planes.source / name, b"abc")
    for name, (content, mtime_ns) in THERE.items():
        put(planes.destination / name, content, mtime_ns)
    (planes.destination / "folder in its way").mkdir()
    (planes.destination / "link in its way").symlink_to("same")
    put(planes.destination / "only here", b"x")
    put(planes.source / "no folder" / "below", b"abc")
    put(planes.destination / "no folder", b"x")
    for name in ("both/deep/new", "both/same"):
        put(planes.source / name, b"abc")
    put(planes.destination / "both/same", b"abc")
    (planes.source / "link").symlink_to("same")
    (planes.destination / "link").symlink_to("new")


@pytest.mark.parametrize(
    "rules",
    [
        *(Rules(comparison=one) for one in COMPARISONS),
        Rules(ignore_existing="file"),
        Rules(ignore_existing="directory"),
        Rules(ignore_existing="both"),
    ],
)
async def test_a_preview_says_what_the_transfer_then_does(
    studio: World, planes: Planes, rules: Rules
) -> None:
    variety(planes)
    before = {path: path.lstat().st_ino for path in planes.destination.rglob("*")}
    settings = {
        f"transfer_{name}": getattr(rules, name) for name in ("comparison", "ignore_existing")
    }
    said, total = await told(studio, settings=settings)
    assert {path: path.lstat().st_ino for path in planes.destination.rglob("*")} == before
    assert studio.studio.asked == [], "nobody was told to do anything"
    planes.rules = rules
    ledger = planes.receive()
    after = {path: path.lstat().st_ino for path in planes.destination.rglob("*")}
    paths = {os.fsencode(str(path.relative_to(planes.destination))): path for path in after}
    moved = {
        name.decode("utf-8", "backslashreplace"): "changed" if path in before else "created"
        for name, path in paths.items()
        if after[path] != before.get(path) and not is_ours(name.rpartition(b"/")[2])
    }
    failed = dict.fromkeys(ledger.failed(), "blocked")
    compared = {path for path, what in said.items() if what == "compared"}
    assert compared == ({"same", "newer", "both/same"} if rules.comparison == "hash" else set())
    assert {path: what for path, what in said.items() if what != "compared"} == moved | failed
    counts = {what: list(said.values()).count(what) for what in ("created", "changed", "blocked")}
    assert {what: total[what]["count"] for what in counts} == counts
    assert (total["kept"]["count"] > 0) == (rules.ignore_existing != "none")


async def test_a_preview_heeds_patterns_and_pages(
    studio: World, planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    variety(planes)
    whole = await told(studio)
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", 1)
    assert await told(studio) == whole
    said, _ = await told(studio, settings={"transfer_include": "new", "transfer_exclude": "/new"})
    assert set(said) == {"both/deep", "both/deep/new", "deep", "deep/er", "deep/er/new"}


@pytest.mark.parametrize(
    ("source", "to", "said"),
    [
        ("same", "", {}),
        ("newer", "", {"newer": "changed"}),
        ("newer", "same", {}),
        ("new", "same", {}),
        ("new", "longer", {"new": "changed"}),
        ("new", "other/", {"new": "created"}),
        ("new", "other", {"new": "created"}),
        ("deep", "elsewhere", {".": "created", "er": "created", "er/new": "created"}),
    ],
)
async def test_one_file_goes_into_a_folder_or_exactly_there(
    studio: World, planes: Planes, source: str, to: str, said: dict[str, str]
) -> None:
    variety(planes)
    ends = {"source": f"hq:projects/{source}", "destination": f"stockholm:incoming/{to}"}
    assert (await told(studio, **ends))[0] == said


@pytest.mark.parametrize(
    "choice", [Choice(), Choice(exclude="z*"), Choice(include="a, f/"), Choice(symlinks="skip")]
)
async def test_a_preview_says_what_a_sync_then_deletes(
    studio: World, planes: Planes, choice: Choice
) -> None:
    for name in ("a", "f/a"):
        put(planes.source / name, b"abc")
    for name in ("a", "b", "f/b", "f/g/h", "z/y", "zz"):
        put(planes.destination / name, b"old")
    (planes.destination / "link").symlink_to("a")
    settings = {f"transfer_{name}": value for name, value in asdict(choice).items()}
    settings["transfer_mode"] = "onewaysync"
    said, total = await told(studio, settings=settings)
    planes.rules, planes.choice = Rules(mode="onewaysync"), choice
    ledger = planes.receive()
    gone = {uri for one in ledger.reports if isinstance(one, Removing) for uri in one.uris}
    assert {path for path, what in said.items() if what == "deleted"} == gone
    assert total["deleted"]["count"] == len(gone) > 0
    assert total["refusal"] == ""


async def test_a_preview_says_why_a_sync_would_delete_nothing(
    studio: World, planes: Planes
) -> None:
    put(planes.destination / "old", b"old")
    settings = {"transfer_mode": "onewaysync"}
    said, total = await told(studio, settings=settings)
    assert ("deleted" in said.values(), "the source has nothing" in total["refusal"]) == (
        False,
        True,
    )
    put(planes.source / "folder", b"in its way")
    (planes.destination / "folder").mkdir()
    said, total = await told(studio, settings=settings)
    assert ("deleted" in said.values(), "would fail" in total["refusal"]) == (False, True)
    ends = {"source": "hq:projects/folder", "destination": "stockholm:incoming/"}
    assert "deleted" not in (await told(studio, settings=settings, **ends))[0].values()


async def test_of_a_sequence_each_file_is_told_a_missing_one_too(
    studio: World, planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("z.0003", "z.0001", "deep/b", "a"):
        put(planes.source / name, b"abc")
    put(planes.destination / "z.0001", b"abc")
    monkeypatch.setattr(walks, "TASKS_PER_EVENT_MAX", 1)
    monkeypatch.setattr(walks, "WALKS_MAX", 0)
    ends = ["hq:projects/z.%04d[1-3]", "hq:projects/deep/b", "hq:projects/a"]
    said, total = await told(studio, source=ends)
    assert said == {"z.0002": "missing", "z.0003": "created", "b": "created", "a": "created"}
    assert total["missing"]["count"] == total["same"]["count"] == 1


async def test_what_cannot_be_submitted_cannot_be_previewed(studio: World) -> None:
    studio.studio.found = None
    for body, status in (
        ({"source": "hq:projects/none"}, 404),
        ({"source": "oslo:projects/"}, 503),
        ({"source": "nowhere:projects/"}, 422),
        ({"destination": "hq:projects/in"}, 422),
        ({"settings": {"transfer_comparison": "luck"}}, 422),
        ({"queue": "none"}, 422),
    ):
        answer = await studio.ann.post("/api/jobs/preview", BODY | body)
        assert answer.status == status, answer.content
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await studio.by("bob").post("/api/jobs/preview", BODY)).status == 200


async def test_a_preview_that_cannot_go_on_says_why(studio: World, planes: Planes) -> None:
    put(planes.source / "file", b"abc")
    del studio.studio.calls[STOCKHOLM]
    studio.studio.found = None
    answer = await studio.ann.post("/api/jobs/preview", BODY)
    (failed,) = (msgspec.json.decode(line) for line in answer.content.splitlines())
    assert failed["line"] == "failed"
    assert "does not answer" in failed["detail"]


async def typed(
    studio: World, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    where = ("--url", studio.url, "--token", token_of("ann"), "--dry-run")
    command = ["submit", "transfer", BODY["source"], BODY["destination"], *arguments, *where]
    return await types(capsys, command)


async def test_a_dry_run_from_the_command_line(
    studio: World, planes: Planes, capsys: pytest.CaptureFixture[str]
) -> None:
    put(planes.source / "a\x1b", b"abc")
    put(planes.source / "b", b"abc")
    put(planes.source / "c", b"abc")
    put(planes.destination / "b", b"abc")
    put(planes.destination / "c", b"abc", 1)
    assert await typed(studio, capsys) == (
        0,
        "+      3 B  a\\u{1b}\n~      3 B  c\n"
        "would create 1 (3 B), replace 1 (3 B); 2 are the same\n",
        "",
    )
    _, out, _ = await typed(studio, capsys, "--comparison", "hash")
    assert out.splitlines()[-1] == "would create 1 (3 B), compare by content 2 (6 B); 1 is the same"
    status, out, _ = await typed(studio, capsys, "--json")
    lines = [msgspec.json.decode(line) for line in out.splitlines()]
    assert (status, [line["line"] for line in lines]) == (0, ["file", "file", "total"])
    (planes.destination / "d").mkdir()
    put(planes.source / "d", b"abc")
    status, _, err = await typed(studio, capsys)
    assert (status, "1 is blocked by what is there" in err) == (1, True)
    assert studio.studio.asked == []
