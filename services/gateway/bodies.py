"""What the API takes: one struct a request body. Field names are the product's words and stay.

A field that is not here is refused, because a misspelt one must not be a command without it.
"""

from __future__ import annotations

from msgspec import Struct

from events.settings import Value


class SubmitTransfer(Struct, frozen=True, forbid_unknown_fields=True):
    """`source` and `destination` as `endpoint:volume/path`; a destination without a path mirrors
    the source's. `queue` is a code, the default queue if it is left out. `settings` are the job's
    own from the start, by name. It waits until the jobs of `depends_on` (ids, or the beginnings of
    ids) are done.

    A source may be a sequence, `hq:plates/plate.%04d.exr[1001-1100,1200-1300x5]`; `\\%` and `\\[`
    are these characters in a name. Several sources, of one volume, arrive each under its last name.
    """

    source: str | list[str]
    destination: str
    name: str | None = None
    queue: str | None = None
    paused: bool = False
    settings: dict[str, Value] = {}
    depends_on: list[str] = []


class SubmitCompute(Struct, frozen=True, forbid_unknown_fields=True):
    """A `command` that is run for each frame of `range` (`1001-1100,1200-1300x5`; once without).

    It names its frames as `{frame}`, `{first}`, `{last}` or `{frames}`, runs on the endpoints that
    its `filters` allow (`ram:>32g`, `site:a+b|-c`), in the folder `cwd` of a volume
    (`volume/path`; a temporary one without), with the variables of `environment` (stored for ever:
    no secrets). `bucket` frames go to a lane together (0: all), each for at most `limit_s` seconds
    (0: no limit). The rest as in `SubmitTransfer`; without a queue it goes to the compute default.
    """

    command: str
    range: str = ""
    filters: list[str] = []
    environment: dict[str, str] = {}
    cwd: str = ""
    bucket: int | None = None
    limit_s: int | None = None
    name: str | None = None
    queue: str | None = None
    paused: bool = False
    settings: dict[str, Value] = {}
    depends_on: list[str] = []


class AppendMore(Struct, frozen=True, forbid_unknown_fields=True):
    """`paths` below a transfer's source, escaped like all names, or the `frames` of a compute job
    (`1001-1010,1020-1100x5`). What the job has already is tried again.
    """

    paths: list[str] = []
    frames: str | None = None


class OfTasks(Struct, frozen=True, forbid_unknown_fields=True):
    """`tasks`: numbers as ranges (`0-99,120`), `all`, or a status (`failed`)."""

    tasks: str


class MoveTo(Struct, frozen=True, forbid_unknown_fields=True):
    """At most one of `before`, `after` (job ids) and `to` ("top" or "bottom")."""

    queue: str | None = None
    before: str | None = None
    after: str | None = None
    to: str | None = None


class MoveJobs(Struct, frozen=True, forbid_unknown_fields=True):
    """`MoveTo` for several jobs, which keep their order among themselves.

    `seen` has versions by job, named as in `jobs`: none of them moves if one has another by now.
    """

    jobs: list[str]
    queue: str | None = None
    before: str | None = None
    after: str | None = None
    to: str | None = None
    seen: dict[str, int] = {}


class NewQueue(Struct, frozen=True, forbid_unknown_fields=True):
    """`code`: 1 to 64 letters, digits, `.`, `_` and `-`, told apart from others by the case of its
    letters too; `priority` 0 to 1000. A default that is taken over is taken from its holder.
    """

    code: str
    priority: int = 500
    description: str = ""
    metadata: dict[str, str] = {}
    default: bool = False
    compute_default: bool = False


class QueueChange(Struct, frozen=True, forbid_unknown_fields=True):
    """As `NewQueue`; what is left out or null stays, `metadata` replaces all that was there."""

    code: str | None = None
    priority: int | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None
    default: bool | None = None
    compute_default: bool | None = None


class SettingsChange(Struct, frozen=True, forbid_unknown_fields=True):
    """`set` has values by name; `unset` takes values away, so that the next level's hold again."""

    set: dict[str, Value] = {}
    unset: list[str] = []


class MakeFolder(Struct, frozen=True, forbid_unknown_fields=True):
    """`where` as `endpoint:volume/path`. With `parents` the folders above it are made as well, and
    one that is there is as good.
    """

    where: str
    parents: bool = False


class Rename(Struct, frozen=True, forbid_unknown_fields=True):
    """`where` as `endpoint:volume/path`, and `to` likewise: a place in the same volume, where
    nothing is.
    """

    where: str
    to: str


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A token, to be kept by the browser as a cookie that no script can read."""

    token: str
