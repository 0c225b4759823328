"""The process table as /proc tells it: who is below whom, and ending all that is below one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Status(NamedTuple):
    """One process in /proc; `start` counts clock ticks since boot."""

    state: str
    parent: int
    group: int
    session: int
    start: int


def status(pid: int) -> Status | None:
    """What /proc says of a process; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(4096)
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, so the fields count from the last one.
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    parent, group, session = (int(field) for field in fields[1:4])
    return Status(fields[0].decode(), parent, group, session, int(fields[19]))


def is_stopped(pid: int) -> bool:
    """Whether a process is there and held by a signal, such as SIGSTOP, or by a debugger."""
    found = status(pid)
    return found is not None and found.state in "tT"


def everyone() -> list[int]:
    """The pids of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid: int) -> list[int]:
    """The pids of a process's children, zombies included."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb", buffering=0) as file:
                found.extend(int(word) for word in _whole(file.read))
    except FileNotFoundError:
        if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
            return [other for other in everyone() if parent_of(other) == pid]  # an old kernel
    except OSError:
        pass  # it ended while it was looked at
    return found


def _whole(read: Callable[[int], bytes | None]) -> list[bytes]:
    parts = []
    while part := read(65536):
        parts.append(part)
    return b"".join(parts).split()


def parent_of(pid: int) -> int | None:
    """The parent's pid; None when there is no such process."""
    found = status(pid)
    return found.parent if found else None


def descendants(root: int) -> list[int]:
    """All processes below `root`, parents first."""
    found: list[int] = []
    seen = {root}
    todo = [root]
    while todo:
        for child in children(todo.pop()):
            if child not in seen:
                seen.add(child)
                found.append(child)
                todo.append(child)
    return found


def kill_all(pids: Iterable[int], parents: Iterable[int]) -> None:
    """SIGKILL each of `pids` whose parent is still one of `parents` or of `pids`.

    The pidfd is opened before that check: a number that was given to a new process is left alone.
    """
    pids = list(pids)
    family = {*pids, *parents}
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            if parent_of(pid) in family:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        except OSError:
            pass  # it ended, or it is another user's
        finally:
            os.close(handle)


def kill_below(root: int) -> None:
    """One pass of SIGKILL over everything below `root`; what forks meanwhile needs another pass."""
    kill_all(descendants(root), (root,))
