"""The driver inside one process: a machine behind a mutex, each waiter parked on its own lock."""

from __future__ import annotations

import time
from _thread import LockType, allocate_lock
from typing import Any

from scenarios.answers import PARKED, STOP, TIMED_OUT, WOULD_BLOCK
from scenarios.resources.conditions import Condition
from scenarios.resources.machine import Machine, Woken

LONGEST_WAIT = 86400.0 * 365
"""Seconds, a year; more is no limit, since locks of Python overflow at 292 years."""

PASSES = 20
"""How often a thread lets others go on before it waits for a mutex."""


class Party:
    """One thread that takes part: what the machines know it by, and where it waits."""

    __slots__ = ("answer", "name", "parked", "stopped", "wake")

    def __init__(self, name: str) -> None:
        self.name = name
        self.wake = allocate_lock()
        self.wake.acquire()
        self.answer: Any = None
        self.parked: Driver | None = None
        self.stopped = False

    def interrupt(self) -> None:
        """End the wait under way, or the next one, with STOP; called from another thread."""
        self.stopped = True
        driver = self.parked
        if driver is not None:
            driver.interrupt(self)

    def __repr__(self) -> str:
        return f"<party {self.name}>"


class Driver:
    """One machine for the threads of this process; a condition shares its lock's mutex.

    `max_wait` is the longest that anybody waited, in seconds.
    """

    __slots__ = ("machine", "max_wait", "mutex", "name")

    def __init__(self, name: str, machine: Machine, mutex: LockType | None = None) -> None:
        self.name = name
        self.machine = machine
        self.mutex = allocate_lock() if mutex is None else mutex
        self.max_wait = 0.0

    def perform(self, party: Party, verb: str, argument: Any, timeout: float | None) -> Any:
        """The machine's answer, STOP, or a refusal after `timeout` seconds (0: at once)."""
        woken: Woken = []
        machine = self.machine
        if self.mutex.locked():
            self._let_pass()
        with self.mutex:
            # as `Machine.apply` does, with one call less
            answer = machine.verbs[verb](machine, party, argument, woken)
            if answer is PARKED:
                answer = self._park(party, timeout, woken)
            if woken:
                self._wake(woken)
        return self._wait(party, timeout) if answer is PARKED else answer

    def _let_pass(self) -> None:
        """Let the thread in the mutex run on, rather than queue for the mutex at once.

        Two threads that wait for the mutex in turn would switch at each operation from then on.
        """
        for _ in range(PASSES):
            time.sleep(0)
            if not self.mutex.locked():
                return

    def _park(self, party: Party, timeout: float | None, woken: Woken) -> Any:
        """PARKED where the party has to wait, or the answer where it may not."""
        if timeout is not None and timeout <= 0:
            answer = self.machine.expire(party, woken)
            if answer is not PARKED:  # a condition's wait may have to wait for its lock
                return WOULD_BLOCK if answer is TIMED_OUT else answer
        party.parked = self
        if party.stopped:  # looked at last: whoever sets it later finds the party parked
            party.parked = None
            self.machine.cancel(party, woken)
            return STOP
        return PARKED

    def interrupt(self, party: Party) -> None:
        """Wake a parked party with STOP."""
        with self.mutex:
            if party.parked is self:
                woken: Woken = []
                self.machine.cancel(party, woken)
                self._wake([*woken, (party, STOP)])

    def expire(self, party: Party) -> None:
        """The party's time is over: it is woken with a refusal, unless it has to wait on."""
        with self.mutex:
            if party.parked is self:
                woken: Woken = []
                answer = self.machine.expire(party, woken)
                if answer is not PARKED:
                    woken.append((party, answer))
                self._wake(woken)

    def rouse(self, party: Party) -> None:
        """The party's wait on a condition ends unnotified, as the standard library allows."""
        assert isinstance(self.machine, Condition)
        woken: Woken = []
        with self.mutex:
            self.machine.wake(party, woken)
            self._wake(woken)

    def leave(self, party: Party, died: bool) -> None:
        """The party has ended."""
        woken: Woken = []
        with self.mutex:
            self.machine.leave(party, died, woken)
            self._wake(woken)

    def statistics(self) -> dict[str, Any]:
        """The machine's statistics, with max_wait."""
        with self.mutex:
            return {**self.machine.statistics(), "max_wait": self.max_wait}

    def _wait(self, party: Party, timeout: float | None) -> Any:
        began = time.monotonic()
        patience = -1 if timeout is None or timeout > LONGEST_WAIT else max(timeout, 0)
        try:
            if not party.wake.acquire(timeout=patience):
                self.expire(party)
                party.wake.acquire()
        except BaseException:  # a signal's handler raised: this party waits no longer
            self.interrupt(party)
            party.wake.acquire()
            raise
        waited = time.monotonic() - began
        if waited > self.max_wait:
            with self.mutex:
                self.max_wait = max(self.max_wait, waited)
        answer, party.answer = party.answer, None  # an item is let go when its taker lets it go
        return answer

    def _wake(self, woken: Woken) -> None:
        for party, answer in woken:
            assert isinstance(party, Party)
            party.answer = answer
            party.parked = None
            party.wake.release()


def drivers(machines: dict[str, Machine]) -> dict[str, Driver]:
    """A driver for each machine; a condition and its named lock share a mutex."""
    made = {
        name: Driver(name, machine)
        for name, machine in machines.items()
        if not isinstance(machine, Condition)
    }
    mutexes = {id(driver.machine): driver.mutex for driver in made.values()}
    for name, machine in machines.items():
        if isinstance(machine, Condition):
            made[name] = Driver(name, machine, mutexes.get(id(machine.lock)))
    return made
