"""The hub against multiprocessing.Queue and a pipe, in one run: rates, round trips, ratios.

    python benchmarks/hub_queue.py [--rounds 5] [--items 30000]

Rounds of both alternate and their medians are compared; a ratio is the hub's figure : the other's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

from measure import Report

from scenarios.hub.launch import Hub
from scenarios.wire.client import HubClient

CONTEXT = multiprocessing.get_context("fork")
MORE = 5  # times as many rounds for what depends on which processes share a processor
HOLD = 10_000  # ns for which a lock is held, so that the other waits
DEADLINE = 120.0
"""Seconds in which one measurement has ended."""

MEBIBYTE = b"x" * (1 << 20)


class HubQueue:
    """A queue of the hub with the two methods that are measured."""

    def __init__(self, hub: Hub, index: int) -> None:
        self.index = index
        self.client = HubClient(hub.address, hub.token, "bench")

    def put(self, item: Any) -> None:
        """As the worker does it: with an identity."""
        self.client.perform(self.index, "put", ("w.1", item))

    def get(self) -> Any:
        """As the worker does it: with a deadline to come."""
        return self.client.perform(self.index, "get")[1]


def produce(make: Callable[[int], Any], item: Any, count: int, ready: Any, done: Any) -> None:
    """Put `count` items, then stay until all were got."""
    queue = make(0)
    ready.wait(DEADLINE)
    for _ in range(count):
        queue.put(item)
    done.wait(DEADLINE)


def answer(make: Callable[[int], Any], count: int) -> None:
    """Pass on what comes."""
    source, target = make(0), make(1)
    for _ in range(count):
        target.put(source.get())


def rate(make: Callable[[int], Any], producers: int, item: Any, count: int) -> float:
    """Items a second from `producers` processes to this one."""
    ready, done = CONTEXT.Event(), CONTEXT.Event()
    share = count // producers
    processes = [
        CONTEXT.Process(target=produce, args=(make, item, share, ready, done))
        for _ in range(producers)
    ]
    for process in processes:
        process.start()
    queue = make(0)
    time.sleep(0.1)
    ready.set()
    began = time.perf_counter()
    for _ in range(share * producers):
        queue.get()
    taken = time.perf_counter() - began
    done.set()
    for process in processes:
        process.join(DEADLINE)
    return share * producers / taken


def round_trip(make: Callable[[int], Any], count: int) -> float:
    """Microseconds from a put until another process's answer is got."""
    process = CONTEXT.Process(target=answer, args=(make, count))
    process.start()
    target, source = make(0), make(1)
    target.put(0)
    source.get()
    began = time.perf_counter()
    for number in range(count - 1):
        target.put(number)
        source.get()
    taken = time.perf_counter() - began
    process.join(DEADLINE)
    return taken / (count - 1) * 1e6


def pipe_round_trip(count: int) -> float:
    """Microseconds for a byte to another process and back."""
    there, back = os.pipe(), os.pipe()
    process = CONTEXT.Process(target=echo, args=(there[0], back[1], count))
    process.start()
    began = time.perf_counter()
    for _ in range(count):
        os.write(there[1], b"x")
        os.read(back[0], 1)
    taken = time.perf_counter() - began
    process.join(DEADLINE)
    for fd in (*there, *back):
        os.close(fd)
    return taken / count * 1e6


def echo(source: int, target: int, count: int) -> None:
    """Send back what comes."""
    for _ in range(count):
        os.write(target, os.read(source, 1))


def contend(hub: Hub, count: int, report: Any) -> None:
    """Acquire and release; when each was asked for, granted and given back, in nanoseconds."""
    client = HubClient(hub.address, hub.token, "bench")
    moments = []
    for _ in range(count):
        asked = time.monotonic_ns()
        client.perform(0, "acquire")
        granted = time.monotonic_ns()
        while (released := time.monotonic_ns()) < granted + HOLD:
            pass
        client.perform(0, "release")
        moments.append((asked, granted, released))
    report.put(moments)


def hand_over(count: int) -> float:
    """Microseconds from a release until another process that waits has the lock; the median."""
    with Hub([("guard", "locks", {})]) as hub:
        report = CONTEXT.Queue()
        processes = [CONTEXT.Process(target=contend, args=(hub, count, report)) for _ in range(2)]
        for process in processes:
            process.start()
        told = [
            (granted, released, asked, who)
            for who in range(2)
            for asked, granted, released in report.get(timeout=DEADLINE)
        ]
        for process in processes:
            process.join(DEADLINE)
    told.sort()
    taken = [
        float(granted - released) / 1000
        for (_, released, _, who), (granted, _, asked, other) in pairwise(told)
        if who != other and asked < released
    ]
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--items", type=int, default=30_000)
    options = parser.parse_args()
    count = options.items
    report = Report()
    works: list[tuple[str, float, Callable[[Callable[[int], Any]], float]]] = [
        ("1 to 1, small, items/s", 0.6, lambda make: rate(make, 1, "item", count)),
        ("4 to 1, small, items/s", 0.8, lambda make: rate(make, 4, "item", count)),
        ("1 to 1, 1 MiB, items/s", 2.0, lambda make: rate(make, 1, MEBIBYTE, count // 60)),
        ("round trip, µs", 0.5, lambda make: round_trip(make, count // 10)),
    ]
    for title, limit, work in works:
        ours, theirs = [], []
        for _ in range(options.rounds * (MORE if title.endswith("µs") else 1)):
            with ExitStack() as stack:
                hub = stack.enter_context(Hub([("a", "queues", {}), ("b", "queues", {})]))
                ours.append(work(lambda index, hub=hub: HubQueue(hub, index)))  # type: ignore[misc]
            queues = CONTEXT.Queue(), CONTEXT.Queue()
            theirs.append(work(lambda index, queues=queues: queues[index]))  # type: ignore[misc]
        compare(report, title, limit, ours, theirs, "mp.Queue")
    over, pipe = [], []
    for _ in range(options.rounds * MORE):
        over.append(hand_over(count // 10))
        pipe.append(pipe_round_trip(count // 10))
    compare(report, "lock hand-over, µs", 2.0, over, pipe, "pipe")
    report.close()


def compare(
    report: Report, title: str, limit: float, ours: list[float], theirs: list[float], other: str
) -> None:
    """One line with both medians and their ratio; what is in µs should be small."""
    here, there = statistics.median(ours), statistics.median(theirs)
    check = report.at_most if title.endswith("µs") else report.at_least
    check(f"{title}: hub {here:.0f}, {other} {there:.0f}", here / there, limit, "x")


if __name__ == "__main__":
    main()
