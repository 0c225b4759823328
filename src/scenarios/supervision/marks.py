"""Marks in the environment: of which run, and of which child of its spawner, a process is.

Whatever a worker starts inherits them, in a session of its own or not, unless it clears its
environment.
"""

from __future__ import annotations

import contextlib
import os

RUN = "SCENARIOS_RUN"  # the run's id
CHILD = "SCENARIOS_CHILD"  # the run's id and the child's number, as long as any other's


def marked(run: str, number: int = 0) -> dict[str, str]:
    """What the environment of a child has; the spawner's own number is 0."""
    return {RUN: run, CHILD: f"{run}/{number:010d}"}


def of(pid: int, mark: str) -> str | None:
    """What a process says of itself; None for another user's, and for one that has ended."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return None
    name = mark.encode() + b"="
    return next((os.fsdecode(word[len(name) :]) for word in words if word.startswith(name)), None)


def wear(child: str) -> None:
    """Have this process, which was forked and runs no new program, say which child it is.

    What others see in /proc is the memory that the environment was in when the program began: its
    place is told there, too, and the old mark in it is as long as the new one.
    """
    with contextlib.suppress(OSError), open("/proc/self/mem", "r+b", buffering=0) as memory:
        start, end = _environment()
        memory.seek(start)
        before, name, after = memory.read(end - start).partition(b"\0" + CHILD.encode() + b"=")
        value = os.fsencode(child)
        if name and after.find(b"\0") == len(value):
            memory.seek(start + len(before) + len(name))
            memory.write(value)


def _environment() -> tuple[int, int]:
    """Where it begins and ends: fields 50 and 51 in proc(5); here the third is the first."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b") ")[2].split()
    return int(fields[47]), int(fields[48])
