"""Which volumes an agent says are there: one that hangs is not, one it had no time for may be, and
the empty folder that one was mounted on is none.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from services.agent import watch
from services.agent.commands import Room
from services.agent.faults import Fault
from services.agent.volume import Volume
from services.agent.watch import HANGS_S, Watch
from tests.mounts import mounted


def test_a_folder_that_nothing_is_mounted_on_any_more_is_no_volume(tmp_path: Path) -> None:
    volume = Volume("v", tmp_path)
    assert volume.room() is not None
    with mounted(tmp_path, 1 << 20):
        assert volume.room() == Room("v", 1 << 20, 1 << 20)
    assert volume.room() is None, "the empty folder that is left is not taken for it"
    with pytest.raises(Fault, match="nothing is mounted there any more"), volume.opened():
        pass
    with mounted(tmp_path, 1 << 20):
        assert volume.room() is not None


def test_a_volume_that_hangs_is_away_but_not_after_a_standstill_of_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watch({"v": Volume("v", tmp_path)})
    watching.stop()  # From here on no look comes back, as from a disk that hangs.
    now = watch._now()

    def is_online(passed_s: float) -> bool:
        monkeypatch.setattr(watch, "_now", lambda: now + passed_s)
        return watching.volumes()[0].online

    assert [is_online(after) for after in (2, 4, HANGS_S + 2)] == [True, True, False]
    assert is_online(100), "it stood still itself"
    assert [is_online(100 + after) for after in (2, 4, HANGS_S + 1)] == [True, True, False]
