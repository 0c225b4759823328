"""Puts everything that a later look needs into the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from scenarios import journal
from scenarios.engine.state import RunState
from scenarios.errors import EnvironmentFault
from scenarios.event import Masker
from scenarios.runs import RunFolder
from scenarios.wording import count


def store(folder: RunFolder, result: dict[str, Any], state: RunState) -> None:
    """Outputs, tracebacks, the log and the result; what cannot be written is a notice of it.

    These notices are `missing` from the run's folder as well.
    """
    notices: list[str] = result["notices"]
    first = len(notices)
    losses = state.facilities.watch.losses
    if losses.number:
        result["run"]["lost_events"] = losses.number
        notices.append(losses.sentence())
    masker = Masker(state.facilities.setting.secrets)

    def attempt(act: Callable[[], None]) -> None:
        try:
            act()
        except EnvironmentFault as error:
            if str(error) not in notices:
                notices.append(str(error))

    def store_result() -> None:
        folder.write_text("result.json", json.dumps(result, indent=2, default=str) + "\n")

    attempt(store_result)  # first, where there is room for little
    known = len(notices)
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
    _merge(folder, notices)
    if notices[first:]:
        result["run"]["missing"] = notices[first:]
    if len(notices) > known:
        with suppress(EnvironmentFault):  # then it tells what was known before
            store_result()


def _merge(folder: RunFolder, notices: list[str]) -> None:
    """All segments into one file; of one that was killed while it wrote, a part may be missing."""
    try:
        torn = journal.merge(folder.segments, folder.path / "events.jsonl")
    except OSError as error:
        notices.append(f"the events stay in {folder.segments}: {error.strerror or error}")
        return
    if torn:
        left_out = count(torn, "event") + (" was" if torn == 1 else " were")
        notices.append(f"{left_out} being written when the writer was killed, and left out")
