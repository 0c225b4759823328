"""Jobs that do to their process what nobody should: called by scenarios of tests, which copy this.

`misbehave(name, folder)` is the job; its ledger in the folder tells how often each one ran.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

files: list[Any] = []


class Mute(Exception):
    """Its text cannot be told."""

    def __str__(self) -> str:  # noqa: PLE0307  that is what it is here for
        sys.exit(0)


class Unseen:
    """A result that cannot be shown."""

    def __repr__(self) -> str:
        sys.exit(0)


def note(folder: str, text: str) -> None:
    """One line of the ledger, in one write."""
    fd = os.open(f"{folder}/ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{text}\n".encode())
    os.close(fd)


def recursion() -> Any:
    """Beyond Python's limit."""
    return recursion()


def overflow() -> Any:
    """Beyond the stack."""
    sys.setrecursionlimit(10**9)
    found: list[Any] = []
    for _ in range(10**6):
        found = [found]
    return repr(found)


def memory() -> None:
    """More than the address space may be: a little of it is left for those who tell it."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
    kept = []
    while True:
        kept.append(bytes(1 << 20))


def fill() -> None:
    """The same to the last page."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20), used + (8 << 20)))
    for size in (1 << 20, 1 << 12, 64):
        try:
            while True:
                files.append(bytes(size))
        except MemoryError:
            pass
    raise MemoryError


def close() -> None:
    """Every descriptor, as a program does that becomes a daemon."""
    os.closerange(0, 4096)


def replace(folder: str) -> None:
    """The same, with files of its own under the numbers that are free then."""
    close()
    for number in range(40):
        files.append(open(f"{folder}/own{number}", "w"))  # noqa: SIM115  it stays open
        files[-1].write("mine")
        files[-1].flush()


def fork(then: Callable[[], str]) -> str:
    """The child comes back as well, after its parent."""
    if os.fork():
        os.wait()
        return "parent"
    time.sleep(0.05)
    return then()


def fail() -> str:
    """What such a child may do instead."""
    raise ValueError("the child fails")


def garbage() -> None:
    """Bytes into every socket that it finds."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                os.write(int(name), b"\x00\x00\x00\x05E{{{{")
        except OSError:
            continue
    time.sleep(60)


JOBS: dict[str, Callable[[str], Any]] = {
    "fine": lambda _: "fine",
    "recursion": lambda _: recursion(),
    "overflow": lambda _: overflow(),
    "memory": lambda _: memory(),
    "fill": lambda _: fill(),
    "close": lambda _: close(),
    "replace": replace,
    "fork": lambda _: fork(lambda: "child"),
    "fork and fail": lambda _: fork(fail),
    "garbage": lambda _: garbage(),
    "unseen": lambda _: Unseen(),
}


def misbehave(name: str, folder: str) -> Any:
    """Run one of them."""
    note(folder, name)
    if name == "mute":
        raise Mute
    if name == "interrupt":
        raise KeyboardInterrupt
    return JOBS[name](folder)
