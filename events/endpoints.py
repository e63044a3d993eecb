"""What happens to an endpoint: a machine that can send, receive and compute."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from events.base import Base
from events.jobs import ErrorClass
from events.settings import Value, changed
from events.stays import Stays, came, mounted, went

Act: TypeAlias = Literal["mkdir", "rename", "delete"]
Outcome: TypeAlias = Literal["done", "refused", "failed", "unknown"]


class Volume(Struct, frozen=True):
    """A named root folder; `online` is whether the agent could open it."""

    code: str
    online: bool = True


class Machine(Struct, frozen=True, omit_defaults=True):
    """A machine that may run commands, as its operator allowed and its agent found.

    `user` is the operating-system user that commands run as; `site` and `tags` are the operator's
    words for `filters`.
    """

    user: str
    hostname: str
    cores: int
    memory_bytes: int
    platform: str = "linux"
    site: str = ""
    tags: tuple[str, ...] = ()


class Dialled(Struct, frozen=True):
    """Whether another endpoint answered where it could be dialled then, as itself."""

    endpoint: str
    url: str
    reached: bool


class Enrolled(Base, frozen=True, tag="endpoint.enrolled"):
    endpoint: str
    name: str
    kind: str = "server"


class CameOnline(Base, frozen=True, tag="endpoint.came_online"):
    """An agent process (`session`) answers for the endpoint; `url` is where it serves bytes.

    `machine` is None where the operator has not allowed commands. `fingerprint` is that of its
    certificate (SHA-256, hex), "" for one that has none. `relays` is how many connections it may
    join of others that cannot dial each other.
    """

    endpoint: str
    session: str
    url: str
    volumes: list[Volume]
    machine: Machine | None = None
    fingerprint: str = ""
    relays: int = 0


class VolumesChanged(Base, frozen=True, tag="endpoint.volumes_changed"):
    endpoint: str
    volumes: list[Volume]


class WentOffline(Base, frozen=True, tag="endpoint.went_offline"):
    """`cause`: silent (no beat for the grace time) or stopped (it said goodbye)."""

    endpoint: str
    cause: str


class ReachChanged(Base, frozen=True, tag="endpoint.reach_changed"):
    """What it found when it dialled others; of those that are not named nothing has changed."""

    endpoint: str
    dialled: list[Dialled]


class SettingsChanged(Base, frozen=True, tag="endpoint.settings_changed"):
    endpoint: str
    values: dict[str, Value]
    unset: tuple[str, ...] = ()


class BackedOff(Base, frozen=True, tag="endpoint.backed_off"):
    """It came back, but is not used before `until`: `drops` times in a row it went soon again.

    `volume` is the volume that this is about, "" for the endpoint itself.
    """

    endpoint: str
    drops: int
    until: datetime
    volume: str = ""


class Readmitted(Base, frozen=True, tag="endpoint.readmitted"):
    """The time is over until which it (or its `volume`) was not used."""

    endpoint: str
    volume: str = ""


class VolumeFilled(Base, frozen=True, tag="endpoint.volume_filled"):
    """Of a volume no more is left than is reserved: nothing is sent there until there is."""

    endpoint: str
    volume: str
    free_bytes: int
    reserved_bytes: int


class VolumeFreed(Base, frozen=True, tag="endpoint.volume_freed"):
    """There is room again on a volume that was full."""

    endpoint: str
    volume: str
    free_bytes: int
    reserved_bytes: int


class FilesChanging(Base, frozen=True, tag="endpoint.files_changing"):
    """A person changes files: stored before the endpoint is told to do it.

    `change` names it for ever. `mkdir` makes the folder at
    `volume`/`path`, with `whole` those above it too; `rename` has it at `to` from now on; `delete`
    takes away a file or an empty folder, with `whole` a folder and all that is in it.
    """

    endpoint: str
    change: str
    act: Act
    volume: str
    path: str
    to: str = ""
    whole: bool = False


class FilesChanged(Base, frozen=True, tag="endpoint.files_changed"):
    """What became of a change: done; refused, and nothing was changed; failed, perhaps half done;
    or unknown, for the agent went away with it.

    `files`, `folders`, `links` of `size` bytes were deleted, also by one that failed.
    """

    endpoint: str
    change: str
    act: Act
    volume: str
    path: str
    outcome: Outcome
    to: str = ""
    error_class: ErrorClass | None = None
    message: str = ""
    files: int = 0
    folders: int = 0
    links: int = 0
    size: int = 0


class Disabled(Base, frozen=True, tag="endpoint.disabled"):
    """A person (`by`) took it out of use: nothing is started on it, whether it is there or not."""

    endpoint: str
    by: str


class Enabled(Base, frozen=True, tag="endpoint.enabled"):
    """A disabled one may be used again."""

    endpoint: str


Event = (
    Enrolled
    | CameOnline
    | VolumesChanged
    | WentOffline
    | ReachChanged
    | SettingsChanged
    | BackedOff
    | Readmitted
    | VolumeFilled
    | VolumeFreed
    | FilesChanging
    | FilesChanged
    | Disabled
    | Enabled
)


class Endpoint(Struct, frozen=True):
    """`full` are the volumes without room, and since when; `reach` is what it found of others when
    it last dialled them, by their ids. `changing` are the changes of files whose outcome is open.
    `disabled_at` is None while it may be used.
    """

    id: str
    name: str
    kind: str = "server"
    online: bool = False
    session: str = ""
    url: str = ""
    fingerprint: str = ""
    relays: int = 0
    reach: dict[str, Dialled] = {}
    volumes: tuple[Volume, ...] = ()
    machine: Machine | None = None
    since: datetime | None = None
    settings: dict[str, Value] = {}
    stays: Stays = {}
    full: dict[str, datetime] = {}
    changing: dict[str, FilesChanging] = {}
    disabled_by: str = ""
    disabled_at: datetime | None = None

    def unused_until(self, volume: str = "") -> datetime | None:
        """When it, or else its volume, is used again; None when it may be used."""
        stay = self.stays.get(volume)
        return stay.until if stay is not None else None


def evolve(endpoint: Endpoint | None, event: Event, at: datetime) -> Endpoint:
    """Move the state by one event; `since` is when it last came or went."""
    if isinstance(event, Enrolled):
        return Endpoint(event.endpoint, event.name, event.kind, since=at)
    assert endpoint is not None, "an endpoint is enrolled before anything else happens to it"
    match event:
        case CameOnline(volumes=volumes):
            return replace(
                endpoint,
                online=True,
                session=event.session,
                url=event.url,
                fingerprint=event.fingerprint,
                relays=event.relays,
                volumes=tuple(volumes),
                machine=event.machine,
                since=at,
                stays={**_mounted(endpoint, volumes, at), "": came(endpoint.stays.get(""), at)},
            )
        case VolumesChanged(volumes=volumes):
            stays = _mounted(endpoint, volumes, at)
            return replace(endpoint, volumes=tuple(volumes), stays=stays)
        case ReachChanged(dialled=dialled):
            found = {one.endpoint: one for one in dialled}
            return replace(endpoint, reach={**endpoint.reach, **found})
        case SettingsChanged(values=values, unset=unset):
            return replace(endpoint, settings=changed(endpoint.settings, values, unset))
        case WentOffline(cause="stopped"):
            return replace(endpoint, online=False, since=at, stays={})
        case WentOffline():
            return _dropped_out(endpoint, at)
        case BackedOff(volume=volume, drops=drops, until=until):
            stay = replace(endpoint.stays[volume], drops=drops, until=until)
            return replace(endpoint, stays={**endpoint.stays, volume: stay})
        case Readmitted(volume=volume):
            stay = replace(endpoint.stays[volume], came=at, until=None)
            return replace(endpoint, stays={**endpoint.stays, volume: stay})
        case VolumeFilled(volume=volume):
            return replace(endpoint, full={**endpoint.full, volume: at})
        case VolumeFreed(volume=volume):
            left = {one: since for one, since in endpoint.full.items() if one != volume}
            return replace(endpoint, full=left)
        case FilesChanging(change=change):
            return replace(endpoint, changing={**endpoint.changing, change: event})
        case FilesChanged(change=change):
            open_ = {one: what for one, what in endpoint.changing.items() if one != change}
            return replace(endpoint, changing=open_)
        case Disabled(by=by):
            return replace(endpoint, disabled_by=by, disabled_at=at)
        case Enabled():
            return replace(endpoint, disabled_by="", disabled_at=None)


def _mounted(endpoint: Endpoint, volumes: list[Volume], at: datetime) -> Stays:
    return mounted(endpoint.stays, {one.code: one.online for one in volumes}, at)


def _dropped_out(endpoint: Endpoint, at: datetime) -> Endpoint:
    """Volumes go with it, and that is not their fault."""
    stays = dict(endpoint.stays)
    if "" in stays:
        stays[""] = went(stays[""], at)
    return replace(endpoint, online=False, since=at, stays=stays)
