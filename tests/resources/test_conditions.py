from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from playing import Play
from scenarios.resources.conditions import Condition
from scenarios.resources.locks import ABANDONED, GIVEN_UP, Lock
from scenarios.resources.machine import PARKED, TIMED_OUT


def waiting(*names: str, kind: str = "rlock", **keys: Any) -> Play:
    """A condition where these wait, in order."""
    play = Play(Condition(Lock(kind, **keys)))
    for who in names:
        assert play(who, "acquire") is True
        assert play(who, "wait") is PARKED
    return play


def notify(play: Play, count: int | None = None) -> Any:
    """One more takes the lock, notifies and gives it back."""
    play("n", "acquire")
    answer = play("n", "notify", count)
    play("n", "release")
    return answer


def test_a_wait_needs_the_lock_and_so_does_a_notify() -> None:
    """Without it both are refused, also while another holds it."""
    play = Play(Condition(Lock()))
    assert play("a", "wait").reason == "not_owner"
    assert play("a", "notify", 1).reason == "not_owner"
    play("b", "acquire")
    assert play("a", "wait").reason == "not_owner"
    assert play("a", "notify", 1).reason == "not_owner"


def test_the_first_waiter_is_notified_first() -> None:
    """And comes back when it has the lock again."""
    play = waiting("a", "b", "c")
    play("n", "acquire")
    assert play("n", "notify", 2) == 2
    assert play.heard() == []
    play("n", "release")
    assert play.heard() == [("a", True)]
    play("a", "release")
    assert play.heard() == [("b", True)]
    assert play.parked == {"c": "wait"}


@pytest.mark.parametrize(("count", "woken"), [(None, 3), ("all", 3), (7, 3), (0, 0), (1, 1)])
def test_notify_says_how_many_there_were(count: Any, woken: int) -> None:
    """All for None and for the word; never more than wait."""
    assert notify(waiting("a", "b", "c"), count) == woken


@pytest.mark.parametrize("count", [-1, 1.5, True, "some", []])
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    """Nobody is woken by it."""
    play = waiting("a")
    assert notify(play, count).reason == "invalid"
    assert play.parked == {"a": "wait"}


def test_the_depth_of_a_reentrant_lock_comes_back() -> None:
    """A wait gives all of it away."""
    play = Play(Condition(Lock("rlock")))
    for _ in range(3):
        play("a", "acquire")
    play("a", "wait")
    assert notify(play) == 1
    assert play.heard() == [("a", True)]
    for _ in range(2):
        play("a", "release")
        assert play("b", "locked") is True
    play("a", "release")
    assert play("b", "locked") is False


def test_a_wait_that_expires_is_refused_with_the_lock_taken_again() -> None:
    """At once where it is free, otherwise when its turn comes; the time is not asked again."""
    play = waiting("a", "b")
    assert play.expire("a") == TIMED_OUT
    assert play("a", "locked") is True
    assert play.expire("b") is PARKED
    assert play.expire("b") is PARKED
    play("a", "release")
    assert play.heard() == [("b", TIMED_OUT)]
    assert play("b", "release") is True


def test_a_time_out_after_the_notify_comes_too_late() -> None:
    """Who was notified is told so when it has the lock."""
    play = waiting("a")
    play("n", "acquire")
    play("n", "notify")
    assert play.expire("a") is PARKED
    play("n", "release")
    assert play.heard() == [("a", True)]


@pytest.mark.parametrize("notified", [False, True])
@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_a_stopped_wait_gives_nothing_back(kind: str, notified: bool) -> None:
    """Its lock is not taken again: the releases around it are answered so and harm nobody."""
    play = waiting("a", kind=kind)
    play("n", "acquire")
    if notified:
        play("n", "notify")
    play.cancel("a")
    assert play("a", "release") == GIVEN_UP
    assert play.machine.statistics()["held"] is True
    assert play("n", "release") is True
    assert play("a", "release") == GIVEN_UP
    assert play.heard() == []


def test_clean_up_after_a_stopped_wait_may_take_the_lock_again() -> None:
    """That one is given back, the one of before is not."""
    play = waiting("a")
    play.cancel("a")
    assert play("a", "acquire") is True
    assert play("a", "release") is True
    assert play("a", "locked") is False
    assert play("a", "release") == GIVEN_UP


def test_a_dead_waiter_is_forgotten() -> None:
    """The notify goes to the next."""
    play = waiting("a", "b")
    play.leave("a", died=True)
    assert notify(play, 1) == 1
    assert play.heard() == [("b", True)]


