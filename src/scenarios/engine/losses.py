"""Events that the log had no room for: counted while the run lasts, told at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.wording import count, shorten


class Losses:
    """A writer tells of its first loss at once and of their number at its end, if it lives so long.

    `number` is at least how many were lost: one of each writer that was killed before it told.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[Any, ...], int] = {}  # writers that have told no number
        self._counted = 0
        self._whose: dict[str, None] = {}
        self._why: dict[str, None] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """What an `events_lost` says."""
        writer = event.get("worker"), event.get("pid"), event.get("thread")
        lost = event.get("count")
        if lost is None:
            self._open[writer] = self._open.get(writer, 0) + 1
        else:
            self._open[writer] = max(0, self._open.get(writer, 0) - 1)
            self._counted += lost
        self._whose[str(event.get("worker", "the engine"))] = None
        self._why[str(event.get("error"))] = None

    @property
    def number(self) -> int:
        """How many events are missing, at least."""
        return self._counted + sum(self._open.values())

    def sentence(self) -> str:
        """What is missing of whom, and why."""
        least = "at least " if any(self._open.values()) else ""
        whose = shorten(", ".join(self._whose))
        return f"{least}{count(self.number, 'event')} of {whose} had no room in the log: " + (
            "; ".join(self._why)
        )
