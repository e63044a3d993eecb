"""Which way bytes go: the receiver pulls, the sender pushes, a relay joins them, or they wait."""

from __future__ import annotations

from events import codec
from events.endpoints import Dialled
from events.jobs import ErrorClass, Interrupted, Started
from projections.board import Board
from services.agent.commands import MeetingTicket, Orders, Receive, Ticket
from services.runtime.memory import MemoryBus
from services.runtime.tickets import verify
from services.scheduler import explain, plan
from services.scheduler.commands import Beat, Reason, Report, RunFailed, Set
from services.scheduler.hearing import QUIET_S, Hearing
from services.scheduler.ordering import Ordering
from tests.services.spec import HQ, OSLO, STOCKHOLM, VOLUMES, History, job_id, transfer

VIA, OTHER = "e" * 23 + "8", "e" * 23 + "9"
NAMES = {HQ: "hq", STOCKHOLM: "stockholm", OSLO: "oslo", VIA: "via", OTHER: "other"}
MARK = "0f" * 32


def url_of(endpoint: str) -> str:
    return f"http://10.0.0.{endpoint[-1]}:1"


class Studio(History):
    """The usual studio, whose agents can be told to listen, to relay, and whom they reach."""

    def beats(
        self,
        endpoint: str,
        *,
        anew: bool = False,
        listens: bool = True,
        relays: int = 0,
        dialled: list[Dialled] | None = None,
    ) -> None:
        """With a process of its own, if `anew`; stopped in order before, so that it is trusted."""
        known = self.board.endpoints.get(endpoint)
        session = known.session if known else "1"
        if anew and known:
            self.take(self._said(endpoint, session, known.url, leaving=True))
            session += "+"
        url = url_of(endpoint) if listens else ""
        self.take(self._said(endpoint, session, url, relays=relays, dialled=dialled or []))

    def _said(self, endpoint: str, session: str, url: str, **more: object) -> Beat:
        return Beat(
            endpoint,
            NAMES[endpoint],
            session,
            url,
            VOLUMES,
            fingerprint=MARK,
            **more,  # type: ignore[arg-type]
        )

    def finds(self, one: str, **others: bool) -> None:
        """`one` has tried to dial these."""
        by_name = {name: endpoint for endpoint, name in NAMES.items()}
        known = self.board.endpoints[one]
        found = [
            Dialled(by_name[name], self.board.endpoints[by_name[name]].url, reached)
            for name, reached in others.items()
        ]
        said = self._said(one, known.session, known.url, relays=known.relays, dialled=found)
        self.take(said)

    def submits(self, letter: str, source: str = "hq", destination: str = "stockholm") -> None:
        self.ask(transfer(letter, f"{source}:projects/{letter}", f"{destination}:incoming"))
        self.listed(letter)

    def route(self, letter: str) -> str:
        job = self.job(letter)
        return f"{job.status} {job.route} {NAMES.get(job.relay, '')}".strip()

    def why(self, letter: str) -> Reason:
        job = self.job(letter)
        return explain.reasons([job], self.board)[job.id][0]

    def orders(self, endpoint: str) -> Orders:
        self.ordering = Ordering(MemoryBus(), "main", self.board)
        return self.ordering.orders(endpoint)


def studio(*deaf: str) -> Studio:
    """All listen but `deaf`."""
    history = Studio()
    for endpoint in (HQ, STOCKHOLM, OSLO):
        history.beats(endpoint, anew=True, listens=endpoint not in deaf)
    return history


def test_the_receiver_pulls_while_nothing_speaks_against_it() -> None:
    history = studio()
    history.submits("a")
    assert history.route("a") == "running pull"


def test_the_sender_pushes_if_only_the_receiver_can_be_dialled() -> None:
    history = studio(HQ)
    history.submits("a")
    assert history.route("a") == "running push"
    told = history.orders(STOCKHOLM)
    assert isinstance(told.duties[0], Receive)
    assert (told.duties[0].url, told.duties[0].fingerprint, told.dials) == ("", MARK, [])
    (dial,) = history.orders(HQ).dials
    assert (dial.meeting.url, dial.meeting.fingerprint) == (url_of(STOCKHOLM), MARK)
    right = verify(dial.meeting.ticket, [history.ordering.signer.public_hex], 0)
    assert isinstance(right, MeetingTicket)
    assert (right.endpoint, right.side, right.plain) == (STOCKHOLM, "sender", False)


def test_what_is_known_to_work_comes_before_what_may() -> None:
    history = studio()
    history.finds(HQ, stockholm=True)
    history.submits("a")
    assert history.route("a") == "running push"
    history.finished("a")
    history.finds(STOCKHOLM, hq=True)
    history.submits("b")
    assert history.route("b") == "running pull"