def test_a_waiter_is_told_that_the_holder_died() -> None:
    """It comes back with a lock whose holder died."""
    play = waiting("a")
    play("n", "acquire")
    play("n", "notify")
    play.leave("n", died=True)
    assert play.heard() == [("a", ABANDONED)]


def test_waiters_of_a_lock_that_failed_wait_no_longer() -> None:
    """Nobody could ever notify them, since nobody can have the lock."""
    lock = Lock("rlock", "fail")
    play = Play(Condition(lock))
    for who in "ab":
        play(who, "acquire")
        play(who, "wait")
    play("n", "acquire")
    lock.leave("n", True, [])  # the hub tells the lock first
    play.leave("n", died=True)
    assert [(who, answer.reason) for who, answer in play.heard()] == [
        ("a", "holder_died"), ("b", "holder_died"),
    ]  # fmt: skip


def test_two_conditions_share_one_lock() -> None:
    """Waiters of one are not woken by the other, and all of them wait for the same lock."""
    lock = Lock()
    full, empty = Play(Condition(lock)), Play(Condition(lock))
    for play, who in ((full, "f"), (empty, "e")):
        play(who, "acquire")
        play(who, "wait")
    notify(full)
    assert full.heard() == [("f", True)]
    assert empty.parked == {"e": "wait"}


WHO = st.sampled_from("abcd")


class Woken(RuleBasedStateMachine):
    """Any sequence of operations: who holds, who waits for the lock, who waits to be notified."""

    @initialize(kind=st.sampled_from(["lock", "rlock"]))
    def begin(self, kind: str) -> None:
        """A condition with either kind of lock."""
        self.lock = Lock(kind)
        self.condition = Condition(self.lock)
        self.play = Play(self.condition)
        self.given_up: set[str] = set()

    def free(self, who: str) -> bool:
        """Whether one does not wait."""
        return who not in self.play.parked

    @rule(who=WHO)
    def acquire(self, who: str) -> None:
        """Not a plain lock that one holds: nobody would ever come."""
        mine = self.lock.owner == who
        if self.free(who) and not (mine and (self.lock.depth > 2 or not self.lock.reentrant)):
            self.play(who, "acquire")

    @rule(who=WHO)
    def release(self, who: str) -> None:
        """One's own, or what was given up."""
        if self.free(who) and self.lock.owner == who:
            assert self.play(who, "release") is True
        elif self.free(who) and who in self.given_up:
            owner = self.lock.owner
            assert self.play(who, "release") == GIVEN_UP
            assert self.lock.owner == owner

    @rule(who=WHO)
    def wait(self, who: str) -> None:
        """With the lock only."""
        if self.free(who):
            owned = self.lock.owner == who
            assert (self.play(who, "wait") is PARKED) == owned

    @rule(who=WHO, count=st.sampled_from([0, 1, 2, None]))
    def notify(self, who: str, count: int | None) -> None:
        """With the lock only; first waiter first."""
        if not self.free(who) or self.lock.owner != who:
            return
        self.play.heard()
        before = [waiter for waiter, _ in self.condition.waiters]
        number = self.play(who, "notify", count)
        assert number == (len(before) if count is None else min(count, len(before)))
        assert [waiter for waiter, _ in self.condition.waiters] == before[number:]
        assert self.play.heard() == []

    @rule(who=WHO, expires=st.booleans())
    def give_up(self, who: str, expires: bool) -> None:
        """A wait ends early: with the lock after a time-out, without it after a stop."""
        if self.free(who):
            return
        verb = self.play.parked[who]
        if not expires:
            self.play.cancel(who)
            if verb == "wait":
                self.given_up.add(who)
        elif self.play.expire(who) is PARKED:
            assert verb == "wait"
        else:
            assert (self.lock.owner == who) == (verb == "wait")

    @rule(who=WHO)
    def die(self, who: str) -> None:
        """Whatever it did."""
        self.play.leave(who, died=True)
        self.given_up.discard(who)
        assert self.lock.owner != who

    @invariant()
    def everybody_is_in_one_place(self) -> None:
        """Those who wait do so once, and a free lock has nobody waiting for it."""
        if not hasattr(self, "lock"):
            return
        lined = [who for who, _, _ in self.lock.waiters]
        waits = [who for who, _ in self.condition.waiters]
        assert Counter(lined + waits) == Counter([*self.play.parked])
        assert self.lock.owner not in self.play.parked or not self.lock.reentrant
        assert self.lock.owner is not None or not lined
        assert (self.lock.owner is None) == (self.lock.depth == 0)


Woken.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWoken = Woken.TestCase
