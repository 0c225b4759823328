"""The semaphore's machine: permits without owners."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.freezing import wanted
from scenarios.resources.machine import (
    PARKED,
    Keep,
    Machine,
    Refused,
    Rename,
    Verbs,
    Who,
    Woken,
    itself,
)


class Semaphore(Machine):
    """`bounded` refuses a release beyond the permits at the start; a signal starts with 0."""

    __slots__ = ("acquired", "bounded", "contended", "initial", "permits", "waiters")

    def __init__(self, permits: int = 1, bounded: bool = True) -> None:
        self.initial = self.permits = permits
        # a semaphore of no permits is a signal: any release would go beyond its start
        self.bounded = bounded and permits > 0
        self.waiters: deque[Who] = deque()
        self.acquired = self.contended = 0

    def acquire(self, who: Who, _: Any, woken: Woken) -> Any:
        """Take a permit; waits while there is none."""
        if not self.permits:
            self.contended += 1
            self.waiters.append(who)
            return PARKED
        self.permits -= 1
        self.acquired += 1
        return True

    def release(self, who: Who, count: int | None, woken: Woken) -> Any:
        """Give back `count` permits (None: one) and let as many waiters go on."""
        count = 1 if count is None else count
        if count < 1:
            return Refused("invalid", "n must be one or more")
        if self.bounded and self.permits + count > self.initial:
            return Refused("over_release", "semaphore released too many times")
        self.permits += count
        while self.permits and self.waiters:
            self.permits -= 1
            self.acquired += 1
            woken.append((self.waiters.popleft(), True))
        return True

    def count(self, who: Who, _: Any, woken: Woken) -> int:
        """The number of free permits."""
        return self.permits

    verbs: ClassVar[Verbs] = {"acquire": acquire, "release": release, "count": count}

    def cancel(self, who: Who, woken: Woken) -> None:
        """Forget a waiting acquire."""
        if who in self.waiters:
            self.waiters.remove(who)

    def statistics(self) -> dict[str, Any]:
        """permits (free at the end), acquired and contended."""
        return {
            "permits": self.permits,
            "acquired": self.acquired,
            "contended": self.contended,
            "initial": self.initial,
        }

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Free permits and who waits, with the counts that are asked for."""
        counts = wanted(keep, "acquired", "contended")
        return (
            self.permits,
            tuple(map(who, self.waiters)),
            (self.acquired, self.contended) if counts else (0, 0),
        )

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        self.permits, waiters, (self.acquired, self.contended) = state
        self.waiters = deque(waiters)
