"""One nats-server and one PostgreSQL a worker; a workspace and a database of its own a test."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from itertools import count

import asyncpg
import hypothesis
import pytest

from tests.servers import Database, Nats

# A busy machine is no failure: what takes too long is ended by the limit of its test.
hypothesis.settings.register_profile("haulage", deadline=None)
hypothesis.settings.load_profile("haulage")

# Under nohup, or in the background of a script, Ctrl-C is ignored, also by what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tables are as wide as nobody's terminal, also where pytest's workers are told of one.
os.environ.pop("COLUMNS", None)

_numbers = count(1)

# Not "with (force)": that would end autovacuum's workers too, which only a superuser may.
# A plain drop waits for those by itself.
END_SESSIONS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = '{name}' and usename = current_user
"""


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """For everyone: a test that kills a server starts its own (tests.servers.Nats)."""
    server = Nats(tmp_path_factory.mktemp("servers") / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """For everyone: a test that kills a server starts its own (tests.servers.Database)."""
    server = Database(tmp_path_factory.mktemp("servers") / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def nats_url(nats_server: Nats) -> str:
    """As the services connect, with credentials."""
    return nats_server.url


@pytest.fixture
def workspace() -> str:
    """A name that no test has used: its streams are this test's own."""
    return f"w{os.getpid()}x{next(_numbers)}"


@pytest.fixture
async def database_url(postgres_server: Database) -> AsyncIterator[str]:
    """An empty database that only this test uses."""
    name = f"test_{next(_numbers)}"
    await _execute(postgres_server, f"create database {name} template haulage")
    yield postgres_server.url(name)
    await _execute(postgres_server, END_SESSIONS.format(name=name))
    await _execute(postgres_server, f"drop database {name}")


async def _execute(server: Database, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"), timeout=10, command_timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close(timeout=5)
