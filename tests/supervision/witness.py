"""Looking at the process table from outside, without the code under test."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

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
    """What is left once nothing is, or after `seconds`; and how long that took."""
    start = time.monotonic()
    while True:
        left = survivors(mark)
        took = time.monotonic() - start
        if not left or took > seconds:
            return left, took
        time.sleep(0.005)
