"""The guard: parent of the spawner, there only to end what a killed or stopped spawner leaves.

Being a subreaper, it is given every descendant of a spawner that died, whatever session or
environment they made for themselves. It imports next to nothing and sleeps while all is well.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import Any, NoReturn

from scenarios.supervision import linux, proctable

# Milliseconds that a spawner may take to end everything once the engine is gone; a stopped one
# would take for ever.
_PATIENCE = 100


def main(setup: dict[str, Any], channel: int) -> NoReturn:
    """Fork the spawner, which talks to the engine on `channel`, and outlive it."""
    _plain_signals()
    os.set_inheritable(channel, False)
    engine = _watch_parent(setup["engine"])
    linux.set_subreaper(True)
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        watched = _watch_parent(guard)
        from scenarios.supervision import spawner  # after the fork: the guard stays small

        spawner.main(setup, channel, (engine, watched))
    os.close(channel)  # the engine must see the spawner's end of it close
    _outlive(pid, engine)


def _watch_parent(pid: int) -> int:
    """A pidfd of the process that made this one, if it still is there; the end if not."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        os._exit(1)
    if os.getppid() != pid:
        os._exit(1)
    return watched


def _plain_signals() -> None:
    """Undo what the engine's process had ignored or blocked: all of it is inherited.

    What every Python program ignores, so that it gets an error instead, stays so.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        ignored = signal.getsignal(number) == signal.SIG_IGN
        if ignored and number not in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)


def _outlive(spawner: int, engine: int) -> NoReturn:
    """Wait for the spawner's end, or for the engine's and then a little; end everything."""
    watched = os.pidfd_open(spawner)
    either = select.poll()
    either.register(watched, select.POLLIN)
    either.register(engine, select.POLLIN)
    ended = {fd for fd, _ in either.poll()}
    if watched not in ended:
        either.unregister(engine)
        either.poll(_PATIENCE)
    while True:
        proctable.kill_below(os.getpid())
        if not reap_all():
            os._exit(0)
        time.sleep(0.001)


def reap_all() -> bool:
    """Reap what has ended; False when this process has no child left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
