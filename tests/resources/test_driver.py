from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from hubs import PROMPT, Later, until
from scenarios.answers import STOP, TIMED_OUT, WOULD_BLOCK, Refused
from scenarios.resources.driver import Driver, Party, drivers
from scenarios.resources.locks import GIVEN_UP
from scenarios.resources.machines import Declaration, make, make_all

DECLARED: list[Declaration] = [
    ("q", "queues", {"maxsize": 1}),
    ("guard", "locks", {"kind": "lock"}),
    ("permits", "semaphores", {"permits": 1}),
    ("ready", "conditions", {"lock": "guard"}),
    ("own", "conditions", {}),
    ("gate", "barriers", {"parties": 2}),
    ("flag", "flags", {}),
    ("count", "values", {"init": 0}),
]


@pytest.fixture
def shared() -> dict[str, Driver]:
    """A driver of each kind."""
    return drivers(make_all(DECLARED))


WAITS: list[tuple[str, str, Any, list[tuple[str, str, Any]]]] = [
    ("q", "get", None, []),
    ("q", "put", ("b", 2), [("q", "put", ("a", 1))]),
    ("q", "join", None, [("q", "put", ("a", 1))]),
    ("guard", "acquire", None, [("guard", "acquire", None)]),
    ("permits", "acquire", None, [("permits", "acquire", None)]),
    ("ready", "acquire", None, [("guard", "acquire", None)]),
    ("gate", "wait", None, []),
    ("flag", "wait", None, []),
]


def parked(party: Party) -> None:
    """Wait until a party is parked."""
    until(lambda: party.parked, f"{party} parked")


@pytest.mark.parametrize(("name", "verb", "argument", "before"), WAITS)
def test_every_wait_can_be_stopped_and_runs_out_of_time(
    shared: dict[str, Driver],
    name: str,
    verb: str,
    argument: Any,
    before: list[tuple[str, str, Any]],
) -> None:
    """Inside the wait, before it, by a time-out, and by a time-out of nothing."""
    for other, what, given in before:
        shared[other].perform(Party("before"), what, given, None)
    party = Party("waiter")
    waiting = Later(shared[name].perform, party, verb, argument, None)
    parked(party)
    party.interrupt()
    assert waiting.result() is STOP
    if name == "gate":  # a stop breaks it
        shared[name].perform(party, "reset", None, None)
    assert shared[name].perform(party, verb, argument, None) is STOP
    if name == "gate":
        shared[name].perform(party, "reset", None, None)
    patient = Party("patient")
    began = time.monotonic()
    assert shared[name].perform(patient, verb, argument, 0.05) == TIMED_OUT
    assert 0.05 <= time.monotonic() - began < PROMPT
    if name == "gate":
        shared[name].perform(party, "reset", None, None)
    assert shared[name].perform(patient, verb, argument, 0) == WOULD_BLOCK
    assert patient.parked is None


@pytest.mark.parametrize("timeout", [1e10, 1e300, float("inf")])
def test_a_time_beyond_what_the_system_can_wait_is_no_limit(
    shared: dict[str, Driver], timeout: float
) -> None:
    """Locks of Python refuse to wait longer than some 292 years."""
    party = Party("waiter")
    waiting = Later(shared["q"].perform, party, "get", None, timeout)
    parked(party)
    shared["q"].perform(Party("other"), "put", ("a", 1), None)
    assert waiting.result() == ("a", 1)


@pytest.mark.parametrize("timeout", [-1, -0.5])
def test_a_time_that_is_over_does_not_wait(shared: dict[str, Driver], timeout: float) -> None:
    """A negative time is what is left of a deadline that has passed."""
    assert Later(shared["q"].perform, Party("a"), "get", None, timeout).result() == WOULD_BLOCK


def test_a_conditions_wait(shared: dict[str, Driver]) -> None:
    """Notified with its lock taken again; the named lock and the condition are one machine."""
    waiter, other = Party("waiter"), Party("other")
    assert shared["guard"].perform(waiter, "acquire", None, None) is True
    waiting = Later(shared["ready"].perform, waiter, "wait", None, None)
    parked(waiter)
    shared["ready"].perform(other, "acquire", None, None)
    assert shared["ready"].perform(other, "notify", None, None) == 1
    time.sleep(0.02)
    assert not waiting.ended
    shared["guard"].perform(other, "release", None, None)
    assert waiting.result() is True
    assert shared["guard"].perform(waiter, "release", None, None) is True


