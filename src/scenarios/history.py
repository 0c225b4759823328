"""The events of a stored run, read in order from files that may be damaged.

A run that was killed, or whose disk was full, leaves a torn last line; a broken disk may leave
any line broken. Reading never fails: what is no event is skipped and counted. A run that is under
way, or that was killed, has no `events.jsonl` yet: its segments are read in its place.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenarios import runs
from scenarios.journal import LARGEST_LINE, Merged

NUMBERS = frozenset({"time", "seq", "replica", "job", "pid", "line", "duration"})
TEXTS = frozenset({"event", "worker", "thread", "op", "object"})
"""What these keys hold where they are there; others may hold anything."""

LARGEST = 1 << 63
"""Beyond any number of ours, and what a float can hold."""


def of_run(folder: Path) -> History:
    """The events of the run that a folder holds, whether it has ended or not."""
    return History(folder / "events.jsonl", folder / "segments", over=not runs.under_way(folder))


class History:
    """Events of a file, or else of a folder of segments; oldest first, iterate again to read again.

    `over` says that nobody writes into the segments any more. After an iteration `skipped` tells
    how many lines were no events, `torn` how many of them had no end, and `trouble` holds one
    sentence where a file could not be read on.
    """

    def __init__(self, path: Path, segments: Path | None = None, *, over: bool = True) -> None:
        self.path = path
        self.segments = segments
        self.over = over
        self.skipped = 0
        self.torn = 0
        self.trouble: str | None = None
        self._read = path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.skipped, self.torn, self.trouble = 0, 0, None
        last = None
        try:
            if self.segments is not None and not os.path.lexists(self.path):
                for event in self._merged(self.segments):
                    last = _place(event)
                    yield event
                return
        except FileNotFoundError as error:
            if not os.path.lexists(self.path):
                self._failed(error)
                return  # else the run has ended meanwhile, and that file has it all
        except OSError as error:
            self._failed(error)
            return
        try:
            yield from (event for event in self._whole() if last is None or _place(event) > last)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        place = error.filename or self._read
        self.trouble = f"cannot read {place}: {error.strerror or error}"

    def _merged(self, folder: Path) -> Iterator[dict[str, Any]]:
        self._read = folder
        merged = Merged(folder, over=self.over)
        for line in merged:
            yield from self._event(line)
        if self.over:
            self.torn += merged.torn
            self.skipped += merged.torn
        if merged.trouble is not None:
            raise merged.trouble

    def _whole(self) -> Iterator[dict[str, Any]]:
        self._read = self.path
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError("it is no file")
        with self.path.open("rb") as file:
            while line := file.readline(LARGEST_LINE):
                whole = line.endswith(b"\n")
                if not whole and len(line) == LARGEST_LINE:
                    while line and not line.endswith(b"\n"):  # passed over to its end
                        line = file.readline(LARGEST_LINE)
                    self.skipped += 1
                    continue
                self.torn = int(not whole)
                yield from self._event(line)

    def _event(self, line: bytes) -> Iterator[dict[str, Any]]:
        """The event of a line, or nothing."""
        event = _parse(line)
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
        return f"{lines} of {self._read} cannot be read and {stand} for no event{tail}"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(event, dict) and isinstance(event.get("event"), str)
    return event if fits and all(map(_fits, event.items())) else None


def _place(event: dict[str, Any]) -> tuple[Any, Any]:
    """Where an event stands in the order of time."""
    return event.get("time", 0), event.get("seq", 0)


def _fits(item: tuple[str, Any]) -> bool:
    key, value = item
    if key in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and -LARGEST < value < LARGEST
    return isinstance(value, str) or key not in TEXTS
