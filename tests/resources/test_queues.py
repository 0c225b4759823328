from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from playing import Play
from scenarios.resources.machine import PARKED, TIMED_OUT, Refused
from scenarios.resources.queues import Queue


def filled(*payloads: Any, **keys: Any) -> Play:
    """A queue with these items, whose identities are a, b, c..."""
    play = Play(Queue(**keys))
    for at, payload in enumerate(payloads):
        assert play("filler", "put", (chr(97 + at), payload)) is True
    return play


def emptied(play: Play) -> list[Any]:
    """The payloads in the order in which they are taken."""
    taken = []
    while play(0, "size"):
        taken.append(play(0, "get")[1])
    return taken


@pytest.mark.parametrize(
    ("kind", "order"),
    [("fifo", [3, 1, 2, 1]), ("lifo", [1, 2, 1, 3]), ("priority", [1, 1, 2, 3])],
)
def test_the_order_of_taking(kind: str, order: list[int]) -> None:
    """First in first out, last in first out, smallest first."""
    play = filled(3, 1, 2, 1, kind=kind)
    assert play(0, "size") == 4
    assert emptied(play) == order


def test_equal_items_of_a_priority_queue_keep_their_order() -> None:
    """Who came first goes first among equals; a redelivered one goes before all of them."""
    play = filled([1], [1], [1], kind="priority", hold="ack")
    assert play("died", "get") == ("a", [1])
    play.leave("died", died=True)
    assert [play(0, "get")[0] for _ in range(3)] == ["a", "b", "c"]


def test_items_are_compared_as_wholes() -> None:
    """A list by its elements; what cannot be compared is refused and changes nothing."""
    play = filled([2, "b"], [2, "a"], [1, "z"], kind="priority")
    refused = play(0, "put", ("x", {"a": 1}))
    assert isinstance(refused, Refused)
    assert refused.reason == "uncomparable"
    assert emptied(play) == [[1, "z"], [2, "a"], [2, "b"]]
    assert play.machine.statistics()["put"] == 3


def test_a_waiting_taker_gets_the_item_put() -> None:
    """The first who waits, with the item's identity."""
    play = Play(Queue())
    assert play("one", "get") is PARKED
    assert play("two", "get") is PARKED
    assert play("putter", "put", ("i", 5)) is True
    assert play.heard() == [("one", ("i", 5))]
    assert play.parked == {"two": "get"}


def test_a_full_queue_lets_putters_in_one_after_the_other() -> None:
    """In the order in which they came, one for each item taken."""
    play = filled(1, maxsize=1)
    for who, payload in (("one", 2), ("two", 3)):
        assert play(who, "put", (who, payload)) is PARKED
    assert play(0, "get") == ("a", 1)
    assert play.heard() == [("one", True)]
    assert play(0, "get") == ("one", 2)
    assert play.heard() == [("two", True)]
    assert emptied(play) == [3]


def test_a_parked_item_that_cannot_be_compared_is_refused_when_its_turn_comes() -> None:
    """And the putter behind it goes in its place."""
    play = filled(1, 2, kind="priority", maxsize=2)
    assert play("bad", "put", ("x", "text")) is PARKED
    assert play("good", "put", ("y", 0)) is PARKED
    play(0, "get")
    (bad, refused), good = play.heard()
    assert (bad, refused.reason, good) == ("bad", "uncomparable", ("good", True))
    assert emptied(play) == [0, 2]


@pytest.mark.parametrize("verb", ["get", "put", "join"])
def test_a_wait_that_expires_or_is_cancelled_is_forgotten(verb: str) -> None:
    """Nothing is taken or put for it afterwards."""
    for end in ("expire", "cancel"):
        play = Play(Queue(maxsize=1)) if verb == "get" else filled(1, maxsize=1)
        assert play("w", verb, ("x", 9) if verb == "put" else None) is PARKED
        if end == "expire":
            assert play.expire("w") == TIMED_OUT
        else:
            play.cancel("w")
        if verb == "get":
            play(0, "put", ("i", 1))
        assert emptied(play) == [1]
        play(0, "task_done")
        assert play.heard() == []


def test_join_waits_until_all_is_worked_off() -> None:
    """As many task_done as puts; one more is refused."""
    play = filled(1, 2)
    assert play("j", "join") is PARKED
    play(0, "get")
    assert play(0, "task_done") is True
    assert play.heard() == []
    play(0, "task_done")
    assert play.heard() == [("j", True)]
    assert play("k", "join") is True
    assert play(0, "task_done").reason == "too_many_done"


def test_a_queue_that_is_shut_down_gives_what_it_has() -> None:
    """No put from then on, and no get once it is empty; who waits is told."""
    play = filled(1, maxsize=1)
    assert play("putter", "put", ("x", 2)) is PARKED
    assert play(0, "state") == (1, False)
    assert play(0, "shutdown") is True
    assert play.heard() == [("putter", Refused("shut_down"))]
    assert play("putter", "put", ("x", 2)) == Refused("shut_down")
    assert play(0, "get") == ("a", 1)
    assert play(0, "get") == Refused("shut_down")
    assert play(0, "state") == (1, True)
    play = Play(Queue())
    assert play("taker", "get") is PARKED
    play(0, "shutdown")
    assert play.heard() == [("taker", Refused("shut_down"))]