def test_a_verdict_holds_for_the_address_that_it_was_made_of() -> None:
    history = studio(STOCKHOLM)
    history.finds(STOCKHOLM, hq=False)
    history.submits("a")
    assert history.route("a") == "waiting"
    old = history.board.endpoints[HQ]
    leaving = history._said(HQ, old.session, old.url, leaving=True)
    history.take(leaving)
    history.take(history._said(HQ, "next", "http://10.9.9.9:1"))
    assert history.route("a") == "running pull"


def test_two_that_cannot_dial_each_other_wait_and_hold_up_nobody() -> None:
    history = studio(HQ, STOCKHOLM)
    history.submits("a")
    history.submits("b", "hq", "oslo")
    assert (history.route("a"), history.route("b")) == ("waiting", "running push")
    reason = history.why("a")
    assert reason.code == "no_route"
    assert "hq does not listen, stockholm does not listen" in reason.text
    assert "--relay" in reason.release
    history.beats(HQ, anew=True)
    assert history.route("a") == "running pull", "one listens now"


def test_a_relay_that_both_reach_carries_it_and_no_ticket_says_too_much() -> None:
    history = studio(HQ, STOCKHOLM)
    history.submits("a")
    history.beats(VIA, relays=16)
    assert history.route("a") == "running relay via"
    (receive,) = history.orders(STOCKHOLM).duties
    assert isinstance(receive, Receive)
    assert receive.relay is not None
    assert (receive.url, receive.fingerprint) == ("", MARK)
    key = [history.ordering.signer.public_hex]
    reads, meets = verify(receive.ticket, key, 0), verify(receive.relay.ticket, key, 0)
    assert isinstance(reads, Ticket)
    assert isinstance(meets, MeetingTicket)
    assert (reads.endpoint, meets.endpoint, meets.side) == (HQ, VIA, "receiver")
    (dial,) = history.orders(HQ).dials
    assert dial.meeting.url == receive.relay.url == url_of(VIA)
    assert history.orders(VIA).duties == []


def test_a_relay_sees_ciphertext_whatever_the_settings_say() -> None:
    history = studio(HQ, STOCKHOLM)
    history.ask(Set("workspace", "", {"transfer_encryption": "off"}))
    history.beats(VIA, relays=16)
    history.submits("a")
    (receive,) = history.orders(STOCKHOLM).duties
    assert isinstance(receive, Receive)
    assert receive.fingerprint == MARK
    assert receive.relay is not None
    assert receive.relay.fingerprint == MARK
    history.submits("b", "hq", "oslo")
    (plain,) = history.orders(OSLO).duties
    assert isinstance(plain, Receive)
    assert plain.fingerprint == ""


def test_only_who_may_be_dialled_by_both_relays() -> None:
    history = studio(HQ, STOCKHOLM)
    history.submits("a")
    history.beats(VIA, relays=0)
    assert history.route("a") == "waiting", "its operator did not allow it"
    history.beats(OTHER, listens=False, relays=8)
    assert history.route("a") == "waiting", "nobody can dial it"
    history.beats(VIA, anew=True, relays=8)
    assert history.route("a") == "running relay via"


def test_relays_share_the_runs_and_keep_to_their_room() -> None:
    history = studio(HQ, STOCKHOLM)
    history.ask(Set("workspace", "", {"transfer_concurrent": 9}))
    history.beats(VIA, relays=16)
    history.beats(OTHER, relays=8)
    for letter in "abcd":
        history.submits(letter)
    assert [history.route(letter) for letter in "abcd"] == [
        "running relay via",
        "running relay other",
        "running relay via",
        "waiting",
    ]
    assert history.why("d").code == "relay_full"
    history.finished("b")
    assert history.route("d") == "running relay other"


def test_places_on_a_relay_go_to_all_pairs_in_the_order_of_jobs() -> None:
    history = studio(HQ, STOCKHOLM, OSLO)
    history.submits("a")
    history.submits("b", "hq", "oslo")
    history.submits("c", "oslo", "stockholm")
    history.beats(VIA, relays=8)
    assert history.running() == ["a"]
    history.finished("a")
    assert history.running() == ["b"]
    history.finished("b")
    assert history.running() == ["c"]


