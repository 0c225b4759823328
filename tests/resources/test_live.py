from __future__ import annotations

import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import PROMPT, Later, until
from scenarios.errors import Stopped
from scenarios.resources.driver import Driver, Party, drivers
from scenarios.resources.live import KINDS, Live, ShutDown
from scenarios.resources.machines import Declaration, make_all


class World:
    """Live objects over drivers, and a party for each thread."""

    def __init__(self, *declared: Declaration) -> None:
        self.drivers: dict[str, Driver] = drivers(make_all(list(declared)))
        self.here = threading.local()
        self.parties: dict[str, Party] = {}
        self.numbers = itertools.count()
        self.live: dict[str, Any] = {
            name: KINDS[section](name, self.does, dict(keys)) for name, section, keys in declared
        }

    def party(self) -> Party:
        """The calling thread's."""
        if not hasattr(self.here, "party"):
            name = threading.current_thread().name
            self.here.party = self.parties[name] = Party(name)
        party: Party = self.here.party
        return party

    def does(self, name: str, word: str, verb: str, argument: Any, timeout: float | None) -> Any:
        """As a performer does it, without its records."""
        if verb == "put":
            argument = str(next(self.numbers)), argument
        answer = self.drivers[name].perform(self.party(), verb, argument, timeout)
        return answer[1] if verb == "get" and isinstance(answer, tuple) else answer


def live(section: str, **keys: Any) -> Any:
    """One live object."""
    return World(("it", section, keys)).live["it"]


def outcome(action: Callable[[Any], Any], subject: Any) -> tuple[str, Any]:
    """What an action returned, or the type of what it raised."""
    try:
        return "returned", action(subject)
    except Exception as error:
        return "raised", type(error)


Action = Callable[[Any], Any]


def entered(subject: Any) -> Any:
    """Enter it, look, and leave."""
    if not subject.acquire(False):
        return "held"
    subject.release()
    with subject as answer:
        return answer


