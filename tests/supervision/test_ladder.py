"""The ladder: polite, stubborn, flooding and stopped children end in time."""

from __future__ import annotations

import os
import signal
import time

import pytest

from scenarios.supervision.ladder import ladder
from scenarios.supervision.output import OutputPump
from supervision.conftest import Kit
from supervision.witness import zombies

LIMIT = 1.0  # seconds beyond the grace on a loaded machine; the figures are in `-m slow`


def test_polite(kit: Kit) -> None:
    """A child that ends by SIGTERM is never forced."""
    forced: list[bool] = []
    assert ladder(kit.command("sleep", "60"), 5, lambda: forced.append(True)) == -15
    assert forced == []


@pytest.mark.parametrize("fresh", [False, True])
def test_stubborn(kit: Kit, fresh: bool) -> None:
    """One that ignores TERM, INT and HUP is gone at grace + 250 ms, and force is told."""
    child = kit.worker("stubborn", fresh=fresh)
    time.sleep(0.3)
    forced: list[bool] = []
    start = time.monotonic()
    assert ladder(child, 0.2, lambda: forced.append(True)) == -9
    assert 0.2 <= time.monotonic() - start < 0.2 + LIMIT
    assert forced == [True]


def test_flooding(kit: Kit) -> None:
    """One that writes without end is gone in time while its output is drained."""
    pump = OutputPump()
    read, write = os.pipe()
    seen: list[int] = []
    stream = pump.add(read, lambda data: seen.append(len(data)))
    child = kit.worker("floods", stdout=write)
    os.close(write)
    time.sleep(0.2)
    start = time.monotonic()
    assert ladder(child, 0.2) == -9
    assert stream.wait(LIMIT)
    assert time.monotonic() - start < 0.2 + LIMIT
    assert sum(seen) > 1_000_000
    pump.close()


@pytest.mark.parametrize(("entry", "code"), [("sleeps", -15), ("stubborn", -9)])
def test_stopped(kit: Kit, entry: str, code: int) -> None:
    """One that is stopped is woken to follow SIGTERM, or else killed."""
    child = kit.worker(entry)
    time.sleep(0.2)
    os.kill(child.pid, signal.SIGSTOP)
    start = time.monotonic()
    assert code == ladder(child, 0.1)
    assert time.monotonic() - start < 0.1 + LIMIT
    assert zombies(kit.spawner.pid) == []


def test_one_that_stops_itself_again(kit: Kit) -> None:
    """SIGKILL ends a process in the stopped state."""
    child = kit.python("import os, signal\nsignal.signal(15, 1)\nwhile 1: os.kill(os.getpid(), 19)")
    time.sleep(0.2)
    assert ladder(child, 0.1) == -9
