"""Programs that resist their end, as functions for `call` and as a command.

Each appends the pid of every process that it consists of to a file, and then prints "up".

Usage: python resisting.py NAME FILE
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

POLITE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MEMBERS = {
    "polite": 1,
    "deaf": 1,
    "stopped": 1,
    "stopped_and_deaf": 1,
    "stops_again": 1,
    "leaves_a_child": 2,
    "family": 5,
    "daemonises": 3,
    "becomes_a_daemon": 2,
    "floods": 1,
    "prints": 1,
}
"""Of how many processes each consists."""


def polite(file: str) -> None:
    """End by any signal."""
    _up(file)
    time.sleep(60)


def deaf(file: str) -> None:
    """Ignore every polite request."""
    _ignore()
    polite(file)


def stopped(file: str) -> None:
    """Be stopped by a signal, as by Ctrl-Z or a debugger."""
    _up(file)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)


def stopped_and_deaf(file: str) -> None:
    """Be stopped, and ignore every polite request once woken."""
    _ignore()
    stopped(file)


def stops_again(file: str) -> None:
    """Be stopped once more each time that somebody wakes it."""
    _ignore()
    _up(file)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGSTOP)


def leaves_a_child(file: str) -> None:
    """Leave a deaf child in the group, and end."""
    _child(file, "deaf")
    wait_for(file, 1)
    _up(file)


def family(file: str) -> None:
    """Be deaf, with a child, one that is stopped, one in a session of its own, and a daemon."""
    _ignore()
    _child(file)
    _child(file, "stopped")
    _child(file, "session")
    _daemon(file)
    wait_for(file, 4)
    deaf(file)


def daemonises(file: str) -> None:
    """End politely, and leave a daemon and a child in a session of its own."""
    _child(file, "deaf, session")
    _daemon(file)
    wait_for(file, 2)
    polite(file)


def becomes_a_daemon(file: str) -> None:
    """End at once, as a server does that puts itself in the background."""
    _daemon(file)
    wait_for(file, 1)
    _up(file)


def floods(file: str) -> None:
    """Be deaf, write 250 MiB in long lines, and go on writing."""
    line = b"x" * 65535 + b"\n"
    _flood(file, lambda: os.write(1, line))


def prints(file: str) -> None:
    """The same by `print`, and the line never ends; nor does this process grow."""
    part = "x" * 65536
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _flood(file, lambda: print(part, end=""), before + 16 * 1024)


def _flood(file: str, write: Callable[[], object], most: float = math.inf) -> None:
    _ignore()
    for _ in range(250 * 16):
        write()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < most
    _note(file)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        write()


def _ignore() -> None:
    for number in POLITE:
        signal.signal(number, signal.SIG_IGN)


def _up(file: str) -> None:
    _note(file)
    print("up", flush=True)


def _note(file: str) -> None:
    with open(file, "a") as notes:
        notes.write(f"{os.getpid()}\n")


def wait_for_all(folder: str) -> None:
    """Until every file of a folder, which are called NAME.KIND, has as many pids as it should.

    And until each of those sleeps, is stopped or has ended: Python notices a signal that comes just
    before a system call only after it.
    """
    for file in os.listdir(folder):
        name, path = file.partition(".")[0], os.path.join(folder, file)
        wait_for(path, MEMBERS[name])
        if name not in ("floods", "prints"):
            for pid in pids_of(path):
                _wait_for_rest(pid)


def wait_for(file: str | os.PathLike[str], number: int) -> None:
    """Until a file has this many pids."""
    end = time.monotonic() + 30
    while len(pids_of(file)) < number:
        assert time.monotonic() < end, f"{file} has too few processes"
        time.sleep(0.01)


def _wait_for_rest(pid: int) -> None:
    end = time.monotonic() + 30
    while _state(pid) in "RD":
        assert time.monotonic() < end, f"{pid} does not come to rest"
        time.sleep(0.002)


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2][0]
    except OSError:
        return "X"


def pids_of(file: str | os.PathLike[str]) -> list[int]:
    """The pids that are in a file so far."""
    with contextlib.suppress(OSError), open(file) as notes:
        return [int(line) for line in notes.read().splitlines(keepends=True) if line[-1] == "\n"]
    return []


def _child(file: str, kind: str = "") -> None:
    if os.fork() == 0:
        if "session" in kind:
            os.setsid()
        _live(file, kind)


def _live(file: str, kind: str) -> NoReturn:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in kind else signal.SIG_DFL)
        _note(file)
        if "stopped" in kind:
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)
    finally:
        os._exit(0)


def _daemon(file: str) -> None:
    """The classic double fork, in a session of its own, with every file let go."""
    middle = os.fork()
    if middle == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            os.closerange(3, 256)
            _live(file, "deaf")
        os._exit(0)
    os.waitpid(middle, 0)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
