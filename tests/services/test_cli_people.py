"""Who is let in: tokens made and listed on the machine of `haulage up`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from services.cli.main import run
from services.runtime import tokens
from services.scheduler.commands import Actor, Role


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tokens.create(tmp_path)
    return tmp_path


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    out, err = capsys.readouterr()
    return status, "\n".join(line.rstrip() for line in out.splitlines()), err


def test_a_person_is_let_in_with_the_token_that_was_printed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tokens.Tokens(data)
    _, token, _ = typed(capsys, "token", "add", "Ann Ö", "--role", "employee", "--data", str(data))
    assert known.check(token) == Actor("Ann Ö", Role.EMPLOYEE)
    assert token not in (data / "tokens.json").read_text()
    assert (data / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_people_are_listed_without_their_tokens(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(capsys, "token", "add", "ann", "--data", str(data))
    _, out, _ = typed(capsys, "token", "list", "--data", str(data))
    assert out == "NAME   ROLE\nadmin  admin\nann    user"
    _, out, _ = typed(capsys, "token", "list", "--json", "--data", str(data))
    assert msgspec.json.decode(out) == [
        {"name": "admin", "role": "admin"},
        {"name": "ann", "role": "user"},
    ]


def test_the_answer_as_json_has_the_token(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = typed(capsys, "token", "add", "ann", "--json", "--data", str(data))
    assert tokens.Tokens(data).check(msgspec.json.decode(out)["token"]) == Actor("ann", Role.USER)


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "scheduler", "endpoint/1", "x" * 300])
def test_a_name_that_would_mislead_the_log_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    status, out, err = typed(capsys, "token", "add", name, "--data", str(data))
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert len(tokens.people(data)) == 1


def test_one_name_has_one_role(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, "token", "add", "ann", "--data", str(data))
    assert typed(capsys, "token", "add", "ann", "--data", str(data))[0] == 0
    status, _, err = typed(capsys, "token", "add", "ann", "--role", "admin", "--data", str(data))
    assert status == 1
    assert "ann is known here with another role" in err


def test_two_who_add_at_once_lose_nobody(data: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: tokens.add(data, f"person {n}", Role.USER), range(40)))
    assert len(tokens.people(data)) == 41


def test_a_directory_in_which_nothing_was_started_has_no_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = typed(capsys, "token", "list", "--data", str(tmp_path))
    assert status == 1
    assert "run `haulage up` there first" in err
