"""Looks for a moment whether something comes, instead of sleeping, where that has paid lately.

To wake a process that sleeps takes 20 to 50 µs, more than the hub needs for an operation. On a busy
machine looking costs more than it gains, and it stops there: the hub notices that nothing comes, a
client that others had the processor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

MOST_MISSES = 7
"""After n moments in vain the next 2^n waits sleep at once: at most 1 in 128 is then spent."""

LONG = 1e-3
"""Seconds: who yields the processor for longer shares it with somebody who computes."""

LEAST_REST, MOST_REST = 64, 4096
"""Waits that sleep at once after that, four times as many each time: of a time slice of 4 ms that
was given away 1 µs is then left for each wait."""


class Eager:
    """One waiter's memory of how its last moments ended; `moment` is in seconds."""

    __slots__ = ("hits", "misses", "moment", "rest", "skip", "yields")

    def __init__(self, moment: float, *, yields: bool) -> None:
        self.moment = moment
        self.yields = yields and hasattr(os, "sched_yield")
        self.hits = self.misses = self.skip = 0
        self.rest = LEAST_REST

    def look(self, attempt: Callable[[], T]) -> T | None:
        """What `attempt` gave that was true; None when it is better to sleep."""
        if self.skip:
            self.skip -= 1
            return None
        now = perf_counter()
        end = now + self.moment
        while now < end:
            if self.yields:
                os.sched_yield()
            found = attempt()
            before, now = now, perf_counter()
            if now - before > LONG:
                return self._busy(found)
            if found:
                self.misses = 0
                self.hits += 1
                return found
        self.misses = min(self.misses + 1, MOST_MISSES)
        self.skip = (1 << self.misses) - 1
        return None

    def _busy(self, found: T) -> T | None:
        if self.hits > self.rest:
            self.rest = LEAST_REST
        self.skip = self.rest
        self.rest = min(MOST_REST, self.rest * 4)
        self.hits = 0
        return found or None
