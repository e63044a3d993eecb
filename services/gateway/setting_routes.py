"""The API's questions and commands about settings: of the workspace, a queue, a job, an endpoint
or a pair of endpoints.

Which settings there are, what they may be, and who may change which is for the scheduler to say;
so it is asked for those that hold too, and answers with what it decides by.
"""

from __future__ import annotations

from litestar import get, patch
from litestar.params import JSONBody
from msgspec.structs import asdict

from events.settings import Level
from services.gateway import past, versions
from services.gateway.bodies import SettingsChange
from services.gateway.command_routes import Key, named, obeyed, whole_ids
from services.gateway.context import Asked, Gateway, Ours
from services.gateway.past import AsOf
from services.gateway.queue_routes import QueueName
from services.gateway.read_routes import EndpointName, JobId
from services.gateway.resources import Done, Setting
from services.gateway.versions import IfMatch
from services.scheduler.commands import Set, SettingsAsked


@get("/settings", summary="List the settings of the workspace")
async def workspace_settings(request: Asked, gateway: Ours, as_of: AsOf = None) -> list[Setting]:
    return await _settings(request, gateway, "workspace", "", as_of)


@get("/queues/{queue:str}/settings", summary="List the settings of a queue")
async def queue_settings(
    request: Asked, gateway: Ours, queue: QueueName, as_of: AsOf = None
) -> list[Setting]:
    return await _settings(request, gateway, "queue", queue, as_of)


@get("/jobs/{job:str}/settings", summary="List the settings of a job")
async def job_settings(
    request: Asked, gateway: Ours, job: JobId, as_of: AsOf = None
) -> list[Setting]:
    (found,) = await whole_ids(request, gateway, [job])
    return await _settings(request, gateway, "job", found, as_of)


@get("/endpoints/{endpoint:str}/settings", summary="List the settings of an endpoint")
async def endpoint_settings(
    request: Asked, gateway: Ours, endpoint: EndpointName, as_of: AsOf = None
) -> list[Setting]:
    return await _settings(request, gateway, "endpoint", endpoint, as_of)


@get("/pairs/{one:str}/{other:str}/settings", summary="List the settings of a pair of endpoints")
async def pair_settings(
    request: Asked,
    gateway: Ours,
    one: EndpointName,
    other: EndpointName,
    as_of: AsOf = None,
) -> list[Setting]:
    return await _settings(request, gateway, "pair", f"{one}:{other}", as_of)


async def _settings(
    request: Asked, gateway: Gateway, level: Level, which: str, as_of: str | None
) -> list[Setting]:
    if as_of is not None:
        return await past.settings(gateway.historian, as_of, level, which, request.user)
    shown = await gateway.asking.settings(SettingsAsked(level, which, request.user))
    return [Setting(**asdict(one)) for one in shown]


@patch("/settings", summary="Change settings of the workspace")
async def set_workspace(
    request: Asked, gateway: Ours, data: JSONBody[SettingsChange], key: Key = None
) -> Done:
    return await _set(request, gateway, Set("workspace", "", data.set, data.unset), key)


@patch("/queues/{queue:str}/settings", summary="Change settings of a queue")
async def set_queue(
    request: Asked, gateway: Ours, queue: QueueName, data: JSONBody[SettingsChange], key: Key = None
) -> Done:
    return await _set(request, gateway, Set("queue", queue, data.set, data.unset), key)


@patch("/jobs/{job:str}/settings", summary="Change settings of a job")
async def set_job(
    request: Asked,
    gateway: Ours,
    job: JobId,
    data: JSONBody[SettingsChange],
    key: Key = None,
    if_match: IfMatch = None,
) -> Done:
    seen = versions.seen(if_match)
    (found,) = await whole_ids(request, gateway, [job])
    return await _set(request, gateway, Set("job", found, data.set, data.unset, seen), key)


@patch("/endpoints/{endpoint:str}/settings", summary="Change settings of an endpoint")
async def set_endpoint(
    request: Asked,
    gateway: Ours,
    endpoint: EndpointName,
    data: JSONBody[SettingsChange],
    key: Key = None,
) -> Done:
    return await _set(request, gateway, Set("endpoint", endpoint, data.set, data.unset), key)


@patch("/pairs/{one:str}/{other:str}/settings", summary="Change settings of a pair of endpoints")
async def set_pair(
    request: Asked,
    gateway: Ours,
    one: EndpointName,
    other: EndpointName,
    data: JSONBody[SettingsChange],
    key: Key = None,
) -> Done:
    return await _set(request, gateway, Set("pair", f"{one}:{other}", data.set, data.unset), key)


async def _set(request: Asked, gateway: Gateway, command: Set, key: str | None) -> Done:
    return await obeyed(request, gateway, command, named(request, key))


READS = [workspace_settings, queue_settings, job_settings, endpoint_settings, pair_settings]
COMMANDS = [set_workspace, set_queue, set_job, set_endpoint, set_pair]
