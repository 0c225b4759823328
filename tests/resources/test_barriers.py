from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from playing import Play
from scenarios.resources.barriers import BROKEN, Barrier
from scenarios.resources.machine import PARKED, TIMED_OUT


def test_the_last_one_opens_it() -> None:
    """Each is told its number of arrival, and the barrier is ready for the next round."""
    play = Play(Barrier(3))
    for _ in range(2):
        assert play("a", "wait") is PARKED
        assert play("b", "wait") is PARKED
        assert play("x", "state") == (2, False)
        assert play("c", "wait") == 2
        assert play.heard() == [("a", 0), ("b", 1)]
    assert play.machine.statistics() == {"trips": 2, "waiting": 0, "broken": False}


def test_a_barrier_of_one_never_waits() -> None:
    """It opens at once."""
    assert Play(Barrier(1))("a", "wait") == 0


def test_a_time_out_breaks_it() -> None:
    """The one whose time ran out is told so, the others that it is broken, for good."""
    play = Play(Barrier(3))
    play("a", "wait")
    play("b", "wait")
    assert play.expire("b") == TIMED_OUT
    assert play.heard() == [("a", BROKEN)]
    assert play("c", "wait") == BROKEN


def test_a_stop_and_a_death_break_it() -> None:
    """Only of one who waits there."""
    for end in ("cancel", "leave"):
        play = Play(Barrier(2))
        getattr(play, end)("nobody")
        assert play("x", "state") == (0, False)
        play("a", "wait")
        getattr(play, end)("a")
        assert play("b", "wait") == BROKEN


def test_reset_and_abort() -> None:
    """Both send those who wait away as broken; after a reset it is whole again."""
    play = Play(Barrier(2))
    play("a", "wait")
    play("x", "abort")
    assert play.heard() == [("a", BROKEN)]
    assert play("x", "state") == (0, True)
    play("x", "reset")
    assert play("a", "wait") is PARKED
    play("x", "reset")
    assert play.heard() == [("a", BROKEN)]
    assert play("x", "state") == (0, False)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["wait", "wait", "wait", "expire", "cancel", "leave", "reset"]),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(parties=st.integers(1, 4), actions=ACTIONS)
def test_nobody_stays_behind(parties: int, actions: list[tuple[str, str]]) -> None:
    """A round has all its parties or none, and nobody waits at a broken or full barrier."""
    machine = Barrier(parties)
    play = Play(machine)
    for who, action in actions:
        if action in ("expire", "cancel"):
            if who in play.parked:
                getattr(play, action)(who)
        elif action == "leave":
            play.leave(who, died=True)
        elif who not in play.parked:
            before = len(machine.waiters)
            answer = play(who, action)
            if action == "wait" and isinstance(answer, int):
                indices = [index for _, index in play.heard()]
                assert [*indices, answer] == list(range(parties))
            elif action == "wait" and answer is not PARKED:
                assert answer == BROKEN
                assert before == 0
        assert all(answer == BROKEN for _, answer in play.heard())
        assert Counter(machine.waiters) == Counter([*play.parked])
        assert len(machine.waiters) < parties
        assert not (machine.broken and machine.waiters)
