"""Who does what the first reason of a waiting compute job says, and goes on so, sees it run."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.jobs import Status
from projections.snapshot import load, save
from services.scheduler import explain
from services.scheduler.commands import (
    Abort,
    HandOnTasks,
    Reason,
    ResumeQueue,
    Retry,
    Set,
)
from tests.services.spec import HQ, NAMES, OSLO, VOLUMES, beat, compute, job_id
from tests.services.test_lane_properties import Step, Watched, steps

ROUNDS_MAX = 12
A_WHILE_S = 2 * 3600


def do(history: Watched, job: str, reason: Reason) -> None:
    """What would release it, as `release` says."""
    holder = reason.holder.id if reason.holder else ""
    match reason.code:
        case "queue_paused":
            history.ask(ResumeQueue(holder))
        case "waiting_for_job":
            if reason.release.startswith("retry tasks of"):
                history.ask(HandOnTasks(holder, action="retry", tasks="all"))
            else:
                history.ask(Retry(holder))
            history.ask(HandOnTasks(holder, action="done", tasks="all"))
        case "no_compute_endpoint" | "no_matching_lane":
            wanted = history.board.jobs[job].compute.filters
            assert reason.code == "no_compute_endpoint" or set(holder.split(" and ")) <= {*wanted}
            site = "a" if "site:a" in wanted else "b"
            history.allows(HQ, 1, site=site, memory_bytes=2 << 40)
        case "endpoint_offline":
            machine = history.board.endpoints[holder].machine
            history.take(beat(holder, "back", machine=machine))
        case "volume_offline":
            endpoint = holder.partition("/")[0]
            session = history.board.endpoints[endpoint].session
            history.take(beat(endpoint, session, volumes=VOLUMES))
        case "behind_job":
            history.ask(Abort(holder))
        case "no_free_lane":
            for name in NAMES.values():
                history.ask(Set("endpoint", name, {"client_compute_lanes": 20}))
        case _:
            history.passes(A_WHILE_S)  # It backs off, or an endpoint does.


def released(history: Watched, job: str) -> list[str]:
    """The codes of the first reasons on its way to a lane."""
    seen: list[str] = []
    while history.board.jobs[job].status is Status.WAITING and len(seen) < ROUNDS_MAX:
        first = explain.reasons([history.board.jobs[job]], history.board)[job][0]
        seen.append(first.code)
        do(history, job, first)
    return seen


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=8, max_size=25))
def test_what_the_first_reasons_say_releases_a_job(story: list[Step]) -> None:
    history = Watched()
    history.allows(HQ, 1, site="a")
    history.allows(OSLO, 1, site="b")
    history.when(compute("a", "1-9"))
    history.when(compute("b", "1-9", filters=["site:b"], volume="projects"))
    history.when(compute("c", filters=["ram:>1t"]))
    history.when(compute("d", filters=["site:b"], depends_on=[job_id("a")]))
    for step in story:
        step(history)
    waiting = [job.id for job in history.board.jobs.values() if job.status is Status.WAITING]
    for job in waiting:
        saved, log, now = save(history.board), list(history.log), history.now
        seen = released(history, job)
        after = history.board.jobs[job].status
        assert after in (Status.RUNNING, Status.DONE), f"still {after} after {seen}"
        history.board, history.log, history.now = load(saved), log, now
