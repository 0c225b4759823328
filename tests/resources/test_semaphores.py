from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playing import Play
from scenarios.resources.machine import PARKED, TIMED_OUT
from scenarios.resources.semaphores import Semaphore


def test_permits_are_taken_and_given_back() -> None:
    """First who waits, first served; anybody may give one back."""
    play = Play(Semaphore(2))
    assert [play(who, "acquire") for who in "abcd"] == [True, True, PARKED, PARKED]
    assert play("x", "count") == 0
    assert play("x", "release") is True
    assert play.heard() == [("c", True)]
    assert play("a", "release", 1) is True
    assert play.heard() == [("d", True)]


def test_many_permits_at_once() -> None:
    """They go to as many as wait; the rest stays."""
    play = Play(Semaphore(0))
    for who in "ab":
        assert play(who, "acquire") is PARKED
    assert play("x", "release", 3) is True
    assert play.heard() == [("a", True), ("b", True)]
    assert play("x", "count") == 1


@pytest.mark.parametrize("count", [0, -1])
def test_less_than_one_permit_is_refused(count: int) -> None:
    """As in the standard library."""
    assert Play(Semaphore(0))("x", "release", count).reason == "invalid"


def test_a_bounded_semaphore_has_an_end() -> None:
    """One of no permits is a signal, which has none; nor has one that is not bounded."""
    play = Play(Semaphore(2))
    assert play("x", "release").reason == "over_release"
    play("a", "acquire")
    assert play("x", "release", 2).reason == "over_release"
    assert play("x", "release") is True
    for free in (Semaphore(0), Semaphore(1, bounded=False)):
        assert Play(free)("x", "release", 5) is True


def test_a_wait_that_ends_is_forgotten() -> None:
    """By time-out, stop or death; its permit goes to the next."""
    play = Play(Semaphore(0))
    for who in "abcd":
        play(who, "acquire")
    assert play.expire("a") == TIMED_OUT
    play.cancel("b")
    play.leave("c", died=True)
    play("x", "release")
    assert play.heard() == [("d", True)]


def test_a_semaphore_has_no_owner() -> None:
    """A dead taker's permit is gone."""
    play = Play(Semaphore(1))
    play("a", "acquire")
    play.leave("a", died=True)
    assert play.machine.statistics() == {
        "permits": 0, "acquired": 1, "contended": 0, "initial": 1,
    }  # fmt: skip


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["acquire", "release", "expire", "cancel", "leave"])
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(permits=st.integers(0, 3), bounded=st.booleans(), actions=ACTIONS)
def test_permits_are_conserved(permits: int, bounded: bool, actions: list[tuple[str, str]]) -> None:
    """Free ones are those at the start, less the taken ones, and the given ones; nobody waits
    beside a free one."""
    machine = Semaphore(permits, bounded)
    play = Play(machine)
    taken = given_back = 0
    for who, action in actions:
        if action in ("expire", "cancel"):
            if who in play.parked:
                getattr(play, action)(who)
        elif action == "leave":
            play.leave(who, died=True)
        elif who not in play.parked:
            done = play(who, action) is True
            taken += done and action == "acquire"
            given_back += done and action == "release"
        taken += len(play.heard())
        assert machine.permits == permits - taken + given_back >= 0
        assert not (machine.permits and machine.waiters)
        assert Counter(machine.waiters) == Counter([*play.parked])
        assert not machine.bounded or machine.permits <= permits
