"""The API's commands about endpoints. Whose they are to take out of use is for the scheduler to
say.
"""

from __future__ import annotations

from litestar import post

from services.gateway.command_routes import Key, named, obeyed
from services.gateway.context import Asked, Ours
from services.gateway.read_routes import EndpointName
from services.gateway.resources import Done
from services.scheduler.commands import DisableEndpoint, EnableEndpoint


@post("/endpoints/{endpoint:str}/disable", summary="Take an endpoint out of use", status_code=200)
async def disable_endpoint(
    request: Asked, gateway: Ours, endpoint: EndpointName, key: Key = None
) -> Done:
    """Its transfers stop at once and wait, what they moved is kept; commands on it finish."""
    return await obeyed(request, gateway, DisableEndpoint(endpoint), named(request, key))


@post("/endpoints/{endpoint:str}/enable", summary="Use an endpoint again", status_code=200)
async def enable_endpoint(
    request: Asked, gateway: Ours, endpoint: EndpointName, key: Key = None
) -> Done:
    return await obeyed(request, gateway, EnableEndpoint(endpoint), named(request, key))


COMMANDS = [disable_endpoint, enable_endpoint]
