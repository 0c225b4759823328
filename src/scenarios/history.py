"""The events of a stored run, read in order from files that may be damaged.

A run that was killed, or whose disk was full, leaves a torn last line; a broken disk may leave
any line broken. Reading never fails: what is no event is skipped and counted. A run that is under
way, or that was killed, has no `events.jsonl` yet: its segments are read in its place.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scenarios import journal

LINE = 1 << 20
"""Bytes of a line that are read at most; a record is at most 64 KiB, so more is damage."""


def of_run(folder: Path) -> History:
    """The events of the run that a folder holds, whether it has ended or not."""
    segments = folder / "segments"
    whole = folder / "events.jsonl"
    return History(segments if segments.is_dir() and not whole.exists() else whole)


class History:
    """Events of one file, or of a folder of segments, oldest first; iterate again to read again.

    After an iteration `skipped` tells how many lines were no events, `torn` whether the last
    line has no end, and `trouble` holds one sentence where the file could not be read on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        self.torn = False
        self.trouble: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.skipped, self.torn, self.trouble = 0, False, None
        try:
            if self.path.is_dir():
                yield from self._merged()
                return
            with self.path.open("rb") as file:
                while line := file.readline(LINE):
                    yield from self._event(line, file.readline)
        except OSError as error:
            self.trouble = f"cannot read {self.path}: {error.strerror or error}"

    def _merged(self) -> Iterator[dict[str, Any]]:
        sources = [journal.lines(path) for path in sorted(self.path.iterdir())]
        for line in heapq.merge(*sources, key=journal.order):
            yield from self._event(line, lambda _: b"")

    def _event(self, line: bytes, more: Callable[[int], bytes]) -> Iterator[dict[str, Any]]:
        """The event of a line, or nothing; a line that is too long is passed over to its end."""
        whole = line.endswith(b"\n")
        if not whole and len(line) == LINE:
            while line and not line.endswith(b"\n"):
                line = more(LINE)
            self.skipped += 1
            return
        event = _parse(line)
        self.torn = not whole
        if event is not None:
            yield event
        elif line.strip():
            self.skipped += 1

    def damage(self) -> str | None:
        """One sentence on what the last iteration could not read; None where all was well."""
        if self.trouble is not None:
            return self.trouble
        if not self.skipped:
            return None
        lines, stand = f"{self.skipped} lines", "stand"
        if self.skipped == 1:
            lines, stand = "one line", "stands"
        tail = " (the last one is torn)" if self.torn else ""
        return f"{lines} of {self.path} cannot be read and {stand} for no event{tail}"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
