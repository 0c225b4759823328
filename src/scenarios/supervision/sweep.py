"""What a run leaves whose engine, spawner and guard were killed: ended, removed by the next run."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from scenarios.hub import whereabouts
from scenarios.runs import HUB, STAMP, inside, try_lock
from scenarios.supervision import marks, proctable

# Seconds by which clocks may differ: a process's start is known in ticks since boot, a lock's
# making in the file system's time.
_SLACK = 2.0
_ROUNDS = 20  # what is killed may have forked meanwhile


def sweep(runs: str | os.PathLike[str]) -> int:
    """End processes that carry the mark of a dead run of the folder `runs`; their number.

    Then the folders of the sockets of such runs' hubs are removed. A run is dead when the lock of
    its folder (`<runs>/<id>/lock`) is free; while its processes are ended the lock is held here.
    Left alone are processes of other users, those that started before the run did, and this process
    with all above it. Never raises OSError.
    """
    ended: set[int] = set()
    for run in _marked():
        lock = try_lock(Path(runs) / run) if run not in ("", ".", "..") else None
        if lock is None:
            continue
        try:
            ended |= _end(run, os.fstat(lock).st_mtime - _SLACK)
        finally:
            os.close(lock)
    for note in _notes(Path(runs)):
        lock = try_lock(note.parent)
        if lock is not None:
            whereabouts.remove_noted(note)
            os.close(lock)
    return len(ended)


def _notes(runs: Path) -> list[Path]:
    """The files that name folders of hubs, as far as they can be seen."""
    try:
        notes = [path / HUB for path in inside(runs) if STAMP.match(path.name)]
    except OSError:
        return []
    return [note for note in notes if os.path.lexists(note)]


def _end(run: str, since: float) -> set[int]:
    """SIGKILL what carries the mark of `run` and started after `since`, until there is nothing."""
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        pids = [pid for pid in _marked().get(run, ()) if _started(pid) >= since]
        if not pids:
            break
        for pid in pids:
            _kill(pid, run)
        ended.update(pids)
        time.sleep(0.002)
    return ended


def _kill(pid: int, run: str) -> None:
    """SIGKILL a process if it still carries the mark once its number is held."""
    with contextlib.suppress(OSError):  # it ended
        handle = os.pidfd_open(pid)
        try:
            if marks.of(pid, marks.RUN) == run:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _lineage() -> set[int]:
    """This process and its ancestors: a run inside of a run is not its own enemy."""
    found: set[int] = set()
    pid: int | None = os.getpid()
    while pid and pid not in found:
        found.add(pid)
        pid = proctable.parent_of(pid)
    return found


def _marked() -> dict[str, list[int]]:
    """The processes of this user that carry a mark, by run."""
    me = os.geteuid()
    spared = _lineage()
    found: dict[str, list[int]] = {}
    for pid in proctable.everyone():
        try:
            if pid in spared or os.stat(f"/proc/{pid}").st_uid != me:
                continue
        except OSError:
            continue
        run = marks.of(pid, marks.RUN)
        if run is not None and "/" not in run:
            found.setdefault(run, []).append(pid)
    return found


def _started(pid: int) -> float:
    """When a process started, in seconds of the wall clock; 0 when there is none."""
    found = proctable.status(pid)
    if found is None or found.state in "ZX":
        return 0.0
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot + found.start / os.sysconf("SC_CLK_TCK")
