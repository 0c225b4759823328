"""Looking at processes from outside, without the code under test."""

from __future__ import annotations

import itertools
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

TICK = 0.005
"""Seconds between two looks."""

_numbers = itertools.count()


def new_mark() -> str:
    """A word that no other process on this machine carries."""
    return f"mark-{os.getpid()}-{next(_numbers)}-{time.monotonic_ns()}"


def survivors(mark: str) -> dict[int, str]:
    """The processes, zombies aside, that carry the mark in environment or command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
                if mark.encode() in words and _state(folder) != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return found


def _state(folder: Path) -> str:
    return (folder / "stat").read_text().rpartition(") ")[2][0]


def zombies(parent: int) -> list[int]:
    """The ended and unreaped children of a process."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit():
                state, above = (folder / "stat").read_text().rpartition(") ")[2].split()[:2]
                if state == "Z" and int(above) == parent:
                    found.append(int(folder.name))
        except OSError:
            continue
    return found


def left_after(mark: str, seconds: float) -> tuple[dict[int, str], float]:
    """What is left once nothing is, or after `seconds`; and how long that took.

    Of the `seconds` those do not count in which this thread was kept from running: on a busy
    machine everybody is.
    """
    start, used, slept = time.monotonic(), time.thread_time(), 0.0
    while True:
        left = survivors(mark)
        took = time.monotonic() - start
        waited = took - (time.thread_time() - used) - slept
        if not left or took - waited > seconds:
            return left, took
        time.sleep(TICK)
        slept += TICK


class Deaths:
    """Notes when processes end, on a thread of its own; a context manager.

    `find` gives the pids to watch, more and more of them. `at` is pid: time of `time.monotonic`.
    `lag` is how many seconds this thread came too late at most: on a busy machine everybody does.
    """

    def __init__(self, find: Callable[[], Iterable[int]]) -> None:
        self.at: dict[int, float] = {}
        self.lag = 0.0
        self._find = find
        self._over = threading.Event()
        self._poll = select.poll()
        self._watched: dict[int, int] = {}  # pid by pidfd
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Deaths:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for handle in self._watched:
            os.close(handle)

    @property
    def alive(self) -> set[int]:
        """Those that are watched and have not ended."""
        return set(self._watched.values())

    def _run(self) -> None:
        known: set[int] = set()
        while not self._over.is_set():
            for pid in set(self._find()) - known:
                known.add(pid)
                self._watch(pid)
            for _ in range(10):  # to look for more pids takes longer
                self._look()

    def _watch(self, pid: int) -> None:
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            self.at[pid] = time.monotonic()
            return
        self._watched[handle] = pid
        self._poll.register(handle, select.POLLIN)

    def _look(self) -> None:
        began = time.monotonic()
        ended = self._poll.poll(TICK * 1000)
        now = time.monotonic()
        self.lag = max(self.lag, now - began - TICK)
        for handle, _ in ended:
            self.at[self._watched.pop(handle)] = now
            self._poll.unregister(handle)
            os.close(handle)
