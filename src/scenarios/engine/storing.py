"""Puts everything that a later look needs into the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from scenarios import journal
from scenarios.engine.state import RunState
from scenarios.errors import EnvironmentFault
from scenarios.event import Masker
from scenarios.runs import RunFolder


def store(folder: RunFolder, result: dict[str, Any], state: RunState) -> None:
    """Outputs, tracebacks, the log and the result; what cannot be written is a notice of it."""
    notices: list[str] = result["notices"]
    masker = Masker(state.facilities.setting.secrets)

    def attempt(act: Callable[[], None]) -> None:
        try:
            act()
        except (EnvironmentFault, OSError) as error:
            if str(error) not in notices:
                notices.append(str(error))

    for member in state.members:
        outcome = member.outcome
        traces = [outcome.traceback, *(job.traceback for job in outcome.jobs or ())]
        texts = {f"tracebacks/{member.name}.txt": "\n".join(filter(None, traces))}
        for stream in ("stdout", "stderr"):
            text = getattr(outcome, stream) or state.facilities.watch.text(member.name, stream)
            texts[f"outputs/{member.name}.{stream}"] = text
        for name, text in texts.items():
            if text:
                attempt(partial(folder.write_text, name, masker.text(text)))
    attempt(lambda: journal.merge(folder.segments, folder.path / "events.jsonl"))
    attempt(
        partial(folder.write_text, "result.json", json.dumps(result, indent=2, default=str) + "\n")
    )
