"""Random small programs: brute force, state search, partial orders and a naive run agree on each.

python -m pytest -m slow tests/explore/test_fuzz.py -rP     2,000 programs
nox -s programs                                             50,000
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from explore.comparing import Compared, compare, compare_text, only_in_exact_time, options_of
from explore.programs import document, text_of
from explore.smaller import smaller
from scenarios.explore import dpor
from scenarios.explore.acting import KILL, Acting, Move
from scenarios.explore.background import Background
from scenarios.explore.dpor import Search
from scenarios.explore.life import Life
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.mentions import Mentions
from scenarios.explore.model import Model
from scenarios.explore.starts import Starts
from scenarios.explore.symmetry import Symmetry
from scenarios.explore.timers import Timers
from scenarios.resources.conditions import Condition
from scenarios.resources.locks import Lock
from scenarios.resources.queues import Queue

MANY = int(os.environ.get("SCENARIOS_FUZZ", "2000"))
"""Programs of the slow test; about 40 a second."""

CHUNKS = 8

MOST = 3_000
"""Programs that a mutant may survive before it counts as not caught."""


def compared(first: int) -> Iterator[Compared]:
    """Programs from this number on; those that are too large are left out."""
    number = first
    while True:
        one = compare(number)
        if one.problem:
            pytest.fail(told(number, one), pytrace=False)
        if not one.left_out:
            yield one
        number += 1


def told(number: int, one: Compared) -> str:
    """A disagreement, and the smallest program found that shows one."""
    options = options_of(number)

    def still(made: dict[str, Any]) -> bool:
        return bool(compare_text(text_of(made), options).problem)

    least = compare_text(text_of(smaller(document(number), still)), options)
    return (
        f"program {number} with {options}:\n{one.problem}\nsmaller:\n{least.text}\n{least.problem}"
    )


@pytest.mark.parametrize("chunk", range(4))
def test_a_few_programs(chunk: int) -> None:
    """Fifty each: the same ends, the same findings, the same expectations seen."""
    programs = compared(1_000_000 * (chunk + 1))
    assert sum(next(programs).paths for _ in range(50)) > 50


@pytest.mark.parametrize(
    "chunk", [1, *(pytest.param(chunk, marks=pytest.mark.slow) for chunk in (0, 2, 3))]
)
def test_free_time_has_all_that_exact_time_has(chunk: int) -> None:
    """It may take as long as any real time takes; else it could prove what is not so."""
    first = 5_000_000 + 10_000 * chunk
    found = {number: only_in_exact_time(number) for number in range(first, first + 100)}
    assert sum(outcomes is not None for outcomes in found.values()) > 50
    assert {number: outcomes for number, outcomes in found.items() if outcomes} == {}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_many_programs(chunk: int) -> None:
    """2,000 in CI, or as many as SCENARIOS_FUZZ says."""
    programs = compared(10_000_000 * (chunk + 1))
    paths = [next(programs).paths for _ in range(MANY // CHUNKS)]
    print(f"{len(paths)} programs, {sum(paths)} interleavings, 0 disagreements")


# -- mutants: each must be noticed -------------------------------------------------------------

Patch = Callable[[pytest.MonkeyPatch], None]


def without_arrivals(patch: pytest.MonkeyPatch) -> None:
    """To wait late is taken to be the same at the locks of conditions as well."""
    patch.setattr(Model, "arrivals", property(lambda self: frozenset(), lambda self, value: None))


def moves_without_groups(patch: pytest.MonkeyPatch) -> None:
    """A move is remembered for the actor alone, whatever the state of what it acts on."""
    kept: dict[Any, Move | None] = {}
    move = Acting.move

    def first(self: Acting, kind: int, index: int, number: int, group: int) -> Move | None:
        key = self, kind, index, number
        if key not in kept:
            kept[key] = move(self, kind, index, number, group)
        return kept[key]

    patch.setattr(Acting, "move", first)


def frozen_without(kind: type, place: int, value: Any) -> Patch:
    """A part of what a machine freezes is forgotten."""
    freeze = kind.freeze  # type: ignore[attr-defined]  # kind is a Machine

    def forgetful(self: Any, *args: Any) -> tuple[Any, ...]:
        parts = list(freeze(self, *args))
        parts[place] = value
        return tuple(parts)

    return lambda patch: patch.setattr(kind, "freeze", forgetful)


def jobs_are_skipped(patch: pytest.MonkeyPatch) -> None:
    """A thread that takes a job leaves out the next one."""
    take = Life.take

    def twice(self: Life, state: list[int], index: int) -> None:
        take(self, state, index)
        member = self._member(index)
        pool = self.pool(state, member)
        if pool.next + 1 < len(member.jobs or ()):
            self.put(state, member, pool._replace(next=pool.next + 1))

    patch.setattr(Life, "take", twice)


def time_outs_at_once(patch: pytest.MonkeyPatch) -> None:
    """A time-out is over though others can go on."""
    enabled = StateMachine.enabled

    def early(self: StateMachine, state: State) -> list[Transition]:
        found = enabled(self, state)
        if found and not self.options.early:
            more = self.timers.over(state, found, alone=True)
            found += [one for one in more if one not in found]
        return found

    patch.setattr(StateMachine, "enabled", early)


def nobody_is_forced(patch: pytest.MonkeyPatch) -> None:
    """Who is stopped may clean up for ever."""
    over = Timers.over

    def patient(self: Timers, *args: Any, **words: Any) -> list[Transition]:
        return [one for one in over(self, *args, **words) if one[0] != KILL]

    patch.setattr(Timers, "over", patient)


def everybody_hears_of_a_stop(patch: pytest.MonkeyPatch) -> None:
    """A process without a grace is not gone before it has heard of its stop."""
    patch.setattr(Background, "killed", lambda self, state, stopped: [])


def pauses_that_nobody_cuts_short(patch: pytest.MonkeyPatch) -> None:
    """Who waits for another attempt begins it, though it was stopped."""
    patch.setattr(Starts, "_stop", lambda self, state, member: self.end_pause(state, member))


def ends_that_are_heard_at_once(patch: pytest.MonkeyPatch) -> None:
    """Who has done its work starts again before it can be asked to end."""
    patch.setattr(Life, "_lingers", lambda self, state, member, index: self.holds(state, index))


def sleeps_in_time(patch: pytest.MonkeyPatch) -> None:
    """A sleep is always over before a time-out."""
    patch.setattr(Timers, "alone", lambda self, state, found: not found)


def nobody_is_stopped_in_a_wait(patch: pytest.MonkeyPatch) -> None:
    """Who waits hears of no stop."""
    stopped = Background.stopped

    def some(self: Background, state: State) -> list[int]:
        life = self._life
        return [one for one in stopped(self, state) if not life.local(state, one).parked][:1]

    patch.setattr(Background, "stopped", some)


def nothing_wakes_who_sleeps(patch: pytest.MonkeyPatch) -> None:
    """Sleep sets keep what depends on what was done."""
    patch.setattr(dpor, "_depend", lambda one, other: False)


def footprints_without_groups(patch: pytest.MonkeyPatch) -> None:
    """What a transition acts on is no part of its footprint."""
    footprint = StateMachine.footprint

    def smaller_print(
        self: StateMachine, state: State, transition: Transition, after: State
    ) -> Any:
        reads, writes = footprint(self, state, transition, after)
        own = frozenset(range(len(self.model.actors)))
        return reads & own, writes & own

    patch.setattr(StateMachine, "footprint", smaller_print)


def no_race_is_reversed(patch: pytest.MonkeyPatch) -> None:
    """Partial orders look at the first schedule alone."""
    patch.setattr(Search, "_reverse", lambda self, *args: True)


def what_is_shared_makes_no_state(patch: pytest.MonkeyPatch) -> None:
    """States of like actors are one, whatever the machines are in."""
    representative = Symmetry.__call__

    def lax(self: Symmetry, state: State, last: int = -1) -> tuple[State, int]:
        made, who = representative(self, state, last)
        return tuple(0 if slot in self._slots else one for slot, one in enumerate(made)), who

    patch.setattr(Symmetry, "__call__", lax)


def all_replicas_are_alike(patch: pytest.MonkeyPatch) -> None:
    """Replicas count as one though steps or expectations tell them apart."""
    patch.setattr(Mentions, "alike", lambda self, declared: declared.replicas is not None)


MUTANTS: dict[str, tuple[Patch, str]] = {
    "late waiting at conditions": (without_arrivals, "conditions"),
    "moves without groups": (moves_without_groups, "guards"),
    "conditions forget who waits": (frozen_without(Condition, 0, ()), "conditions"),
    "locks forget who holds them": (frozen_without(Lock, 0, None), "guards"),
    "queues forget their items": (frozen_without(Queue, 0, ()), "queues"),
    "jobs are skipped": (jobs_are_skipped, "pools"),
    "time-outs at once": (time_outs_at_once, "time"),
    "nobody is forced": (nobody_is_forced, "background"),
    "everybody hears of a stop": (everybody_hears_of_a_stop, "background"),
    "pauses that nobody cuts short": (pauses_that_nobody_cuts_short, "background"),
    "ends that are heard at once": (ends_that_are_heard_at_once, "background"),
    "sleeps in time": (sleeps_in_time, "time"),
    "nobody is stopped in a wait": (nobody_is_stopped_in_a_wait, "background"),
    "nothing wakes who sleeps": (nothing_wakes_who_sleeps, "values"),
    "footprints without groups": (footprints_without_groups, "values"),
    "no race is reversed": (no_race_is_reversed, "values"),
    "what is shared makes no state": (what_is_shared_makes_no_state, "replicas"),
    "all replicas are alike": (all_replicas_are_alike, "replicas"),
}
"""What is broken, and the taste of programs that should show it."""

FIRST = {
    "late waiting at conditions": 520,
    "all replicas are alike": 550,
    "everybody hears of a stop": 220,
    "pauses that nobody cuts short": 360,
    "ends that are heard at once": 360,
    "sleeps in time": 700,
    "nobody is forced": 1_000,
}
"""Where to begin, for those that only a few programs notice."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that agrees whatever is broken would prove nothing."""
    patch, taste = MUTANTS[name]
    patch(monkeypatch)
    first = FIRST.get(name, 0)
    for number in range(first, first + MOST):
        try:
            noticed = bool(compare(number, taste).problem)
        except (AssertionError, KeyError, IndexError, TypeError, ValueError) as error:
            noticed = True  # a machine that is broken may fail in other ways, too
            print(f"{type(error).__name__}: {error}")
        if noticed:
            print(f"{name}: noticed at program {number}")
            return
    pytest.fail(f"{MOST} programs agree though {name}")
