"""What a bucket runs: the words of its command, and the environment that it runs in.

The command is split as a shell splits words, and then the placeholders in each word are filled in,
so that no value can become more than one word. No shell is involved: one that is wanted is named.
"""

from __future__ import annotations

import re
import shlex

from events import frames
from events.jobs import ErrorClass
from services.agent.commands import Execute
from services.agent.faults import Fault
from services.agent.permission import Permission

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PLACEHOLDER = re.compile(r"\{(frame|first|last|frames)\}")


def words(duty: Execute) -> list[str]:
    """Raises Fault (command)."""
    try:
        split = shlex.split(duty.command)
    except ValueError as error:
        message = f"the command cannot be split into words: {error}: see its quotes"
        raise Fault(ErrorClass.COMMAND, message) from None
    if not split or not split[0]:
        raise Fault(ErrorClass.COMMAND, "the command is empty: write what to run")
    if "\0" in duty.command:
        raise Fault(ErrorClass.COMMAND, "the command holds a NUL character, which no program takes")
    values = _values(duty.frames)
    return [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in split]


def _values(of_bucket: str) -> dict[str, str]:
    """What the placeholders stand for; all are "" in a job without frames."""
    stretches = frames.spans(of_bucket) if of_bucket else []
    first = str(stretches[0][0]) if stretches else ""
    last = str(stretches[-1][-1]) if stretches else ""
    return {"frame": first, "first": first, "last": last, "frames": of_bucket}


def environment(duty: Execute, permission: Permission) -> dict[str, str]:
    """A clean base, then the job's own, then who and what it is; nothing of the agent's."""
    return {
        "PATH": PATH,
        "HOME": permission.home,
        "USER": permission.user,
        "LOGNAME": permission.user,
        "LANG": "C.UTF-8",
        **duty.environment,
        "HAULAGE_JOB": duty.job,
        "HAULAGE_RUN": str(duty.run),
        "HAULAGE_TASKS": duty.numbers,
        "HAULAGE_FRAMES": duty.frames,
    }
