"""Reading the job log of a job, queue, endpoint, person or all: by kind, actor, time, words.

What PostgreSQL can tell apart it does. What only people's words tell (a text, a task) is looked at
line by line; then a page may hold few lines, or none, and still have a `next`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from projections import log_filter, words
from projections.log_filter import Wanted
from services.gateway import jobs, queues, showing
from services.gateway.cursors import Logged, write
from services.gateway.log_lines import line, names_in, of
from services.gateway.log_resources import LogLine, LogPage
from services.gateway.problems import absent
from services.gateway.rows import SQL, WORKSPACE, Picture, Row, Rows
from services.historian.commands import When
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "log.sql")
OLDEST = QUERIES["lines"].format(beyond=">", order="asc")
NEWEST = QUERIES["lines"].format(beyond="<", order="desc")
LOOKED_AT = 1_000
LOOKED_AT_MAX = 10_000
"""Lines that are looked at for one page."""
SCHEDULER = "scheduler"


class Of(Struct, frozen=True):
    """Whose log: of a job, queue, endpoint or person, by what people call them; else of all."""

    job: str | None = None
    queue: str | None = None
    endpoint: str | None = None
    person: str | None = None


class Filters(Struct, frozen=True):
    """`kinds` are stored names, `actor` is who did it by name; None and (): any."""

    kinds: tuple[str, ...] = ()
    actor: str | None = None
    cause: str | None = None
    begins: When | None = None
    ends: When | None = None
    wanted: Wanted = Wanted()


class Span(Struct, frozen=True):
    """Which page: behind `after` in that order, as far as what `user` may see."""

    after: Logged | None
    limit: int
    newest_first: bool = False
    user: str | None = None


async def page(rows: Rows, of_: Of, filters: Filters, span: Span) -> LogPage:
    """Raises Refusal."""

    async def question(picture: Picture) -> LogPage:
        return await _page(picture, of_, filters, span)

    return await rows.read(question)


async def _page(picture: Picture, of_: Of, filters: Filters, span: Span) -> LogPage:
    scope = await _scope(picture, of_, filters, span.user)
    query = NEWEST if span.newest_first else OLDEST
    lines: list[LogLine] = []
    after, looked_at = span.after, 0
    size = span.limit + 1 if filters.wanted.is_all else LOOKED_AT
    while True:
        key = (after.sequence, after.index) if after else (None, None)
        found = await picture.all(query, *scope, *key, size)
        for row, shown in await _shown(picture, found, filters.wanted, span.user):
            if len(lines) == span.limit:
                return LogPage(lines, write(after) if after else None)
            after = Logged(row["sequence"], row["index"])
            lines += [shown] if shown else []
        looked_at += len(found)
        if len(found) < size:
            return LogPage(lines, None)
        if looked_at >= LOOKED_AT_MAX:
            return LogPage(lines, write(after) if after else None)


async def _shown(
    picture: Picture, found: Sequence[Row], wanted: Wanted, user: str | None
) -> Iterator[tuple[Row, LogLine | None]]:
    """Each row with its line, None where that is not wanted."""
    names = await names_in(picture, found, user)
    causes = await _causes(picture, found, names, user)
    return (
        (row, shown if _is_wanted(shown, row, wanted) else None)
        for row in found
        for shown in [line(row, names, causes)]
    )


def _is_wanted(shown: LogLine, row: Row, wanted: Wanted) -> bool:
    if wanted.is_all:
        return True
    said = (shown.text, shown.who, shown.about, shown.type, shown.actor, row["data"])
    return log_filter.wants(wanted, of(row).event, said)


async def _causes(
    picture: Picture, found: Sequence[Row], names: Mapping[str, str], user: str | None
) -> dict[tuple[int, str], tuple[int, str]]:
    """By commit and cause: the event from which others came, and what it did in words."""
    asked = [(row["sequence"], row["index"], row["cause"]) for row in found if row["cause"]]
    if not asked:
        return {}
    heads = await picture.all(QUERIES["heads"], *zip(*asked, strict=True))
    seen = [row for row in heads if user in (None, row["user_name"])]
    names = {**names, **await names_in(picture, seen, user)}
    return {(row["sequence"], row["cause"]): (row["index"], _did(row, names)) for row in seen}


def _did(row: Row, names: Mapping[str, str]) -> str:
    """`ann moved it to high: shot010`, `shot020: done`."""
    said, about = words.text(of(row), names), showing.about(row["subject"], names)
    if not (row["job"] and about):
        return said
    is_told = said.startswith(words.who(row["actor"], names))
    return f"{said}: {about}" if is_told else f"{about}: {said}"


# What is asked of the database.


async def _scope(
    picture: Picture, of_: Of, filters: Filters, user: str | None
) -> tuple[object, ...]:
    """The first nine values of the queries. Raises Refusal."""
    job = await jobs.find(picture, of_.job, user) if of_.job is not None else None
    subjects = await _subjects(picture, of_)
    people = [one for one in (of_.person, filters.actor) if one is not None]
    actors, are_people = await _actors(picture, people)
    first, last = await _bounds(picture, filters)
    if filters.cause is not None:
        first, last = await _of_command(picture, filters.cause, first, last)
    kinds = list(filters.kinds) or None
    return (job, subjects, actors, are_people, kinds, filters.cause, first, last, user)


async def _subjects(picture: Picture, of_: Of) -> list[str] | None:
    if of_.queue is not None:
        return [f"queue/{await queues.ever_called(picture, of_.queue)}"]
    if of_.endpoint is None:
        return None
    name = of_.endpoint
    found = None if "\0" in name else await picture.value(WORKSPACE["endpoint_called"], name)
    if found is None:
        raise absent(f"there is no endpoint {name[:80]!r}: see the list of endpoints", "endpoint")
    return [row["subject"] for row in await picture.all(QUERIES["subjects_of_endpoint"], found)]


async def _actors(picture: Picture, names: list[str]) -> tuple[list[str] | None, bool]:
    """Who is called so, as the log has them, and whether they can only be people."""
    if not names:
        return None, False
    if len(set(names)) > 1:
        return [], False  # Nobody is called by two names.
    name = names[0].replace("\0", "")
    found = await picture.value(WORKSPACE["endpoint_called"], name)
    if found is not None:
        return [name, f"endpoint/{found}"], False
    return [name], name != SCHEDULER and not name.startswith("endpoint/")


async def _of_command(picture: Picture, cause: str, first: int, last: int) -> tuple[int, int]:
    """Narrower where a person gave it; what an agent said is looked for everywhere."""
    found = await picture.one(QUERIES["commands"], cause)
    if found is None or found["first"] is None:
        return first, last
    return max(first, found["first"]), min(last, found["last"])


async def _bounds(picture: Picture, filters: Filters) -> tuple[int, int]:
    """The first and the last commit that count."""
    first, last = 0, picture.sequence
    if begins := filters.begins:
        if begins.time is not None:
            first = await _first_at(picture, begins.time)
        else:
            first = picture.sequence + 1 if begins.sequence is None else begins.sequence
    if ends := filters.ends:
        if ends.time is not None:
            last = await _first_at(picture, ends.time, behind=True) - 1
        elif ends.sequence is not None:
            last = ends.sequence
    return first, last


async def _first_at(picture: Picture, time: datetime, *, behind: bool = False) -> int:
    """The first commit stored at `time` or later (`behind`: later); times never go back."""
    low, high = 0, picture.sequence + 1
    while high - low > 1:
        middle = (low + high) // 2
        at = await picture.value(QUERIES["moment"], middle)
        is_before = at is not None and (at <= time if behind else at < time)
        low, high = (middle, high) if is_before else (low, middle)
    return high
