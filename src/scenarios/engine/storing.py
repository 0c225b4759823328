"""Puts everything that a later look needs into the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scenarios import journal
from scenarios.engine.state import RunState
from scenarios.errors import EnvironmentFault
from scenarios.runs import RunFolder


def store(folder: RunFolder, result: dict[str, Any], state: RunState) -> None:
    """Outputs, tracebacks, the log and the result; what cannot be written is a notice of it."""
    notices: list[str] = result["notices"]

    def attempt(act: Callable[[], None]) -> None:
        try:
            act()
        except (EnvironmentFault, OSError) as error:
            if str(error) not in notices:
                notices.append(str(error))

    for member in state.members:
        outcome = member.outcome
        for stream in ("stdout", "stderr"):
            text = getattr(outcome, stream) or state.facilities.watch.text(member.name, stream)
            if text:
                _write(attempt, folder, f"outputs/{member.name}.{stream}", text)
        traces = [outcome.traceback, *(job.traceback for job in outcome.jobs or ())]
        if any(traces):
            text = "\n".join(filter(None, traces))
            _write(attempt, folder, f"tracebacks/{member.name}.txt", text)
    attempt(lambda: journal.merge(folder.segments, folder.path / "events.jsonl"))
    _write(attempt, folder, "result.json", json.dumps(result, indent=2, default=str) + "\n")


def _write(
    attempt: Callable[[Callable[[], None]], None], folder: RunFolder, name: str, text: str
) -> None:
    attempt(lambda: folder.write_text(name, text))
