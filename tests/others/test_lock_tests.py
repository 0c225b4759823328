"""CPython's `lock_tests` against live objects: those of one process, and those of a hub."""

from __future__ import annotations

import time
import types
from typing import Any
from unittest.mock import patch

from hubs import until
from others.adopting import ALL, adopt, cpython
from others.declaring import PLACES, declared, together, waiting

lock_tests = cpython("lock_tests")

_sleep = getattr(lock_tests, "wait_threads_blocked", time.sleep)  # older ones have none


def wait_threads_blocked(number: int) -> None:
    """After CPython's "arbitrary sleep", which is too short on a busy machine: until they are."""
    _sleep(number)
    until(lambda: waiting() >= number, f"{number} waiting threads")


lock_tests.wait_threads_blocked = wait_threads_blocked

NAMED = "ours shows its name in the file: an operation only to print it would be in the log"
PRIVATE = "calls a private method of threading's own locks"
IN_FORK = "calls a private method that threading has for its locks after a fork"

LOCK = {"test_repr": NAMED, "test_locked_repr": NAMED, "test_at_fork_reinit": IN_FORK}
RLOCK = {
    "test_repr": NAMED,
    "test_locked_repr": NAMED,
    "test_release_save_unacquired": PRIVATE,
    "test_recursion_count": PRIVATE,
    "test__is_owned": PRIVATE,
}
EVENT = {"test_repr": NAMED, "test_at_fork_reinit": IN_FORK}
SEMAPHORE = {"test_repr": NAMED}
BARRIER = {
    "test_repr": NAMED,
    "test_action": "a barrier of a file has no action",
    "test_default_timeout": "a barrier of a file has no time-out of its own; each wait has one",
}


def cases(place: str) -> dict[str, Any]:
    """The cases for objects that live in one place."""

    def make(section: str, **keys: Any) -> Any:
        return staticmethod(lambda: declared(place, section, **keys))

    def semaphore(bounded: bool) -> Any:
        def made(value: int = 1) -> Any:
            return declared(place, "semaphores", permits=value, bounded=bounded)

        return staticmethod(made)

    def barrier(parties: int, timeout: float | None = None) -> Any:
        """The time-out is there to end a test that hangs, which pytest does here."""
        return declared(place, "barriers", parties=parties)

    def condition(lock: Any = None) -> Any:
        return declared(place, "conditions") if lock is None else lock.condition

    def lock_of_a_condition() -> Any:
        """A file declares them together; the test makes the lock first."""
        guard, ready = together(place, ("locks", {}), ("conditions", {"lock": "locks_$"}))
        guard.condition = ready  # type: ignore[attr-defined]
        return guard

    def test_acquire(self: Any) -> None:
        """With a lock of ours in the place of the `threading.Lock` that it makes."""
        named = types.SimpleNamespace(Lock=lock_of_a_condition)
        with patch.object(lock_tests, "threading", named):
            lock_tests.ConditionTests.test_acquire(self)

    def test_notify(self: Any) -> None:
        """It asks for more waiting threads than it has; those that it has are held by its lock."""
        with patch.object(lock_tests, "wait_threads_blocked", _sleep):
            lock_tests.ConditionTests.test_notify(self)

    def case(base: Any, excluded: dict[str, str], **attributes: Any) -> Any:
        slow = ALL if place == "hub" else ()
        return adopt(base, excluded=excluded, slow=slow, **attributes)

    return {
        "Lock": case(lock_tests.LockTests, LOCK, locktype=make("locks")),
        "RLock": case(lock_tests.RLockTests, RLOCK, locktype=make("locks", kind="rlock")),
        "Event": case(lock_tests.EventTests, EVENT, eventtype=make("flags")),
        "Condition": case(
            lock_tests.ConditionTests,
            {},
            condtype=staticmethod(condition),
            test_acquire=test_acquire,
            test_notify=test_notify,
        ),
        "Semaphore": case(lock_tests.SemaphoreTests, SEMAPHORE, semtype=semaphore(bounded=False)),
        "BoundedSemaphore": case(
            lock_tests.BoundedSemaphoreTests, SEMAPHORE, semtype=semaphore(bounded=True)
        ),
        "Barrier": case(lock_tests.BarrierTests, BARRIER, barriertype=staticmethod(barrier)),
    }


for place in PLACES:
    globals().update({f"{name}_{place}": case for name, case in cases(place).items()})