@pytest.mark.parametrize("kind", ["fifo", "lifo", "priority"])
def test_a_queue_that_is_shut_down_at_once_throws_its_items_away(kind: str) -> None:
    """They need not be worked off any more, those in hand do; the statistics call them lost."""
    play = filled(1, 2, 3, kind=kind)
    play("taker", "get")
    assert play("j", "join") is PARKED
    play(0, "shutdown", 1)
    assert play(0, "get") == Refused("shut_down")
    assert play.heard() == []
    play("taker", "task_done")
    assert play.heard() == [("j", True)]
    assert play.machine.statistics()["lost"] == 2


def test_a_frozen_queue_knows_that_it_is_shut_down() -> None:
    """As it knows all that later answers depend on."""
    play = filled(1)
    before = play.machine.freeze()
    play(0, "shutdown")
    state = play.machine.freeze()
    assert state != before
    play.machine.thaw(before)
    assert play(0, "state") == (1, False)
    play.machine.thaw(state)
    assert play(0, "state") == (1, True)


def test_what_a_dead_taker_had_in_hand_goes_back_to_the_head() -> None:
    """In its old order, also where two takers die one after the other."""
    play = filled(1, 2, 3, 4, hold="ack")
    assert [play("one", "get")[1], play("two", "get")[1], play("one", "get")[1]] == [1, 2, 3]
    play.leave("one", died=True)
    play.leave("two", died=True)
    assert emptied(play) == [1, 2, 3, 4]
    assert play.machine.statistics()["fifo"] is True


def test_a_dead_takers_item_goes_to_one_who_waits() -> None:
    """At once, and before later items."""
    play = filled(1, hold="ack")
    play("one", "get")
    assert play("two", "get") is PARKED
    play.leave("one", died=True)
    assert play.heard() == [("two", ("a", 1))]


def test_items_go_back_to_the_top_of_a_stack() -> None:
    """What was taken first is again the first to be taken."""
    play = filled(1, 2, 3, kind="lifo", hold="ack")
    assert [play("one", "get")[1], play("one", "get")[1]] == [3, 2]
    play.leave("one", died=True)
    assert emptied(play) == [3, 2, 1]


def test_an_item_in_hand_survives_what_it_cannot_be_compared_with() -> None:
    """A redelivered item goes to the head even where the queue has become another in between."""
    play = filled(1, kind="priority", hold="ack")
    play("one", "get")
    assert play(0, "put", ("t", "text")) is True
    play.leave("one", died=True)
    assert emptied(play) == [1, "text"]


def test_acknowledged_items_stay_gone() -> None:
    """By identity or the one taken first; what is not in hand is refused."""
    play = filled(1, 2, 3, hold="ack")
    for _ in range(3):
        play("one", "get")
    assert play("one", "ack", "b") is True
    assert play("one", "ack") is True
    assert play("one", "ack", "b").reason == "not_held"
    play.leave("one", died=True)
    assert emptied(play) == [3]
    assert play("nobody", "ack").reason == "not_held"


def test_an_item_can_be_given_back() -> None:
    """It never reached its taker."""
    play = filled(1, 2, hold="ack")
    play("one", "get")
    assert play("one", "give_back", "a") is True
    assert play("one", "give_back", "a").reason == "not_held"
    assert emptied(play) == [1, 2]


def test_task_done_acknowledges_the_item_taken_last() -> None:
    """What its taker had not said done goes back when it leaves, dead or not."""
    play = filled(1, 2, hold="task_done")
    play("one", "get")
    play("one", "get")
    assert play("one", "task_done") is True
    play.leave("one")
    assert emptied(play) == [1]
    assert play("j", "join") is PARKED


def test_without_holding_a_leaving_taker_keeps_its_item() -> None:
    """Nothing is in hand between get and its return inside one process."""
    play = filled(1)
    play("one", "get")
    play.leave("one", died=True)
    assert play.machine.statistics() == {
        "put": 1, "got": 1, "left": 0, "lost": 0, "duplicated": 0, "fifo": True,
    }  # fmt: skip


WHO = st.sampled_from("abcd")