def test_a_conditions_wait_without_its_notify(shared: dict[str, Driver]) -> None:
    """Refused after its time, and beyond it as long as another holds the lock."""
    waiter, other = Party("waiter"), Party("other")
    wait = shared["ready"].perform
    shared["guard"].perform(waiter, "acquire", None, None)
    assert wait(waiter, "wait", None, 0) == WOULD_BLOCK
    assert wait(waiter, "wait", None, 0.01) == TIMED_OUT
    acquiring = Later(shared["guard"].perform, other, "acquire", None, None)
    parked(other)  # so that it gets it at once
    waiting = Later(wait, waiter, "wait", None, 0.05)
    assert acquiring.result() is True
    time.sleep(0.1)
    assert not waiting.ended
    shared["guard"].perform(other, "release", None, None)
    assert waiting.result() == TIMED_OUT
    assert shared["guard"].perform(waiter, "release", None, None) is True


@pytest.mark.parametrize("expired", [False, True])
def test_a_stopped_wait_of_a_condition_leaves_the_lock_alone(
    shared: dict[str, Driver], expired: bool
) -> None:
    """Whether it waits to be notified, or for its lock after its time has run out."""
    waiter, other = Party("waiter"), Party("other")
    shared["guard"].perform(waiter, "acquire", None, None)
    acquiring = Later(shared["guard"].perform, other, "acquire", None, None)
    parked(other)  # so that it gets it at once
    waiting = Later(shared["ready"].perform, waiter, "wait", None, 0.05 if expired else None)
    assert acquiring.result() is True
    if expired:
        time.sleep(0.1)
    waiter.interrupt()
    assert waiting.result() is STOP
    assert shared["guard"].perform(waiter, "release", None, None) == GIVEN_UP
    assert shared["guard"].perform(other, "release", None, None) is True


class Sly(Party):
    """A party that is interrupted right when somebody looks whether it was."""

    __slots__ = ("hit", "real")

    def __init__(self) -> None:
        self.real = False
        self.hit: Callable[[], None] | None = None
        super().__init__("sly")

    @property
    def stopped(self) -> bool:
        """False once more, while the interrupt happens."""
        now, hit, self.hit = self.real, self.hit, None
        if hit is not None:
            hit()
        return now

    @stopped.setter
    def stopped(self, value: bool) -> None:
        self.real = value


def test_no_interrupt_is_lost_between_the_look_and_the_wait(shared: dict[str, Driver]) -> None:
    """One that comes after the look finds the party parked."""
    party = Sly()
    done = threading.Event()

    def hit() -> None:
        party.interrupt()
        done.set()

    def interrupt() -> None:
        threading.Thread(target=hit).start()
        time.sleep(0.05)  # it has set the flag and either went on or waits for the driver

    party.hit = interrupt
    waiting = Later(shared["flag"].perform, party, "wait", None, None)
    try:
        assert waiting.result() is STOP
    finally:
        shared["flag"].perform(Party("x"), "set", None, None)
    assert done.wait(5)


def test_an_exception_in_a_wait_ends_it(shared: dict[str, Driver]) -> None:
    """A signal's handler may raise on the main thread; nothing is given to one who is gone."""

    class Interrupted(BaseException):
        pass

    class Wake:
        raised = False

        def acquire(self, timeout: float = -1) -> bool:
            if self.raised:
                return True
            self.raised = True
            raise Interrupted

        def release(self) -> None:
            pass

    party = Party("main")
    party.wake = Wake()  # type: ignore[assignment]
    with pytest.raises(Interrupted):
        shared["q"].perform(party, "get", None, None)
    assert party.parked is None
    other = Party("other")
    shared["q"].perform(other, "put", ("a", 1), None)
    assert shared["q"].perform(other, "get", None, 0) == ("a", 1)


