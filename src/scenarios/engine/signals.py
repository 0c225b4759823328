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


class Signals:
    """The first signal stops the run, the second kills its workers, the third leaves at once.

    `last` is the number of the last one, None as long as there was none.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._count = 0
        self._before = -1
        self._ours, self._theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._hear, name="scenarios-signals", daemon=True)
        self.last: int | None = None

    def _hear(self) -> None:
        while numbers := self._ours.recv(64):
            for number in numbers:
                if number in HEARD:
                    self._heard(number)
            if self._before >= 0:
                with contextlib.suppress(OSError):
                    os.write(self._before, numbers)  # whose descriptor it was before

    def _heard(self, number: int) -> None:
        self._count += 1
        if self._count > 2:
            os._exit(128 + number)
        self.last = number
        self._state.inbox.put(("interrupt", number))

    def force(self) -> None:
        """Raise Stopped in the code of a worker that runs on the main thread.

        One that comes just before a system call is noticed only after it: call again.
        """
        signal.pthread_kill(threading.main_thread().ident or 0, FORCE)

    def _forced(self, *_: Any) -> None:
        if inline_code(self._state.members):
            raise Stopped("ended by force")

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """While this lasts they are heard; on the main thread."""
        self._theirs.setblocking(False)
        self._thread.start()
        self._state.force_inline = self.force
        self._before = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        handlers = {FORCE: signal.signal(FORCE, self._forced)}
        handlers |= {number: signal.signal(number, _nothing) for number in HEARD}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._before)
            self._theirs.close()
            self._thread.join()
            self._ours.close()


def _nothing(*_: Any) -> None:
    """A handler must be there, so that the signal does not end the process."""


@contextlib.contextmanager
def heard(state: RunState) -> Iterator[Signals]:
    """While this lasts, signals go to the supervisor; only the main thread can say so."""
    signals = Signals(state)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    with signals.installed():
        yield signals
