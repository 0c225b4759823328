"""One baton for all threads: each waits for its turn before it acts, and who waits is counted."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from scenarios.program import Operation
from scenarios.worker.performer import Performer
from scenarios.worker_plan import Outcome

GO, EXPIRE, STOP, LEAVE = "go", "expire", "stop", "leave"
"""What a thread may be told: to act, its time is over, to stop, to leave; or a job's number."""

BUSY, GATE, PARKED, IDLE, DONE, GONE = "busy", "gate", "parked", "idle", "done", "gone"
"""Where a thread is: on its way, before an operation, waiting inside one, between jobs, at the end
of its program, or no more."""


class Baton:
    """Counts the threads that are on their way; the others wait for an order."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._change = threading.Condition()
        self._moving = 0
        self.free = False  # nobody waits for turns any more
        self.here = threading.local()

    def moves(self) -> None:
        """One thread more is on its way."""
        with self._change:
            self._moving += 1

    def rests(self) -> None:
        """One has come to where it waits."""
        with self._change:
            self._moving -= 1
            self._change.notify()

    def settle(self) -> bool:
        """Whether all have come to where they wait, in time."""
        with self._change:
            return self._change.wait_for(lambda: self._moving <= 0, self._patience)

    def seat(self) -> Seat:
        """The calling thread's."""
        found: Seat = self.here.seat
        return found


@dataclass(slots=True, eq=False)
class Seat:
    """One actor's thread: where it is, and what it was answered last."""

    baton: Baton
    index: int
    name: str
    attempt: int
    place: str = BUSY
    at: Operation | None = None
    answer: Any = None
    performer: Performer | None = None
    outcome: Outcome | None = None
    died: bool = False
    thread: threading.Thread | None = None
    orders: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)

    # -- by its own thread ---------------------------------------------------------------------

    def come(self, place: str, operation: Operation | None = None) -> Any:
        """Wait for an order before an operation, between jobs or at the end."""
        if self.baton.free:
            return STOP
        self.at, self.place = operation, place
        self.baton.rests()
        order = self.orders.get()
        self.place = BUSY
        return order

    def gone(self) -> None:
        """The thread's last word."""
        self.place = GONE
        self.baton.rests()

    # -- by others -----------------------------------------------------------------------------

    def tell(self, order: Any) -> None:
        """Give it its turn."""
        self.baton.moves()
        self.orders.put(order)

    def where(self) -> str:
        """For people: where it is."""
        if self.at is None or self.place in (IDLE, DONE, GONE):
            return {IDLE: "between jobs", DONE: "at its end", GONE: "gone"}.get(self.place, "busy")
        words = f"{self.at.name} {self.at.object}".rstrip()
        how = {PARKED: "waiting in", GATE: "before"}.get(self.place, "inside")
        return f"{how} {words} (line {self.at.line})"


class Bell:
    """In place of the lock on which a party waits: tells when it waits and when it is woken."""

    def __init__(self, lock: Any, seat: Seat) -> None:
        self._lock = lock
        self._seat = seat

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """The party waits, and only others can end that, unless it may not wait at all."""
        if timeout < 0 and not self._seat.baton.free:
            self._seat.place = PARKED
            self._seat.baton.rests()
        found: bool = self._lock.acquire(blocking, timeout)
        return found

    def release(self) -> None:
        """The party goes on."""
        if self._seat.place == PARKED:
            self._seat.place = BUSY
            self._seat.baton.moves()
        self._lock.release()
