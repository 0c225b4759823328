"""Sees every event of a run while it lasts: tallies what results need, tells the observer."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from scenarios.engine.losses import Losses
from scenarios.supervision.output import BoundedOutput
from scenarios.worker import capture

KEPT = 1 << 20
"""Bytes kept of what a worker that is no command prints."""


class Watch:
    """`observer` gets each event as a dict, one at a time, from whatever thread it came from.

    One that raises is told nothing more; `problems` says so, and holds what events gave notice of.
    """

    def __init__(self, observer: Callable[[dict[str, Any]], None]) -> None:
        self._observer: Callable[[dict[str, Any]], None] | None = observer
        self._mutex = threading.Lock()
        self._patterns: dict[str, list[tuple[re.Pattern[str], Callable[[], None]]]] = {}
        self._held: dict[str, list[dict[str, Any]]] = {}
        self.printed: dict[tuple[str, str], BoundedOutput] = {}
        self.locals: dict[str, dict[str, int]] = {}
        self.problems: list[str] = []
        self.losses = Losses()

    def line(self, line: bytes) -> None:
        """Take one event's line."""
        event = json.loads(line)
        with self._mutex:
            held = self._held.get(event.get("worker", "")) if self._held else None
            if held is not None and event["event"] != "worker_started":
                held.append(event)
            else:
                self._take(event)

    def hold(self, worker: str) -> None:
        """From now on a worker's events wait, until its start is told and `let_go` is called."""
        with self._mutex:
            self._held[worker] = []

    def let_go(self, worker: str) -> None:
        """The worker's start was told, or never will be."""
        with self._mutex:
            for event in self._held.pop(worker, ()):
                self._take(event)

    def close(self) -> None:
        """The run has ended: what an abandoned thread still does is told to nobody."""
        with self._mutex:
            self._observer = None

    def expect_line(self, worker: str, pattern: re.Pattern[str], then: Callable[[], None]) -> None:
        """Call `then` at the first line of a worker's output or log that the pattern finds."""
        with self._mutex:
            self._patterns.setdefault(worker, []).append((pattern, then))

    def forget(self, worker: str) -> None:
        """A new attempt begins: what the one before printed does not count."""
        with self._mutex:
            self._patterns.pop(worker, None)
            for stream in ("stdout", "stderr"):
                self.printed.pop((worker, stream), None)

    def text(self, worker: str, stream: str) -> str:
        """What a worker printed."""
        kept = self.printed.get((worker, stream))
        return kept.text() if kept is not None else ""

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "output":
            self._print(event)
        elif kind in ("local_opened", "local_closed"):
            counts = self.locals.setdefault(event["object"], {"made": 0, "closed": 0})
            counts["made" if kind == "local_opened" else "closed"] += 1
        elif kind == "notice":
            self.problems.append(event["message"])
        elif kind == "events_lost":
            self.losses.take(event)
        if kind in ("output", "log"):
            self._match(event)
        if self._observer is None:
            return
        try:
            with capture.outside():  # an observer that prints is no worker's output
                self._observer(event)
        except Exception as error:  # as a terminal that was closed
            self._observer = None
            self.problems.append(f"events are shown no more: {type(error).__name__}: {error}")

    def _print(self, event: dict[str, Any]) -> None:
        key = event.get("worker", ""), event["stream"]
        kept = self.printed.get(key)
        if kept is None:
            kept = self.printed[key] = BoundedOutput(KEPT)
        kept((_said(event, "text") + "\n").encode("utf-8", "surrogatepass"))

    def _match(self, event: dict[str, Any]) -> None:
        waiting = self._patterns.get(event.get("worker", ""))
        if not waiting:
            return
        text = _said(event, "text" if "text" in event else "message")
        for pattern, then in list(waiting):
            if pattern.search(text):
                waiting.remove((pattern, then))
                then()


def _said(event: dict[str, Any], key: str) -> str:
    """A text of an event; one that was too long for it is told by its beginning."""
    text = event.get(key, "")
    if isinstance(text, dict):
        return f"{str(text.get('preview'))[1:]} [... {text.get('length')} characters ...]"
    return str(text)
