"""The tour of the README with the real thing: one `haulage up`, a second agent by hand, and a
person at the command line who makes mistakes and whose services are killed meanwhile.
"""

from __future__ import annotations

import filecmp
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.live.machine import ROOT, Machine

pytestmark = pytest.mark.live

SHOT = {
    "shot010/plate.0001.exr": os.urandom(3_000_000),
    "shot010/plate.0002.exr": os.urandom(1_000_000),
    "shot010/empty": b"",
    "shot010/notes/read me – å.txt": b"as agreed",
}
LATIN_1 = b"shot010/caf\xe9.txt"


@dataclass
class Said:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Site:
    """Two endpoints of one Haulage and the folders that they serve."""

    def __init__(self, machine: Machine, projects: Path, incoming: Path) -> None:
        self.machine, self.projects, self.incoming = machine, projects, incoming

    @property
    def environ(self) -> dict[str, str]:
        return self.machine.environ | {"HAULAGE_DATA": str(self.machine.data), "TZ": "UTC"}

    def types(self, *arguments: str, **environ: str) -> Said:
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environ | environ,
            timeout=90,
            check=False,
        )
        return Said(ran.returncode, ran.stdout, ran.stderr)

    @contextmanager
    def typing(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environ,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    @contextmanager
    def agent(self, name: str, volume: str) -> Iterator[subprocess.Popen[str]]:
        """An agent that was started by hand, and is told to end."""
        folder = self.machine.data.with_name(volume)
        folder.mkdir(exist_ok=True)
        with self.typing("agent", "--name", name, "--volume", f"{volume}={folder}") as process:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0

    def submits(self, path: str, *options: str, to: str = "stockholm:incoming") -> str:
        """The id of a new job that copies the shot."""
        submit = ("submit", "transfer", "hq:projects/shot010", f"{to}/{path}", "--json")
        said = self.types(*submit, *options)
        assert said.status == 0, said.err
        return str(said.json()["id"])

    def order(self, queue: str) -> list[str]:
        """The ids of the jobs in a queue, first the one that runs first."""
        return [job["id"] for job in self.types("jobs", "--queue", queue, "--json").json()]

    def job(self, job: str) -> Any:
        return self.types("job", job, "--json").json()

    def becomes(self, job: str, status: str) -> None:
        eventually(lambda: self.job(job)["status"] == status)


@contextmanager
def standing_still(process: subprocess.Popen[str]) -> Iterator[None]:
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def eventually(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("tour")
    projects, incoming = root / "projects", root / "incoming"
    for name, content in SHOT.items():
        (projects / name).parent.mkdir(parents=True, exist_ok=True)
        (projects / name).write_bytes(content)
    Path(os.fsdecode(os.fsencode(projects) + b"/" + LATIN_1)).write_bytes(b"caf\xe9")
    options = ("--port", "0", "--name", "hq", "--volume", f"projects={projects}")
    with Machine(root / "data", *options) as machine:
        there = Site(machine, projects, incoming)
        with there.agent("stockholm", "incoming"):
            eventually(lambda: there.types("endpoints").out.count("online") == 2)
            yield there


def test_a_shot_is_moved_and_waited_for(site: Site) -> None:
    said = site.types(
        "submit", "transfer", "hq:projects/shot010/", "stockholm:incoming/shot010/",
        "--queue", "high", "--name", "the shot", "--wait",
    )  # fmt: skip
    assert said.status == 0, said.err
    first, last = said.out.splitlines()
    assert first.split("  ")[1] == "the shot"
    assert " done: " in last
    assert "4.0 MB" in last
    for name in SHOT:
        assert filecmp.cmp(site.projects / name, site.incoming / name, shallow=False)
    copied = os.fsencode(site.incoming) + b"/" + LATIN_1
    assert Path(os.fsdecode(copied)).read_bytes() == b"caf\xe9"


def test_of_several_sources_those_that_are_wanted_arrive_under_their_last_names(site: Site) -> None:
    (site.projects / "shot010/notes/later").write_text("still written to")
    said = site.types(
        "submit", "transfer",
        "hq:projects/shot010/plate.%04d.exr[1-3]", "hq:projects/shot010/notes",
        "stockholm:incoming/some/", "--exclude", "*.txt", "--stable", "2", "--wait",
        "--set", "job_on_missing=ignore",
    )  # fmt: skip
    (site.projects / "shot010/notes/later").unlink()
    assert said.status == 0, said.out + said.err
    some = site.incoming / "some"
    found = {str(path.relative_to(some)) for path in some.rglob("*")}
    assert found == {"plate.0001.exr", "plate.0002.exr", "notes", "notes/later"}
    for name in ("plate.0001.exr", "plate.0002.exr"):
        assert filecmp.cmp(site.projects / "shot010" / name, some / name, shallow=False)


def test_what_was_moved_can_be_looked_at(site: Site) -> None:
    job = site.submits("looked-at")
    site.becomes(job, "done")
    assert job[:12] in site.types("jobs", "--finished", "--search", "shot010").out
    shown = site.types("job", job).out
    assert "source       hq:projects/shot010\n" in shown
    assert "progress     100 %, 4.0 MB of 4.0 MB\n" in shown
    tasks = site.types("tasks", job, "--json").json()
    assert {task["status"] for task in tasks} == {"done"}
    assert r"caf\xe9.txt" in site.types("tasks", job).out
    log = site.types("log", job).out.splitlines()
    assert "admin submitted it" in log[0]
    assert "stockholm: done" in log[-1]
    lines = site.types("log", job, "--json").json()
    assert [line["type"] for line in lines[:2]] == ["job.submitted", "job.listing_started"]


def test_what_was_moved_is_verified_by_its_manifest(site: Site) -> None:
    job, copy = site.submits("verified/"), site.incoming / "verified"
    site.becomes(job, "done")
    for ending in ("jsonl", "csv"):
        manifest = site.machine.data.with_name(f"shot.{ending}")
        assert site.types("manifest", job, "-o", str(manifest)).status == 0
        said = site.types("verify", "--manifest", str(manifest), str(copy), HAULAGE_URL="x")
        assert (said.status, said.out) == (
            0,
            "all as in the manifest (7 in the manifest, 4.0 MB read)\n",
        )
    (copy / "plate.0001.exr").write_bytes(SHOT["shot010/plate.0002.exr"])
    said = site.types("verify", "--manifest", str(manifest), str(copy))
    assert (said.status, said.out.splitlines()[0]) == (
        1,
        "differs  plate.0001.exr: it has 1,000,000 bytes, not 3,000,000",
    )


def test_jobs_are_held_let_go_ended_and_run_again(site: Site) -> None:
    one, two = site.submits("one", "--paused"), site.submits("two", "--paused")
    assert [site.job(job)["status"] for job in (one, two)] == ["paused", "paused"]
    moved = site.types("move", two, one, "--queue", "low", "--json")
    assert [answer["job"]["queue"] for answer in moved.json()] == ["low", "low"]
    assert site.types("abort", two).status == 0
    assert site.types("resume", one).status == 0
    site.becomes(one, "done")
    assert site.job(two)["status"] == "aborted"
    assert site.types("retry", two).status == 0
    site.becomes(two, "done")
    assert site.types("jobs", "--queue", "low").out == "no active jobs\n"


def test_jobs_that_wait_say_why_and_are_put_in_another_order(site: Site) -> None:
    """Three jobs to an endpoint that is away; when it comes, they run as they were put."""
    with site.agent("oslo", "vault"):
        eventually(lambda: "oslo" in site.types("endpoints").out)
    eventually(lambda: "offline" in site.types("endpoints").out)
    a, b, c = (site.submits(f"oslo-{one}", to="oslo:vault") for one in "abc")
    for job in (a, b, c):
        site.becomes(job, "waiting")
    assert site.job(a)["reason"]["code"] == "endpoint_offline"
    assert "oslo" in site.types("jobs").out
    assert site.types("move", c, "--before", a).status == 0
    assert site.types("move", a, "--bottom").status == 0
    assert site.order("medium") == [c, b, a]
    assert site.types("move", a, b, "--top").status == 0
    assert site.order("medium") == [b, a, c]
    assert site.types("move", a, "--queue", "high").status == 0
    assert site.order("medium") == [b, c]
    with site.agent("oslo", "vault"):
        for job in (a, b, c):
            site.becomes(job, "done")
    began = {job: site.job(job)["started_at"] for job in (a, b, c)}
    assert sorted(began, key=lambda job: began[job]) == [a, b, c]


def test_a_queue_is_made_held_and_deleted_and_its_jobs_live_on(site: Site) -> None:
    made = site.types("queue", "create", "dailies", "--priority", "700", "--metadata", "show=å")
    assert (made.status, made.out) == (0, "dailies  waiting  priority 700\n")
    with site.typing("queue", "log", "dailies", "-f") as process:
        assert process.stdout is not None
        assert "created queue dailies with priority 700" in process.stdout.readline()
        assert site.types("queue", "pause", "dailies").status == 0
        assert "changed queue dailies: metadata show=å" in process.stdout.readline()
        assert "paused queue dailies" in process.stdout.readline()
    job = site.submits("dailies", "--queue", "dailies")
    eventually(lambda: site.job(job)["reason"] is not None)
    assert site.job(job)["reason"]["text"] == "queue dailies is paused"
    assert site.types("queue", "set", "dailies", "--code", "rushes").out.startswith("rushes")
    assert "rushes" in site.types("queues").out
    assert site.types("queue", "pause", "dailies").status == 1
    deleted = site.types("queue", "delete", "rushes")
    assert (deleted.status, deleted.out) == (0, "rushes  deleted, 1 job went to medium\n")
    site.becomes(job, "done")
    assert "rushes" not in site.types("queues").out
    assert "deleted queue rushes" in site.types("queue", "log", "rushes").out
    assert "is the default queue" in site.types("queue", "delete", "medium").err


def test_more_jobs_run_at_once_when_a_setting_says_so_and_the_others_say_why_not(
    site: Site,
) -> None:
    """The receiver stands still, so that what runs goes on running until it goes on."""
    with site.agent("oslo", "vault") as oslo:
        eventually(lambda: "offline" not in site.types("endpoints").out)
        grace = ("client_offline_grace_s=600", "--endpoint", "oslo")
        assert site.types("settings", "set", *grace).status == 0
        with standing_still(oslo):
            a, b, c = (site.submits(one, "--queue", "low", to="oslo:vault/now") for one in "abc")
            site.becomes(a, "running")
            for job in (b, c):
                site.becomes(job, "waiting")
            ends = "behind shot010 on hq–oslo"
            assert site.types("why", c).out.count(ends) == 1
            said = site.types("settings", "set", "transfer_concurrent=2", "--queue", "low")
            assert "transfer_concurrent  2      queue  1" in said.out
            site.becomes(b, "running")
            told = site.types("why", c)
            assert "number 3 in its queue: it waits because\n" in told.out
            assert (told.out.count(ends), told.out.count("releases it: shot010 ends")) == (2, 2)
            assert "running" in site.types("why", a).out
            version = str(site.job(c)["version"])
            assert site.types("pause", c, "--if-version", version).status == 0
            stale = site.types("resume", c, "--if-version", version)
            assert (stale.status, "look again" in stale.err) == (1, True)
            assert site.types("resume", c).status == 0
        for job in (a, b, c):
            site.becomes(job, "done")
    site.types("settings", "unset", "transfer_concurrent", "--queue", "low")
    assert "  default " in site.types("settings", "get", "transfer_concurrent").out
    assert "set transfer_concurrent to 2 of queue low" in site.types("queue", "log", "low").out
    assert "there are hq" in site.types("settings", "--endpoint", "paris").err


def test_a_mistake_is_refused_with_what_to_do_and_leaves_no_trace(site: Site) -> None:
    held = site.submits("held", "--paused")
    before = site.types("events", "--json").out
    submit = ("submit", "transfer")
    good = "hq:projects/shot010"
    mistakes = {
        (*submit, "nowhere:projects/a", "stockholm:incoming"): "there is no endpoint 'nowhere'",
        (*submit, "hq:nothing/a", "stockholm:incoming"): "nothing",
        (*submit, "hq:projects/../../etc", "stockholm:incoming"): "..",
        (*submit, "hq:projects/shot999", "stockholm:incoming"): "there is nothing at",
        (*submit, good, "stockholm:incoming", "--queue", "urgent"): "there is no queue 'urgent'",
        (*submit, "shot010", "stockholm:incoming"): "endpoint:volume/path",
        ("move", held, "--queue", "urgent"): "there is no queue 'urgent'",
        ("move", held, "--before", held): "beside itself",
        ("pause", "0123456789"): "there is no job '0123456789'",
        ("retry", held): "resume",
        ("jobs", "--queue", "urgent"): "there is no queue 'urgent'",
    }
    for mistake, told in mistakes.items():
        said = site.types(*mistake)
        assert said.status == 1, mistake
        assert told in said.err, mistake
        assert said.err.startswith("haulage: ")
        assert len(said.err.splitlines()) == 1
        assert said.out == ""
    assert site.types("move", held, "--top", "--bottom").status == 2
    assert site.types("events", "--json").out == before
    assert site.types("abort", held).status == 0


def test_a_log_is_followed_until_ctrl_c(site: Site) -> None:
    job = site.submits("followed", "--paused")
    with site.typing("log", job, "--follow") as process:
        assert process.stdout is not None
        assert "submitted" in process.stdout.readline()
        assert site.types("resume", job).status == 0
        while "stockholm: done" not in (line := process.stdout.readline()):
            assert line, "it ended"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_ctrl_c_ends_the_waiting_and_not_the_job(site: Site) -> None:
    source, to = "hq:projects/shot010", "stockholm:incoming/left"
    with site.typing("submit", "transfer", source, to, "--paused", "--wait") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        job = process.stdout.readline().split()[0]
        assert process.stderr.readline().startswith("paused ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"job {job} goes on without you" in err
    assert site.types("resume", job).status == 0
    site.becomes(job, "done")


def test_a_gateway_that_is_killed_is_waited_for(site: Site) -> None:
    source, to = "hq:projects/shot010", "stockholm:incoming/killed"
    with site.typing("submit", "transfer", source, to, "--paused", "--wait") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        job = process.stdout.readline().split()[0]
        assert process.stderr.readline().startswith("paused ")
        killed = site.machine.child("gateway")
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: site.types("resume", job).status == 0)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert " done: " in out


def test_the_read_side_is_made_anew_and_is_the_same(site: Site) -> None:
    before = site.types("jobs", "--finished", "--json").json()
    said = site.types("rebuild")
    assert said.status == 0, said.err
    assert "the rows were the same as those in use" in said.out
    assert site.types("rebuild", "queues", "instants").status == 0
    assert "no part 'rows'" in site.types("rebuild", "rows").err
    assert site.types("jobs", "--finished", "--json").json() == before


def test_files_on_an_endpoint_are_changed_and_the_log_says_who_and_what(site: Site) -> None:
    assert site.types("mkdir", "-p", "stockholm:incoming/by/hand").status == 0
    (site.incoming / "by/hand/a.exr").write_bytes(bytes(20))
    assert site.types("mv", "stockholm:incoming/by/hand", "stockholm:incoming/by/name").status == 0
    assert site.types("exists", "stockholm:incoming/by/hand").status == 1
    refused = site.types("rm", "stockholm:incoming/by")
    assert (refused.status, "--recursive" in refused.err) == (1, True)
    with site.typing("log", "--endpoint", "stockholm", "-f") as process:
        assert process.stdout is not None
        while "is not deleted" not in process.stdout.readline():
            assert process.poll() is None
        said = site.types("rm", "-r", "stockholm:incoming/by")
        assert said.out == "stockholm:incoming/by  deleted: 1 file, 2 folders, 20 B\n"
        assert not (site.incoming / "by").exists()
        asked, told = process.stdout.readline(), process.stdout.readline()
    assert "admin deletes stockholm:incoming/by with all that is in it\n" in asked
    assert "stockholm:incoming/by is deleted: 1 file, 2 folders, 20 bytes\n" in told
    assert "admin makes the folder stockholm:incoming/by/hand" in site.types("events").out


def test_a_change_that_its_agent_did_not_survive_ends_as_not_known(site: Site) -> None:
    vault = site.machine.data.with_name("vault")
    vault.mkdir(exist_ok=True)

    def is_online() -> bool:
        found = {one["name"]: one["status"] for one in site.types("endpoints", "--json").json()}
        return found.get("oslo") == "online"

    with site.typing("agent", "--name", "oslo", "--volume", f"vault={vault}") as oslo:
        eventually(is_online)
        oslo.send_signal(signal.SIGSTOP)
        with site.typing("mkdir", "oslo:vault/new") as process:
            eventually(lambda: "makes the folder" in site.types("log", "--endpoint", "oslo").out)
            oslo.kill()
            with site.agent("oslo", "vault"):
                _, err = process.communicate(timeout=60)
    assert (process.returncode, "is not known" in err) == (1, True)


def test_a_guest_sees_only_jobs_of_their_own(site: Site) -> None:
    job = site.submits("not-theirs", "--paused")
    token = site.types("token", "add", "guest", "--role", "user").out.strip()
    assert site.types("jobs", HAULAGE_TOKEN=token).out == "no active jobs\n"
    said = site.types("abort", job, HAULAGE_TOKEN=token)
    assert said.status == 1
    assert f"there is no job '{job}'" in said.err
    assert "an admin" in site.types("queue", "pause", "low", HAULAGE_TOKEN=token).err
    assert site.types("jobs", HAULAGE_TOKEN="wrong").status == 1
    assert site.types("abort", job).status == 0
