"""What an executor of this host has besides its ports: supervised processes and their output."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from scenarios.contracts import Ports
from scenarios.expressions import Expression
from scenarios.supervision.client import Spawner
from scenarios.supervision.output import OutputPump, Stream
from scenarios.worker.crew import Crew
from scenarios.worker_plan import WorkerPlan

LAST_WORDS = 1.0
"""Seconds to read what a dead worker left in its pipes, which others may hold open."""


class HostPorts(Ports, Protocol):
    """The ports that the engine of this host gives; plugins may count on `Ports` alone."""

    def spawner(self) -> Spawner:
        """The run's spawner, started at its first use."""

    def pump(self) -> OutputPump:
        """The thread that reads what children write."""

    def crew(self) -> Crew:
        """This attempt's threads in the engine's process."""

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression with the worker's names."""

    def on_input_over(self, then: Callable[[], None]) -> None:
        """Call `then` once nobody can put into the queue that feeds this worker any more."""


def place(plan: WorkerPlan, ports: HostPorts) -> tuple[dict[str, str], str | None]:
    """The environment that a worker adds, and its folder: relative to the scenario's.

    A worker that names no folder has the engine's.
    """
    env = {name: str(ports.evaluate(value)) for name, value in plan.env.items()}
    if plan.cwd is None:
        return env, None
    return env, os.path.join(ports.setting.modules, str(ports.evaluate(plan.cwd)))


def finish(streams: Iterable[Stream]) -> None:
    """Read what their writers left, which have ended; together this takes LAST_WORDS at most."""
    deadline = time.monotonic() + LAST_WORDS
    for stream in streams:
        stream.finish(max(0.0, deadline - time.monotonic()))


class Lines:
    """Output in pieces to an event for each line, up to a bound; the rest is only counted."""

    LIMIT = 1 << 20  # bytes of one stream's events; files and results hold more
    COST = 64  # of each event besides its text, so that many short lines are bounded, too

    def __init__(self, ports: Ports, stream: str) -> None:
        self._ports = ports
        self._stream = stream
        self._rest = b""
        self._told = 0

    def __call__(self, data: bytes) -> None:
        """Take a piece."""
        if self._told > self.LIMIT:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
            if self._told > self.LIMIT:
                break
        if self._told + len(self._rest) > self.LIMIT:
            self._told = self.LIMIT + 1
            self._ports.event("notice", message=f"more {self._stream} is not shown line by line")

    def end(self) -> None:
        """Tell a last line without a newline."""
        if self._rest and self._told <= self.LIMIT:
            self._tell(self._rest)
        self._rest = b""

    def _tell(self, line: bytes) -> None:
        self._told += len(line) + self.COST
        text = line.decode("utf-8", "replace").removesuffix("\r")
        self._ports.event("output", stream=self._stream, text=text)
