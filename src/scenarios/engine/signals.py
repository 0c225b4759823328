"""Ctrl-C and SIGTERM while a run lasts; and what ends code that runs on the calling thread."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

from scenarios.engine.members import inline_code
from scenarios.engine.state import RunState
from scenarios.errors import Stopped

FORCE = signal.SIGTERM  # the engine's own signal to its main thread; Ctrl-C is never taken for it


class Signals:
    """The first signal stops the run, the second kills its workers, the third leaves at once."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._count = 0
        self._forced = False
        self.last: int | None = None

    def handle(self, number: int, _: Any) -> None:
        """On the main thread, between any two of its instructions."""
        if self._forced and number == FORCE:
            self._forced = False
            if inline_code(self._state.members):
                raise Stopped("ended by force")
            return
        self._count += 1
        if self._count > 2:
            os._exit(128 + number)
        self.last = number
        self._state.inbox.put(("interrupt", number))

    def force(self) -> None:
        """Raise Stopped in the code of a worker that runs on the main thread."""
        self._forced = True
        signal.pthread_kill(threading.main_thread().ident or 0, FORCE)


@contextlib.contextmanager
def heard(state: RunState) -> Iterator[Signals]:
    """While this lasts, signals go to the supervisor; only the main thread can say so."""
    signals = Signals(state)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    state.force_inline = signals.force
    numbers = signal.SIGINT, signal.SIGTERM
    before = {number: signal.signal(number, signals.handle) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
