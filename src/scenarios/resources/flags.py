"""The flag's machine (`threading.Event`; the word event is kept for log records)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.machine import (
    PARKED,
    Keep,
    Machine,
    Rename,
    Verbs,
    Who,
    Woken,
    itself,
)


class Flag(Machine):
    """Set or clear; a wait goes on once it is set."""

    __slots__ = ("is_set", "waiters")

    def __init__(self, is_set: bool = False) -> None:
        self.is_set = is_set
        self.waiters: list[Who] = []

    def set(self, who: Who, _: Any, woken: Woken) -> Any:
        """Set it and let all who wait go on."""
        self.is_set = True
        woken.extend((waiter, True) for waiter in self.waiters)
        self.waiters.clear()
        return True

    def clear(self, who: Who, _: Any, woken: Woken) -> Any:
        """Clear it; later waits wait."""
        self.is_set = False
        return True

    def wait(self, who: Who, _: Any, woken: Woken) -> Any:
        """Wait until it is set."""
        if self.is_set:
            return True
        self.waiters.append(who)
        return PARKED

    def read(self, who: Who, _: Any, woken: Woken) -> bool:
        """Whether it is set."""
        return self.is_set

    verbs: ClassVar[Verbs] = {"set": set, "clear": clear, "wait": wait, "read": read}

    def cancel(self, who: Who, woken: Woken) -> None:
        """Forget a waiter."""
        if who in self.waiters:
            self.waiters.remove(who)

    def statistics(self) -> dict[str, Any]:
        """Whether it is set."""
        return {"set": self.is_set}

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Whether it is set, and who waits."""
        return self.is_set, tuple(map(who, self.waiters))

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        self.is_set, waiters = state
        self.waiters = list(waiters)
