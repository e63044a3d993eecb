"""Does a child do its work? Asked as a client would: by its own protocol, with little patience."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec import Raw, Struct

from services.supervisor.api import Api, NoSuccess

PATIENCE_S = 2.0


async def nats(host: str, port: int) -> bool:
    """A nats-server greets with INFO once its streams are recovered."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return (await reader.readline()).startswith(b"INFO ")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def gateway(api: Api) -> bool:
    try:
        await api.get("/health", Raw)
    except NoSuccess:
        return False
    return True


class _Endpoint(Struct, frozen=True):
    id: str
    status: str


async def agent(api: Api, identity: Path) -> bool:
    """Do people see its endpoint online? `identity` is where the agent keeps its id: one of its
    name may be another's.
    """
    try:
        own = _read(identity)
        found = await api.get("/api/endpoints", list[_Endpoint])
    except (FileNotFoundError, NoSuccess):
        return False
    return any(one.id == own and one.status == "online" for one in found)


def _read(identity: Path) -> str:
    return identity.read_text().strip()
