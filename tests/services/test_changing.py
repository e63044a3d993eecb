"""Changes of files on endpoints: stored before they are ordered, and never without an outcome."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events import endpoints
from events.endpoints import FilesChanged, FilesChanging, Volume
from events.jobs import ErrorClass
from projections import snapshot
from services.agent.commands import Change
from services.scheduler import changing, plan
from services.scheduler.commands import (
    Accepted,
    Actor,
    AgentsReport,
    ChangeEnded,
    ChangeFiles,
    Rejected,
    Role,
    RunFailed,
)
from services.scheduler.turn import Silent
from tests.services.spec import ANN, BOB, HQ, History, beat

EVE = Actor("eve", Role.EMPLOYEE)
DELETE = ChangeFiles("c1", "delete", "hq", "projects", "old/", whole=True)
STORED = FilesChanging(HQ, "c1", "delete", "projects", "old", whole=True)
ENDED = ChangeEnded("c1", 1, "done", files=3, folders=1, links=2, size=20)


def ordered(history: History) -> list[Change]:
    """What hq is told to do."""
    told = plan.duties(HQ, history.board, history.now).duties
    return [duty for duty in told if isinstance(duty, Change)]


def changes(history: History) -> list[FilesChanging | FilesChanged]:
    found = (FilesChanging, FilesChanged)
    return [event for event in history.events() if isinstance(event, found)]


def asked(command: ChangeFiles = DELETE, by: Actor = ANN) -> History:
    history = History()
    answer = history.ask(command, by)
    assert isinstance(answer, Accepted), answer
    return history


@pytest.mark.parametrize("by", [ANN, EVE])
def test_a_change_is_stored_by_name_and_only_then_ordered(by: Actor) -> None:
    history = asked(by=by)
    assert changes(history) == [STORED]
    assert history.log[-1][0].actor == by.name
    assert plan.ordered_anew([STORED], history.board) == [HQ]
    assert ordered(history) == [Change("c1", 1, "delete", "projects", "old", whole=True)]


def test_what_the_agent_tells_is_the_outcome_and_then_it_is_ordered_no_more() -> None:
    history = asked()
    history.report(ENDED)
    assert changes(history)[1] == FilesChanged(
        *(HQ, "c1", "delete", "projects", "old", "done"), files=3, folders=1, links=2, size=20
    )
    assert ordered(history) == []
    again = history.report(ENDED)
    assert isinstance(again, Rejected), "it is told once"
    assert len(changes(history)) == 2


def test_a_refusal_and_a_failure_say_why() -> None:
    told = (ErrorClass.PERMISSION, "is not empty")
    ends: dict[str, AgentsReport] = {
        "refused": ChangeEnded("c1", 1, "refused", *told),
        "failed": RunFailed("c1", 1, *told),
    }
    for outcome, said in ends.items():
        history = asked()
        history.report(said)
        ended = changes(history)[1]
        assert isinstance(ended, FilesChanged)
        assert (ended.outcome, ended.error_class, ended.message) == (outcome, *told)


def test_an_agent_that_goes_away_leaves_its_outcome_unknown_and_may_not_change_that() -> None:
    for leaves in (Silent(HQ), beat(HQ, leaving=True), beat(HQ, "2")):
        history = asked()
        history.take(leaves)
        ended = changes(history)[1]
        assert isinstance(ended, FilesChanged)
        assert (ended.outcome, ended.error_class) == ("unknown", None)
        assert "its agent" in ended.message
        history.take(beat(HQ, "2"))
        assert ordered(history) == [], "whoever comes next is not told to do it"
        assert isinstance(history.report(ENDED), Rejected)


def test_what_is_open_is_kept_by_snapshots_and_by_another_scheduler() -> None:
    history = asked()
    for board in (history.folded_again(), snapshot.load(snapshot.save(history.board))):
        assert board.endpoints[HQ].changing == {"c1": STORED}


RENAME = ChangeFiles("c1", "rename", "hq", "projects", "a", "b/a")


@pytest.mark.parametrize(
    ("command", "why", "words"),
    [
        (replace(DELETE, path=""), "invalid", "the volume itself"),
        (replace(DELETE, path="/"), "invalid", "the volume itself"),
        (replace(DELETE, path="../x"), "invalid", "leaves the volume"),
        (replace(DELETE, endpoint="paris"), "absent", "no endpoint paris"),
        (replace(DELETE, volume="vault"), "absent", "hq has no volume vault: it has incoming"),
        (replace(RENAME, to="a/"), "invalid", "already there"),
        (replace(RENAME, to="a/b"), "invalid", "inside what is to be renamed"),
        (replace(RENAME, to=""), "invalid", "the volume itself"),
        (replace(RENAME, to="b/../../c"), "invalid", "leaves the volume"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_trace(
    command: ChangeFiles, why: str, words: str
) -> None:
    history = History()
    before = len(history.log)
    answer = history.ask(command)
    assert isinstance(answer, Rejected), answer
    assert (answer.why, words in answer.detail) == (why, True), answer
    assert len(history.log) == before


def test_a_user_changes_no_files() -> None:
    answer = History().ask(DELETE, by=BOB)
    assert isinstance(answer, Rejected)
    assert answer.why == "forbidden"


def test_nothing_is_asked_of_who_is_offline_or_has_much_to_do() -> None:
    history = History()
    for number in range(changing.CHANGES_MAX):
        assert isinstance(history.ask(replace(DELETE, change=str(number))), Accepted)
    full = history.ask(DELETE)
    assert isinstance(full, Rejected)
    assert "are under way" in full.detail
    history.take(beat(HQ, volumes=[Volume("projects", online=False), Volume("incoming")]))
    for words in ("volume projects is offline", "hq is offline"):
        answer = history.ask(DELETE)
        assert isinstance(answer, Rejected)
        assert (answer.why, words in answer.detail) == ("conflict", True), answer
        history.silent(HQ)
    assert not history.board.endpoints[HQ].changing
    assert any(isinstance(one, endpoints.WentOffline) for one in history.events())
