"""An endpoint's row: who it is, whether it answers, what it serves."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from events import endpoints
from events.codec import Recorded
from events.endpoints import Dialled, Machine, Volume
from events.settings import changed
from projections.seen import seen

LANES = "client_compute_lanes"


class Row(Struct, frozen=True):
    """The columns of `endpoints`; `since` is when `online` last changed.

    `machine` is None where no commands may run; `lanes` is the endpoint's own number of lanes,
    None where the workspace's holds; `full_volumes` are those without room. `relays` is how many
    connections of others it joins, `reach` what it found of others when it dialled them;
    `disabled_at` is None while it may be used.
    """

    id: str
    name: str
    kind: str
    since: datetime
    sequence: int
    index: int
    online: bool = False
    session: str = ""
    url: str = ""
    volumes: tuple[Volume, ...] = ()
    offline_cause: str | None = None
    machine: Machine | None = None
    lanes: int | None = None
    full_volumes: tuple[str, ...] = ()
    relays: int = 0
    reach: tuple[Dialled, ...] = ()
    disabled_by: str = ""
    disabled_at: datetime | None = None


def project(row: Row | None, recorded: Recorded) -> Row | None:
    """Move an endpoint's row by one event about it; None until it is enrolled."""
    event = recorded.event
    assert isinstance(event, endpoints.Event), "an endpoint's row sees events of endpoints"
    if row is not None and seen(row, recorded):
        return row
    if isinstance(event, endpoints.Enrolled):
        sequence, index = recorded.sequence, recorded.index
        return Row(event.endpoint, event.name, event.kind, recorded.at, sequence, index)
    if row is None:
        return None
    row = replace(row, sequence=recorded.sequence, index=recorded.index)
    after = _moved(row, event, recorded.at)
    return after if after.online is row.online else replace(after, since=recorded.at)


def _moved(
    row: Row,
    event: endpoints.CameOnline
    | endpoints.VolumesChanged
    | endpoints.ReachChanged
    | endpoints.WentOffline
    | endpoints.SettingsChanged
    | endpoints.BackedOff
    | endpoints.VolumeFilled
    | endpoints.VolumeFreed
    | endpoints.Readmitted
    | endpoints.FilesChanging
    | endpoints.FilesChanged
    | endpoints.Disabled
    | endpoints.Enabled,
    at: datetime,
) -> Row:
    match event:
        case endpoints.CameOnline():
            return replace(
                row,
                online=True,
                session=event.session,
                url=event.url,
                volumes=tuple(event.volumes),
                offline_cause=None,
                machine=event.machine,
                relays=event.relays,
            )
        case endpoints.ReachChanged(dialled=dialled):
            found = {one.endpoint: one for one in (*row.reach, *dialled)}
            return replace(row, reach=tuple(found.values()))
        case endpoints.VolumesChanged(volumes=volumes):
            return replace(row, volumes=tuple(volumes))
        case endpoints.WentOffline(cause=cause):
            return replace(row, online=False, offline_cause=cause)
        case endpoints.SettingsChanged(values=values, unset=unset):
            held = {} if row.lanes is None else {LANES: row.lanes}
            lanes = changed(held, values, unset).get(LANES)
            return replace(row, lanes=None if lanes is None else int(lanes))
        case endpoints.VolumeFilled(volume=volume):
            return replace(row, full_volumes=(*row.full_volumes, volume))
        case endpoints.VolumeFreed(volume=volume):
            left = tuple(one for one in row.full_volumes if one != volume)
            return replace(row, full_volumes=left)
        case endpoints.Disabled(by=by):
            return replace(row, disabled_by=by, disabled_at=at)
        case endpoints.Enabled():
            return replace(row, disabled_by="", disabled_at=None)
        case endpoints.BackedOff() | endpoints.Readmitted():
            return row
        case endpoints.FilesChanging() | endpoints.FilesChanged():
            return row
