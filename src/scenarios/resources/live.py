"""Live objects: what a `call` is handed, with the methods of the standard library's counterparts.

Each method becomes one operation of the worker whose thread calls it, as a step would.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from scenarios.answers import STOP, Failed, Refused
from scenarios.errors import ScenariosError, Stopped
from scenarios.expressions import copied

if sys.version_info >= (3, 13):
    from queue import ShutDown
else:

    class ShutDown(Exception):
        """As `queue.ShutDown`, which Python has from 3.13 on."""


class Does(Protocol):
    """Performs an operation on a named resource for the calling thread."""

    def __call__(
        self, name: str, word: str, verb: str, argument: Any, timeout: float | None
    ) -> Any:
        """The answer."""


def _limit(block: bool, timeout: float | None) -> float | None:
    """The time-out of a queue's operation from the arguments that the standard library takes."""
    if not block:
        return 0
    if timeout is not None and not timeout >= 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout


class Live:
    """One shared resource in the hands of Python code."""

    section = ""

    def __init__(self, name: str, does: Does, declared: dict[str, Any] | None = None) -> None:
        self._name = name
        self._does = does
        self._declared = declared or {}

    def _do(self, word: str, verb: str, argument: Any = None, timeout: float | None = None) -> Any:
        answer = self._does(self._name, word, verb, argument, timeout)
        if answer is STOP:
            raise Stopped(f"stopped while it waited for {self._name}")
        if answer.__class__ is Failed:
            raise answer.error or ScenariosError(answer.text)
        return answer

    def _done(self, answer: Any) -> bool:
        """True, or False where it could not be done in time; other refusals are errors."""
        if answer.__class__ is not Refused:
            return True
        if answer.reason in ("timeout", "would_block"):
            return False
        raise _error(self._name, answer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


def _error(name: str, refused: Refused) -> Exception:
    text = f"{name}: {refused.detail or refused.reason}"
    kinds: dict[str, Callable[[str], Exception]] = {
        "over_release": ValueError,
        "too_many_done": ValueError,
        "invalid": ValueError,
        "uncomparable": TypeError,
        "broken": threading.BrokenBarrierError,
        "shut_down": ShutDown,
    }
    return kinds.get(refused.reason, RuntimeError)(text)


class LiveQueue(Live):
    """As `queue.Queue`."""

    section = "queues"

    @property
    def maxsize(self) -> int:
        """The bound, 0 for none."""
        return int(self._declared.get("maxsize", 0))

    @property
    def unfinished_tasks(self) -> int:
        """How many items are not worked off."""
        return int(self._do("state", "state")[0])

    @property
    def is_shutdown(self) -> bool:
        """Whether it is shut down."""
        return bool(self._do("state", "state")[1])

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item; raises `queue.Full` where it cannot in time.

        Where the queue is shut down, raises ShutDown.
        """
        limit = _limit(block, timeout) if self.maxsize else None  # without a bound nobody waits
        if not self._done(self._do("put", "put", copied(item), limit)):
            raise queue.Full

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item; raises `queue.Empty` where there is none in time.

        Where none will come any more, since the queue is shut down, raises ShutDown.
        """
        answer = self._do("get", "get", None, _limit(block, timeout))
        if not self._done(answer):
            raise queue.Empty
        return answer

    def put_nowait(self, item: Any) -> None:
        """`put` without waiting."""
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        """`get` without waiting."""
        return self.get(block=False)

    def qsize(self) -> int:
        """The approximate number of items."""
        return int(self._do("size", "size"))

    def empty(self) -> bool:
        """Whether `qsize` is 0."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether `qsize` has reached a bounded queue's maxsize."""
        return 0 < self.maxsize <= self.qsize()

    def task_done(self) -> None:
        """One item that was taken is worked off."""
        self._done(self._do("task_done", "task_done"))

    def join(self) -> None:
        """Wait until all items are worked off."""
        self._done(self._do("join", "join"))

    def shutdown(self, immediate: bool = False) -> None:
        """Let every put from here on raise ShutDown, and every get once no item is left.

        With `immediate` the items that are there are thrown away.
        """
        self._done(self._do("shutdown", "shutdown", True if immediate else None))


class LiveLock(Live):
    """As `threading.Lock` or `threading.RLock`."""

    section = "locks"

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; False where it cannot be had in time."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout != -1 and not timeout >= 0:
            raise ValueError("timeout value must be a non-negative number")
        if timeout > threading.TIMEOUT_MAX:
            raise OverflowError("timeout value is too large")
        limit = None if timeout == -1 else timeout
        return self._done(self._do("acquire", "acquire", None, limit if blocking else 0))

    def release(self) -> None:
        """Give it back."""
        self._done(self._do("release", "release"))

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return bool(self._do("locked", "locked"))

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class LiveSemaphore(Live):
    """As `threading.Semaphore` or `threading.BoundedSemaphore`."""

    section = "semaphores"

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit; False where there is none in time."""
        if not blocking and timeout is not None:
            raise ValueError("can't specify timeout for non-blocking acquire")
        return self._done(self._do("acquire", "acquire", None, timeout if blocking else 0))

    def release(self, n: int = 1) -> None:
        """Give back `n` permits."""
        self._done(self._do("release", "release", n))

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class LiveCondition(LiveLock):
    """As `threading.Condition`."""

    section = "conditions"

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a notify; False where none came in time."""
        return self._done(self._do("wait", "wait", None, timeout))

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until the predicate is true; its last answer. Waits once, however short the time."""
        end = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while not (result := predicate()) and (left is None or left > 0 or left == timeout):
            self.wait(left)
            left = None if end is None else end - time.monotonic()
        return result

    def notify(self, n: int = 1) -> None:
        """Wake `n` waiters, the first first."""
        self._done(self._do("notify", "notify", max(n, 0)))

    def notify_all(self) -> None:
        """Wake all waiters."""
        self._done(self._do("notify", "notify"))


class LiveBarrier(Live):
    """As `threading.Barrier` without an action."""

    section = "barriers"

    @property
    def parties(self) -> int:
        """How many have to come."""
        return int(self._declared["parties"])

    @property
    def n_waiting(self) -> int:
        """How many wait now."""
        return int(self._do("state", "state")[0])

    @property
    def broken(self) -> bool:
        """Whether it is broken."""
        return bool(self._do("state", "state")[1])

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others; raises `threading.BrokenBarrierError` where they do not come."""
        answer = self._do("wait", "wait", None, timeout)
        if not self._done(answer):
            raise threading.BrokenBarrierError
        return int(answer)

    def reset(self) -> None:
        """Make it whole and empty."""
        self._do("reset", "reset")

    def abort(self) -> None:
        """Break it."""
        self._do("abort", "abort")


class LiveFlag(Live):
    """As `threading.Event`."""

    section = "flags"

    def set(self) -> None:
        """Set it."""
        self._do("set_flag", "set")

    def clear(self) -> None:
        """Clear it."""
        self._do("clear_flag", "clear")

    def is_set(self) -> bool:
        """Whether it is set."""
        return bool(self._do("read", "read"))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; False where it was not in time."""
        return self._done(self._do("wait", "wait", None, timeout))


class LiveValue(Live):
    """A shared variable: `get` and `set`, each atomic on its own."""

    section = "values"

    def get(self) -> Any:
        """A copy of the value."""
        return self._do("read", "read")

    def set(self, value: Any) -> None:
        """Replace the value by a copy."""
        self._do("write", "write", copied(value))


KINDS: dict[str, type[Live]] = {
    kind.section: kind
    for kind in (
        LiveQueue,
        LiveLock,
        LiveSemaphore,
        LiveCondition,
        LiveBarrier,
        LiveFlag,
        LiveValue,
    )
}
