"""What deploy/ says is what the code knows: settings, commands, a configuration NATS accepts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime import settings
from services.runtime.embedded import nats_program
from services.runtime.settings import CONFIG, PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
SERVICES = {"up", "scheduler", "projector", "historian", "gateway", "agent"}


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """What deploy/new_secrets.py prints."""
    command = [sys.executable, "deploy/new_secrets.py", "nats.example", "db.example"]
    printed = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return dict(line.split("=", 1) for line in printed.stdout.splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text()))
    known = {PREFIX + field.upper() for field in Settings.__struct_fields__} | {CONFIG}
    assert named <= known


def test_new_secrets_are_settings_that_can_be_loaded(environ: dict[str, str]) -> None:
    loaded = settings.load(environ)
    assert "@nats.example:4222" in loaded.nats_url
    assert "@db.example:5432" in loaded.database_url
    assert loaded.callout_seed.startswith("SA")


def test_the_servers_configuration_is_accepted_by_the_server(environ: dict[str, str]) -> None:
    command = [nats_program(), "-t", "-c", str(DEPLOY / "nats.conf")]
    checked = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stderr


def test_it_asks_of_a_server_what_ours_gives() -> None:
    """What the log's safety and the agents' fence rest on is in both."""
    theirs = (DEPLOY / "nats.conf").read_text()
    for line in ("sync_interval: always", "max_payload: 4MB", "account: AUTH", "system_account"):
        assert line in theirs


def test_every_command_that_is_started_exists() -> None:
    units = "\n".join(path.read_text() for path in DEPLOY.glob("systemd/*"))
    started = set(re.findall(r"^ExecStart=/opt/haulage/bin/haulage (\S+)", units, re.MULTILINE))
    composed = re.findall(r'command: \["(\w+)"\]', (DEPLOY / "compose.yaml").read_text())
    assert started | set(composed) <= SERVICES | {"%i"}
    assert set(composed) == SERVICES - {"up"}
