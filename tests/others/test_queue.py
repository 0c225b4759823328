"""CPython's `test_queue` against live queues: those of one process, and those of a hub."""

from __future__ import annotations

import queue
import types
from typing import Any

from others.adopting import ALL, adopt, cpython
from others.declaring import declared
from scenarios.resources.live import LiveQueue

test_queue = cpython("test_queue")

KINDS = {"Queue": "fifo", "LifoQueue": "lifo", "PriorityQueue": "priority"}

SHRINKS = "sets maxsize on the way, which a file declares once for all"
UNTOLD = "shuts down a queue of a hub whose puts wait for no answer; see Queue_hub_synced"
INSIDE = "replaces the private _put and _get of queue.Queue"
LOCAL = "puts objects of a class that cannot be pickled"

OF_ANY = {"test_shrinking_queue": SHRINKS}
UNBOUNDED = dict.fromkeys(
    (
        "test_shutdown_all_methods_in_many_threads",
        "test_shutdown_allowed_transitions",
        "test_shutdown_empty",
        "test_shutdown_immediate",
        "test_shutdown_immediate_all_methods_in_many_threads",
        "test_shutdown_immediate_join",
        "test_shutdown_join",
        "test_shutdown_nonempty",
        "test_shutdown_pending_get",
    ),
    UNTOLD,
)


def module(place: str, sync: bool = False) -> Any:
    """A module as `queue`, whose queues live in one place."""

    def kind(name: str, word: str) -> Any:
        cls = type(name, (LiveQueue,), {})  # a test looks at its name

        def made(maxsize: int = 0) -> Any:
            live = declared(place, "queues", kind=word, maxsize=maxsize, sync=sync)
            live.__class__ = cls
            return live

        return staticmethod(made)

    return types.SimpleNamespace(
        **{**vars(queue), **{name: kind(name, word) for name, word in KINDS.items()}}
    )


def case(name: str, place: str, excluded: dict[str, str], sync: bool = False) -> Any:
    """The case of one kind."""
    base = getattr(test_queue, f"{name}Test")
    slow = ALL if place == "hub" else ()
    return adopt(base, excluded={**OF_ANY, **excluded}, slow=slow, queue=module(place, sync))


def simple(place: str, excluded: dict[str, str]) -> Any:
    """What holds of `queue.SimpleQueue` holds of a queue that has more methods, too."""
    ours = module(place)
    base = test_queue.BaseSimpleQueueTest
    slow = ALL if place == "hub" else ()
    kind = staticmethod(ours.Queue)
    return adopt(base, excluded=excluded, slow=slow, queue=ours, type2test=kind)


Queue_threads = case("Queue", "threads", {})
LifoQueue_threads = case("LifoQueue", "threads", {})
PriorityQueue_threads = case("PriorityQueue", "threads", {})
SimpleQueue_threads = simple("threads", {})

Queue_hub = case("Queue", "hub", UNBOUNDED)
LifoQueue_hub = case("LifoQueue", "hub", UNBOUNDED)
PriorityQueue_hub = case("PriorityQueue", "hub", {})
SimpleQueue_hub = simple("hub", {"test_references": LOCAL})
Queue_hub_synced = case("Queue", "hub", {}, sync=True)

FailingQueue_threads = adopt(
    test_queue.FailingQueueTest, excluded={"test_failing_queue": INSIDE}, queue=queue
)
