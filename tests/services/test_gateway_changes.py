"""Changes of files over the API and from the command line: a gateway, an agent's hands, folders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.agent.calls import Calls
from services.agent.volume import Volume
from services.gateway import file_changes
from tests.services.agent_scheduler import until
from tests.services.gateway_studio import Answer, World, token_of, types, world
from tests.services.spec import HQ, beat


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    root = tmp_path / "projects"
    (root / "old/in").mkdir(parents=True)
    (root / "old/a.exr").write_bytes(bytes(20))
    (root / os.fsdecode(b"caf\xe9")).touch()
    (tmp_path / "data").mkdir()
    async with world(database_url, tmp_path / "data") as made:
        volumes = {"projects": Volume("projects", root)}
        made.studio.calls[HQ] = Calls(volumes)
        made.studio.hands[HQ] = {**volumes}
        yield made


def root(studio: World) -> Path:
    return studio.data.parent / "projects"


async def make(studio: World, where: str, by: str = "ann", **more: object) -> Answer:
    return await studio.by(by).post("/api/files/mkdir", {"where": where, **more})


async def rename(studio: World, where: str, to: str, by: str = "ann") -> Answer:
    return await studio.by(by).post("/api/files/rename", {"where": where, "to": to})


async def delete(studio: World, query: str, by: str = "ann", **headers: str) -> Answer:
    return await studio.by(by).ask("DELETE", f"/api/files?where={query}", **headers)


async def log(studio: World) -> list[tuple[str, str]]:
    """The last lines of hq's log: who, what."""
    await studio.shown()
    lines = (await studio.ann.get("/api/endpoints/hq/log")).json["lines"]
    return [
        (line["who"] or line["actor"], line["text"]) for line in lines if "files" in line["type"]
    ]


async def test_folders_and_files_are_made_renamed_and_deleted_and_the_log_tells_it(
    studio: World,
) -> None:
    made = await make(studio, "hq:projects/a/b", parents=True)
    assert (made.status, made.json["outcome"]) == (200, "done")
    assert (
        await rename(studio, "hq:projects/old/a.exr", "hq:projects/a/b.exr", "eve")
    ).status == 200
    assert (root(studio) / "a/b.exr").stat().st_size == 20
    deleted = await delete(studio, "hq:projects/a&recursive=true")
    counts = {"files": 1, "folders": 2, "links": 0, "size": 20}
    assert deleted.json == {"sequence": deleted.json["sequence"], "outcome": "done", **counts}
    assert sorted(os.listdir(root(studio))) == [os.fsdecode(b"caf\xe9"), "old"]
    assert await log(studio) == [
        ("ann", "ann makes the folder hq:projects/a/b with those above it"),
        ("hq", "hq:projects/a/b is made"),
        ("eve", "eve renames hq:projects/old/a.exr to hq:projects/a/b.exr"),
        ("hq", "hq:projects/old/a.exr is renamed to hq:projects/a/b.exr"),
        ("ann", "ann deletes hq:projects/a with all that is in it"),
        ("hq", "hq:projects/a is deleted: 1 file, 2 folders, 20 bytes"),
    ]


async def test_what_the_endpoint_refuses_says_why_with_the_right_status(studio: World) -> None:
    (root(studio) / "out").symlink_to("/")
    tried = {
        (409, "something is there already"): await make(studio, "hq:projects/old"),
        (404, "the folder that it would be in"): await make(studio, "hq:projects/x/y"),
        (409, "is not empty"): await delete(studio, "hq:projects/old"),
        (404, "there is nothing there"): await delete(studio, "hq:projects/none"),
        (403, "a symbolic link stands in its way"): await delete(studio, "hq:projects/out/tmp"),
    }
    for (status, words), answer in tried.items():
        assert (answer.status, words in answer.json["detail"]) == (status, True), answer.content
        assert answer.headers["content-type"] == "application/problem+json"
    told = await log(studio)
    assert len(told) == 2 * len(tried), "also what came to nothing is in the log"
    assert told[1] == (
        "hq",
        "hq:projects/old is not made: projects/old: something is there already",
    )


async def test_what_cannot_be_is_refused_before_anything_is_stored(studio: World) -> None:
    before = await studio.shown()
    tried = {
        (422, "the volume itself"): await delete(studio, "hq:projects/&recursive=true"),
        (422, "'..'"): await delete(studio, "hq:projects/../x"),
        (404, "no endpoint nowhere"): await make(studio, "nowhere:projects/a"),
        (404, "hq has no volume vault"): await make(studio, "hq:vault/a"),
        (422, "another volume"): await rename(studio, "hq:projects/old", "hq:incoming/old"),
        (422, "recursive"): await delete(studio, "hq:projects/old&recursive=perhaps"),
        (422, "parents"): await make(studio, "hq:projects/a", parents="yes"),
    }
    for (status, words), answer in tried.items():
        assert (answer.status, words in answer.json["detail"]) == (status, True), answer.content
    for answer in (
        await make(studio, "hq:projects/a", "bob"),
        await rename(studio, "hq:projects/old", "hq:projects/new", "bob"),
        await delete(studio, "hq:projects/old", "bob"),
        await studio.by("bob").get("/api/endpoints/hq/log"),
    ):
        assert (answer.status, "for employees" in answer.json["detail"]) == (403, True)
    assert await studio.shown() == before


