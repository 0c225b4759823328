"""A kill at every boundary of what a client sends, receives and claims, and in the middle of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import sweeping
from mutants import MUTANTS, command


def sweep(hub: list[str] | None = None) -> tuple[int, list[str]]:
    """How many points there were, and what did not hold at them."""
    run = subprocess.run(
        [sys.executable, sweeping.__file__, json.dumps({"command": hub})],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if run.returncode:
        return 0, [f"the sweep ended with {run.returncode}: {run.stderr}"]
    points, faults = json.loads(run.stdout)
    return points, faults


def test_no_point_loses_or_doubles_anything() -> None:
    """Items are there once and in order, whole, and the lock can be had, wherever it dies."""
    points, faults = sweep()
    assert faults == []
    print(f"{points} points")
    assert points > 500


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - {"waiters not dropped"}))
def test_the_sweep_catches_a_broken_hub(name: str) -> None:
    """A check that passes whatever the hub does would prove nothing."""
    points, faults = sweep(command(name))
    assert points  # the hub runs, and what it does is seen
    assert faults != []
