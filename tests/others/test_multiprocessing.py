"""CPython's `_test_multiprocessing` against the objects of a hub, in processes of their own."""

from __future__ import annotations

import multiprocessing
from typing import Any

from others.adopting import ALL, adopt, cpython
from others.declaring import declared
from scenarios.resources.live import LiveSemaphore, LiveValue

_test_multiprocessing = cpython("_test_multiprocessing")

_test_multiprocessing.DELTA = 0.3
"""Seconds in which processes have surely gone on; CPython's 0.1 is too short on a busy machine."""

THEIRS = "makes queues of multiprocessing itself"
FEEDER = "is about the feeder thread of multiprocessing's queues, which ours do not have"
AS_THREADING = "a time-out beside blocking=False, which threading refuses, and ours too"
NAMED = "skips itself: it knows the words of three kinds of objects only"


class Semaphore(LiveSemaphore):
    """With the value that the tests look at."""

    def get_value(self) -> Any:
        """How many permits are free."""
        return self._do("count", "count")


def semaphore(value: int = 1, bounded: bool = False) -> Any:
    """A semaphore of the hub."""
    live = declared("hub", "semaphores", permits=value, bounded=bounded)
    live.__class__ = Semaphore
    return live


def barrier(parties: int, action: Any = None, timeout: float | None = None) -> Any:
    """The time-out is there to end a test that hangs, which pytest does here."""
    return declared("hub", "barriers", parties=parties)


class Value(LiveValue):
    """With the one attribute that the tests use."""

    value = property(LiveValue.get, LiveValue.set)


def value(typecode: str, init: Any) -> Any:
    """A value of the hub."""
    live = declared("hub", "values", init=init)
    live.__class__ = Value
    return live


context = multiprocessing.get_context("fork")

OURS: dict[str, Any] = {
    "TYPE": "hub",
    "Process": context.Process,
    "Pipe": staticmethod(context.Pipe),
    "Queue": staticmethod(lambda maxsize=0: declared("hub", "queues", maxsize=maxsize)),
    "JoinableQueue": staticmethod(lambda: declared("hub", "queues")),
    "Lock": staticmethod(lambda: declared("hub", "locks")),
    "RLock": staticmethod(lambda: declared("hub", "locks", kind="rlock")),
    "Semaphore": staticmethod(semaphore),
    "BoundedSemaphore": staticmethod(lambda value=1: semaphore(value, bounded=True)),
    "Condition": staticmethod(lambda: declared("hub", "conditions")),
    "Event": staticmethod(lambda: declared("hub", "flags")),
    "Value": staticmethod(value),
    "Barrier": staticmethod(barrier),
}


def case(name: str, excluded: dict[str, str]) -> Any:
    """The case with objects of the hub and forked processes."""
    base = getattr(_test_multiprocessing, name)
    return adopt(base, excluded=excluded, slow=ALL, **OURS)


Queue = case(
    "_TestQueue",
    {
        "test_closed_queue_empty_exceptions": THEIRS,
        "test_closed_queue_put_get_exceptions": THEIRS,
        "test_no_import_lock_contention": THEIRS,
        "test_timeout": THEIRS,
        "test_queue_feeder_donot_stop_onexc": FEEDER,
        "test_queue_feeder_on_queue_feeder_error": FEEDER,
    },
)
Lock = case("_TestLock", {})
SemaphoreCase = case("_TestSemaphore", {"test_timeout": AS_THREADING})
Condition = case("_TestCondition", {})
Event = case("_TestEvent", {"test_repr": NAMED})
Barrier = case(
    "_TestBarrier",
    {
        "test_action": "a barrier of a file has no action",
        "test_default_timeout": "a barrier of a file has no time-out of its own",
    },
)