QUEUE: dict[str, Action] = {
    "put_nowait": lambda q: q.put_nowait(1),
    "put at once": lambda q: q.put(0, False),
    "put in no time": lambda q: q.put(3, timeout=0),
    "put in time": lambda q: q.put(2, timeout=0.001),
    "put in negative time": lambda q: q.put(4, True, -1),
    "put and not wait": lambda q: q.put(4, False, -1),
    "get_nowait": lambda q: q.get_nowait(),
    "get at once": lambda q: q.get(block=False),
    "get in time": lambda q: q.get(True, 0.001),
    "get in negative time": lambda q: q.get(timeout=-1),
    "qsize": lambda q: q.qsize(),
    "empty": lambda q: q.empty(),
    "full": lambda q: q.full(),
    "maxsize": lambda q: q.maxsize,
    "task_done": lambda q: q.task_done(),
    "unfinished_tasks": lambda q: q.unfinished_tasks,
}
SHUT: dict[str, Action] = {  # ours looks at a time before it asks whether it is shut down
    **{word: action for word, action in QUEUE.items() if "negative" not in word},
    "shut down": lambda q: q.shutdown(),
    "shut down at once": lambda q: q.shutdown(immediate=True),
    "is_shutdown": lambda q: q.is_shutdown,
}
LOCK: dict[str, Action] = {
    "acquire at once": lambda lock: lock.acquire(False),
    "acquire in no time": lambda lock: lock.acquire(timeout=0),
    "acquire in time": lambda lock: lock.acquire(True, 0.001),
    "acquire in negative time": lambda lock: lock.acquire(timeout=-2),
    "acquire in too much time": lambda lock: lock.acquire(timeout=1e300),
    "acquire at once in time": lambda lock: lock.acquire(False, 1),
    "release": lambda lock: lock.release(),
    "release again": lambda lock: lock.release(),
    "enter": entered,
}
SEMAPHORE: dict[str, Action] = {
    "acquire at once": lambda it: it.acquire(blocking=False),
    "acquire in no time": lambda it: it.acquire(timeout=0),
    "acquire in negative time": lambda it: it.acquire(timeout=-1),
    "acquire at once in time": lambda it: it.acquire(False, 1),
    "release": lambda it: it.release(),
    "release two": lambda it: it.release(2),
    "release none": lambda it: it.release(0),
    "enter": entered,
}
CONDITION: dict[str, Action] = {
    **LOCK,
    "wait in no time": lambda it: it.wait(0),
    "wait in negative time": lambda it: it.wait(-1),
    "wait in time": lambda it: it.wait(timeout=0.001),
    "wait_for in vain": lambda it: it.wait_for(lambda: 0, 0.001),
    "wait_for nothing": lambda it: it.wait_for(lambda: "yes"),
    "wait_for in no time": lambda it: it.wait_for(iter([0, 7]).__next__, 0),
    "notify": lambda it: it.notify(),
    "notify none": lambda it: it.notify(0),
    "notify less": lambda it: it.notify(-1),
    "notify_all": lambda it: it.notify_all(),
}
BARRIER: dict[str, Action] = {
    "wait in no time": lambda it: it.wait(0),
    "wait in negative time": lambda it: it.wait(-1),
    "wait in time": lambda it: it.wait(timeout=0.001),
    "parties": lambda it: it.parties,
    "n_waiting": lambda it: it.n_waiting,
    "broken": lambda it: it.broken,
    "reset": lambda it: it.reset(),
    "abort": lambda it: it.abort(),
}
EVENT: dict[str, Action] = {
    "set": lambda it: it.set(),
    "clear": lambda it: it.clear(),
    "is_set": lambda it: it.is_set(),
    "wait in no time": lambda it: it.wait(0),
    "wait in negative time": lambda it: it.wait(timeout=-1),
    "wait in time": lambda it: it.wait(0.001),
}
PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any], dict[str, Action]]] = {
    "fifo": (queue.Queue, lambda: live("queues"), QUEUE),
    "bounded": (lambda: queue.Queue(2), lambda: live("queues", maxsize=2), QUEUE),
    "lifo": (lambda: queue.LifoQueue(3), lambda: live("queues", kind="lifo", maxsize=3), QUEUE),
    "priority": (queue.PriorityQueue, lambda: live("queues", kind="priority"), QUEUE),
    "lock": (
        threading.Lock,
        lambda: live("locks"),
        {**LOCK, "locked": lambda lock: lock.locked()},
    ),
    "rlock": (threading.RLock, lambda: live("locks", kind="rlock"), LOCK),
    "semaphore": (
        lambda: threading.Semaphore(2),
        lambda: live("semaphores", permits=2, bounded=False),
        SEMAPHORE,
    ),
    "bounded semaphore": (
        lambda: threading.BoundedSemaphore(2),
        lambda: live("semaphores", permits=2),
        SEMAPHORE,
    ),
    "signal": (lambda: threading.Semaphore(0), lambda: live("semaphores", permits=0), SEMAPHORE),
    "condition": (threading.Condition, lambda: live("conditions"), CONDITION),
    "barrier": (lambda: threading.Barrier(2), lambda: live("barriers", parties=2), BARRIER),
    "barrier of one": (lambda: threading.Barrier(1), lambda: live("barriers", parties=1), BARRIER),
    "event": (threading.Event, lambda: live("flags"), EVENT),
}
if sys.version_info >= (3, 13):  # which has them first
    PAIRS |= {
        f"{name}, shut down": (theirs, ours, SHUT)
        for name, (theirs, ours, actions) in PAIRS.items()
        if actions is QUEUE
    }


