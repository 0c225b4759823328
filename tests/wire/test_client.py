from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from hubs import DEADLINE, PROMPT, Actor, Later, client, until, waits
from scenarios.answers import Refused
from scenarios.errors import EnvironmentFault, ScenariosError, Stopped
from scenarios.hub.launch import Hub
from scenarios.wire import frames
from scenarios.wire.channel import Channel
from scenarios.wire.client import HubClient
from scenarios.wire.control import HubControl

Q, BOUNDED, LOCK, RLOCK, CONDITION, VALUE, PRIORITY, SEMAPHORE, FLAG, BARRIER, LEAST = range(11)
RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("q", "queues", {}),
    ("bounded", "queues", {"maxsize": 1}),
    ("guard", "locks", {}),
    ("again", "locks", {"kind": "rlock"}),
    ("bell", "conditions", {"lock": "guard"}),
    ("count", "values", {"init": [0]}),
    ("urgent", "queues", {"kind": "priority"}),
    ("seats", "semaphores", {"permits": 2}),
    ("go", "flags", {}),
    ("gate", "barriers", {"parties": 2}),
    ("least", "queues", {"ack": "task_done"}),
]
WOULD_BLOCK, TIMEOUT = Refused("would_block"), Refused("timeout")


@pytest.fixture
def hub() -> object:
    """A hub with one resource of every kind."""
    with Hub(RESOURCES) as started:
        yield started


def test_a_queue_is_shut_down_where_every_put_waits_for_its_answer(hub: Hub) -> None:
    """Elsewhere the next put could not be told; the refusal says what to declare."""
    one, two = client(hub), client(hub)
    refused = one.perform(Q, "shutdown")
    assert refused == Refused("invalid")
    assert "declare it with `sync: true`" in refused.detail
    assert one.perform(Q, "state") == (0, False)
    for index in (BOUNDED, PRIORITY):
        assert one.perform(index, "put", ("w.1", 5)) is True
        assert two.perform(index, "shutdown") is True
        assert one.perform(index, "put", ("w.2", 6)) == Refused("shut_down")
        assert one.perform(index, "get") == ("w.1", 5)
        assert one.perform(index, "get") == Refused("shut_down")
        assert two.perform(index, "state") == (1, True)


def test_every_verb_answers_as_its_machine_does(hub: Hub) -> None:
    """One client alone, every section once through."""
    one = client(hub)
    assert one.perform(Q, "put", ("w.1", {"a": (1, 2)})) is True
    assert one.perform(Q, "size") == 1
    assert one.perform(Q, "get") == ("w.1", {"a": (1, 2)})
    assert one.perform(Q, "task_done") is True
    assert one.perform(Q, "join") is True
    assert one.perform(Q, "task_done") == Refused("too_many_done")
    assert one.perform(LOCK, "acquire") is True
    assert one.perform(LOCK, "locked") is True
    assert one.perform(LOCK, "release") is True
    assert one.perform(LOCK, "release") == Refused("not_held")
    assert one.perform(CONDITION, "wait") == Refused("not_owner")
    assert one.perform(SEMAPHORE, "acquire") is True
    assert one.perform(SEMAPHORE, "release", 1) is True
    assert one.perform(SEMAPHORE, "count") == 2
    assert one.perform(SEMAPHORE, "release", 1) == Refused("over_release")
    assert one.perform(FLAG, "read") is False
    assert one.perform(FLAG, "set") is True
    assert one.perform(FLAG, "wait") is True
    assert one.perform(BARRIER, "state") == (0, False)
    assert one.perform(BARRIER, "abort") is True
    assert one.perform(BARRIER, "wait") == Refused("broken")
    assert one.perform(VALUE, "read") == [0]
    assert one.perform(VALUE, "write", [1]) is True
    assert one.perform(VALUE, "update", lambda old: [*old, 2]) == ([1], [1, 2])
    version, content = one.perform(VALUE, "read_version")
    assert content == [1, 2]
    assert one.perform(VALUE, "swap", (version + 1, 0)) is False
    assert one.perform(VALUE, "swap", (version, 0)) is True


