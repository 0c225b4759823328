from __future__ import annotations

from playing import Play
from scenarios.resources.flags import Flag
from scenarios.resources.machine import PARKED, TIMED_OUT


def test_a_wait_ends_when_it_is_set() -> None:
    """For all who wait, also where it is cleared right after; later waits wait again."""
    play = Play(Flag())
    assert [play(who, "wait") for who in "ab"] == [PARKED, PARKED]
    play("x", "set")
    play("x", "clear")
    assert play.heard() == [("a", True), ("b", True)]
    assert play("a", "wait") is PARKED


def test_a_set_flag_lets_everybody_through() -> None:
    """From its declaration on, if it says so."""
    play = Play(Flag(True))
    assert play("a", "read") is True
    assert play("a", "wait") is True
    play("a", "clear")
    assert play("a", "read") is False
    assert play.machine.statistics() == {"set": False}


def test_a_wait_that_ends_is_forgotten() -> None:
    """By time-out, stop or death."""
    play = Play(Flag())
    for who in "abc":
        play(who, "wait")
    assert play.expire("a") == TIMED_OUT
    play.cancel("b")
    play.leave("c", died=True)
    play("x", "set")
    assert play.heard() == []