class Actor:
    """A thread that does one thing after another; one that hangs keeps nobody alive."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Action, Any]] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._told.put(outcome(*self._asked.get()))

    def __call__(self, action: Action, subject: Any) -> tuple[str, Any]:
        """The outcome of an action in this thread."""
        self._asked.put((action, subject))
        return self._told.get(timeout=5)


@pytest.mark.parametrize("name", PAIRS)
def test_as_the_standard_library(name: str) -> None:
    """Any script of two threads that never waits long: same answers, same exceptions."""
    theirs, ours, actions = PAIRS[name]
    actors = Actor(), Actor()
    step = st.tuples(st.integers(0, 1), st.sampled_from(sorted(actions)))

    @settings(max_examples=60, deadline=None)
    @given(script=st.lists(step, max_size=25))
    def compare(script: list[tuple[int, str]]) -> None:
        subjects = theirs(), ours()
        for actor, word in script:
            expected, found = (actors[actor](actions[word], subject) for subject in subjects)
            assert expected == found, word

    compare()


def test_every_kind_has_the_counterparts_names() -> None:
    """Public methods, but for those that are deprecated or tied to its insides."""
    left_out = {
        "queue", "mutex", "not_empty", "not_full", "all_tasks_done", "notifyAll", "isSet",
        "acquire_lock", "release_lock",
        "locked_lock",
    }  # fmt: skip
    for theirs, ours, _ in PAIRS.values():
        names = {name for name in dir(theirs()) if not name.startswith("_")}
        assert names - left_out - set(dir(ours())) == set(), ours()


def test_items_and_values_are_copies() -> None:
    """Nothing is shared by reference except through a resource."""
    world = World(("q", "queues", {}), ("v", "values", {"init": [1]}))
    item = [1]
    world.live["q"].put(item)
    world.live["v"].set(item)
    item.append(2)
    assert world.live["q"].get() == [1]
    assert world.live["v"].get() == [1]


def test_a_producer_and_consumers_as_they_are_written_for_a_queue() -> None:
    """Items once each, and join comes back when all of them are done."""
    world = World(("q", "queues", {"maxsize": 2}))
    jobs = world.live["q"]
    done: list[int] = []

    def consume() -> None:
        while (item := jobs.get()) is not None:
            done.append(item)
            jobs.task_done()

    consumers = [Later(consume) for _ in range(3)]
    for number in range(60):
        jobs.put(number)
    jobs.join()
    assert sorted(done) == list(range(60))
    for _ in consumers:
        jobs.put(None)
    for consumer in consumers:
        consumer.result()


def test_consumers_end_when_their_queue_is_shut_down() -> None:
    """After the last item, on every Python."""
    jobs = live("queues", maxsize=3)
    done: list[int] = []

    def consume() -> str:
        try:
            while True:
                done.append(jobs.get())
        except ShutDown as error:
            return str(error)

    consumers = [Later(consume) for _ in range(3)]
    for number in range(20):
        jobs.put(number)
    jobs.shutdown()
    assert {consumer.result() for consumer in consumers} == {"it: the queue is shut down"}
    assert sorted(done) == list(range(20))
    with pytest.raises(ShutDown):
        jobs.put(21)
    assert jobs.is_shutdown


def test_a_counter_under_a_lock() -> None:
    """No update is lost with it."""
    world = World(("guard", "locks", {}), ("count", "values", {"init": 0}))
    guard, count = world.live["guard"], world.live["count"]

    def add() -> None:
        for _ in range(50):
            with guard:
                count.set(count.get() + 1)

    for later in [Later(add) for _ in range(4)]:
        later.result()
    assert count.get() == 200


def test_a_buffer_with_two_conditions() -> None:
    """The textbook's bounded buffer runs unchanged."""
    world = World(
        ("guard", "locks", {}),
        ("room", "conditions", {"lock": "guard"}),
        ("work", "conditions", {"lock": "guard"}),
    )
    room, work = world.live["room"], world.live["work"]
    buffer: list[int] = []
    taken: list[int] = []

    def take() -> None:
        for _ in range(40):
            with work:
                work.wait_for(lambda: buffer)
                taken.append(buffer.pop(0))
                room.notify()

    takers = [Later(take) for _ in range(2)]
    for number in range(80):
        with room:
            while len(buffer) >= 2:
                room.wait()
            buffer.append(number)
            work.notify()
    for taker in takers:
        taker.result()
    assert sorted(taken) == list(range(80))


