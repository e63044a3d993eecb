"""A transfer of several sources: what it is called, what is told to its agents, what is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events.tasks import Entry
from events.work import Part
from services.agent.commands import List, Receive
from services.runtime.tickets import hash_of
from services.scheduler import explain, plan
from services.scheduler.commands import (
    Accepted,
    Append,
    ListingAwaits,
    ListingEnded,
    ListingFound,
    Rejected,
    Submit,
    Why,
)
from tests.services.spec import HQ, STOCKHOLM, beat, given, job_id, transfer

A = job_id("a")
PARTS = [Part("sh010/plate.%04d.exr", "1001-1100"), Part("sh020/notes")]


def parted(*parts: Part, source: str = "hq:projects/", to: str = "stockholm:incoming") -> Submit:
    return replace(transfer("a", source, to), parts=list(parts))


def test_its_agents_are_told_its_parts() -> None:
    history = given(parted(*PARTS))
    history.ask(replace(parted(*PARTS), job=job_id("b"), name=None))
    [duty] = plan.duties(STOCKHOLM, history.board, history.now).duties
    assert isinstance(duty, Receive)
    assert (duty.parts, len(hash_of(duty.parts))) == (PARTS, 64)
    [listing] = plan.duties(HQ, history.board, history.now).duties
    assert isinstance(listing, List)
    assert (listing.path, listing.parts) == ("", PARTS)
    assert history.job("b").name == "plate.%04d.exr[1001-1100] and 1 more"


def test_a_job_mirrors_the_folder_that_all_are_in() -> None:
    history = given()
    history.ask(parted(*PARTS, source="hq:projects/show/", to="stockholm:incoming"))
    assert history.job("a").transfer.destination.path == "show/"


def test_what_is_added_is_in_one_of_them() -> None:
    history = given(parted(*PARTS))
    assert isinstance(history.ask(Append(A, uris=["notes/late", "plate.1050.exr"])), Accepted)
    assert history.job("a").adding == ("notes/late", "plate.1050.exr")
    for path in ("sh020/notes/x", "other", "plate.1101.exr", "plate.1001.exr/x"):
        history.when(Append(A, uris=[path])).then_rejected(Why.INVALID, repr(path), "last name")


def test_a_job_of_one_part_is_not_one_file() -> None:
    history = given()
    history.ask(parted(PARTS[1]))
    history.listed_as("a", [Entry("notes", size=1)])
    assert isinstance(history.ask(Append(A, uris=["notes/more"])), Accepted)


REFUSED = [
    ([Part("a/x"), Part("b/x")], "projects/a/x and projects/b/x would both arrive as x"),
    ([Part("p.%02d", "1-9"), Part("q/p.07")], "p.%02d[1-9] and projects/q/p.07"),
    ([Part("a"), Part("a")], "would both arrive as a"),
    ([Part("")], "empty"),
    ([Part("a/")], "empty"),
    ([Part("./a")], "empty or `.`"),
    ([Part("a/../../b")], "leaves the volume"),
    ([Part("a", "1-9")], "write one %04d"),
    ([Part("%d.%d", "1-9")], "write one %04d"),
    ([Part("a.%d", "9-1")], "write 1-9"),
    ([Part("a.%d", "1-100001")], "100,001 files by name"),
    ([Part(f"{'x' * 100}{n}") for n in range(900)], "name their folder"),
    ([Part(str(n)) for n in range(1001)], "at most 1000"),
]


@pytest.mark.parametrize(("parts", "words"), REFUSED)
def test_what_cannot_go_together_is_refused(parts: list[Part], words: str) -> None:
    outcome = given().when(parted(*parts))
    outcome.then_rejected(Why.INVALID, words)
    assert isinstance(outcome.answer, Rejected)
    assert outcome.answer.field == "source"


def test_none_of_them_arrives_in_itself() -> None:
    for to in ("projects/show", "projects/show/sh010", "projects/show/sh010/deep"):
        command = parted(Part("sh010"), source="hq:projects/show/", to=f"hq:{to}")
        given().when(command).then_rejected(Why.INVALID, "show/sh010 would arrive in itself")
    for to in ("projects/", "projects/show/sh01", "incoming/show"):
        command = parted(Part("sh010"), source="hq:projects/show/", to=f"hq:{to}")
        assert isinstance(given().ask(command), Accepted), to


@pytest.mark.parametrize("kind", ["parts", "waited for"])
def test_a_listing_in_another_order_is_told_again_and_adds_what_is_new(kind: str) -> None:
    history = given()
    history.ask(parted(Part("f0"), Part("f1"), Part("f2")) if kind == "parts" else transfer("a"))
    if kind == "waited for":
        history.report(ListingAwaits(A, history.job("a").listing_run, 1))
    history.lists_some("a")
    history.take(beat(HQ, "later"))
    [duty] = plan.duties(HQ, history.board, history.now).duties
    assert isinstance(duty, List)
    history.report(ListingFound(A, duty.run, 0, [Entry("f1"), Entry("f2", size=7)]), HQ)
    history.report(ListingFound(A, duty.run, 2, [Entry("f0")]), HQ)
    history.report(ListingEnded(A, duty.run, 3), HQ)
    job = history.job("a")
    assert (job.listed, job.tasks, job.size) == (True, 3, 207)
    assert history.tasks("a") == "qqq"


def test_a_running_job_says_for_how_many_files_its_listing_waits() -> None:
    history = given()
    history.ask(transfer("a"))
    history.report(ListingAwaits(A, history.job("a").listing_run, 2))
    history.lists_some("a")
    assert history.job("a").status == "running"
    assert explain.awaited([history.job("a")]) == {A: 2}
    history.report(ListingAwaits(A, history.job("a").listing_run, 0), HQ)
    assert explain.awaited([history.job("a")]) == {}
