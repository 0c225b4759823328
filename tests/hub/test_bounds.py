"""What many processes at once must not break: bounds, time-outs, order; with a ledger of each."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hubs import DEADLINE, Actor, Later, client, until, waits
from mutants import broken
from scenarios.answers import Refused
from scenarios.hub.launch import Hub
from scenarios.wire.control import HubControl

RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("narrow", "queues", {"maxsize": 3}),
    ("wide", "queues", {}),
    ("stack", "queues", {"kind": "lifo"}),
    ("urgent", "queues", {"kind": "priority"}),
    ("guard", "locks", {}),
    ("fast", "queues", {"ack": "none", "maxsize": 3}),
    ("slow", "queues", {"ack": "task_done", "maxsize": 3}),
]
NARROW, WIDE, STACK, URGENT, GUARD, FAST, SLOW = range(7)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with queues of every kind."""
    with Hub(RESOURCES) as started:
        yield started


def told(hub: Hub, *codes: str) -> list[Any]:
    """What actors that run all at once say in the end, each as one line of JSON."""
    actors = [
        Actor(hub, f"import json, random\nsay('up')\n{code}", f"actor {n}")
        for n, code in enumerate(codes)
    ]
    for actor in actors:
        assert actor.line() == "up"
    said = [Later(actor.line) for actor in actors]
    found = [json.loads(line.result()) for line in said]
    assert [actor.wait() for actor in actors] == [0] * len(actors)
    return found


# -- maxsize -----------------------------------------------------------------------------------

PUTS = """
for number in range({count}):
    client.perform({queue}, "put", ("{name}.%d" % number, number))
say("0")
"""
GETS = """
names = []
while len(names) < {count}:
    names.append(client.perform({queue}, "get")[0])
    {also}
say(json.dumps(names))
"""


def overfull(hub: Hub, queue: int) -> list[int]:
    """Sizes beyond the bound that were seen while three put and two take, as fast as they can."""
    name = RESOURCES[queue][0]
    control = HubControl(hub.address, hub.token)
    also = f'client.perform({queue}, "task_done")' if queue == SLOW else ""
    codes = [PUTS.format(count=150, queue=queue, name=name) for name in "abc"]
    codes += [GETS.format(count=225, queue=queue, also=also) for _ in range(2)]
    playing = Later(told, hub, *codes)
    seen: Counter[int] = Counter()
    while not playing.ended:
        seen[control.snapshot()["queues"][name]["items"]] += 1
    found = playing.result()
    assert sorted(found[3] + found[4]) == sorted(f"{a}.{n}" for a in "abc" for n in range(150))
    assert seen[3] > 20, f"it was hardly ever full: {seen}"
    print(f"{seen.total()} looks, {seen[3]} of them at a full queue, at most {max(seen)} items")
    return [size for size in seen if size > 3]


@pytest.mark.parametrize(
    "queue", [NARROW, *(pytest.param(queue, marks=pytest.mark.slow) for queue in (FAST, SLOW))]
)
def test_maxsize_is_exact(queue: int, hub: Hub) -> None:
    """However many put at once: never more items than fit, however items are acknowledged."""
    assert overfull(hub, queue) == []


@pytest.mark.slow
def test_a_queue_that_lets_one_more_in_is_noticed() -> None:
    """The same look finds a bound that is off by one."""
    mutant = """
real = Queue.put
def put(self, who, item, woken):
    self.maxsize += 1
    try: return real(self, who, item, woken)
    finally: self.maxsize -= 1
Queue.verbs = {**Queue.verbs, "put": put}
"""
    with Hub(RESOURCES, command=broken(mutant)) as hub:
        assert overfull(hub, NARROW) == [4]


def test_what_a_dead_taker_gives_back_has_its_place(hub: Hub) -> None:
    """It may be one more than fits then; nobody else comes in before there is room again."""
    one, control = client(hub), HubControl(hub.address, hub.token)
    for number in range(3):
        one.perform(NARROW, "put", (str(number), number))
    held = 'client._claim = lambda *_: (say("in hand"), time.sleep(60))\n'
    actor = Actor(hub, f'{held}client.perform({NARROW}, "get")')
    assert actor.line() == "in hand"
    assert one.perform(NARROW, "put", ("3", 3), 0) is True
    actor.kill()
    until(lambda: control.snapshot()["queues"]["narrow"] == {"items": 4, "in_hand": 0})
    assert one.perform(NARROW, "put", ("4", 4), 0) == Refused("would_block")
    assert one.perform(NARROW, "get", None, DEADLINE) == ("0", 0)
    assert one.perform(NARROW, "put", ("4", 4), 0) == Refused("would_block")
    assert one.perform(NARROW, "get", None, DEADLINE) == ("1", 1)
    assert one.perform(NARROW, "put", ("4", 4), 0) is True


# -- time-outs ---------------------------------------------------------------------------------

IMPATIENT = """
names, late = [], 0
rng = random.Random({seed})
while True:
    found = client.perform({queue}, "get", None, rng.random() * 0.002)
    if type(found) is tuple:
        if found[0] == "end": break
        names.append(found[0])
    else:
        late += 1
say(json.dumps([names, late]))
"""
PACED = """
rng = random.Random({seed})
for number in range({count}):
    time.sleep(rng.random() * 0.002)
    client.perform({queue}, "put", ("{name}.%d" % number, number))
say("0")
"""


