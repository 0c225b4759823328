"""What starting costs, printed; `pytest -s -m slow tests/supervision/test_figures.py`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.supervision.client import Child
from scenarios.supervision.sweep import sweep
from supervision.conftest import Kit


def _median(call: Callable[[], object], rounds: int = 50) -> float:
    """Milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


@pytest.mark.slow
def test_figures(tmp_path: Path) -> None:
    """A start returns at once; a worker takes milliseconds, a fresh one tens of them."""
    kits: list[Kit] = []
    print(f"\nSpawner.start returns  {_median(lambda: kits.append(Kit()), 10):7.2f} ms")
    for kit in kits:
        kit.close()

    def from_nothing() -> None:
        kits[:] = [Kit()]
        kits[0].worker("ends", b"0").wait(20)
        kits[0].close()

    print(f"start, first worker, close {_median(from_nothing, 10):.2f} ms")
    kit = Kit()
    starts: dict[str, Callable[[], Child]] = {
        "fork": lambda: kit.worker("ends", b"0"),
        "fresh": lambda: kit.worker("ends", b"0", fresh=True),
        "command": lambda: kit.command("true"),
    }
    for name, start in starts.items():
        children: list[Child] = []
        print(f"{name:8} started          {_median(lambda: children.append(start())):7.2f} ms")  # noqa: B023
        print(f"{name:8} started and ended{_median(lambda: start().wait(20)):7.2f} ms")  # noqa: B023
        assert [0] * len(children) == [child.wait(20) for child in children]
    kit.close()
    print(f"sweep of all processes    {_median(lambda: sweep(tmp_path)):7.2f} ms")