def test_a_failing_update_leaves_the_driver_whole(shared: dict[str, Driver]) -> None:
    """What it raises goes to who asked for it."""
    party = Party("a")
    with pytest.raises(ZeroDivisionError):
        shared["count"].perform(party, "update", lambda old: 1 // old, None)
    assert shared["count"].perform(party, "update", lambda old: old + 1, None) == (0, 1)


def test_leaving(shared: dict[str, Driver]) -> None:
    """A dead holder's lock goes to the one who waits."""
    waiter, other = Party("waiter"), Party("other")
    shared["guard"].perform(other, "acquire", None, None)
    waiting = Later(shared["guard"].perform, waiter, "acquire", None, None)
    parked(waiter)
    shared["guard"].leave(other, True)
    assert waiting.result() == "abandoned"


def test_the_item_of_a_taker_that_ended_goes_back() -> None:
    """With `ack: task_done` also inside one process, unless it said task_done."""
    for done in (False, True):
        driver = Driver("q", make("queues", {"ack": "task_done"}))
        taker, other = Party("taker"), Party("other")
        driver.perform(taker, "put", ("a", 1), None)
        driver.perform(taker, "get", None, None)
        if done:
            driver.perform(taker, "task_done", None, None)
        driver.leave(taker, False)
        assert driver.perform(other, "get", None, 0) == (WOULD_BLOCK if done else ("a", 1))


def test_an_item_is_let_go_when_its_taker_lets_it_go(shared: dict[str, Driver]) -> None:
    """No party keeps what it was woken with."""

    class Item:
        pass

    taker = Party("taker")
    taking = Later(shared["q"].perform, taker, "get", None, None)
    parked(taker)
    item = Item()
    gone = weakref.ref(item)
    shared["q"].perform(Party("putter"), "put", ("a", item), None)
    assert taking.result() == ("a", item)
    del item, taking
    assert gone() is None


def test_the_longest_wait_is_told(shared: dict[str, Driver]) -> None:
    """In seconds, beside the machine's own figures."""
    assert shared["q"].statistics()["max_wait"] == 0
    shared["q"].perform(Party("a"), "get", None, 0.05)
    assert 0.05 <= shared["q"].statistics()["max_wait"] < PROMPT


def test_a_condition_and_its_lock_share_a_mutex(shared: dict[str, Driver]) -> None:
    """One machine must not be driven twice at once."""
    assert shared["ready"].mutex is shared["guard"].mutex
    assert shared["own"].mutex is not shared["guard"].mutex


def test_threads_in_earnest() -> None:
    """Four putters, four takers and a bounded queue: each item once."""
    driver = Driver("q", make("queues", {"maxsize": 2}))
    each = 300

    def put(party: Party) -> None:
        for number in range(each):
            driver.perform(party, "put", (f"{party.name}:{number}", number), None)

    def get(party: Party) -> list[str]:
        return [driver.perform(party, "get", None, None)[0] for _ in range(each)]

    takers = [Later(get, Party(f"t{n}")) for n in range(4)]
    putters = [Later(put, Party(f"p{n}")) for n in range(4)]
    for putter in putters:
        putter.result()
    taken = sorted(identity for taker in takers for identity in taker.result())
    assert taken == sorted(f"p{n}:{number}" for n in range(4) for number in range(each))


def test_stops_in_the_thick_of_it() -> None:
    """Takers that are stopped at any moment take no item with them."""
    driver = Driver("q", make("queues", {}))
    taken: list[str] = []

    def take(party: Party) -> None:
        while (answer := driver.perform(party, "get", None, None)) is not STOP:
            assert not isinstance(answer, Refused)
            taken.append(answer[0])

    putter = Party("putter")
    for round_ in range(100):
        parties = [Party(str(n)) for n in range(3)]
        takers = [Later(take, party) for party in parties]
        for number in range(5):
            driver.perform(putter, "put", (f"{round_}:{number}", None), None)
            if number < len(parties):
                parties[number].interrupt()
        for taker in takers:
            taker.result()
        while (answer := driver.perform(putter, "get", None, 0)) != WOULD_BLOCK:
            taken.append(answer[0])
    assert sorted(taken) == sorted(f"{r}:{n}" for r in range(100) for n in range(5))