def test_a_barrier_and_a_flag_between_threads() -> None:
    """Each has its own number; all go on when the flag is set."""
    world = World(("gate", "barriers", {"parties": 3}), ("go", "flags", {}))
    numbers = [Later(world.live["gate"].wait) for _ in range(3)]
    assert sorted(later.result() for later in numbers) == [0, 1, 2]
    waits = [Later(world.live["go"].wait) for _ in range(2)]
    world.live["go"].set()
    assert [later.result() for later in waits] == [True, True]


WAITS: dict[str, tuple[str, dict[str, Any], Action]] = {
    "get": ("queues", {}, lambda it: it.get()),
    "put": ("queues", {"maxsize": 1}, lambda it: (it.put(1), it.put(1))),
    "join": ("queues", {}, lambda it: (it.put(1), it.join())),
    "lock": ("locks", {}, lambda it: (it.acquire(), it.acquire())),
    "semaphore": ("semaphores", {"permits": 0}, lambda it: it.acquire()),
    "barrier": ("barriers", {"parties": 2}, lambda it: it.wait()),
    "flag": ("flags", {}, lambda it: it.wait()),
    "condition": ("conditions", {}, lambda it: (it.acquire(), it.wait())),
}


@pytest.mark.parametrize("name", WAITS)
def test_a_stop_ends_every_wait(name: str) -> None:
    """With an exception that no `except Exception` of the code catches."""
    section, keys, action = WAITS[name]
    world = World(("it", section, keys))

    def code() -> None:
        world.party()
        try:
            action(world.live["it"])
        except Exception as error:
            raise AssertionError("caught by mistake") from error

    waiting = Later(code)
    party = until(lambda: next((p for p in world.parties.values() if p.parked), None))
    party.interrupt()
    with pytest.raises(Stopped):
        waiting.result()


@pytest.mark.parametrize("kind", ["lock", "rlock"])
@pytest.mark.parametrize("held", ["guard", "ready", "explicitly"])
def test_a_stopped_wait_of_a_condition_masks_no_stop(kind: str, held: str) -> None:
    """Its lock is not taken again, and leaving gives nothing back, even of another's."""
    world = World(("guard", "locks", {"kind": kind}), ("ready", "conditions", {"lock": "guard"}))
    guard, ready = world.live["guard"], world.live["ready"]

    def code() -> None:
        world.party()
        if held == "explicitly":
            ready.acquire()
            try:
                ready.wait()
            finally:
                ready.release()
        else:
            with world.live[held]:
                ready.wait()

    waiting = Later(code)
    party = until(lambda: next((p for p in world.parties.values() if p.parked), None))
    guard.acquire()
    party.interrupt()
    with pytest.raises(Stopped):
        waiting.result()
    assert Later(guard.acquire, False).result() is False
    guard.release()


def test_wait_for_keeps_to_its_time() -> None:
    """However often it is notified in vain."""
    world = World(("ready", "conditions", {}))
    ready = world.live["ready"]
    over = threading.Event()

    def disturb() -> None:
        while not over.is_set():
            with ready:
                ready.notify_all()

    disturbing = Later(disturb)
    began = time.monotonic()
    with ready:
        assert ready.wait_for(lambda: False, 0.1) is False
    assert 0.1 <= time.monotonic() - began < PROMPT
    over.set()
    disturbing.result()


def test_they_say_what_they_are() -> None:
    """Kind and name, for people who print them."""
    world = World(("q", "queues", {}))
    shown: Live = world.live["q"]
    assert repr(shown) == "<LiveQueue q>"
