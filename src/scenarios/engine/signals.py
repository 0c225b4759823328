"""Ctrl-C and SIGTERM while a run lasts; and what ends code that runs on the calling thread.

Signals are heard by a thread of their own, from a descriptor that Python's own handler writes to:
a handler in Python would have to wait for the main thread, which may be in a system call that it
entered just before the signal came.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

from scenarios.engine.members import inline_code
from scenarios.engine.state import RunState
from scenarios.errors import Stopped

HEARD = (signal.SIGINT, signal.SIGTERM)
FORCE = signal.SIGRTMIN + 12  # the engine's to its own main thread; nobody else sends it


LAST_WORD = 1.0
"""Seconds at most in which the log is closed when the engine leaves at once."""


class Signals:
    """The first signal stops the run, the second kills its workers, the third leaves at once.

    Where no run is steered the first one is noted, and told to the next run, if there is one; the
    second leaves at once. `last` is the number of the last one, None as long as there was none.
    """

    def __init__(self) -> None:
        self._state: RunState | None = None
        self._mutex = threading.Lock()
        self._count = 0
        self._heard_at_all = False
        self.last: int | None = None

    def _hear(self, ours: socket.socket, before: int) -> None:
        while numbers := ours.recv(64):
            for number in numbers:
                if number in HEARD:
                    self._heard(number)
            if before >= 0:
                with contextlib.suppress(OSError):
                    os.write(before, numbers)  # whose descriptor it was before

    def _heard(self, number: int) -> None:
        with self._mutex:
            self._count += 1
            self.last = number
            state = self._state
            if self._count > (1 if state is None else 2):
                _leave(state, number)
            if state is not None:
                state.inbox.put(("interrupt", number))

    @contextlib.contextmanager
    def steering(self, state: RunState) -> Iterator[None]:
        """While this lasts they go to this run's supervisor."""
        with self._mutex:
            self._state = state
            if self.last is not None:
                state.inbox.put(("interrupt", self.last))
        if self._heard_at_all:
            state.force_inline = self.force
        try:
            yield
        finally:
            with self._mutex:
                self._state = None

    def force(self) -> None:
        """Raise Stopped in the code of a worker that runs on the main thread.

        One that comes just before a system call is noticed only after it: call again.
        """
        signal.pthread_kill(threading.main_thread().ident or 0, FORCE)

    def _forced(self, *_: Any) -> None:
        state = self._state
        if state is not None and inline_code(state.members):
            raise Stopped("ended by force")

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """While this lasts they are heard; on the main thread."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._heard_at_all = True
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(
            target=self._hear, args=(ours, before), name="scenarios-signals", daemon=True
        )
        thread.start()
        handlers = {FORCE: signal.signal(FORCE, self._forced)}
        handlers |= {number: signal.signal(number, _nothing) for number in HEARD}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
            theirs.close()
            thread.join()
            ours.close()


def _nothing(*_: Any) -> None:
    """A handler must be there, so that the signal does not end the process."""


def _leave(state: RunState | None, number: int) -> None:
    """End this process; its guard ends the rest. The log is closed, unless that takes too long."""
    if state is not None:
        close = state.facilities.leave_log
        thread = threading.Thread(target=close, args=(128 + number,), daemon=True)
        thread.start()
        thread.join(LAST_WORD)
    os._exit(128 + number)


@contextlib.contextmanager
def heard() -> Iterator[Signals]:
    """While this lasts Ctrl-C and SIGTERM are heard; only the main thread can say so."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    with signals.installed():
        yield signals
