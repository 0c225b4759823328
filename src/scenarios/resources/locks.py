"""The machine of a lock and of a reentrant lock: handed over in the order of waiting."""

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

ABANDONED = "abandoned"
"""The answer to an acquire after the holder before had died."""

GIVEN_UP = "given up"
"""The answer to a release by one whose stopped wait on a condition had given the lock back."""

HOLDER_DIED = Refused("holder_died", "its holder died, and the lock is declared to fail then")


class Lock(Machine):
    """A lock has one holder; a reentrant one counts how often its holder took it.

    As in the standard library a plain lock may be released by anybody, a reentrant one by its
    holder only. `on_owner_death: fail` refuses every acquire after a holder died.
    """

    __slots__ = (
        "abandoned",
        "acquired",
        "broken",
        "contended",
        "depth",
        "given_up",
        "max_holders",
        "on_owner_death",
        "owner",
        "reentrant",
        "waiters",
    )

    def __init__(self, kind: str = "lock", on_owner_death: str = "release") -> None:
        self.reentrant = kind == "rlock"
        self.on_owner_death = on_owner_death
        self.owner: Who | None = None
        self.depth = 0
        # (who, depth to take, answer or None for an acquire's own)
        self.waiters: deque[tuple[Who, int, Any]] = deque()
        self.abandoned = self.broken = False
        # those whose stopped wait on a condition gave it back: their releases give nothing back
        self.given_up: set[Who] = set()
        self.acquired = self.contended = self.max_holders = 0

    # -- verbs ---------------------------------------------------------------------------------

    def acquire(self, who: Who, _: Any, woken: Woken) -> Any:
        """Take the lock; waits while another holds it. The answer is True or ABANDONED."""
        if self.broken:
            return HOLDER_DIED
        if self.owner is None:
            return self._grant(who, 1)
        if self.reentrant and self.owner == who:
            self.depth += 1
            self.acquired += 1
            return True
        self.contended += 1
        self.waiters.append((who, 1, None))
        return PARKED

    def release(self, who: Who, _: Any, woken: Woken) -> Any:
        """Give it back; the first who waits has it next."""
        if self.owner != who:
            if who in self.given_up:
                return GIVEN_UP
            if self.owner is None:
                return Refused("not_held", "release of a lock that nobody holds")
            if self.reentrant:
                return Refused("not_owner", "release of a reentrant lock that another holds")
        self.depth -= 1
        if not self.depth:
            self._pass_on(woken)
        return True

    def locked(self, who: Who, _: Any, woken: Woken) -> bool:
        """Whether anybody holds it."""
        return self.owner is not None

    verbs: ClassVar[Verbs] = {"acquire": acquire, "release": release, "locked": locked}

    # -- for a condition -----------------------------------------------------------------------

    def owned(self, who: Who) -> bool:
        """Whether `who` holds it, as a wait or notify asks."""
        return self.owner == who

    def release_all(self, who: Who, woken: Woken) -> int:
        """Give the lock back however often it was taken; the number of times."""
        depth, self.depth = self.depth, 0
        self._pass_on(woken)
        return depth

    def retake(self, who: Who, depth: int, answer: Any, woken: Woken) -> Any:
        """Take the lock again after a condition's wait; `answer` is what that wait answers."""
        if self.broken:
            return HOLDER_DIED
        if self.owner is None:
            return _back(answer, self._grant(who, depth))
        self.waiters.append((who, depth, answer))
        return PARKED

    # -- leaving -------------------------------------------------------------------------------

    def cancel(self, who: Who, woken: Woken) -> None:
        """Forget a waiting acquire, or one who comes back from a condition's wait."""
        for waiting in self.waiters:
            if waiting[0] == who:
                self.waiters.remove(waiting)
                if waiting[2] is not None:
                    self.given_up.add(who)
                break

    def expire(self, who: Who, woken: Woken) -> Any:
        """An acquire gives up; who comes back from a condition's wait has to go on waiting."""
        if any(waiting[0] == who and waiting[2] is not None for waiting in self.waiters):
            return PARKED
        return super().expire(who, woken)

    def leave(self, who: Who, died: bool, woken: Woken) -> None:
        """A dead holder's lock is released and its next holder told, or fails for all."""
        self.cancel(who, woken)
        self.given_up.discard(who)
        if not died or self.owner != who:
            return
        self.depth = 0
        if self.on_owner_death == "release":
            self.abandoned = True
            self._pass_on(woken)
            return
        self.owner = None
        self.broken = True
        woken.extend((waiting[0], HOLDER_DIED) for waiting in self.waiters)
        self.waiters.clear()

    def statistics(self) -> dict[str, Any]:
        """acquired and contended (counts) and max_holders."""
        return {
            "acquired": self.acquired,
            "contended": self.contended,
            "max_holders": self.max_holders,
            "held": self.owner is not None,
        }

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Who holds it and who waits, with the counts that are asked for."""
        counts = wanted(keep, "acquired", "contended", "max_holders")
        return (
            None if self.owner is None else who(self.owner),
            self.depth,
            tuple((who(waiter), depth, answer) for waiter, depth, answer in self.waiters),
            frozenset(map(who, self.given_up)),
            self.abandoned,
            self.broken,
            (self.acquired, self.contended, self.max_holders) if counts else (0, 0, 0),
        )

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        self.owner, self.depth, waiters, given_up, self.abandoned, self.broken, counts = state
        self.waiters = deque(waiters)
        self.given_up = set(given_up)
        self.acquired, self.contended, self.max_holders = counts

    # -- inside --------------------------------------------------------------------------------

    def _grant(self, who: Who, depth: int) -> Any:
        self.owner = who
        self.depth = depth
        self.acquired += 1
        self.max_holders = 1
        if self.abandoned:
            self.abandoned = False
            return ABANDONED
        return True

    def _pass_on(self, woken: Woken) -> None:
        self.owner = None
        if self.waiters:
            who, depth, answer = self.waiters.popleft()
            granted = self._grant(who, depth)
            woken.append((who, _back(answer, granted)))


def _back(answer: Any, granted: Any) -> Any:
    """The answer to an acquire, or to a condition's wait that has its lock again."""
    return granted if answer is None or answer is True else answer
