"""The barrier's machine: parties that wait for each other, and what breaks it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.freezing import wanted
from scenarios.resources.machine import (
    PARKED,
    TIMED_OUT,
    Keep,
    Machine,
    Refused,
    Rename,
    Verbs,
    Who,
    Woken,
    itself,
)

BROKEN = Refused("broken", "the barrier is broken")


class Barrier(Machine):
    """As `threading.Barrier`: a time-out, a stop or a death of a waiting party breaks it."""

    __slots__ = ("broken", "parties", "trips", "waiters")

    def __init__(self, parties: int) -> None:
        self.parties = parties
        self.waiters: list[Who] = []
        self.broken = False
        self.trips = 0

    def wait(self, who: Who, _: Any, woken: Woken) -> Any:
        """Wait for the others; the answer is the number of arrival, from 0."""
        if self.broken:
            return BROKEN
        if len(self.waiters) + 1 < self.parties:
            self.waiters.append(who)
            return PARKED
        woken.extend((other, index) for index, other in enumerate(self.waiters))
        self.waiters.clear()
        self.trips += 1
        return self.parties - 1

    def reset(self, who: Who, _: Any, woken: Woken) -> Any:
        """Make it whole and empty again; those who wait are refused as broken."""
        self._break(woken)
        self.broken = False
        return True

    def abort(self, who: Who, _: Any, woken: Woken) -> Any:
        """Break it for all who wait and will wait."""
        self._break(woken)
        return True

    def state(self, who: Who, _: Any, woken: Woken) -> tuple[int, bool]:
        """How many wait, and whether it is broken."""
        return len(self.waiters), self.broken

    verbs: ClassVar[Verbs] = {"wait": wait, "reset": reset, "abort": abort, "state": state}

    def expire(self, who: Who, woken: Woken) -> Any:
        """The one whose time ran out is told so, all others that the barrier is broken."""
        self.cancel(who, woken)
        return TIMED_OUT

    def cancel(self, who: Who, woken: Woken) -> None:
        """One who stops waiting breaks the barrier for the others."""
        if who in self.waiters:
            self.waiters.remove(who)
            self._break(woken)

    def statistics(self) -> dict[str, Any]:
        """trips (how often it opened), waiting and broken."""
        return {"trips": self.trips, "waiting": len(self.waiters), "broken": self.broken}

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Who has arrived, whether it is broken, and how often it opened where that is asked."""
        return (
            tuple(map(who, self.waiters)),
            self.broken,
            self.trips if wanted(keep, "trips") else 0,
        )

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        waiters, self.broken, self.trips = state
        self.waiters = list(waiters)

    def _break(self, woken: Woken) -> None:
        self.broken = True
        woken.extend((other, BROKEN) for other in self.waiters)
        self.waiters.clear()
