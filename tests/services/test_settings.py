"""Settings: defaults, a file, the environment, and no silence about what nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.runtime import settings
from services.runtime.settings import Misconfigured, Settings


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    tmp_path: Path,
) -> None:
    file = tmp_path / "haulage.toml"
    file.write_text('port = 9000\nhost = "::1"\n[agent_volumes]\nfiles = "/srv/files"\n')
    loaded = settings.load({"HAULAGE_PORT": "9001"}, file)
    assert (loaded.port, loaded.host, loaded.workspace) == (9001, "::1", "main")
    assert loaded.agent_volumes == {"files": "/srv/files"}


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "haulage.toml"
    file.write_text("port = 9000")
    assert settings.load({"HAULAGE_CONFIG": str(file)}).port == 9000


def test_what_is_passed_on_to_a_child_is_read_as_the_same_settings() -> None:
    told = Settings(data=Path("/d"), port=1, agent_volumes={"a": "/ü", "b": "/x y"})
    assert settings.load(settings.environment(told)) == told


def test_variables_of_other_programs_are_no_business_of_ours() -> None:
    assert settings.load({"PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"HAULAGE_PRT": "1"}, "HAULAGE_PRT"),
        ({"HAULAGE_PORT": "many"}, "port"),
        ({"HAULAGE_AGENT_VOLUMES": "{"}, "HAULAGE_AGENT_VOLUMES"),
        ({"HAULAGE_AGENT_VOLUMES": '{"a": 1}'}, "agent_volumes"),
        ({"HAULAGE_CONFIG": "/nowhere/haulage.toml"}, "/nowhere/haulage.toml"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(environ: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        settings.load(environ)


@pytest.mark.parametrize("content", ["prt = 1", 'port = "many"', "[agents]\na = 1", "port ="])
def test_a_wrong_file_is_refused_by_its_path(tmp_path: Path, content: str) -> None:
    file = tmp_path / "haulage.toml"
    file.write_text(content)
    with pytest.raises(Misconfigured, match=str(file)):
        settings.load({"HAULAGE_PORT": "1"}, file)
