"""Play scripts on a machine: who did what, what came back, and who was woken with what."""

from __future__ import annotations

from typing import Any

from scenarios.resources.machine import PARKED, Machine, Who, Woken


class Play:
    """A machine with those who wait; `told` holds the answers of those who were woken."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.parked: dict[Any, str] = {}
        self.told: list[tuple[Who, Any]] = []

    def __call__(self, who: Who, verb: str, argument: Any = None) -> Any:
        """The answer of one operation."""
        assert who not in self.parked, f"{who} waits"
        woken: Woken = []
        answer = self.machine.apply(who, verb, argument, woken)
        if answer is PARKED:
            self.parked[who] = verb
        self._hear(woken)
        return answer

    def expire(self, who: Who) -> Any:
        """The time of one who waits is over."""
        woken: Woken = []
        answer = self.machine.expire(who, woken)
        if answer is not PARKED:
            del self.parked[who]
        self._hear(woken)
        return answer

    def cancel(self, who: Who) -> None:
        """One who waits is stopped."""
        woken: Woken = []
        self.machine.cancel(who, woken)
        self.parked.pop(who, None)
        self._hear(woken)

    def leave(self, who: Who, died: bool = False) -> None:
        """One is gone."""
        woken: Woken = []
        self.parked.pop(who, None)
        self.machine.leave(who, died, woken)
        self._hear(woken)

    def heard(self) -> list[tuple[Who, Any]]:
        """Who was woken since the last time, with what."""
        told, self.told = self.told, []
        return told

    def _hear(self, woken: Woken) -> None:
        for who, answer in woken:
            assert who in self.parked, f"{who} was woken and did not wait"
            del self.parked[who]
            self.told.append((who, answer))
