"""Who dies at a resource: whoever waits or holds there is forgotten, and all others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import hubs
from hubs import Actor, Later, client, until, waits
from mutants import broken
from scenarios.answers import Refused
from scenarios.hub.launch import Hub
from scenarios.wire.client import HubClient
from scenarios.wire.control import HubControl

RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("empty", "queues", {}),
    ("full", "queues", {"maxsize": 1}),
    ("work", "queues", {"ack": "task_done"}),
    ("lifo", "queues", {"kind": "lifo"}),
    ("urgent", "queues", {"kind": "priority"}),
    ("guard", "locks", {}),
    ("again", "locks", {"kind": "rlock"}),
    ("strict", "locks", {"on_owner_death": "fail"}),
    ("bell", "conditions", {"lock": "guard"}),
    ("alarm", "conditions", {"lock": "strict"}),
    ("seats", "semaphores", {"permits": 1}),
    ("gate", "barriers", {"parties": 3}),
    ("go", "flags", {}),
    ("count", "values", {"init": 0}),
]
SLOW = pytest.mark.slow  # all of these together, each with a hub and a process of its own
INDEX = {name: index for index, (name, _, _) in enumerate(RESOURCES)}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with one of everything that can be waited for or held."""
    with Hub(RESOURCES) as started:
        yield started


class Someone:
    """A client that names its resources."""

    def __init__(self, hub: Hub, name: str = "test") -> None:
        self.client: HubClient = client(hub, name)

    def does(
        self, verb: str, name: str, argument: object = None, timeout: float | None = None
    ) -> object:
        """Perform in time."""
        limit = hubs.DEADLINE if timeout is None else timeout
        return self.client.perform(INDEX[name], verb, argument, limit)

    def later(self, verb: str, name: str, argument: object = None) -> Later:
        """Perform in a thread of its own, without a deadline."""
        return Later(self.client.perform, INDEX[name], verb, argument)


def code(*acts: tuple[str, ...]) -> str:
    """What an actor performs, one after the other; then it says so and stays."""
    lines = [
        f"client.perform({INDEX[name]}, {verb!r}, {('x', 'its')!r})"
        if verb == "put"
        else f"client.perform({INDEX[name]}, {verb!r})"
        for verb, name in acts
    ]
    return "\n".join([*lines, 'say("done")', "time.sleep(60)"])


def dies(hub: Hub, control: HubControl, *acts: tuple[str, ...], waiting: bool) -> None:
    """An actor does this, the last of it in vain if `waiting`, is killed, and is forgotten."""
    actor = Actor(hub, code(*acts))
    if waiting:
        verb, name = acts[-1]
        assert waits(control, "actor") == [(verb, name)]
    else:
        assert actor.line() == "done"
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["connections"])
    assert "actor" not in control.snapshot()["waiting"]


@pytest.fixture
def control(hub: Hub) -> HubControl:
    """The engine's connection."""
    return HubControl(hub.address, hub.token)


# -- waiting -----------------------------------------------------------------------------------


@SLOW
def test_who_waits_for_an_item(hub: Hub, control: HubControl) -> None:
    """The next item is not given to the dead."""
    dies(hub, control, ("get", "empty"), waiting=True)
    one = Someone(hub)
    assert one.does("put", "empty", ("a", 1)) is True
    assert one.does("get", "empty") == ("a", 1)


def test_who_waits_for_room(hub: Hub, control: HubControl) -> None:
    """Its item never comes in, and the one behind it does."""
    one, two = Someone(hub, "one"), Someone(hub)
    assert two.does("put", "full", ("a", 1)) is True
    actor = Actor(hub, code(("put", "full")))
    waits(control, "actor")
    behind = one.later("put", "full", ("b", 2))
    waits(control, "one")
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["waiting"])
    assert [two.does("get", "full"), behind.result()] == [("a", 1), True]
    assert two.does("get", "full") == ("b", 2)
    assert two.does("size", "full") == 0


@SLOW
def test_who_waits_until_all_is_done(hub: Hub, control: HubControl) -> None:
    """Others that wait for the same go on when it is."""
    one, two = Someone(hub, "one"), Someone(hub)
    two.does("put", "work", ("a", 1))
    dies(hub, control, ("join", "work"), waiting=True)
    waiting = one.later("join", "work")
    waits(control, "one")
    two.does("get", "work")
    two.does("task_done", "work")
    assert waiting.result() is True


