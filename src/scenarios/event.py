"""The event record and its line: made from a template for each operation, not from a dict.

A line begins with `{"time":NANOSECONDS,"seq":NUMBER,` (CLOCK_MONOTONIC, and a count for each
process), so that lines are ordered without being parsed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring_ascii
from typing import Any, Protocol

LARGEST_VALUE = 48 * 1024
"""Characters of a value in an event; with the rest a record stays under 64 KiB."""

PREVIEW = 1024
quoted = encode_basestring_ascii
next_number = itertools.count(1).__next__
"""Numbers the events of this process; a forked one counts on from where its parent was."""


class Sink(Protocol):
    """Where lines go: a segment."""

    def write(self, text: str) -> None:
        """Take one whole line."""


def encoded(value: Any) -> str:
    """A value as JSON with a bound; what JSON does not know is told by its repr."""
    if value.__class__ is int:
        return str(value) if -(10**18) < value < 10**18 else quoted(_shown(value))
    if value.__class__ is str and len(value) <= LARGEST_VALUE:
        return quoted(value)
    if value is None:
        return "null"
    try:
        text = json.dumps(value, default=_shown)
    except (TypeError, ValueError, RecursionError):
        text = quoted(_shown(value))
    if len(text) > LARGEST_VALUE:
        digest = hashlib.sha256(text.encode()).hexdigest()
        cut = {"preview": text[:PREVIEW], "length": len(text), "sha256": digest}
        return json.dumps(cut)
    return text


def _shown(value: Any) -> str:
    """A bounded repr that never fails."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}: repr failed: {type(error).__name__}>"
    return text if len(text) <= PREVIEW else text[:PREVIEW] + "..."


class Masker:
    """Replaces secret texts, also where JSON escaped them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quoted(secret)[1:-1])}
        self._forms = sorted(forms, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def data(self, value: Any) -> Any:
        """Plain data without the secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.data(item) for item in value]
        if isinstance(value, dict):
            return {self.data(key): self.data(item) for key, item in value.items()}
        return value


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

    def heads(self, operation: Any) -> tuple[str, str]:
        """The fixed parts of an operation's lines: before and after the event's name."""
        found = self._heads.get(operation)
        if found is None:
            tail = f'"op":{quoted(operation.name)}'
            if operation.object:
                tail += f',"object":{quoted(operation.object)}'
            tail += f',"line":{operation.line}' if operation.line else ""
            found = self._heads[operation] = (
                f'"event":"invoke",{self._identity},{tail}',
                f"{self._identity},{tail}",
            )
        return found

    def line(self, text: str) -> None:
        """Record the finished line of an event that people may want to see."""
        if self._masker is not None:
            text = self._masker.text(text)
        self._sink.write(text)
        if self._observe is not None:
            self._observe(text.encode())

    def _unobserved(self, text: str) -> None:
        self._sink.write(self._masker.text(text) if self._masker is not None else text)

    def event(self, event: str, **fields: Any) -> None:
        """Record an event that is no operation; None fields are left out."""
        parts = (
            [f'"event":{quoted(event)}', self._identity]
            if self._identity
            else [f'"event":{quoted(event)}']
        )
        parts += [f"{quoted(k)}:{encoded(v)}" for k, v in fields.items() if v is not None]
        self.line(f'{{"time":{time.monotonic_ns()},"seq":{next_number()},{",".join(parts)}}}\n')


class SharedRecorder(Recorder):
    """A recorder that several threads of the engine use; `worker` may be given with each event."""

    __slots__ = ("_mutex",)

    def __init__(self, sink: Sink, **options: Any) -> None:
        super().__init__(sink, {}, **options)
        self._mutex = threading.Lock()

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
    known["thread"] = threading.current_thread().name
    return known
