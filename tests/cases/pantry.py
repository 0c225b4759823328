"""Code that the scenarios of runs.txt call; it knows nothing of the engine."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import Any


class Box:
    """Something that counts, and can be closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.n = 0

    def add(self, x: int) -> int:
        """The sum so far."""
        self.n += x
        return self.n

    def title(self) -> str:
        """Its name up to the first dot."""
        return self.name.split(".")[0]

    def shut(self) -> None:
        """Close it."""
        self.n = -1


class Thing:
    """No plain data."""

    n = 42


def push(items: list[Any], item: Any) -> None:
    """Change a list that was handed over."""
    items.append(item)


def boom() -> None:
    """Raise."""
    raise ValueError("kaboom")


def fill(q: queue.Queue[int], n: int) -> int:
    """Put n numbers."""
    for number in range(n):
        q.put(number)
    return n


def producer(q: queue.Queue[Any], n: int) -> None:
    """Put n numbers and an end."""
    fill(q, n)
    q.put(None)


def consumer(q: queue.Queue[Any]) -> list[Any]:
    """All up to the end."""
    found = []
    while (item := q.get(timeout=20)) is not None:
        found.append(item)
        q.task_done()
    return found


def drainer(q: queue.Queue[Any]) -> None:
    """Take for ever."""
    while True:
        q.get()


def thing() -> Thing:
    """A result that is no plain data."""
    return Thing()


def use(x: Thing) -> int:
    """What only Python can look at."""
    return x.n


def use_box(box: Box) -> int:
    """Use an object that was made elsewhere."""
    return box.add(7)


def greet(who: str, age: int) -> str:
    """Both in one text."""
    return f"{who} {age}"


def addto(value: Any, item: Any) -> None:
    """Read and write a shared value."""
    value.set([*value.get(), item])


def ret() -> dict[str, Any]:
    """Plain data with a tuple in it."""
    return {"k": (1, 2)}


def tup() -> tuple[int, int]:
    """A tuple."""
    return (1, 2)


def exits() -> None:
    """Leave as a program does."""
    sys.exit(5)


def die_on(item: int, bad: int) -> int:
    """Die without a word at one item."""
    if item == bad:
        os._exit(9)
    return item


def prints() -> None:
    """One line on each output."""
    print("out")
    print("err", file=sys.stderr)


def everything(
    q: queue.Queue[int],
    l: Any,  # noqa: E741
    r: Any,
    c: threading.Condition,
    v: Any,
    f: threading.Event,
    b: threading.Barrier,
    s: threading.Semaphore,
) -> int:
    """Two workers use one of each; the answer is the place at the barrier."""
    with l:
        assert not l.acquire(blocking=False)
    with r, r, s:
        pass
    place = b.wait(20)
    if place == 0:
        f.set()
    assert f.wait(20)
    assert f.is_set()
    with c:
        v.set(v.get() + 10)
        c.notify_all()
    with c:
        assert c.wait_for(lambda: v.get() == 21, 20)
    b.wait(20)
    q.put(place, timeout=20)
    assert q.get(timeout=20) in (0, 1)
    b.wait(20)
    try:
        q.get_nowait()
    except queue.Empty:
        pass
    else:
        raise AssertionError("the queue should be empty")
    b.wait(20)
    assert q.empty()
    assert not q.full()
    assert q.qsize() == 0
    return place
