"""Records events: the line of an operation from a template, the others field by field."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from scenarios.event.masking import Masker
from scenarios.event.values import LARGEST_RECORD, encoded, named, quoted, shortened

next_number = itertools.count(1).__next__
"""Numbers the events of this process; a forked one counts on from where its parent was."""


class Sink(Protocol):
    """Where lines go: a segment."""

    def write(self, text: str) -> None:
        """Take one whole line."""


class Recorder:
    """Writes the events of one thread of one worker.

    `observe`, where given, gets the lines of events, and with `verbose` those of operations as
    well; `masker` hides secrets from both.
    """

    __slots__ = ("_heads", "_identity", "_masker", "_observe", "_sink", "operation")

    def __init__(
        self,
        sink: Sink,
        identity: dict[str, Any],
        masker: Masker | None = None,
        observe: Callable[[bytes], None] | None = None,
        verbose: bool = False,
    ) -> None:
        self._sink = sink
        self._masker = masker if masker else None
        self._observe = observe
        self._heads: dict[Any, tuple[str, str]] = {}
        # records the finished line of an operation: straight to the sink where nobody looks on
        self.operation = self.line if self._masker or verbose else sink.write
        if self._masker and not verbose:
            self.operation = self._unobserved
        self.identify(**identity)

    def identify(self, **identity: Any) -> None:
        """Whose events these are: worker, replica, job, pid, thread; absent ones are left out."""
        self._identity = json.dumps(identity, separators=(",", ":"))[1:-1]
        self._heads.clear()

    def forked(self) -> None:
        """In a forked child: its events are those of another process."""
        self.identify(**{**json.loads(f"{{{self._identity}}}"), "pid": os.getpid()})

    def heads(self, operation: Any) -> tuple[str, str]:
        """The fixed parts of an operation's lines: before and after the event's name."""
        found = self._heads.get(operation)
        if found is None:
            tail = f'"op":{quoted(operation.name)}'
            if operation.object:
                tail += f',"object":{quoted(named(operation.object))}'
            tail += f',"line":{operation.line}' if operation.line else ""
            found = self._heads[operation] = (
                f'"event":"invoke",{self._identity},{tail}',
                f"{self._identity},{tail}",
            )
        return found

    def line(self, text: str) -> None:
        """Record the finished line of an event that people may want to see."""
        text = self._fit(text)
        self._sink.write(text)
        if self._observe is not None:
            self._observe(text.encode())

    def _unobserved(self, text: str) -> None:
        self._sink.write(self._fit(text))

    def _fit(self, text: str) -> str:
        """Without secrets, and no longer than a record may be."""
        if self._masker is not None:
            text = self._masker.line(text)
        return text if len(text) <= LARGEST_RECORD else shortened(text)

    def event(self, event: str, **fields: Any) -> None:
        """Record an event that is no operation; None fields are left out."""
        self.line(self._line(event, fields, next_number()))

    def tell(self, event: str, **fields: Any) -> None:
        """Tell whoever looks on, and do not record it: it has no number."""
        if self._observe is not None:
            self._observe(self._fit(self._line(event, fields, 0)).encode())

    def _line(self, event: str, fields: dict[str, Any], number: int) -> str:
        parts = [f'"event":{quoted(event)}', self._identity]
        parts += [f"{quoted(k)}:{encoded(v)}" for k, v in fields.items() if v is not None]
        told = ",".join(filter(None, parts))
        return f'{{"time":{time.monotonic_ns()},"seq":{number},{told}}}\n'


class SharedRecorder(Recorder):
    """A recorder that several threads of the engine use; `worker` may be given with each event."""

    __slots__ = ("_mutex",)

    def __init__(self, sink: Sink, **options: Any) -> None:
        super().__init__(sink, {}, **options)
        self._mutex = threading.RLock()

    def event(self, event: str, **fields: Any) -> None:
        """Record an event, one thread at a time, so that the lines are in order."""
        with self._mutex:
            super().event(event, **fields)

    def line(self, text: str) -> None:
        """Record one finished line, one thread at a time."""
        with self._mutex:
            super().line(text)


def identity(worker: str, replica: int | None, job: int | None = None) -> dict[str, Any]:
    """The identity of the calling thread's events."""
    known: dict[str, Any] = {"worker": worker}
    if replica is not None:
        known["replica"] = replica
    if job is not None:
        known["job"] = job
    known["pid"] = os.getpid()
    known["thread"] = named(threading.current_thread().name)
    return known