@pytest.mark.parametrize(
    "name", ["guard", *(pytest.param(name, marks=SLOW) for name in ("again", "seats", "bell"))]
)
def test_who_waits_for_a_lock_or_permit(name: str, hub: Hub, control: HubControl) -> None:
    """The one behind it has it next."""
    one, two = Someone(hub, "one"), Someone(hub)
    assert two.does("acquire", name) is True
    actor = Actor(hub, code(("acquire", name)))
    waits(control, "actor")
    behind = one.later("acquire", name)
    waits(control, "one")
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["waiting"])
    assert two.does("release", name) is True
    assert behind.result() is True
    assert one.does("release", name) is True


@SLOW
def test_who_waits_for_a_flag(hub: Hub, control: HubControl) -> None:
    """It is set for the others."""
    one, two = Someone(hub, "one"), Someone(hub)
    dies(hub, control, ("wait", "go"), waiting=True)
    waiting = one.later("wait", "go")
    waits(control, "one")
    assert two.does("set", "go") is True
    assert waiting.result() is True


@SLOW
def test_who_waits_for_a_notify(hub: Hub, control: HubControl) -> None:
    """A notify is not spent on it, and it does not take the lock again."""
    one, two = Someone(hub, "one"), Someone(hub)
    dies(hub, control, ("acquire", "bell"), ("wait", "bell"), waiting=True)
    assert one.does("acquire", "bell") is True
    waiting = one.later("wait", "bell")
    waits(control, "one")
    assert two.does("acquire", "bell") is True
    assert two.does("notify", "bell", 1) == 1
    assert two.does("release", "bell") is True
    assert waiting.result() is True


def test_who_was_notified_and_waits_for_the_lock(hub: Hub, control: HubControl) -> None:
    """Its notify is spent; the lock goes to who comes after it."""
    one, two = Someone(hub, "one"), Someone(hub)
    actor = Actor(hub, code(("acquire", "bell"), ("wait", "bell")))
    waits(control, "actor")
    assert two.does("acquire", "bell") is True
    assert two.does("notify", "bell", 1) == 1
    behind = one.later("acquire", "guard")
    waits(control, "one")
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["waiting"])
    assert two.does("release", "bell") is True
    assert behind.result() is True


def test_who_waits_at_a_barrier(hub: Hub, control: HubControl) -> None:
    """It is broken for those who wait and come, until somebody resets it."""
    one, two = Someone(hub, "one"), Someone(hub, "two")
    waiting = one.later("wait", "gate")
    waits(control, "one")
    dies(hub, control, ("wait", "gate"), waiting=True)
    assert waiting.result() == Refused("broken")
    assert two.does("wait", "gate") == Refused("broken")
    assert two.does("reset", "gate") is True
    parties = [Someone(hub, f"p{n}").later("wait", "gate") for n in range(3)]
    assert sorted(party.result() for party in parties) == [0, 1, 2]


# -- holding -----------------------------------------------------------------------------------


@SLOW
def test_holder_of_a_reentrant_lock(hub: Hub, control: HubControl) -> None:
    """However often it took it: the next one has it, and is told, once."""
    dies(hub, control, ("acquire", "again"), ("acquire", "again"), waiting=False)
    one = Someone(hub)
    assert one.does("acquire", "again") == "abandoned"
    assert one.does("acquire", "again") is True


@SLOW
def test_holder_of_a_conditions_lock(hub: Hub, control: HubControl) -> None:
    """Who waits for a notify waits on, and the next who takes the lock is told."""
    one, two = Someone(hub, "one"), Someone(hub)
    assert one.does("acquire", "bell") is True
    waiting = one.later("wait", "bell")
    waits(control, "one")
    dies(hub, control, ("acquire", "bell"), waiting=False)
    assert not waiting.ended
    assert two.does("acquire", "bell") == "abandoned"
    assert two.does("notify", "bell", 1) == 1
    assert two.does("release", "bell") is True
    assert waiting.result() is True


def test_notifier_that_dies_with_the_lock(hub: Hub, control: HubControl) -> None:
    """The notified one has the lock, and is told that it was abandoned."""
    one = Someone(hub, "one")
    assert one.does("acquire", "bell") is True
    waiting = one.later("wait", "bell")
    waits(control, "one")
    dies(hub, control, ("acquire", "bell"), ("notify", "bell"), waiting=False)
    assert waiting.result() == "abandoned"
    assert one.does("release", "bell") is True


def test_holder_of_a_lock_that_is_to_fail(hub: Hub, control: HubControl) -> None:
    """It fails for who waits for it, for a notify or comes later: nobody waits for ever."""
    one, two, three = Someone(hub, "one"), Someone(hub, "two"), Someone(hub)
    assert one.does("acquire", "alarm") is True
    waiting = one.later("wait", "alarm")
    waits(control, "one")
    actor = Actor(hub, code(("acquire", "alarm")))
    assert actor.line() == "done"
    behind = two.later("acquire", "strict")
    waits(control, "two")
    actor.kill()
    assert [waiting.result(), behind.result()] == [Refused("holder_died")] * 2
    assert three.does("acquire", "alarm") == Refused("holder_died")


