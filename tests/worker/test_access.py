"""Where the operations of a worker's thread go, and stops that come while that is found out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hubs import Later
from scenarios.answers import STOP
from scenarios.event import Recorder
from scenarios.hub.launch import Hub
from scenarios.journal import Segment
from scenarios.program import Operation
from scenarios.wire.client import HubClient
from scenarios.worker.access import Access
from scenarios.worker.performer import Performer
from scenarios.worker_plan import Setting

RESOURCES: list[tuple[str, str, dict[str, Any]]] = [("q", "queues", {})]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_stop_while_the_hub_is_first_asked(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first wait of a thread ends, though its client was not there when it was stopped."""
    with Hub(RESOURCES) as hub:
        setting = Setting(
            run_id="r",
            seed=1,
            tmp=str(tmp_path),
            journal=str(tmp_path),
            modules=str(tmp_path),
            hub=(hub.address, hub.token),
            hub_index={"q": 0},
        )
        access = Access(setting)
        performer = Performer(
            "w",
            Recorder(Segment(str(tmp_path / "w.jsonl")), {"worker": "w"}),
            lambda name: access.open(performer, name),
            {},
            seed=1,
        )
        make = HubClient.__init__

        def late(self: HubClient, *words: object, **named: object) -> None:
            if moment == "before":
                performer.stop()
            make(self, *words, **named)  # type: ignore[arg-type]  # whatever it was called with
            if moment == "after":
                performer.stop()

        monkeypatch.setattr(HubClient, "__init__", late)
        get = Operation("get", "get", "queues", "q", line=1)
        waiting = Later(performer.perform, get, None, None)
        assert waiting.result() is STOP
        access.close(performer)
