"""What the benchmarks share: commands in turn, medians, and a line for each figure."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PYTHON = sys.executable
SCENARIOS = [PYTHON, "-m", "scenarios"]


def seconds(words: Sequence[str], cwd: Path) -> float:
    """Wall time of one command, which must exit 0."""
    start = time.perf_counter()
    done = subprocess.run(
        words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(words)} gave exit {done.returncode}:\n{done.stdout}{done.stderr}")
    return took


def medians(commands: Sequence[Sequence[str]], cwd: Path, rounds: int = 15) -> list[float]:
    """The median wall time of each command; they take turns, after one round to warm up."""
    times: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for words, taken in zip(commands, times, strict=True):
            took = seconds(words, cwd)
            if number:
                taken.append(took)
    return [statistics.median(taken) for taken in times]


def peak_memory(words: Sequence[str], cwd: Path) -> int:
    """The largest resident size of a command's own process, in bytes; its children count apart."""
    with (cwd / "output").open("wb") as output:
        child = subprocess.Popen(
            words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(words)} gave exit {child.returncode}:\n{(cwd / 'output').read_text()}")
    return usage.ru_maxrss * 1024


class Report:
    """Collects figures; `close` exits 1 where a limit was missed."""

    def __init__(self) -> None:
        self.missed = 0

    def at_most(self, what: str, figure: float, limit: float, unit: str) -> None:
        """A figure that must not be above its limit."""
        self.line(what, figure, limit, unit, figure <= limit, "at most")

    def at_least(self, what: str, figure: float, limit: float, unit: str) -> None:
        """A figure that must not be below its limit."""
        self.line(what, figure, limit, unit, figure >= limit, "at least")

    def line(
        self, what: str, figure: float, limit: float, unit: str, good: bool, word: str
    ) -> None:
        """Print one figure beside its limit."""
        verdict = "ok    " if good else "MISSED"
        print(f"{verdict} {what}: {figure:,.2f} {unit} ({word} {limit:,.12g})", flush=True)
        self.missed += not good

    def close(self) -> None:
        """End the program: exit 1 where a limit was missed."""
        sys.exit(self.missed > 0)
