"""Whether what was asked for can be computed: the first thing that cannot be, and what to write.

Pure. What an endpoint alone can know, whether the folder and the program are there, fails there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from events import frames, placeholders
from events.queues import Queue
from events.settings import SETTINGS, Value, find
from projections.board import Board
from services.scheduler import filters
from services.scheduler.commands import Rejected, SubmitCompute, Why
from services.scheduler.finding import leaves, there_is_no

COMMAND_MAX = 8_192
RANGE_MAX = 8_192
ENVIRONMENT_MAX = 100
ENVIRONMENT_CHARACTERS_MAX = 16_384
SHOWN_MAX = 80
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


def wrong(command: SubmitCompute, board: Board) -> Rejected | None:
    """All but its range and its bucket, which are judged by what the command names."""
    return (
        _wrong_command(command.command)
        or _wrong_filters(command.filters)
        or _wrong_environment(command.environment)
        or _wrong_folder(command, board)
        or _wrong_settings(command)
    )


def _wrong_command(command: str) -> Rejected | None:
    if len(command) > COMMAND_MAX:
        return _no("command", f"{len(command)} characters: at most {COMMAND_MAX}")
    try:
        placeholders.named(placeholders.words(command))
    except placeholders.BadCommand as error:
        return _no("command", str(error))
    return None


def _wrong_filters(given: list[str]) -> Rejected | None:
    if len(given) > filters.FILTERS_MAX:
        return _no("filters", f"{len(given)} filters: at most {filters.FILTERS_MAX}")
    try:
        for one in given:
            filters.parse(one)
    except filters.BadFilter as error:
        return _no("filters", str(error))
    return None


def _wrong_environment(given: dict[str, str]) -> Rejected | None:
    size = sum(len(name) + len(value) for name, value in given.items())
    if len(given) > ENVIRONMENT_MAX or size > ENVIRONMENT_CHARACTERS_MAX:
        bounds = f"at most {ENVIRONMENT_MAX} of {ENVIRONMENT_CHARACTERS_MAX} together"
        return _no("environment", f"{len(given)} variables of {size} characters: {bounds}")
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name):
            detail = f"{name[:SHOWN_MAX]!r} names no variable: write letters, digits and _"
            return _no("environment", f"{detail}, no digit first")
        if name.startswith("HAULAGE_"):
            detail = f"{name[:SHOWN_MAX]}: names that begin with HAULAGE_ are set by Haulage"
            return _no("environment", f"{detail}: choose another name")
        if "\0" in value:
            return _no("environment", f"{name} holds a NUL character: leave it out")
    return None


def _wrong_folder(command: SubmitCompute, board: Board) -> Rejected | None:
    """Some endpoint serves its volume."""
    if not command.volume:
        return None
    served = {one.code for endpoint in board.endpoints.values() for one in endpoint.volumes}
    if command.volume not in served:
        return there_is_no("volume", command.volume, served, "cwd")
    return leaves("cwd", command.volume, command.path)


def _wrong_settings(command: SubmitCompute) -> Rejected | None:
    given = (
        ("bucket", "task_bucketsize", command.bucket),
        ("limit_s", "task_limit_s", command.limit_s),
    )
    for field, name, value in given:
        if value is not None and name in command.settings:
            return _no(field, f"it is the setting {name}, which is given too: give one of them")
        problem = None if value is None else SETTINGS[name].problem(value)
        if problem is not None:
            return _no(field, f"{value} cannot be: give {problem}")
    return None


def frames_of(command: SubmitCompute) -> tuple[str, int] | Rejected:
    """What is to run, each frame once, and how many tasks that makes."""
    asked, text = placeholders.named(placeholders.words(command.command)), command.frames
    if not text.strip():
        one = next((name for name in placeholders.NAMES if name in asked), None)
        if one is None:
            return "", 1
        detail = f"the command names {{{one}}}, but there is no range: give one, like 1001-1100"
        return _no("range", detail)
    if len(text) > RANGE_MAX:
        return _no("range", f"{len(text)} characters: at most {RANGE_MAX}")
    try:
        return frames.once(text)
    except frames.BadFrames as error:
        return _no("range", str(error))


def wrong_bucket(
    command: str, own: Mapping[str, Value], queue: Queue | None, board: Board
) -> Rejected | None:
    """A command that is told one frame only would leave out the others of its bucket."""
    size = find("task_bucketsize", (own, queue.settings if queue else {}, board.settings))
    if size == 1 or placeholders.named(placeholders.words(command)) != {"frame"}:
        return None
    if "task_bucketsize" in own:
        whose, release = "a bucket", "leave the bucket at 1"
    else:
        whose, release = (
            "by task_bucketsize of its queue or the workspace a bucket",
            "give bucket 1",
        )
    detail = (
        f"{whose} is {size or 'all'} frames, but the command names only {{frame}}, one of them: "
        f"name {{first}} and {{last}}, or {{frames}}, or {release}"
    )
    return _no("bucket", detail)


def _no(field: str, detail: str) -> Rejected:
    return Rejected(Why.INVALID, detail, field)