def test_priority_compares_whole_items_in_the_hub(hub: Hub) -> None:
    """Smallest first, tuples too; what cannot be compared fails its put."""
    one = client(hub)
    for item in [(2, "b"), (1, "z"), (1, "a")]:
        assert one.perform(PRIORITY, "put", ("w", item)) is True
    assert one.perform(PRIORITY, "put", ("w", "text")) == Refused("uncomparable")
    assert one.perform(PRIORITY, "put", ("w", object())) == Refused("uncomparable")
    assert [one.perform(PRIORITY, "get")[1] for _ in range(3)] == [(1, "a"), (1, "z"), (2, "b")]


@pytest.mark.parametrize("size", [0, 1, 1 << 14, (1 << 16) - 30, 1 << 16, 3_000_000])
def test_items_of_any_size(hub: Hub, size: int) -> None:
    """Around the sizes at which another way is taken."""
    one = client(hub)
    for index in (Q, BOUNDED):
        one.perform(index, "put", ("big", b"x" * size))
        assert one.perform(index, "get") == ("big", b"x" * size)


def test_items_of_all_sizes_and_kinds_one_after_another(hub: Hub) -> None:
    """Each answer is received as its predecessor suggests; seeded orders, two queues."""
    one, other = client(hub), client(hub)
    rng = random.Random(5)
    sizes = [1, 5000, 80_000, 400_000]
    kinds = [make for n in sizes for make in (bytes(n), "ü" * n, {"x": [b"y" * n]}, None)]
    for _ in range(15):
        items = rng.choices(kinds, k=8)
        for item in items:
            other.perform(Q, "put", ("name", item))
        for item in items:
            assert one.perform(Q, "get") == ("name", item)
            if rng.random() < 0.3:
                assert one.perform(BOUNDED, "get", None, 0) == WOULD_BLOCK


def test_a_put_of_many_large_items_does_not_wait_for_a_reader(hub: Hub) -> None:
    """The hub always drains; nothing deadlocks before the first get."""
    one = client(hub)
    for number in range(20):
        Later(one.perform, Q, "put", (str(number), bytes(1_000_000))).result()
    assert [one.perform(Q, "get")[0] for _ in range(20)] == [str(n) for n in range(20)]


def test_time_outs(hub: Hub) -> None:
    """0 does not wait; a deadline is kept from both sides."""
    one, other = client(hub), client(hub)
    assert one.perform(Q, "get", None, 0) == WOULD_BLOCK
    began = time.monotonic()
    assert one.perform(Q, "get", None, 0.1) == TIMEOUT
    assert 0.1 <= time.monotonic() - began < PROMPT
    other.perform(LOCK, "acquire")
    assert one.perform(LOCK, "acquire", None, 0.01) == TIMEOUT
    one.perform(BOUNDED, "put", ("a", 1))
    assert one.perform(BOUNDED, "put", ("b", 2), 0) == WOULD_BLOCK
    assert one.perform(BOUNDED, "put", ("b", 2), 0.01) == TIMEOUT
    assert one.perform(BOUNDED, "size") == 1


def test_a_condition_takes_its_lock_again_after_a_time_out(hub: Hub) -> None:
    """It waits for the lock beyond its own time, as the standard library does."""
    one, other = client(hub, "one"), client(hub, "other")
    one.perform(LOCK, "acquire")
    assert one.perform(CONDITION, "wait", None, 0) == WOULD_BLOCK
    acquiring = Later(other.perform, LOCK, "acquire", None, DEADLINE)
    waits(HubControl(hub.address, hub.token), "other")  # so that it gets it at once
    waiting = Later(one.perform, CONDITION, "wait", None, 0.05)
    assert acquiring.result() is True
    time.sleep(0.1)
    assert other.perform(LOCK, "release") is True
    assert waiting.result() == TIMEOUT
    assert one.perform(LOCK, "release") is True


def test_notify_wakes_with_the_lock_held(hub: Hub) -> None:
    """The waiter goes on when the notifier has released."""
    one, other = client(hub, "one"), client(hub, "other")
    one.perform(CONDITION, "acquire")
    waiting = Later(one.perform, CONDITION, "wait")
    other.perform(CONDITION, "acquire")
    assert other.perform(CONDITION, "notify", None) == 1
    other.perform(CONDITION, "release")
    assert waiting.result() is True


