from __future__ import annotations

import marshal

import pytest

from scenarios.hub.desk import Desk, Reply
from scenarios.wire import frames, plain
from scenarios.wire.frames import CODES, COUNT, ITEM, PLAIN, REFUSED, STOPPED, Malformed

TRUE = marshal.dumps(True)


class Talk:
    """A desk with the replies of each call."""

    def __init__(self, *declared: tuple[str, str, dict[str, object]]) -> None:
        self.desk = Desk(list(declared))

    def ask(
        self, who: int, verb: str, body: bytes = b"", *, wait: bool = True, number: int = 1
    ) -> list[Reply]:
        """Ask for a verb of the first resource."""
        replies: list[Reply] = []
        self.desk.ask(who, *self.desk.find(0, CODES[verb]), number, body, wait, replies)
        return replies

    def tell(self, who: int, verb: str, body: bytes = b"") -> list[Reply]:
        """The same without an answer."""
        replies: list[Reply] = []
        self.desk.tell(who, CODES[verb], 0, body, replies)
        return replies


QUEUE: tuple[str, str, dict[str, object]] = ("q", "queues", {"hold": "ack"})
A = frames.identity("a") + b"payload"
B = frames.identity("b") + b"payload"


def test_a_put_reaches_the_one_who_waits() -> None:
    """The item's frame is passed on as it came."""
    talk = Talk(QUEUE)
    assert talk.ask(1, "get", number=9) == []
    assert talk.tell(2, "put", A) == [(1, 9, ITEM, A)]
    assert talk.ask(1, "get", wait=False)[0][2] == REFUSED


def test_an_item_without_its_acknowledgement_goes_back() -> None:
    """To the head, and at once to another who waits; after the acknowledgement it does not."""
    talk = Talk(QUEUE)
    talk.tell(9, "put", A)
    talk.tell(9, "put", B)
    talk.ask(1, "get")
    replies: list[Reply] = []
    talk.desk.leave(1, True, replies)
    assert talk.ask(2, "get") == [(2, 1, ITEM, A)]
    talk.tell(2, "ack")
    talk.desk.leave(2, True, replies)
    assert talk.ask(3, "get") == [(3, 1, ITEM, B)]
    talk.tell(3, "give_back", frames.identity("b"))
    assert talk.ask(4, "get") == [(4, 1, ITEM, B)]
    assert replies == []


def test_a_lock_is_abandoned_by_a_death_only() -> None:
    """A client that says goodbye keeps it, as a thread that ends does."""
    talk = Talk(("g", "locks", {}))
    assert talk.ask(1, "acquire") == [(1, 1, PLAIN, TRUE)]
    replies: list[Reply] = []
    assert talk.ask(2, "acquire") == []
    talk.desk.leave(1, False, replies)
    assert replies == []
    assert talk.ask(3, "release") == [(2, 1, PLAIN, TRUE), (3, 1, PLAIN, TRUE)]
    talk.desk.leave(2, True, replies)
    assert talk.ask(4, "acquire") == [(4, 1, PLAIN, marshal.dumps("abandoned"))]


def test_expire_and_stop_touch_only_the_request_they_name() -> None:
    """A late one must not hit the request after it."""
    talk = Talk(QUEUE)
    replies: list[Reply] = []
    talk.ask(1, "get", number=5)
    talk.desk.expire(1, 4, replies)
    talk.desk.stop(1, 6, replies)
    assert replies == []
    talk.desk.stop(1, 5, replies)
    talk.desk.stop(1, 5, replies)
    talk.desk.expire(1, 5, replies)
    assert replies == [(1, 5, STOPPED, b"")]
    assert talk.tell(2, "put", A) == []


def test_the_longest_wait_is_counted() -> None:
    """In seconds, whether it ended well or not."""
    talk = Talk(("g", "locks", {}))
    talk.ask(1, "acquire")
    talk.ask(2, "acquire", number=3)
    assert talk.desk.statistics()["g"]["max_wait"] == 0.0
    talk.desk.expire(2, 3, [])
    assert talk.desk.statistics()["g"]["max_wait"] > 0


def test_a_snapshot_says_who_waits_for_what() -> None:
    """And how many items are where; it changes nothing."""
    talk = Talk(QUEUE)
    talk.tell(9, "put", A)
    talk.tell(9, "put", B)
    talk.ask(1, "get")
    talk.ask(2, "get")
    talk.ask(3, "get")
    names = {1: "one", 2: "rest", 3: "rest"}
    snapshot = talk.desk.snapshot(names)
    assert snapshot == {
        "operations": 5,
        "queues": {"q": {"items": 0, "in_hand": 2}},
        "waiting": {"rest": [("get", "q")]},
        "connections": {"one": 1, "rest": 2},
    }
    assert talk.desk.snapshot(names) == snapshot


def test_a_priority_queue_compares_values_not_bytes() -> None:
    """As text 10 comes before 9."""
    talk = Talk(("p", "queues", {"kind": "priority", "hold": "ack"}))
    nine, ten = (frames.identity("i") + plain.dump(number) for number in (9, 10))
    talk.ask(1, "put", ten)
    talk.ask(1, "put", nine)
    assert talk.ask(1, "get") == [(1, 1, ITEM, nine)]
    assert talk.ask(1, "put", frames.identity("i") + plain.dump("text"))[0][2] == REFUSED


@pytest.mark.parametrize(
    ("verb", "body", "told"),
    [
        ("acquire", b"", False),
        ("put", b"", False),
        ("put", b"\x09abc", False),
        ("ack", b"\x02a", True),
        ("get", b"", True),
        ("get", b"argument", False),
    ],
)
def test_what_no_client_sends_is_malformed(verb: str, body: bytes, told: bool) -> None:
    """A verb of another section, half an item, an answer not asked for, an argument too many."""
    talk = Talk(QUEUE)
    with pytest.raises(Malformed):
        (talk.tell if told else talk.ask)(1, verb, body)
    assert talk.desk.parked == {}


def test_a_bad_number_is_malformed_or_refused() -> None:
    """The size of the frame is the protocol's, its value the machine's matter."""
    talk = Talk(("s", "semaphores", {"permits": 3}))
    with pytest.raises(Malformed):
        talk.ask(1, "release", b"123")
    assert talk.ask(1, "release", COUNT.pack(-1))[0][2] == REFUSED


def test_a_second_request_of_one_who_waits_is_malformed() -> None:
    """One client does one thing at a time."""
    talk = Talk(QUEUE)
    talk.ask(1, "get")
    with pytest.raises(Malformed):
        talk.ask(1, "get", number=2)
