"""The client of the probes and the demo, against a real gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.supervisor import api
from services.supervisor.api import Api, NoSuccess
from tests.services.gateway_studio import token_of, world
from tests.services.spec import transfer


async def test_an_event_stream_is_heard_and_one_that_tells_nothing_is_no_success(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url, tmp_path) as studio:
        studio.history.ask(transfer("a"))
        sequence = await studio.shown()
        ann = Api(studio.url, token_of("ann"))
        await ann.hear(f"/api/events?since={sequence - 1}", "job")
        monkeypatch.setattr(api, "PATIENCE_S", 0.5)
        with pytest.raises(NoSuccess, match="no answer in time"):
            await ann.hear(f"/api/events?since={sequence}", "job")
        with pytest.raises(NoSuccess) as refused:
            await ann.hear("/api/events?only=none", "job")
        assert refused.value.status == 422
