"""Waits a moment without sleeping, where that has paid lately.

To wake a process that sleeps takes 20 to 50 µs, more than the hub needs for an operation; an answer
that is about to come is met awake. The processor is yielded at every look, so that whoever has
work goes first.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

MOMENT = 60e-6
"""Seconds of looking: about what falling asleep and being woken would take."""

MOST_MISSES = 7
"""After n moments in vain the next 2^n waits sleep at once: at most 1 in 128 is then spent."""


class Eager:
    """One waiter's memory of how its last moments ended."""

    __slots__ = ("misses", "skip")

    def __init__(self) -> None:
        self.misses = self.skip = 0

    def look(self, attempt: Callable[[], T]) -> T | None:
        """What `attempt` gave that was true; None when it is better to sleep."""
        if self.skip:
            self.skip -= 1
            return None
        end = perf_counter() + MOMENT
        while perf_counter() < end:
            _give_way()
            found = attempt()
            if found:
                self.misses = 0
                return found
        self.misses = min(self.misses + 1, MOST_MISSES)
        self.skip = (1 << self.misses) - 1
        return None


def _nothing() -> None:
    pass


_give_way: Callable[[], None] = getattr(os, "sched_yield", _nothing)