def test_a_relay_that_goes_away_is_replaced_at_once_or_waited_for() -> None:
    history = studio(HQ, STOCKHOLM)
    history.beats(VIA, relays=8)
    history.submits("a")
    history.beats(OTHER, relays=8)
    history.silent(VIA)
    assert history.route("a") == "running relay other"
    [interrupted] = [one for one in history.events() if isinstance(one, Interrupted)]
    assert (interrupted.cause, interrupted.holder) == ("no_route", VIA)
    history.silent(OTHER)
    assert (history.route("a"), history.why("a").code) == ("waiting relay other", "no_route")
    history.passes(601)
    history.beats(OTHER, relays=8)
    assert history.route("a") == "running relay other"


def test_a_relay_that_starts_again_elsewhere_is_told_of_to_both_ends() -> None:
    history = studio(HQ, STOCKHOLM)
    history.beats(VIA, relays=8)
    history.submits("a")
    history.passes(601)
    before = len(history.log)
    history.take(history._said(VIA, "again", "http://10.0.0.77:1", relays=8))
    events = [recorded.event for commit in history.log[before:] for recorded in commit]
    assert history.route("a") == "running relay via", "the run goes on"
    assert not any(isinstance(one, Interrupted | Started) for one in events)
    assert {HQ, STOCKHOLM} <= set(plan.ordered_anew(events, history.board))
    assert history.orders(HQ).dials[0].meeting.url == "http://10.0.0.77:1"


def test_a_run_that_fails_because_its_relay_is_gone_is_not_a_failure() -> None:
    history = studio(HQ, STOCKHOLM)
    history.beats(VIA, relays=8)
    history.submits("a")
    hearing = Hearing()
    hearing.hear(list(history.board.endpoints), 0.0)
    hearing.hear([HQ, STOCKHOLM], QUIET_S + 1)
    failed = RunFailed(job_id("a"), history.job("a").run, ErrorClass.NETWORK, "gone")
    said = Report("r", STOCKHOLM, "1", failed)
    assert hearing.lost_with(said, history.board, QUIET_S + 1) == [VIA]


def test_a_transfer_that_is_cut_off_changes_its_way() -> None:
    history = studio()
    history.finds(STOCKHOLM, hq=True)
    history.submits("a")
    assert history.route("a") == "running pull"
    history.finds(STOCKHOLM, hq=False)
    assert history.route("a") == "running push"
    history.finds(HQ, stockholm=False)
    assert history.route("a") == "waiting push"
    assert f"hq cannot dial stockholm at {url_of(STOCKHOLM)}" in history.why("a").text
    assert f"stockholm cannot dial hq at {url_of(HQ)}" in history.why("a").text
    history.finds(HQ, stockholm=True)
    assert history.route("a") == "running push"


def test_an_endpoint_sends_to_itself_without_dialling() -> None:
    history = studio(HQ)
    history.submits("a", "hq", "hq")
    assert history.route("a") == "running local"
    (receive,) = history.orders(HQ).duties
    assert isinstance(receive, Receive)
    assert (receive.here, receive.url, receive.fingerprint) == (True, "", "")


def test_what_an_agent_found_is_stored_once() -> None:
    history = studio()
    before = len(history.log)
    history.finds(HQ, stockholm=True)
    history.finds(HQ, stockholm=True)
    assert len(history.log) == before + 1
    history.finds(HQ, stockholm=False)
    assert [codec.tag(one.event) for one in history.log[-1]] == ["endpoint.reach_changed"]
    lie = Beat(HQ, "hq", history.board.endpoints[HQ].session, url_of(HQ), VOLUMES)
    nobody = [Dialled("f" * 24, "u", True)]
    history.take(Beat(HQ, "hq", lie.session, lie.url, VOLUMES, fingerprint=MARK, dialled=nobody))
    assert "f" * 24 not in history.board.endpoints[HQ].reach


def test_agents_try_those_they_have_jobs_with_and_relays() -> None:
    history = studio()
    history.beats(VIA, relays=8)

    def peers(endpoint: str) -> set[str]:
        return {NAMES[one.endpoint] for one in history.orders(endpoint).peers}

    assert (peers(HQ), peers(STOCKHOLM)) == (set(), set())
    history.ask(transfer("a"))
    assert (peers(HQ), peers(STOCKHOLM)) == ({"stockholm", "via"}, {"hq", "via"})
    assert peers(OSLO) == set()
    history.listed("a")
    history.finished("a")
    assert peers(HQ) == set()


def _relayed(board: Board) -> list[str]:
    return [job.name for job in board.relayed(VIA)]


def test_a_board_knows_what_a_relay_carries() -> None:
    history = studio(HQ, STOCKHOLM)
    history.beats(VIA, relays=8)
    history.submits("a")
    assert _relayed(history.board) == ["a"] == _relayed(history.folded_again())
    history.finished("a")
    assert _relayed(history.board) == []