@pytest.mark.parametrize(
    ("index", "verb", "argument"),
    [(Q, "get", None), (LOCK, "acquire", None), (FLAG, "wait", None), (BARRIER, "wait", None)],
)
def test_an_interrupt_ends_a_wait_once(hub: Hub, index: int, verb: str, argument: object) -> None:
    """The client goes on afterwards."""
    one, other, control = client(hub, "one"), client(hub), HubControl(hub.address, hub.token)
    other.perform(LOCK, "acquire")
    waiting = Later(one.perform, index, verb, argument)
    waits(control, "one")
    one.interrupt()
    with pytest.raises(Stopped):
        waiting.result()
    other.perform(Q, "put", ("x", 1))
    other.perform(LOCK, "release")
    assert one.perform(Q, "get") == ("x", 1)
    assert one.perform(LOCK, "acquire") is True
    assert one.perform(LOCK, "release") is True


def test_an_interrupt_between_operations_hits_the_next_but_not_a_clean_up(hub: Hub) -> None:
    """A lock can be released on the way out."""
    one = client(hub)
    one.interrupt()
    with pytest.raises(Stopped):
        one.perform(Q, "get")
    one.perform(LOCK, "acquire")
    one.interrupt()
    assert one.perform(LOCK, "release") is True
    with pytest.raises(Stopped):
        one.perform(Q, "put", ("x", 1))
    assert one.perform(Q, "size") == 0


def test_a_stop_that_was_noticed_elsewhere_does_not_hit_the_clean_up(hub: Hub) -> None:
    """A worker looks at its own flag first."""
    one = client(hub)
    one.interrupt()
    one.resume()
    assert one.perform(Q, "put", ("x", 1)) is True


def test_a_stopped_condition_wait_does_not_take_its_lock(hub: Hub) -> None:
    """Another may have it at once."""
    one, other, control = client(hub, "one"), client(hub), HubControl(hub.address, hub.token)
    one.perform(LOCK, "acquire")
    waiting = Later(one.perform, CONDITION, "wait")
    waits(control, "one")
    one.interrupt()
    with pytest.raises(Stopped):
        waiting.result()
    assert other.perform(LOCK, "acquire", None, 0) is True


def test_interrupts_at_random_moments_lose_nothing(hub: Hub) -> None:
    """Every item is got once, no lock stays held, and as many stops as asked for come."""
    one, other = client(hub, "one"), client(hub, "other")
    got: list[int] = []
    stops = 0

    def take() -> None:
        nonlocal stops
        while True:
            try:
                number = one.perform(Q, "get", None, DEADLINE)[1]
                if number is None:
                    return
                got.append(number)
                one.perform(LOCK, "acquire")
                one.perform(LOCK, "release")
            except Stopped:
                stops += 1

    taking = Later(take)
    asked: list[int] = []
    for number in range(2000):
        other.perform(Q, "put", (str(number), number))
        if number % 7 == 0:
            one.interrupt()
            asked.append(number)
            until(lambda: stops == len(asked) or taking.ended, "a stop")
    other.perform(Q, "put", ("end", None))
    taking.result()
    assert got == list(range(2000))
    assert stops == len(asked)
    assert other.perform(LOCK, "acquire", None, 0) is True


def test_a_signal_handler_may_interrupt_at_any_moment(hub: Hub) -> None:
    """In sends of any size, in waits, in between; nothing is torn and every item arrives once."""
    code = """
import itertools, signal
from scenarios.errors import Stopped
signal.signal(signal.SIGALRM, lambda *_: client.interrupt())
say("up")
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
put = stops = 0
end = time.monotonic() + 1.0
while time.monotonic() < end or stops <= 20:
    try:
        client.perform(0, "put", (str(put), (put, bytes(put % 5 * 60_000))))
        put += 1
        client.perform(2, "acquire")
        client.perform(2, "release")
        client.perform(1, "get", None, 0.001)
    except Stopped:
        stops += 1
        client.perform(2, "release")
signal.setitimer(signal.ITIMER_REAL, 0)
say(f"{put} {stops}")
client.close()
"""
    actor = Actor(hub, code)
    assert actor.line() == "up"
    one = client(hub)
    numbers = []
    report = Later(actor.line)
    while not report.ended or one.perform(Q, "size"):
        answer = one.perform(Q, "get", None, 0.05)
        if answer.__class__ is not Refused:
            identity, (number, body) = answer
            assert identity == str(number)
            assert len(body) == number % 5 * 60_000
            numbers.append(number)
    put, stops = map(int, report.result().split())
    assert actor.wait() == 0
    assert numbers == list(range(put))
    assert stops > 20
    assert one.perform(LOCK, "acquire", None, 0) is True