def test_a_time_out_loses_no_item(hub: Hub) -> None:
    """An item that comes in the moment in which a get gives up is got, or goes to another."""
    control, one = HubControl(hub.address, hub.token), client(hub)
    takers = [IMPATIENT.format(seed=seed, queue=WIDE) for seed in range(3)]
    makers = [PACED.format(seed=seed, count=150, queue=WIDE, name=seed) for seed in (8, 9)]
    playing = Later(told, hub, *takers, *makers)
    until(lambda: control.statistics()["wide"]["put"] == 300)
    for _ in takers:
        one.perform(WIDE, "put", ("end", 0))
    found = playing.result()
    names = [name for taken, _ in found[:3] for name in taken]
    assert sorted(names) == sorted(f"{seed}.{n}" for seed in (8, 9) for n in range(150))
    assert sum(late for _, late in found[:3]) > 10
    assert control.statistics()["wide"]["left"] == 0


HASTY = """
puts = []
rng = random.Random({seed})
for number in range(300):
    if client.perform({queue}, "put", ("{seed}.%d" % number, number), rng.random() * 0.001) is True:
        puts.append("{seed}.%d" % number)
client.perform({queue}, "put", ("end", 0))
say(json.dumps(puts))
"""
STEADY = """
names = []
while names.count("end") < 3:
    names.append(client.perform({queue}, "get")[0])
    time.sleep(0.0005)
say(json.dumps([name for name in names if name != "end"]))
"""


@pytest.mark.slow
def test_a_put_that_timed_out_has_put_nothing(hub: Hub) -> None:
    """And one that did not has."""
    codes = [HASTY.format(seed=seed, queue=NARROW) for seed in range(3)]
    *puts, names = told(hub, *codes, STEADY.format(queue=NARROW))
    assert sorted(names) == sorted(name for done in puts for name in done)
    assert 0 < len(names) < 900


LOCKS = """
times, late, inside = 0, 0, 0
rng = random.Random({seed})
while times < 150:
    answer = client.perform({lock}, "acquire", None, rng.random() * 0.001)
    if answer is True:
        times += 1
        time.sleep(rng.random() * 0.001)
        client.perform({lock}, "release")
    else:
        late += 1
say(json.dumps([times, late]))
"""


@pytest.mark.slow
def test_an_acquire_that_timed_out_holds_nothing(hub: Hub) -> None:
    """The lock goes on to those who wait, and is free in the end."""
    found = told(hub, *[LOCKS.format(seed=seed, lock=GUARD) for seed in range(4)])
    assert [times for times, _ in found] == [150] * 4
    assert sum(late for _, late in found) > 0
    assert client(hub).perform(GUARD, "acquire", None, 0) is True


@pytest.mark.parametrize("verb", ["get", "put", "acquire"])
def test_a_time_out_is_not_early_and_comes(verb: str, hub: Hub) -> None:
    """Never before its time, and not much later."""
    one, other = client(hub), client(hub)
    index = {"get": WIDE, "put": NARROW, "acquire": GUARD}[verb]
    for number in range(3 if verb == "put" else verb == "acquire"):
        other.perform(index, verb, ("x", number) if verb == "put" else None)
    for timeout in (0.001, 0.02, 0.2):
        began = time.monotonic()
        argument = ("y", 1) if verb == "put" else None
        assert one.perform(index, verb, argument, timeout) == Refused("timeout")
        assert timeout <= time.monotonic() - began < DEADLINE


# -- order -------------------------------------------------------------------------------------

TAKES = """
got = []
while True:
    found = client.perform({queue}, "get", None, 0)
    if type(found) is not tuple: break
    got.append(found[1])
say(json.dumps(got))
"""


@pytest.mark.parametrize(
    ("queue", "rule"), [(WIDE, sorted), (STACK, lambda got: sorted(got, reverse=True))]
)
def test_order_of_one_who_puts(queue: int, rule: Callable[[Any], Any], hub: Hub) -> None:
    """Several processes take what one has put: each of them in the queue's order."""
    one = client(hub)
    for number in range(900):
        one.perform(queue, "put", (str(number), number))
    found = told(hub, *[TAKES.format(queue=queue)] * 3)
    assert [got == rule(got) for got in found] == [True] * 3
    assert sorted(number for got in found for number in got) == list(range(900))


PRIORITIES = """
numbers = list(range({first}, 900, 3))
random.Random({first}).shuffle(numbers)
for number in numbers:
    client.perform({queue}, "put", ("x%d" % number, (number, "text")))
say("0")
"""


@pytest.mark.slow
def test_order_of_priorities_of_many(hub: Hub) -> None:
    """Several put in any order, several take: each of them smallest first."""
    told(hub, *[PRIORITIES.format(first=first, queue=URGENT) for first in range(3)])
    found = [[number for number, _ in got] for got in told(hub, *[TAKES.format(queue=URGENT)] * 3)]
    assert [got == sorted(got) for got in found] == [True] * 3
    assert sorted(number for got in found for number in got) == list(range(900))


def test_a_smaller_item_overtakes_those_that_wait(hub: Hub) -> None:
    """Also one that is put while a taker waits for nothing but the next."""
    one, control = client(hub), HubControl(hub.address, hub.token)
    code = "\n".join([f'say(str(client.perform({URGENT}, "get")[1]))'] * 3)
    actor = Actor(hub, code)
    waits(control, "actor")
    one.perform(URGENT, "put", ("five", 5))
    assert actor.line() == "5"
    waits(control, "actor")
    one.perform(URGENT, "put", ("nine", 9))
    assert actor.line() == "9"
    actor.kill()
    for number in (7, 3, 5):
        one.perform(URGENT, "put", (str(number), number))
    assert [one.perform(URGENT, "get", None, 0)[1] for _ in range(3)] == [3, 5, 7]
