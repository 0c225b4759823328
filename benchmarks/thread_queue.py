"""The queue between threads of one process over `queue.Queue`: a producer and a consumer thread."""

from __future__ import annotations

import queue
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial

from measure import Report

from scenarios.resources.driver import Driver, Party
from scenarios.resources.queues import Queue

ITEMS = 50_000
ROUNDS = 9
LIMITS = (
    ("unbounded", 0, 1.2),
    ("bounded to 1", 1, 2.0),
    ("bounded to 10", 10, 1.0),  # from here on both wait for a switch of threads at the bound
    ("bounded to 1,000", 1000, 1.0),
)


def rate(put: Callable[[], object], get: Callable[[], object]) -> float:
    """Items a second from one thread to another."""

    def produce() -> None:
        for _ in range(ITEMS):
            put()

    began = time.perf_counter()
    producer = threading.Thread(target=produce)
    producer.start()
    for _ in range(ITEMS):
        get()
    producer.join()
    return ITEMS / (time.perf_counter() - began)


def ours(maxsize: int) -> float:
    """The machine behind its driver, as threads of a run use it."""
    driver = Driver("q", Queue("fifo", maxsize))
    writer, reader = Party("writer"), Party("reader")
    perform = driver.perform
    return rate(
        partial(perform, writer, "put", ("", 1), None), partial(perform, reader, "get", None, None)
    )


def theirs(maxsize: int) -> float:
    """The standard library's."""
    made: queue.Queue[int] = queue.Queue(maxsize)
    return rate(partial(made.put, 1), made.get)


def main() -> None:
    """The two in turn, medians of ratios."""
    report = Report()
    for name, maxsize, limit in LIMITS:
        ratios = [ours(maxsize) / theirs(maxsize) for _ in range(ROUNDS)]
        report.at_least(f"{name}: items over queue.Queue's", statistics.median(ratios), limit, "x")
    report.close()


if __name__ == "__main__":
    main()
