"""The settings that a workspace, a queue, a job, an endpoint or a pair of endpoints can carry.

The nearest wins: job, then queue, then workspace, then the default here; endpoints have their own
and the workspace's, pairs their own. Lists of patterns add up instead: what any level leaves out is
left out. Names and defaults are those of the field (accsyn's published manual) where it has them.
Values are plain JSON scalars, so that any client can set them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from events import speed_limit
from events.setting import OF_ENDPOINTS, OF_JOBS, OF_QUEUES, Setting
from events.setting import Level as Level
from events.setting import Value as Value
from events.transfer_settings import OF_TRANSFERS

SETTINGS = {
    one.name: one
    for one in (
        Setting(
            "job_max_retries",
            OF_JOBS,
            3,
            "automatic retries of a failed job, for each cause; room on a full disk is waited for",
            high=1000,
        ),
        Setting(
            "job_autoretry_delay_s",
            OF_JOBS,
            15,
            "delay before the first automatic retry, then doubled up to an hour",
            low=1,
            high=3600,
            unit="s",
        ),
        Setting(
            "stall_s",
            OF_JOBS,
            300,
            "a transfer or listing without any progress for that long fails and lets others pass",
            low=5,
            high=86_400,
            unit="s",
        ),
        Setting(
            "job_on_missing",
            OF_JOBS,
            "fail",
            "a source file that is missing fails the job after all others, or is ignored",
            choices=("fail", "ignore"),
        ),
        Setting(
            "queue_interrupt_policy",
            OF_QUEUES,
            "order",
            "what interrupts a running transfer: any job above it, one of a higher queue, none",
            choices=("order", "priority", "never"),
        ),
        Setting(
            "transfer_concurrent",
            OF_QUEUES,
            1,
            "jobs that run at a time between two endpoints",
            low=1,
            high=10,
        ),
        Setting(
            "endpoint_transfers",
            OF_ENDPOINTS,
            0,
            "transfers at a time in which an endpoint takes part; 0 is no limit",
            high=1000,
        ),
        Setting(
            "finished_keep_days",
            OF_JOBS,
            14,
            "days after which a finished job leaves the lists; it stays in history; 0 is never",
            high=36_500,
            unit="days",
        ),
        Setting(
            "time_zone",
            ("workspace",),
            "UTC",
            "whose clock the times of day in settings are of",
            written="the name of a time zone, like Europe/Stockholm",
            fault=speed_limit.zone_fault,
        ),
        Setting(
            "queue_interrupt_policy_compute",
            OF_QUEUES,
            "priority",
            "what takes the lanes of a computing job as its tasks finish, as for transfers",
            choices=("order", "priority", "never"),
        ),
        Setting(
            "task_bucketsize",
            OF_JOBS,
            1,
            "tasks at a time: frames that go to a lane together (1 unless set), or files that a "
            "transfer has in hand before it takes the next (all unless set); 0 is all",
            high=1_000_000,
            of_transfers=0,
        ),
        Setting(
            "task_limit_s",
            OF_JOBS,
            86_400,
            "time after which the command of a bucket is ended; 0 is no limit",
            high=31_536_000,
            unit="s",
        ),
        Setting(
            "compute_avoid",
            OF_JOBS,
            "enable-clear-on-resume",
            "an endpoint on which a job's tasks keep failing is avoided for that job",
            choices=("enable-clear-on-resume", "enable-permanent", "disable"),
        ),
        Setting(
            "client_compute_lanes",
            OF_ENDPOINTS,
            1,
            "buckets of compute jobs that run on an endpoint at a time",
            high=1000,
        ),
        Setting(
            "client_offline_grace_s",
            OF_ENDPOINTS,
            15,
            "silence before an endpoint is taken for offline",
            low=3,
            high=3600,
            unit="s",
        ),
        *OF_TRANSFERS,
    )
}


def find(name: str, holders: Iterable[Mapping[str, Value]], *, computes: bool = True) -> Value:
    """The value of the nearest holder that has one, else the default for a job that `computes` or
    does not; of texts that add up all.
    """
    held = (holder[name] for holder in holders if name in holder)
    if SETTINGS[name].adds_up:
        return ", ".join(str(value) for value in held if value)
    return next(held, SETTINGS[name].default_of(computes=computes))


def changed(
    held: Mapping[str, Value], values: Mapping[str, Value], unset: Iterable[str]
) -> dict[str, Value]:
    """What a holder holds after a change."""
    left = {name: value for name, value in held.items() if name not in set(unset)}
    return {**left, **values}
