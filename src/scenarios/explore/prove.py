"""State search: every reachable state once, depth first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scenarios.explore.acting import LOST_TRACK
from scenarios.explore.budget import INTERRUPTED, Budget, BudgetSpent
from scenarios.explore.judge import Judge, Key
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.symmetry import Symmetry
from scenarios.explore.watch import Watch

Path = tuple[Transition, ...]

AFTER_A_BUG = 20_000
"""States that are still looked at once something is wrong, for what else there is."""


@dataclass(slots=True)
class Covered:
    """What a search has seen: for each key a schedule that leads there; how much it looked at."""

    sights: dict[Key, Path] = field(default_factory=dict)
    states: int = 0
    transitions: int = 0
    schedules: int = 0
    ends: int = 0
    complete: bool = False
    spent: str = ""
    lost: bool = False  # some schedules could not be followed
    cycle: bool = False
    how: str = "state search"

    def see(self, keys: frozenset[Key], path: Path) -> None:
        """Keep the first schedule that shows each."""
        for key in keys:
            if key not in self.sights:
                self.sights[key] = path


def prove(
    machine: StateMachine,
    judge: Judge,
    budget: Budget,
    *,
    wrong: Callable[[Key], bool],
    watch: Watch | None = None,
) -> Covered:
    """Visit states until all are visited, the budget is spent, or enough follows a bug."""
    covered = Covered()
    try:
        _search(machine, judge, budget, covered, wrong, watch)
    except BudgetSpent as spent:
        covered.spent = str(spent)
    except KeyboardInterrupt:
        covered.spent = INTERRUPTED
    return covered


def _search(
    machine: StateMachine,
    judge: Judge,
    budget: Budget,
    covered: Covered,
    wrong: Callable[[Key], bool],
    watch: Watch | None,
) -> None:
    symmetry = Symmetry(machine)
    enabled, step = machine.enabled, machine.step
    initial = machine.initial()
    first = symmetry(initial)[0] if symmetry else initial
    seen: dict[State, bool] = {first: True}  # whether it is on the way to the state looked at
    path: list[Transition] = []
    stack: list[tuple[State, State, list[Transition]]] = []
    left: int | None = None

    def enter(state: State, known: State) -> None:
        nonlocal left
        budget.state()
        covered.states += 1
        ahead = enabled(state)
        keys: frozenset[Key] = frozenset()
        if not ahead:
            covered.ends += 1
            covered.lost = covered.lost or bool(state[-1] & LOST_TRACK)
            keys = judge.end(state)
        elif state[-1] and (not stack or stack[-1][0][-1] != state[-1]):
            keys = judge.marks(state)
        if watch is not None:
            watch.look(state, ahead)
            keys |= watch.take()
        if keys:
            covered.see(keys, tuple(path))
            if left is None and any(map(wrong, keys)):
                left = AFTER_A_BUG
        stack.append((state, known, ahead))

    enter(initial, first)
    while stack:
        state, known, ahead = stack[-1]
        if not ahead:
            stack.pop()
            seen[known] = False
            if path:
                path.pop()
            continue
        transition = ahead.pop()
        new = step(state, transition)
        covered.transitions += 1
        at = symmetry(new)[0] if symmetry else new
        on_the_way = seen.get(at)
        if on_the_way is None:
            if left is not None:
                left -= 1
                if left < 0:
                    covered.spent = "a bug was found"
                    return
            seen[at] = True
            path.append(transition)
            enter(new, at)
        elif on_the_way:
            covered.cycle = True
    covered.complete = not covered.lost
