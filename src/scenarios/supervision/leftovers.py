"""What a spawner and its guard leave when both are killed: the engine is given it, and ends it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Set

from scenarios.supervision import linux, marks, proctable

_lock = threading.Lock()
_before: list[
    bool
] = []  # for each spawner that lives: whether this process was a subreaper already


def adopt() -> None:
    """Have orphans of the spawner given to this process, until as many calls of `release`."""
    with _lock:
        _before.append(linux.is_subreaper())
        linux.set_subreaper(True)


def release() -> None:
    """One spawner less; after the last one this process is what it was before the first."""
    with _lock:
        if len(_before) > 1:
            _before.pop()
        else:
            linux.set_subreaper(_before.pop())


def end(mark: str, known: Set[int], limit: float = 2.0) -> None:
    """SIGKILL and reap this process's children that came from the run `mark`, and all below them.

    Its other children are the host program's own. `known` are pids and sessions of the run, for
    those that do not carry the mark, as none does that has ended. Gives up after `limit` seconds.
    """
    me = os.getpid()
    deadline = time.monotonic() + limit
    ids, ours = set(known), set[int]()
    while time.monotonic() < deadline:
        for pid in proctable.children(me):
            found = proctable.status(pid)
            if found and ({pid, found.session} & ids or marks.of(pid, marks.RUN) == mark):
                ids.add(found.session)
                ours.add(pid)
        if not ours:
            return
        ours = {pid for pid in ours if not _reaped(pid)}
        for pid in ours:
            below = proctable.descendants(pid)
            ids.update(below)  # they may be given to this process when they have ended already
            proctable.kill_all(below, (pid,))
        proctable.kill_all(ours, (me,))
        time.sleep(0.001)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
