"""How much a search may look at, and what it has looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

EVERY = 512  # states between two looks at the clock and at the memory

INTERRUPTED = "Ctrl-C"
"""In place of a bound, where a person had enough."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a search: states, schedules, seconds and bytes of memory."""

    states: int = 1_000_000
    schedules: int = 100_000
    seconds: float = 60.0
    memory: int = 2 * 1024**3

    def aside(self, other: Limits) -> Limits:
        """What may be spent beside a search with these: as much as other limits, a part at most."""
        states, seconds = min(self.states, other.states), min(self.seconds / 4, other.seconds)
        return Limits(states, other.schedules, seconds, self.memory)


class BudgetSpent(Exception):
    """A bound is reached; the text says which."""


@dataclass(slots=True)
class Budget:
    """Counts against limits; `tell` hears of progress. `share` is its part of the seconds."""

    limits: Limits
    tell: Tell = lambda _: None
    share: float = 1.0
    states: int = 0
    transitions: int = 0
    schedules: int = 0
    began: float = field(default_factory=time.monotonic)
    _next: float = 0.0

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.monotonic() - self.began

    def state(self) -> None:
        """One more state."""
        self.states += 1
        if self.states > self.limits.states:
            raise BudgetSpent(f"{self.limits.states:,} states")
        if self.states % EVERY == 0:
            self.look()

    def schedule(self) -> None:
        """One more schedule."""
        self.schedules += 1
        if self.schedules > self.limits.schedules:
            raise BudgetSpent(f"{self.limits.schedules:,} schedules")
        if self.schedules % 64 == 0:
            self.look()

    def look(self) -> None:
        """Time and memory, and a word on how far it is, twice a second."""
        now = self.seconds
        if now > self.limits.seconds * self.share:
            raise BudgetSpent(f"{self.limits.seconds:g} seconds")
        if now < self._next:
            return
        self._next = now + 0.5
        if _memory() > self.limits.memory:
            raise BudgetSpent(f"{self.limits.memory / 1024**3:g} GiB of memory")
        self.tell(f"{self.states:,} states, {self.schedules:,} schedules, {now:.0f} s")


def _memory() -> int:
    """Bytes that this process has in memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:  # not on Linux: nothing is known
        return 0
