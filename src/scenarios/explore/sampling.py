"""Schedules drawn at random, for what is too large to be searched: three strategies in rotation.

A random walk; PCT (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of
finding bugs", ASPLOS 2010), where the actor of highest priority goes on and a few places lower it;
and POS (Yuan et al., "Partial order aware concurrency sampling", CAV 2018), where each transition
has a priority of its own that is drawn anew after a race. No one of them wins everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from scenarios.explore.acting import LOST_TRACK, TAKE
from scenarios.explore.budget import INTERRUPTED, Budget, BudgetSpent
from scenarios.explore.judge import Judge, Key
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import Covered, Path
from scenarios.explore.successors import Successors
from scenarios.explore.watch import Watch

LONGEST = 20_000
"""Transitions of one schedule, for scenarios that need not end."""

DEPTH = 3
"""PCT's number of places where a priority is lowered, and one; most bugs need no more."""

MORE = 200
"""Schedules that are still drawn once something is wrong, for a shorter one."""


Sight = tuple[Path, frozenset[Key]]
"""A schedule, and what it shows."""


class Strategy(Protocol):
    """Picks the next transition of a schedule."""

    def begin(self, draw: random.Random, length: int) -> None:
        """A new schedule begins; `length` is that of the longest one so far."""

    def pick(self, machine: StateMachine, state: State, ahead: Sequence[Transition]) -> Transition:
        """One of those that are enabled."""


class Walk:
    """Any transition with equal chance."""

    def begin(self, draw: random.Random, length: int) -> None:
        """See `Strategy`."""
        self._draw = draw

    def pick(self, machine: StateMachine, state: State, ahead: Sequence[Transition]) -> Transition:
        """See `Strategy`."""
        return ahead[int(self._draw.random() * len(ahead))]


class Priorities:
    """PCT."""

    def begin(self, draw: random.Random, length: int) -> None:
        """See `Strategy`."""
        self._draw = draw
        self._of: dict[Transition, float] = {}
        self._at = 0
        self._changes = {draw.randrange(max(1, length)) for _ in range(DEPTH - 1)}

    def pick(self, machine: StateMachine, state: State, ahead: Sequence[Transition]) -> Transition:
        """See `Strategy`."""
        best = max(ahead, key=self._priority)
        if self._at in self._changes:
            self._of[_who(best)] = -self._draw.random()
            best = max(ahead, key=self._priority)
        self._at += 1
        return best

    def _priority(self, transition: Transition) -> float:
        who = _who(transition)
        if who not in self._of:
            self._of[who] = self._draw.random()
        return self._of[who]


class PartialOrder:
    """POS."""

    def begin(self, draw: random.Random, length: int) -> None:
        """See `Strategy`."""
        self._draw = draw
        self._of: dict[Transition, float] = {}

    def pick(self, machine: StateMachine, state: State, ahead: Sequence[Transition]) -> Transition:
        """See `Strategy`."""
        for one in ahead:
            if one not in self._of:
                self._of[one] = self._draw.random()
        best = max(ahead, key=self._of.__getitem__)
        slot = machine.slot(state, best[1]) if best[1] >= 0 else None
        for one in ahead:
            same = one[1] >= 0 and machine.slot(state, one[1]) == slot
            if one == best or (slot is not None and same):
                del self._of[one]
        return best


STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "random": Walk,
    "pct": Priorities,
    "pos": PartialOrder,
}


def sample(
    machine: StateMachine,
    judge: Judge,
    budget: Budget,
    *,
    wrong: Callable[[Key], bool],
    seed: int,
    names: Sequence[str] = tuple(STRATEGIES),
    watch: Watch | None = None,
) -> Covered:
    """Draw schedules until the budget is spent, or a little after something is wrong."""
    covered = Covered(how="sampling by " + ", ".join(names))
    try:
        _draw(machine, judge, budget, covered, wrong, seed, names, watch)
    except BudgetSpent as spent:
        covered.spent = str(spent)
    except KeyboardInterrupt:
        covered.spent = INTERRUPTED
    return covered


def _draw(
    machine: StateMachine,
    judge: Judge,
    budget: Budget,
    covered: Covered,
    wrong: Callable[[Key], bool],
    seed: int,
    names: Sequence[str],
    watch: Watch | None,
) -> None:
    draw = random.Random(seed)
    successors = Successors(machine, watch)
    strategies = [STRATEGIES[name]() for name in names]
    length, left = 1, None
    while left is None or left > 0:
        budget.schedule()
        strategy = strategies[covered.schedules % len(strategies)]
        strategy.begin(draw, length)
        new = []
        for path, keys in _one(successors, judge, strategy, covered):
            length = max(length, len(path))
            for key in keys:
                if key not in covered.sights or len(path) < len(covered.sights[key]):
                    covered.sights[key] = path
                    new.append(key)
        covered.schedules += 1
        if left is not None:
            left -= 1
        elif any(map(wrong, new)):
            left = MORE
    covered.spent = "a bug was found"


def _one(successors: Successors, judge: Judge, strategy: Strategy, covered: Covered) -> list[Sight]:
    """One schedule, to its end or as far as the longest one: what is seen on it, and at its end."""
    machine, pick = successors.machine, strategy.pick
    at = successors.initial()
    path: list[Transition] = []
    seen: list[Sight] = []
    for _ in range(LONGEST):
        ahead = at.ahead
        if not at.looked and (races := successors.visit(at)):
            seen.append((tuple(path), races))
        if not ahead:
            covered.ends += 1
            covered.lost = covered.lost or bool(at.state[-1] & LOST_TRACK)
            break
        transition = ahead[0] if len(ahead) == 1 else pick(machine, at.state, ahead)
        path.append(transition)
        at = at.after.get(transition) or successors.step(at, transition)
    covered.transitions += len(path)
    return [*seen, (tuple(path), judge.at(None, at.state, at.ahead))]


def _who(transition: Transition) -> Transition:
    kind, index = transition
    return (0, index) if kind == TAKE else transition