async def test_the_same_key_again_gets_the_first_answer_and_changes_nothing(studio: World) -> None:
    key = {"Idempotency_Key": "k1"}
    first = await delete(studio, "hq:projects/old/in", **key)
    (root(studio) / "old/in").mkdir()
    again = await delete(studio, "hq:projects/old/in", **key)
    assert (first.status, again.json) == (200, first.json)
    assert (root(studio) / "old/in").exists()


async def test_what_takes_long_is_told_to_be_under_way_and_its_end_to_who_asks_again(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands, key = studio.studio.hands.pop(HQ), {"Idempotency_Key": "k1"}
    monkeypatch.setattr(file_changes, "CHANGE_S", 0.05)
    first = await delete(studio, "hq:projects/old/in", **key)
    assert (first.status, first.json["outcome"]) == (202, "underway")
    studio.studio.hands[HQ] = hands
    monkeypatch.undo()
    again = await delete(studio, "hq:projects/old/in", **key)
    assert (again.status, again.json["sequence"]) == (200, first.json["sequence"])


async def test_whether_it_was_done_is_not_known_of_an_agent_that_went_away(
    studio: World,
) -> None:
    del studio.studio.hands[HQ]
    asked = asyncio.create_task(delete(studio, "hq:projects/old&recursive=true"))
    await until(lambda: studio.studio.asked)
    studio.history.take(beat(HQ, "2"))
    await studio.shown()
    answer = await asked
    assert (answer.status, "is not known" in answer.json["detail"]) == (502, True)
    assert (await log(studio))[-1][1].startswith("whether hq:projects/old is deleted is not known")


async def test_whether_something_is_there_is_an_answer(studio: World) -> None:
    there = (await studio.ann.get("/api/files/exists?where=hq:projects/old/a.exr")).json
    assert (there["exists"], there["file"]["kind"], there["file"]["size"]) == (True, "file", 20)
    none = await studio.ann.get("/api/files/exists?where=hq:projects/none")
    assert (none.status, none.json) == (200, {"exists": False, "file": None})
    assert (await studio.by("bob").get("/api/files/exists?where=hq:projects/")).status == 403


# From the command line.


async def typed(
    studio: World, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    where = ("--url", studio.url, "--token", token_of("ann"))
    return await types(capsys, [*arguments, *where])


async def test_mkdir_mv_and_rm(studio: World, capsys: pytest.CaptureFixture[str]) -> None:
    async def types(*arguments: str) -> tuple[int, str, str]:
        return await typed(studio, capsys, *arguments)

    place = "hq:projects"
    assert await types("mkdir", f"{place}/a", f"{place}/b") == (
        *(0, f"{place}/a  made\n{place}/b  made\n", ""),
    )
    assert await types("mv", f"{place}/a", f"{place}/b/a") == (
        *(0, f"{place}/a  renamed to {place}/b/a\n", ""),
    )
    odd = os.fsdecode(b"hq:projects/caf\xe9")
    status, out, err = await types("rm", f"{place}/old", odd, f"{place}/none")
    assert (status, out) == (1, f"{place}/caf\\xe9  deleted: 1 file\n")
    first, second = err.splitlines()
    assert first.startswith(f"haulage: {place}/old: ")
    assert "--recursive" in first
    assert "there is nothing there" in second
    assert await types("rm", "-r", f"{place}/old", f"{place}/b") == (
        *(0, f"{place}/old  deleted: 1 file, 2 folders, 20 B\n{place}/b  deleted: 2 folders\n", ""),
    )
    assert (await types("rm"))[0] == 2
    status, out, _ = await types("mkdir", "-p", f"{place}/x/y", f"{place}", "--json")
    outcomes: Any = msgspec.json.decode(out)
    assert (status, outcomes[0]["change"]["outcome"]) == (1, "done")
    assert "the volume itself" in outcomes[1]["refused"]
    assert os.listdir(root(studio)) == ["x"]


async def test_exists_and_the_log_of_an_endpoint(
    studio: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def types(*arguments: str) -> tuple[int, str, str]:
        return await typed(studio, capsys, *arguments)

    assert await types("exists", "hq:projects/old") == (0, "folder\n", "")
    assert await types("exists", "hq:projects/none") == (1, "nothing\n", "")
    status, _, err = await types("exists", "paris:projects/none")
    assert (status, "there is no endpoint paris" in err) == (2, True)
    await types("rm", "hq:projects/old/in")
    await studio.shown()
    status, out, _ = await types("log", "--endpoint", "hq")
    assert (status, "ann deletes hq:projects/old/in" in out) == (0, True)
    status, out, _ = await types("events")
    assert "ann deletes hq:projects/old/in" in out
    assert "ann deletes hq:projects/old/in" in (await types("log"))[1]
    assert (await types("log", "a", "--endpoint", "hq"))[0] == 2
    assert (await types("log", "--endpoint", "paris"))[0] == 1
