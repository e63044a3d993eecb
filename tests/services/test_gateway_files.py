"""Files on endpoints over the API and from the command line: a gateway, an agent, real folders."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from services.agent import walks
from services.agent.calls import Calls
from services.agent.volume import Volume
from services.gateway import endpoint_files
from tests.services.gateway_studio import World, token_of, types, world
from tests.services.spec import HQ, STOCKHOLM, beat

PATHS = ["shot/a.exr", "shot/b\\xff.exr", "shot/in", "shot/in/c", "shot/now"]
NS = 1_700_000_000_123_456_789


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    root = tmp_path / "projects"
    (root / "shot" / "in").mkdir(parents=True)
    for name, size in (("shot/a.exr", 3), ("shot/b\udcff.exr", 2_000), ("shot/in/c", 0)):
        (root / name).write_bytes(bytes(size))
    (root / "shot" / "now").symlink_to("a.exr")
    (root / "shot" / "a.exr").chmod(0o640)
    os.utime(root / "shot" / "a.exr", ns=(NS, NS))
    (tmp_path / "data").mkdir()
    async with world(database_url, tmp_path / "data") as made:
        made.studio.calls[HQ] = Calls({"projects": Volume("projects", root)})
        made.history.take(beat(STOCKHOLM, leaving=True))
        await made.shown()
        yield made


async def listed(studio: World, query: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    files: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await studio.ann.get(f"/api/files?{query}{cursor}")
        assert answer.status == 200, answer.content
        files += answer.json["files"]
        if answer.json["next"] is None:
            return files
        cursor = f"&cursor={quote(answer.json['next'])}"


async def test_files_are_listed_page_by_page(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await listed(studio, "where=hq:projects/shot&depth=0")
    assert [file["path"] for file in whole] == ["a.exr", "b\\xff.exr", "in", "in/c", "now"]
    assert whole[0] == {
        "path": "a.exr",
        "kind": "file",
        "size": 3,
        "mode": "0640",
        "modified_at": "2023-11-14T22:13:20.123456Z",
        "target": "",
    }
    assert (whole[4]["kind"], whole[4]["target"]) == ("link", "a.exr")
    assert await listed(studio, "where=hq:projects/shot&depth=0&limit=1") == whole
    shallow = await listed(studio, "where=hq:projects/shot/")
    assert [file["path"] for file in shallow] == ["a.exr", "b\\xff.exr", "in", "now"]
    chosen = await listed(studio, "where=hq:projects&depth=0&include=*.exr,c&exclude=b*,in/")
    assert [file["path"] for file in chosen] == ["shot", "shot/a.exr"]
    monkeypatch.setattr(walks, "PAGE_S", -1.0)
    assert await listed(studio, "where=hq:projects/shot&depth=0") == whole


async def test_what_is_at_a_place_and_how_much_it_is(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = (await studio.ann.get("/api/files/stat?where=hq:projects/shot/a.exr")).json
    assert (file["path"], file["kind"], file["size"], file["mode"]) == ("a.exr", "file", 3, "0640")
    whole = (await studio.ann.get("/api/files/size?where=hq:projects")).json
    counts = {"files": 3, "folders": 2, "links": 1, "size": 2_003, "unread": 0}
    assert whole == counts | {"next": None}
    monkeypatch.setattr(walks, "PAGE_S", -1.0)
    monkeypatch.setattr(endpoint_files, "MEASURE_S", 0)
    sums, cursor = dict.fromkeys(counts, 0), "&"
    while cursor:
        part = (await studio.ann.get(f"/api/files/size?where=hq:projects{cursor}")).json
        cursor = f"&cursor={quote(part['next'])}" if part["next"] else ""
        sums = {name: sum_ + part[name] for name, sum_ in sums.items()}
    assert sums == counts


REFUSED = {
    "where=hq:projects/none": (404, "there is nothing there"),
    "where=hq:projects/../x": (422, "'..'"),
    "where=hq:projects/out": (403, "leads out of its volume"),
    "where=hq:nothing/": (404, "hq has no volume nothing: it has incoming, projects"),
    "where=nowhere:projects/": (404, "there is no endpoint nowhere"),
    "where=hq": (422, "endpoint:volume/path"),
    "where=stockholm:projects/": (503, "stockholm is offline"),
    "where=hq:projects&cursor=x": (422, "no cursor of this list"),
    "where=hq:projects&depth=-1": (422, "depth"),
    "where=hq:projects&include=re('(')": (422, "include: "),
    "": (422, "where: it is left out"),
}


async def test_what_cannot_be_listed_is_refused_with_a_reason(studio: World) -> None:
    (studio.data.parent / "projects" / "out").symlink_to("/")
    for query, (status, words) in REFUSED.items():
        answer = await studio.ann.get(f"/api/files?{query}")
        assert (answer.status, words in answer.json["detail"]) == (status, True), answer.content


async def test_files_on_endpoints_are_not_for_users(studio: World) -> None:
    for path in ("", "/stat", "/size"):
        asked = f"/api/files{path}?where=hq:projects/shot"
        assert (await studio.by("eve").get(asked)).status == 200
        assert (await studio.by("bob").get(asked)).status == 403


# From the command line.


async def typed(
    studio: World, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    where = ("--url", studio.url, "--token", token_of("ann"))
    return await types(capsys, [*arguments, *where])


async def test_ls_and_du(studio: World, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = await typed(studio, capsys, "ls", "hq:projects/shot/")
    assert [line[31:] for line in out.splitlines()] == [
        "a.exr",
        "b\\xff.exr",
        "in/",
        "now -> a.exr",
    ]
    assert [line[:8].strip() for line in out.splitlines()] == ["3 B", "2.0 kB", "", ""]
    _, out, _ = await typed(studio, capsys, "ls", "-r", "hq:projects/", "--json")
    assert [file["path"] for file in msgspec.json.decode(out)][:3] == ["shot", *PATHS[:2]]
    _, out, _ = await typed(studio, capsys, "ls", "hq:projects/", "--depth", "2")
    assert len(out.splitlines()) == 5
    assert await typed(studio, capsys, "du", "hq:projects/") == (
        0,
        "2.0 kB  3 files, 2 folders, 1 link\n",
        "",
    )
    chosen = ("--include", "*.exr", "--include", "c", "--exclude", "a.*")
    _, out, _ = await typed(studio, capsys, "du", "hq:projects/", *chosen)
    assert out == "2.0 kB  2 files, 2 folders\n"
    _, out, _ = await typed(studio, capsys, "du", "hq:projects/shot/in/", "--json")
    assert msgspec.json.decode(out)["files"] == 1
    status, out, err = await typed(studio, capsys, "ls", "hq:projects/none")
    assert (status, out) == (1, "")
    assert err.startswith("haulage: ")
    assert "projects/none: there is nothing there" in err