class Conserved(RuleBasedStateMachine):
    """Any sequence of operations on any kind of queue, with a ledger beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.play: Play | None = None
        self.accepted: dict[str, int] = {}
        self.waiting: dict[Any, tuple[str, int]] = {}
        self.held: dict[Any, list[str]] = {}
        self.gone: Counter[str] = Counter()
        self.first: list[str] = []
        self.count = 0

    @rule(
        kind=st.sampled_from(["fifo", "lifo", "priority"]),
        maxsize=st.integers(0, 3),
        hold=st.sampled_from(["none", "ack", "task_done"]),
    )
    @precondition(lambda self: self.play is None)
    def begin(self, kind: str, maxsize: int, hold: str) -> None:
        """One of each."""
        self.queue = Queue(kind, maxsize, hold)
        self.play = Play(self.queue)

    def can(self, who: str) -> bool:
        """Whether one is free to act."""
        return self.play is not None and who not in self.play.parked

    def hear(self) -> None:
        """Account for those who were woken."""
        assert self.play is not None
        for who, answer in self.play.heard():
            if isinstance(answer, tuple):
                self.took(who, answer)
            elif who in self.waiting:
                identity, payload = self.waiting.pop(who)
                if answer is True:
                    self.accepted[identity] = payload

    def took(self, who: Any, item: tuple[str, int]) -> None:
        """Account for an item."""
        identity, payload = item
        known = self.accepted.get(identity, payload)
        assert known == payload
        if identity not in self.first:
            self.first.append(identity)
        if self.queue.hold == "none":
            self.gone[identity] += 1
        else:
            self.held.setdefault(who, []).append(identity)

    @rule(who=WHO, payload=st.integers(0, 3))
    def put(self, who: str, payload: int) -> None:
        """Accepted now, or when it is let in."""
        if not self.can(who):
            return
        assert self.play is not None
        self.count += 1
        item = f"i{self.count}", payload
        answer = self.play(who, "put", item)
        if answer is PARKED:
            self.waiting[who] = item
        else:
            self.accepted[item[0]] = payload
        self.hear()

    @rule(who=WHO)
    def get(self, who: str) -> None:
        """The right one of those that are there, or a wait."""
        if not self.can(who):
            return
        assert self.play is not None
        there = [(entry[0][1], entry[0][0]) for entry in self.queue.items]
        answer = self.play(who, "get")
        if answer is PARKED:
            assert not there
        else:
            best = {
                "fifo": lambda: there[0],
                "lifo": lambda: there[-1],
                "priority": lambda: min(there, key=lambda item: item[0]),
            }[self.queue.kind]()
            assert answer == (best[1], best[0])
            self.took(who, answer)
        self.hear()

    @rule(who=WHO, expires=st.booleans())
    def give_up(self, who: str, expires: bool) -> None:
        """A wait ends without its answer."""
        if self.play is None or self.can(who):
            return
        self.waiting.pop(who, None)
        if expires:
            assert self.play.expire(who) == TIMED_OUT
        else:
            self.play.cancel(who)
        self.hear()

    @rule(who=WHO, died=st.booleans())
    def leave(self, who: str, died: bool) -> None:
        """What was in hand goes back, or is gone with a taker that ended well."""
        if self.play is None:
            return
        self.waiting.pop(who, None)
        held = self.held.pop(who, [])
        if self.queue.hold == "ack" and not died:
            self.gone.update(held)
        self.play.leave(who, died)
        self.hear()

    @rule(who=WHO, back=st.booleans())
    def settle(self, who: str, back: bool) -> None:
        """The item taken first is acknowledged or given back."""
        if not self.can(who) or not self.held.get(who) or self.queue.hold != "ack":
            return
        assert self.play is not None
        identity = self.held[who].pop(0)
        if back:
            assert self.play(who, "give_back", identity) is True
        else:
            assert self.play(who, "ack", identity) is True
            self.gone[identity] += 1
        self.hear()

    @rule(who=WHO)
    def done(self, who: str) -> None:
        """Worked off, which acknowledges what is held until then."""
        if not self.can(who):
            return
        assert self.play is not None
        done = self.play(who, "task_done") is True
        if done and self.queue.hold == "task_done" and self.held.get(who):
            self.gone[self.held[who].pop()] += 1
        self.hear()

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        """Every accepted item is in the queue, in one hand, or gone: once."""
        if self.play is None:
            return
        places = Counter(entry[0][0] for entry in self.queue.items)
        for held in self.held.values():
            places.update(held)
        places.update(self.gone)
        assert places == Counter(dict.fromkeys(self.accepted, 1))
        statistics = self.queue.statistics()
        assert statistics["put"] == len(self.accepted)
        assert (statistics["lost"], statistics["duplicated"]) == (0, 0)

    @invariant()
    def waiting_makes_sense(self) -> None:
        """Takers wait at an empty queue only, putters at a full one only, nobody twice."""
        if self.play is None:
            return
        queue = self.queue
        waiting = [*queue.getters, *(who for who, _ in queue.putters), *queue.joiners]
        assert Counter(waiting) == Counter([*self.play.parked])
        assert not (queue.getters and queue.items)
        assert not queue.putters or len(queue.items) >= queue.maxsize > 0

    @invariant()
    def first_deliveries_are_in_order(self) -> None:
        """Of a fifo queue; the flag agrees."""
        if self.play is not None and self.queue.kind == "fifo":
            assert self.first == sorted(self.first, key=lambda name: int(name[1:]))
            assert self.queue.fifo_kept


Conserved.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestConserved = Conserved.TestCase
