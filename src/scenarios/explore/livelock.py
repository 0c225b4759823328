"""States from which no end can be reached though steps go on."""

from __future__ import annotations

from scenarios.explore.budget import Budget, BudgetSpent
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import Path
from scenarios.explore.symmetry import Symmetry


def trapped(machine: StateMachine, state: State, budget: Budget) -> bool:
    """Whether no end can be reached from a state; False as well where the budget is spent."""
    symmetry = Symmetry(machine)
    seen = {symmetry(state)[0] if symmetry else state}
    ahead = [state]
    try:
        while ahead:
            state = ahead.pop()
            budget.state()
            can = machine.enabled(state)
            if not can:
                return False
            for transition in can:
                new = machine.step(state, transition)
                known = symmetry(new)[0] if symmetry else new
                if known not in seen:
                    seen.add(known)
                    ahead.append(new)
    except BudgetSpent:
        return False
    return True


def circle(machine: StateMachine, state: State) -> list[Transition]:
    """Transitions that lead from a state without an end in reach round and round, all in turn."""
    waited: list[Transition] = []  # who has acted, the latest last
    seen: dict[tuple[State, tuple[Transition, ...]], int] = {}
    path: list[Transition] = []
    while (state, tuple(waited)) not in seen:
        seen[state, tuple(waited)] = len(path)
        ahead = machine.enabled(state)
        chosen = min(ahead, key=lambda one: waited.index(one) if one in waited else -1)
        if chosen in waited:
            waited.remove(chosen)
        waited.append(chosen)
        path.append(chosen)
        state = machine.step(state, chosen)
    return path[seen[state, tuple(waited)] :]


def livelock(machine: StateMachine, budget: Budget) -> Path | None:
    """A schedule into such a state, or None. Goes through all states once more, breadth first."""
    symmetry = Symmetry(machine)

    def canonical(state: State) -> State:
        return symmetry(state)[0] if symmetry else state

    initial = machine.initial()
    numbers = {canonical(initial): 0}
    states: list[State] = [initial]
    reached: list[tuple[int, Transition | None]] = [(-1, None)]
    before: list[list[int]] = [[]]
    ends: list[int] = []
    at = 0
    while at < len(states):
        budget.look()
        ahead = machine.enabled(states[at])
        if not ahead:
            ends.append(at)
        for transition in ahead:
            new = machine.step(states[at], transition)
            known = canonical(new)
            number = numbers.get(known)
            if number is None:
                number = numbers[known] = len(states)
                states.append(new)
                reached.append((at, transition))
                before.append([])
            before[number].append(at)
        at += 1
    can_end = [False] * len(states)
    while ends:
        number = ends.pop()
        if not can_end[number]:
            can_end[number] = True
            ends += before[number]
    if all(can_end):
        return None
    return _path(reached, can_end.index(False))


def _path(reached: list[tuple[int, Transition | None]], number: int) -> Path:
    path: list[Transition] = []
    while number >= 0:
        number, by = reached[number]
        if by is not None:
            path.append(by)
    return tuple(reversed(path))
