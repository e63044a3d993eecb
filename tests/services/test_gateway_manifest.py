"""Manifests over HTTP: what a transfer has brought, in each form, part by part, or broken off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from events import ranges
from events.tasks import Entry
from projections import manifest as manifests
from services.gateway import manifest
from services.gateway.rows import Picture
from services.scheduler.commands import Retry, TasksDone
from tests.services.gateway_studio import World, world
from tests.services.spec import BOB, compute, job_id, transfer

A = job_id("a")
PATH = f"/api/jobs/{A}/manifest"
MTIME_NS = 1_700_000_000_123_456_789
ENTRIES = [
    Entry("", "folder", mtime_ns=MTIME_NS),
    Entry("caf\\xe9", size=5, mtime_ns=MTIME_NS),
    Entry("now", "link"),
    Entry("late", size=7),
]


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """ann's transfer of a folder, a file, a link and a file, of which all but the last are done."""
    async with world(database_url, tmp_path) as made:
        made.history.ask(transfer("a"))
        made.history.listed_as("a", ENTRIES)
        done(made, "0-2", 5)
        await made.shown()
        yield made


def done(studio: World, numbers: str, size: int) -> None:
    job, listed = studio.history.job("a"), ranges.read(numbers)
    hashes = ["ab" * 32 if ENTRIES[number].kind == "file" else "" for number in listed]
    times = [1_500] * len(hashes)
    studio.history.started("a", numbers)
    studio.history.report(TasksDone(A, job.run, numbers, size, times, times, hashes))


async def finish(studio: World) -> None:
    done(studio, "3", 7)
    studio.history.ended("a")
    await studio.shown()


async def test_it_says_what_a_transfer_has_brought_and_when(studio: World) -> None:
    await finish(studio)
    answer = await studio.ann.get(PATH)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == f'attachment; filename="{A}.jsonl"'
    first, *lines = map(msgspec.json.decode, answer.content.splitlines())
    assert (first["manifest"], first["job"], first["status"], first["hash"]) == (
        1,
        A,
        "done",
        "blake3",
    )
    assert (first["source"], first["destination"]) == (
        "hq:projects/shot",
        "stockholm:incoming/shot",
    )
    assert (first["tasks"], first["bytes"], first["tries"]) == (4, 12, 1)
    assert [line["path"] for line in lines] == [".", "caf\\xe9", "now", "late"]
    assert [line["kind"] for line in lines] == ["folder", "file", "link", "file"]
    assert (lines[1]["size"], lines[1]["blake3"], lines[0]["blake3"]) == (5, "ab" * 32, None)
    assert lines[1]["modified_at"] == "2023-11-14T22:13:20.123456Z"
    assert lines[1]["started_at"] == "2030-01-01T12:00:01.500000Z"
    assert lines[1]["finished_at"] == "2030-01-01T12:00:03Z"


async def test_it_is_given_in_every_form_and_no_other(studio: World) -> None:
    await finish(studio)
    read = {}
    for form in ("jsonl", "csv", "b3sum"):
        answer = await studio.ann.get(f"{PATH}?format={form}")
        read[form] = list(manifests.read(answer.content.splitlines(keepends=True)))
    assert read["csv"] == read["jsonl"]
    assert [line.path for line in read["b3sum"]] == ["caf\\xe9", "late"]
    assert (await studio.ann.get(f"{PATH}?format=xml")).json["field"] == "format"


async def test_its_parts_are_one_whole(studio: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await finish(studio)
    at_once = (await studio.ann.get(PATH)).content
    for size in (1, 2, 3, 4):
        monkeypatch.setattr(manifest, "LINES_MAX", size)
        assert (await studio.ann.get(PATH)).content == at_once


async def test_when_something_happens_to_the_job_meanwhile_it_breaks_off(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finish(studio)
    monkeypatch.setattr(manifest, "LINES_MAX", 1)
    part = manifest._part

    async def retried_meanwhile(picture: Picture, job: str, after: int) -> manifest.Part:
        if after == 1:
            studio.history.ask(Retry(A))
            await studio.shown()
        return await part(picture, job, after)

    monkeypatch.setattr(manifest, "_part", retried_meanwhile)
    with pytest.raises(aiohttp.ClientPayloadError):
        await studio.ann.get(PATH)


async def test_a_job_that_is_under_way_has_none_yet_and_one_that_ended_what_it_brought(
    studio: World,
) -> None:
    refused = await studio.ann.get(PATH)
    assert (refused.status, "under way" in refused.json["detail"]) == (409, True)
    answer = await studio.ann.post(f"/api/jobs/{A}/abort")
    content = (await studio.ann.get(f"{PATH}?at_least={answer.json['sequence']}")).content
    first, *lines = map(msgspec.json.decode, content.splitlines())
    assert (first["status"], first["tasks"], first["bytes"], len(lines)) == ("aborted", 3, 5, 3)


async def test_only_who_may_see_the_transfer_gets_it(studio: World) -> None:
    studio.history.ask(compute("b"), by=BOB)
    await finish(studio)
    assert (await studio.by("eve").get(PATH)).status == 200
    assert (await studio.by("bob").get(PATH)).status == 404
    assert (await studio.nobody.get(PATH)).status == 401
    computes = await studio.by("bob").get(f"/api/jobs/{job_id('b')}/manifest")
    assert (computes.status, "moves no files" in computes.json["detail"]) == (404, True)
