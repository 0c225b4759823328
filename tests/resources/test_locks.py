from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from playing import Play
from scenarios.resources.locks import ABANDONED, Lock
from scenarios.resources.machine import PARKED, TIMED_OUT, Refused


def test_a_lock_is_handed_over_in_the_order_of_waiting() -> None:
    """Released once, held by the next at once."""
    play = Play(Lock())
    assert play("a", "locked") is False
    assert play("a", "acquire") is True
    assert [play(who, "acquire") for who in "bc"] == [PARKED, PARKED]
    assert play("a", "release") is True
    assert play.heard() == [("b", True)]
    assert play("a", "locked") is True
    assert play("a", "acquire") is PARKED
    play("b", "release")
    play("c", "release")
    assert play.heard() == [("c", True), ("a", True)]


def test_a_plain_lock_waits_for_itself_and_may_be_released_by_another() -> None:
    """As `threading.Lock`; one that nobody holds cannot be released."""
    play = Play(Lock())
    assert play("a", "release").reason == "not_held"
    play("a", "acquire")
    assert play("a", "acquire") is PARKED
    assert play("b", "release") is True
    assert play.heard() == [("a", True)]


def test_a_reentrant_lock_counts() -> None:
    """As `threading.RLock`: only its holder releases it, as often as it took it."""
    play = Play(Lock("rlock"))
    for _ in range(3):
        assert play("a", "acquire") is True
    assert play("b", "release").reason == "not_owner"
    assert play("b", "acquire") is PARKED
    for _ in range(2):
        play("a", "release")
    assert play.heard() == []
    play("a", "release")
    assert play.heard() == [("b", True)]


def test_a_wait_that_ends_is_forgotten() -> None:
    """The lock goes to the one behind it."""
    play = Play(Lock())
    play("a", "acquire")
    for who in "bcd":
        play(who, "acquire")
    assert play.expire("b") == TIMED_OUT
    play.cancel("c")
    play("a", "release")
    assert play.heard() == [("d", True)]


def test_the_next_holder_is_told_that_the_one_before_died() -> None:
    """Whether it waited or comes later; the one after that is told nothing."""
    play = Play(Lock("rlock"))
    play("a", "acquire")
    play("a", "acquire")
    assert play("b", "acquire") is PARKED
    play.leave("a", died=True)
    assert play.heard() == [("b", ABANDONED)]
    play.leave("b", died=True)
    assert play("c", "acquire") == ABANDONED
    play("c", "release")
    assert play("d", "acquire") is True


def test_an_end_that_is_no_death_keeps_the_lock() -> None:
    """As a thread that ends: that it is still held is found at the end."""
    play = Play(Lock())
    play("a", "acquire")
    play("b", "acquire")
    play.leave("a")
    assert play.heard() == []
    assert play.machine.statistics()["held"] is True
    play.leave("b", died=True)
    play("c", "release")
    assert play("d", "acquire") is True


def test_a_lock_that_is_to_fail_fails_for_all() -> None:
    """For those who wait and those who come; nobody holds it any more."""
    play = Play(Lock("lock", "fail"))
    play("a", "acquire")
    play("b", "acquire")
    play.leave("a", died=True)
    ((who, answer),) = play.heard()
    assert (who, answer.reason) == ("b", "holder_died")
    assert play("c", "acquire").reason == "holder_died"
    assert play("c", "release").reason == "not_held"


def test_counts() -> None:
    """How often it was taken and waited for."""
    play = Play(Lock())
    assert play.machine.statistics() == {
        "acquired": 0, "contended": 0, "max_holders": 0, "held": False,
    }  # fmt: skip
    play("a", "acquire")
    play("b", "acquire")
    play("a", "release")
    assert play.machine.statistics() == {
        "acquired": 2, "contended": 1, "max_holders": 1, "held": True,
    }  # fmt: skip


WHO = st.sampled_from("abcd")


class OneHolder(RuleBasedStateMachine):
    """Any sequence of operations, with a model of who holds and who waits."""

    @initialize(kind=st.sampled_from(["lock", "rlock"]))
    def begin(self, kind: str) -> None:
        """A lock of either kind."""
        self.lock = Lock(kind)
        self.play = Play(self.lock)
        self.holder: str | None = None
        self.depth = 0
        self.line: list[str] = []

    def passed_on(self) -> None:
        """The first who waits is told, and no other."""
        expected: list[Any] = []
        self.holder = None
        if self.line:
            self.holder, self.depth = self.line.pop(0), 1
            expected = [self.holder]
        assert [who for who, _ in self.play.heard()] == expected

    @rule(who=WHO)
    def acquire(self, who: str) -> None:
        """Free, or one's own where it is reentrant; otherwise a wait."""
        if who in self.play.parked:
            return
        answer = self.play(who, "acquire")
        if self.holder is None:
            assert answer in (True, ABANDONED)
            self.holder, self.depth = who, 1
        elif self.holder == who and self.lock.reentrant:
            assert answer is True
            self.depth += 1
        else:
            assert answer is PARKED
            self.line.append(who)

    @rule(who=WHO)
    def release(self, who: str) -> None:
        """By its holder, and by others where it is not reentrant."""
        if who in self.play.parked:
            return
        answer = self.play(who, "release")
        if self.holder is None or (self.lock.reentrant and self.holder != who):
            assert isinstance(answer, Refused)
            return
        assert answer is True
        self.depth -= 1
        if not self.depth:
            self.passed_on()

    @rule(who=WHO, expires=st.booleans())
    def give_up(self, who: str, expires: bool) -> None:
        """A wait ends without its lock."""
        if who not in self.play.parked:
            return
        self.line.remove(who)
        if expires:
            assert self.play.expire(who) == TIMED_OUT
        else:
            self.play.cancel(who)
        assert self.play.heard() == []

    @rule(who=WHO)
    def die(self, who: str) -> None:
        """A holder's lock goes on."""
        if who in self.line:
            self.line.remove(who)
        self.play.leave(who, died=True)
        if self.holder == who:
            self.passed_on()

    @invariant()
    def one_holder(self) -> None:
        """The machine's and the model's, and nobody waits twice or for a free lock."""
        if not hasattr(self, "lock"):
            return
        assert self.lock.owner == self.holder
        assert [who for who, _, _ in self.lock.waiters] == self.line
        assert Counter(self.line) == Counter([*self.play.parked])
        assert self.holder is not None or not self.line
        assert self.holder is None or self.lock.depth == self.depth > 0


OneHolder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOneHolder = OneHolder.TestCase


@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_who_never_waited_gives_nothing_back(kind: str) -> None:
    """A cancelled acquire leaves the lock with its holder, and a later release is a mistake."""
    play = Play(Lock(kind))
    play("a", "acquire")
    play("b", "acquire")
    play.cancel("b")
    play("a", "release")
    assert play("b", "release").reason == "not_held"