def test_an_item_granted_while_the_stop_was_on_its_way_goes_back(hub: Hub) -> None:
    """A stop seen after the answer has arrived: the item is not lost."""
    one, other = client(hub, "one"), client(hub)
    other.perform(Q, "put", ("x", None))
    assert one.perform(Q, "size") == 1
    load = one._resources[Q].load

    def late(data: bytes | memoryview) -> object:
        one.interrupt()
        return load(data)

    one._resources[Q].load = late
    with pytest.raises(Stopped):
        one.perform(Q, "get")
    assert other.perform(Q, "get") == ("x", None)


def test_a_lock_granted_while_the_stop_was_on_its_way_is_held(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As between threads: the stop is for the operation after it, and the lock was taken."""
    one = client(hub, "one")
    receive = Channel.receive

    def late(self: Channel, item: bool = False) -> object:
        answer = receive(self, item)
        one.interrupt()
        return answer

    for index in (LOCK, SEMAPHORE):
        assert one.perform(Q, "size") == 0
        with monkeypatch.context() as patch:
            patch.setattr(Channel, "receive", late)
            assert one.perform(index, "acquire") is True
        with pytest.raises(Stopped):
            one.perform(Q, "size")
        assert one.perform(index, "release") is True


def test_an_object_is_taken_before_it_is_read(hub: Hub) -> None:
    """A stop that comes while its own code runs is for the operation after it."""
    one, other = client(hub, "one"), client(hub)

    class Late:
        def __reduce__(self) -> tuple[object, tuple[int]]:
            return stop_at_load, (id(one),)

    _stopping[id(one)] = one
    other.perform(Q, "put", ("x", Late()))
    assert one.perform(Q, "get") == ("x", None)
    with pytest.raises(Stopped):
        one.perform(Q, "get")
    _stopping.clear()
    assert other.perform(Q, "get", None, 0) == WOULD_BLOCK


_stopping: dict[int, HubClient] = {}


def stop_at_load(key: int) -> None:
    """Called by the unpickling of an item: a stop comes at that very moment."""
    _stopping[key].interrupt()


class Deadly:
    """Ends the process that reads it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_an_object_that_ends_its_taker_ends_no_other(size: int, hub: Hub) -> None:
    """It was taken; the items behind it are for the next."""
    one = client(hub)
    one.perform(Q, "put", ("bad", [bytes(size), Deadly()]))
    one.perform(Q, "put", ("good", 1))
    actor = Actor(hub, 'client.perform(0, "get"); say("it was read")')
    assert actor.wait() == 9
    assert one.perform(Q, "get", None, DEADLINE) == ("good", 1)
    assert one.perform(Q, "size") == 0


def test_with_task_done_it_goes_to_one_after_the_other(hub: Hub) -> None:
    """At least once is what is promised there: whoever dies before it is done had not done it."""
    one = client(hub)
    one.perform(LEAST, "put", ("bad", Deadly()))
    for _ in range(2):
        actor = Actor(hub, f'client.perform({LEAST}, "get"); say("it was read")')
        assert actor.wait() == 9
    control = HubControl(hub.address, hub.token)
    until(lambda: control.snapshot()["queues"]["least"] == {"items": 1, "in_hand": 0})


def test_a_client_that_reads_no_objects(hub: Hub) -> None:
    """As the engine's own: it takes one and says of what kind it was."""
    one = HubClient(hub.address, hub.token, "engine", objects=False)
    one.perform(Q, "put", ("bad", Deadly()))
    one.perform(Q, "put", ("good", [1]))
    with pytest.raises(ScenariosError, match=r"an object of posix._exit is not read here"):
        one.perform(Q, "get")
    assert one.perform(Q, "get") == ("good", [1])
    one.perform(VALUE, "write", Deadly())
    assert HubControl(hub.address, hub.token).contents("count") == "<an object of posix._exit>"


def test_an_item_that_cannot_be_unpickled_counts_as_taken(hub: Hub) -> None:
    """Its error is raised once, and the next item comes next."""
    one = client(hub)

    class Broken:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return int, ("no number",)

    one.perform(Q, "put", ("bad", Broken()))
    one.perform(Q, "put", ("good", 1))
    with pytest.raises(ValueError, match="no number"):
        one.perform(Q, "get")
    assert one.perform(Q, "get") == ("good", 1)


def test_an_item_that_cannot_be_pickled_fails_its_put_alone(hub: Hub) -> None:
    """The client goes on."""
    one = client(hub)
    with pytest.raises((TypeError, AttributeError)):
        one.perform(Q, "put", ("bad", threading.Lock()))
    assert one.perform(Q, "put", ("good", 1)) is True


def test_an_exception_of_a_signal_handler_leaves_nothing_in_hand(hub: Hub) -> None:
    """The connection is dropped as by a death, and the next operation makes another."""
    code = """
import signal
def raises(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, raises)
client.perform(2, "acquire")
try:
    client.perform(0, "get")
except KeyboardInterrupt:
    say(str(client.perform(2, "acquire", None, 5)))
"""
    actor = Actor(hub, code)
    waits(HubControl(hub.address, hub.token), "actor")
    os.kill(actor.process.pid, signal.SIGALRM)
    assert actor.line() == "abandoned"
    assert actor.wait() == 0


def test_a_forked_child_is_another_party(hub: Hub) -> None:
    """It shares no connection: its death is its own, and its parent's is noticed."""
    code = """
client.perform(2, "acquire")
child = os.fork()
if not child:
    say("child " + str(client.perform(2, "acquire", None, 0.05)))
    time.sleep(60)
say("parent " + str(child))
time.sleep(60)
"""
    actor = Actor(hub, code)
    lines = sorted([actor.line(), actor.line()])
    assert lines[0] == "child Refused('timeout', 'not done within its time')"
    actor.kill()
    try:
        assert client(hub).perform(LOCK, "acquire", None, DEADLINE) == "abandoned"
    finally:
        os.kill(int(lines[1].split()[1]), signal.SIGKILL)


def test_close_is_the_end_of_a_thread_and_died_a_death(hub: Hub) -> None:
    """A lock stays held after the one, and is abandoned after the other."""
    one, other = client(hub, "one"), client(hub, "other")
    one.perform(LOCK, "acquire")
    one.close()
    one.close()
    assert other.perform(LOCK, "acquire", None, 0.02) == TIMEOUT
    third = client(hub)
    third.perform(RLOCK, "acquire")
    third.close(died=True)
    assert other.perform(RLOCK, "acquire", None, DEADLINE) == "abandoned"


def test_without_a_hub_everything_says_so(tmp_path: Path) -> None:
    """From the start, and in the middle of a wait; promptly."""
    nobody = HubClient(str(tmp_path / "none"), b"t", "one")
    with pytest.raises(EnvironmentFault, match="is gone"):
        nobody.perform(0, "get")
    with Hub(RESOURCES) as hub:
        one, control = client(hub, "one"), HubControl(hub.address, hub.token)
        waiting = Later(one.perform, Q, "get")
        waits(control, "one")
        began = time.monotonic()
        hub.process.kill()
        with pytest.raises(EnvironmentFault, match=r"the hub at .* is gone"):
            waiting.result()
        assert time.monotonic() - began < PROMPT
        for _ in range(2):
            with pytest.raises(EnvironmentFault):
                one.perform(Q, "put", ("x", 1))
        with pytest.raises(EnvironmentFault):
            control.snapshot()
        one.interrupt()
        one.close()


def test_a_hub_that_says_nonsense_is_gone(tmp_path: Path) -> None:
    """A client does not hang on a listener that is no hub."""
    path = str(tmp_path / "hub")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def answer() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(frames.frame(frames.PLAIN, b"x"))

        answering = Later(answer)
        with pytest.raises(EnvironmentFault):
            HubClient(path, b"t", "one").perform(0, "get")
        answering.result()


def test_updates_of_many_lose_none(hub: Hub) -> None:
    """Each is atomic whoever comes in between."""
    clients = [client(hub) for _ in range(4)]

    def add(one: HubClient) -> None:
        for _ in range(100):
            one.perform(VALUE, "update", lambda old: [old[0] + 1])

    for later in [Later(add, one) for one in clients]:
        later.result()
    assert clients[0].perform(VALUE, "read") == [400]