@SLOW
def test_taker_of_a_permit(hub: Hub, control: HubControl) -> None:
    """A semaphore has no owner: its permit is gone, and anybody may give one back."""
    dies(hub, control, ("acquire", "seats"), waiting=False)
    one = Someone(hub)
    assert one.does("acquire", "seats", timeout=0) == Refused("would_block")
    assert one.does("release", "seats") is True
    assert one.does("acquire", "seats") is True


def test_taker_of_several_items(hub: Hub, control: HubControl) -> None:
    """What it had not said done goes back in its old order, before what came meanwhile."""
    one = Someone(hub)
    for number in range(4):
        one.does("put", "work", (str(number), number))
    acts = [("get", "work")] * 3 + [("task_done", "work")]
    dies(hub, control, *acts, waiting=False)
    one.does("put", "work", ("4", 4))
    assert [one.does("get", "work") for _ in range(4)] == [
        (str(number), number) for number in (0, 1, 3, 4)
    ]


HELD = 'client._claim = lambda *_: (say("in hand"), time.sleep(60))\nclient.perform({index}, "get")'


@pytest.mark.parametrize(
    ("name", "first"),
    [
        pytest.param("empty", 1, marks=SLOW),
        pytest.param("lifo", 3, marks=SLOW),
        ("urgent", 1),
    ],
)
def test_item_goes_back_to_its_place(name: str, first: int, hub: Hub, control: HubControl) -> None:
    """First in first out, last in first out or by priority: it is again the first to be taken."""
    one = Someone(hub)
    numbers = [3, 1, 2] if name == "urgent" else [1, 2, 3]
    for number in numbers:
        one.does("put", name, (str(number), number))
    actor = Actor(hub, HELD.format(index=INDEX[name]))
    assert actor.line() == "in hand"
    assert control.snapshot()["queues"][name] == {"items": 2, "in_hand": 1}
    actor.kill()
    until(lambda: control.snapshot()["queues"][name] == {"items": 3, "in_hand": 0})
    got = [one.does("get", name) for _ in range(3)]
    order = [1, 2, 3] if first == 1 else [3, 2, 1]
    assert got == [(str(number), number) for number in order]


@SLOW
def test_what_it_wrote_stays(hub: Hub, control: HubControl) -> None:
    """A value and a flag are what they were told to be before the death."""
    actor = Actor(hub, f"client.perform({INDEX['count']}, 'write', 5)\n" + code(("set", "go")))
    assert actor.line() == "done"
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["connections"])
    assert (control.contents("count"), control.contents("go")) == (5, True)


# -- whether these tests notice a fault --------------------------------------------------------

FORGETS_NOBODY: dict[str, tuple[str, Callable[[Hub, HubControl], None]]] = {
    "waiters of a lock": (
        "Lock.cancel = lambda self, who, woken: None",
        lambda hub, control: test_who_waits_for_a_lock_or_permit("guard", hub, control),
    ),
    "waiters of a semaphore": (
        "Semaphore.cancel = lambda self, who, woken: None",
        lambda hub, control: test_who_waits_for_a_lock_or_permit("seats", hub, control),
    ),
    "waiters of a queue": (
        "Queue.cancel = lambda self, who, woken: None",
        test_who_waits_for_room,
    ),
    "waiters of a condition": (
        "Condition.leave = lambda self, who, died, woken: self.lock.leave(who, died, woken)",
        test_who_waits_for_a_notify,
    ),
    "parties of a barrier": (
        "Barrier.cancel = lambda self, who, woken: None",
        test_who_waits_at_a_barrier,
    ),
    "holders of a lock": (
        "Lock.leave = lambda self, who, died, woken: self.cancel(who, woken)",
        test_notifier_that_dies_with_the_lock,
    ),
    "holders of a lock that is to fail": (
        "Condition.leave = lambda self, who, died, woken: None",
        test_holder_of_a_lock_that_is_to_fail,
    ),
    "items in hand": (
        "Queue.leave = lambda self, who, died, woken: self.cancel(who, woken)",
        test_taker_of_several_items,
    ),
}


@SLOW
@pytest.mark.parametrize("name", FORGETS_NOBODY)
def test_hub_that_forgets_nobody_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each of these parts broken its test fails."""
    monkeypatch.setattr(hubs, "DEADLINE", 1.0)  # each waits in vain for so long
    mutant, test = FORGETS_NOBODY[name]
    with Hub(RESOURCES, command=broken(mutant)) as hub:
        control = HubControl(hub.address, hub.token)
        with pytest.raises(AssertionError):
            test(hub, control)
