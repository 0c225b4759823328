"""The condition's machine: waiters beside a lock's machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.freezing import wanted
from scenarios.resources.locks import HOLDER_DIED, Lock
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


class Condition(Machine):
    """A wait gives the lock back and takes it again when notified; first waiter first."""

    __slots__ = ("lock", "notified", "waiters")

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.waiters: deque[tuple[Who, int]] = deque()
        self.notified = 0

    def acquire(self, who: Who, _: Any, woken: Woken) -> Any:
        """Take the condition's lock."""
        return self.lock.acquire(who, None, woken)

    def release(self, who: Who, _: Any, woken: Woken) -> Any:
        """Give the condition's lock back."""
        return self.lock.release(who, None, woken)

    def locked(self, who: Who, _: Any, woken: Woken) -> bool:
        """Whether anybody holds the condition's lock."""
        return self.lock.locked(who, None, woken)

    def wait(self, who: Who, _: Any, woken: Woken) -> Any:
        """Give the lock back and wait for a notify; the answer comes with the lock taken again."""
        if not self.lock.owned(who):
            return Refused("not_owner", "wait without holding the condition's lock")
        depth = self.lock.release_all(who, woken)
        self.waiters.append((who, depth))
        return PARKED

    def notify(self, who: Who, count: Any, woken: Woken) -> Any:
        """Wake `count` waiters, all for None and "all"; the answer is how many there were."""
        if not self.lock.owned(who):
            return Refused("not_owner", "notify without holding the condition's lock")
        number = len(self.waiters)
        if count is not None and count != "all":
            if count.__class__ is not int or count < 0:
                shown = f"{count!r:.100}"
                return Refused("invalid", f"notify wakes a number from 0, or all, not {shown}")
            number = min(count, number)
        for _ in range(number):
            self._resume(*self.waiters.popleft(), True, woken)
        self.notified += number
        return number

    verbs: ClassVar[Verbs] = {
        "acquire": acquire,
        "release": release,
        "locked": locked,
        "wait": wait,
        "notify": notify,
    }

    def wake(self, who: Who, woken: Woken) -> None:
        """A spurious wake-up, which the standard library allows: the wait ends unnotified."""
        for waiting in self.waiters:
            if waiting[0] == who:
                self.waiters.remove(waiting)
                self._resume(*waiting, True, woken)
                break

    def expire(self, who: Who, woken: Woken) -> Any:
        """A wait is refused as timed out, once it has the lock again."""
        for waiting in self.waiters:
            if waiting[0] == who:
                self.waiters.remove(waiting)
                return self.lock.retake(who, waiting[1], TIMED_OUT, woken)
        return self.lock.expire(who, woken)

    def cancel(self, who: Who, woken: Woken) -> None:
        """A stopped wait does not take the lock again."""
        for waiting in self.waiters:
            if waiting[0] == who:
                self.waiters.remove(waiting)
                self.lock.given_up.add(who)
                break
        self.lock.cancel(who, woken)

    def leave(self, who: Who, died: bool, woken: Woken) -> None:
        """A dead waiter is forgotten, and its lock goes on, or fails for those who wait."""
        self.cancel(who, woken)
        self.lock.leave(who, died, woken)
        if self.lock.broken:  # nobody can notify any more
            woken.extend((waiter, HOLDER_DIED) for waiter, _ in self.waiters)
            self.waiters.clear()

    def statistics(self) -> dict[str, Any]:
        """The lock's counts, and how many waiters were notified and still wait."""
        return {**self.lock.statistics(), "notified": self.notified, "waiting": len(self.waiters)}

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Its own waiters; the lock freezes by itself."""
        waiters = tuple((who(waiter), depth) for waiter, depth in self.waiters)
        return waiters, self.notified if wanted(keep, "notified") else 0

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        waiters, self.notified = state
        self.waiters = deque(waiters)

    def _resume(self, who: Who, depth: int, answer: Any, woken: Woken) -> None:
        granted = self.lock.retake(who, depth, answer, woken)
        if granted is not PARKED:
            woken.append((who, granted))
