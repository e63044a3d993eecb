"""The rules of transfers, written a second time and slowly, over all jobs and all endpoints."""

from __future__ import annotations

from events import codec
from events.endpoints import Endpoint
from events.job import Job
from events.jobs import GaveWay, Party, Started, Status
from projections.board import Board, in_line, pair_of
from projections.snapshot import load, save
from projections.task_table import DONE, EXCLUDED
from services.scheduler import explain, policy
from tests.services.spec import History


def check(history: History) -> None:
    board = history.board
    for job in board.jobs.values():
        _check_job(job, board)
    _check_running(board)
    _check_lines(board)
    for endpoint in board.endpoints.values():
        untils = [stay.until for stay in endpoint.stays.values() if stay.until is not None]
        assert all(until > history.now for until in untils), "whoever is left alone is used again"
    assert save(history.folded_again()) == save(board), "folding twice gives the same board"
    loaded = load(save(board))
    assert save(loaded) == save(board)
    assert loaded.next_due() == board.next_due()
    assert [job.id for job in loaded.due(history.now)] == [job.id for job in board.due(history.now)]


def _check_job(job: Job, board: Board) -> None:
    reasons = explain.reasons([job], board)[job.id]
    waits = in_line(job) and job.status is not Status.RUNNING
    assert bool(reasons) == waits, "who waits has a reason, who does not has none"
    assert (job.status is Status.FAILED) or job.retry_at is None
    if job.status is not Status.RUNNING:
        assert board.tables[job.id].count(1) == 0, "nothing executes in a job that does not run"
    table = board.tables[job.id]
    if job.status is Status.DONE:
        assert job.listed, "nobody is done before all of it was found"
        assert table.count(DONE) + table.count(EXCLUDED) == job.tasks
    assert table.size_done == 100 * table.count(DONE)
    if job.status is Status.RUNNING:
        assert _stands(job, board), "nothing runs on an endpoint or volume that is away or full"
    if job.status in (Status.INIT, Status.WAITING) and not job.listing and _unmet(job, board):
        assert reasons[0].code == "waiting_for_job"
    if in_line(job) and job.retry_at is None and not (job.listed or job.listing):
        _check_is_to_be_listed(job, board)
    assert job.listed or job.opened or job.status is not Status.RUNNING


def _check_is_to_be_listed(job: Job, board: Board) -> None:
    """Its turn has not come, whatever its destination and its queue are at."""
    source = job.transfer.source
    others = sum(one.listing for one in board.active(source.endpoint))
    is_behind = others >= policy.LISTINGS_PER_ENDPOINT
    assert is_behind or _unmet(job, board) or not _serves(source, board)


def _unmet(job: Job, board: Board) -> bool:
    return any(board.jobs[one].status is not Status.DONE for one in job.depends_on)


def check_commit(commit: list[codec.Event], board: Board) -> None:
    """What a commit did, on the board that it led to."""
    _check_giving_way(commit, board)
    _check_starts(commit, board)


def _check_giving_way(commit: list[codec.Event], board: Board) -> None:
    """Nobody gives way against the policy of its queue, unless the settings changed meanwhile."""
    if any("settings_changed" in codec.tag(event) for event in commit):
        return
    for event in commit:
        if isinstance(event, GaveWay):
            job, to = board.jobs[event.job], board.jobs[event.to]
            held = policy.of_queue("queue_interrupt_policy", job.queue, board)
            assert held != "never"
            assert held != "priority" or board.rank(to)[0] < board.rank(job)[0]


def _check_starts(commit: list[codec.Event], board: Board) -> None:
    """Nobody starts where there is no room beside those that stand before or go on running."""
    started = {event.job for event in commit if isinstance(event, Started)}
    running = [job for job in board.jobs.values() if job.status is Status.RUNNING]
    for job in (one for one in running if one.id in started):
        stay = [one for one in running if one.id not in started or _is_above(one, job, board)]
        minded = [one for one in stay if one.id != job.id and _minds_waiting(job, one, board)]
        assert _free(job, minded, board), job.name


def _stands(job: Job, board: Board) -> bool:
    parties, to = [job.transfer.source, job.transfer.destination], job.transfer.destination
    held = board.queues[job.queue].paused or to.volume in board.endpoints[to.endpoint].full
    return not held and all(_serves(party, board) for party in parties)


def _serves(party: Party, board: Board) -> bool:
    endpoint = board.endpoints[party.endpoint]
    volumes = [volume.code for volume in endpoint.volumes]
    left_alone = _is_left_alone(endpoint, party.volume)
    return endpoint.online and party.volume in volumes and not left_alone


def _is_left_alone(endpoint: Endpoint, volume: str) -> bool:
    return not (endpoint.unused_until() is endpoint.unused_until(volume) is None)


def _check_running(board: Board) -> None:
    """Nobody runs above a limit, and nobody that could run instead stands above a running one."""
    all_jobs = list(board.jobs.values())
    running = [job for job in all_jobs if job.status is Status.RUNNING]
    for job in all_jobs:
        if job.status is Status.WAITING and _unmet(job, board):
            continue
        if job.status in (Status.WAITING, Status.RUNNING) and _stands(job, board):
            runs = job in running
            minded = [one for one in running if one.id != job.id and _minds(job, one, board)]
            assert runs == _free(job, minded, board), job.name


def _minds(job: Job, one: Job, board: Board) -> bool:
    """Whether a job has to count `one`, which runs, against itself."""
    if job.status is not Status.RUNNING:
        return _minds_waiting(job, one, board)
    policy_of_job = policy.of_queue("queue_interrupt_policy", job.queue, board)
    higher = board.rank(one)[0] < board.rank(job)[0]
    minds = {"never": False, "priority": higher, "order": True}[str(policy_of_job)]
    return minds and _is_above(one, job, board)


def _minds_waiting(job: Job, one: Job, board: Board) -> bool:
    policy_of_one = policy.of_queue("queue_interrupt_policy", one.queue, board)
    not_lower = board.rank(one)[0] <= board.rank(job)[0]
    kept = {"never": True, "priority": not_lower, "order": False}[str(policy_of_one)]
    return kept or _is_above(one, job, board)


def _is_above(one: Job, other: Job, board: Board) -> bool:
    return board.rank(one) < board.rank(other)


def _free(job: Job, minded: list[Job], board: Board) -> bool:
    """Whether the pair and both ends have room for a job beside these."""
    on_pair = sum(pair_of(one) == pair_of(job) for one in minded)
    if on_pair >= int(policy.of_queue("transfer_concurrent", job.queue, board)):
        return False
    limits = {
        end: int(policy.of_endpoint("endpoint_transfers", board.endpoints[end], board))
        for end in pair_of(job)
    }
    return not any(
        limit and sum(end in pair_of(one) for one in minded) >= limit
        for end, limit in limits.items()
    )


def _check_lines(board: Board) -> None:
    for queue in board.queues:
        mine = [job for job in board.jobs.values() if job.queue == queue and in_line(job)]
        expected = sorted((job.place, job.id) for job in mine)
        assert list(board.line(queue)) == expected
        assert len({place for place, _ in expected}) == len(expected), "no two in one place"
        assert all(board.position(job) == expected.index((job.place, job.id)) + 1 for job in mine)
