"""The hub's queue against multiprocessing.Queue, in one run: rates, round trip, ratios.

    python benchmarks/hub_queue.py [--rounds 3] [--items 30000]

Rounds of both alternate and their medians are compared; a ratio is hub : multiprocessing.Queue.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from scenarios.hub.launch import Hub
from scenarios.wire.client import HubClient

CONTEXT = multiprocessing.get_context("fork")
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=30_000)
    options = parser.parse_args()
    count = options.items
    works: list[tuple[str, bool, Callable[[Callable[[int], Any]], float]]] = [
        ("1 to 1, small, items/s", True, lambda make: rate(make, 1, "item", count)),
        ("4 to 1, small, items/s", True, lambda make: rate(make, 4, "item", count)),
        ("1 to 1, 1 MiB, items/s", True, lambda make: rate(make, 1, MEBIBYTE, count // 60)),
        ("round trip, µs", False, lambda make: round_trip(make, count // 10)),
    ]
    for title, _, work in works:
        ours, theirs = [], []
        for _ in range(options.rounds):
            with ExitStack() as stack:
                hub = stack.enter_context(Hub([("a", "queues", {}), ("b", "queues", {})]))
                ours.append(work(lambda index, hub=hub: HubQueue(hub, index)))  # type: ignore[misc]
            queues = CONTEXT.Queue(), CONTEXT.Queue()
            theirs.append(work(lambda index, queues=queues: queues[index]))  # type: ignore[misc]
        here, there = statistics.median(ours), statistics.median(theirs)
        print(f"{title:24} hub {here:10.0f}  mp.Queue {there:10.0f}  ratio {here / there:5.2f}")


if __name__ == "__main__":
    main()
