"""Makes a schedule shorter that shows something: fewer switches between workers, fewer steps."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.explore.acting import STEP, TAKE
from scenarios.explore.budget import Budget, BudgetSpent
from scenarios.explore.judge import Key
from scenarios.explore.machine import StateMachine, Transition
from scenarios.explore.minimal import Sought
from scenarios.explore.prove import Path
from scenarios.explore.sampling import LONGEST

Cost = tuple[int, int]


def shrink(machine: StateMachine, sought: Sought, key: Key, path: Path, budget: Budget) -> Path:
    """A schedule that shows `key` and costs no more than `path` in (preemptions, transitions)."""
    best, cost = path, cost_of(machine, path)
    chunk = max(1, len(best) // 2)
    while chunk:
        at, changed = 0, False
        while at < len(best):
            try:
                budget.look()
            except BudgetSpent:
                return best
            found = follow(machine, sought, key, [*best[:at], *best[at + chunk :]])
            if found is not None and (new := cost_of(machine, found)) < cost:
                best, cost, changed = found, new, True
            else:
                at += chunk
        if not changed:
            chunk //= 2
    return best


def follow(
    machine: StateMachine, sought: Sought, key: Key, wanted: Sequence[Transition]
) -> Path | None:
    """Take what is wanted where it can be taken, then go on without switching; None: not shown."""
    state = machine.initial()
    path: list[Transition] = []
    ahead = machine.enabled(state)
    following = iter(wanted)
    while ahead and len(path) < LONGEST:
        if key in sought.at(None, state, ahead):
            return tuple(path)
        chosen = next((one for one in following if one in ahead), None)
        if chosen is None:
            chosen = same_actor(path, ahead)
        path.append(chosen)
        state = machine.step(state, chosen)
        ahead = machine.enabled(state)
    return tuple(path) if key in sought.at(None, state, ahead) else None


def same_actor(path: Sequence[Transition], ahead: Sequence[Transition]) -> Transition:
    """What goes on without switching to another actor, where that can be."""
    last = path[-1][1] if path else -1
    return next((one for one in ahead if one[1] == last), ahead[0])


def cost_of(machine: StateMachine, path: Sequence[Transition]) -> Cost:
    """(preemptions, steps) of a schedule: switches from an actor that could have gone on."""
    state = machine.initial()
    last, preemptions, steps = -1, 0, 0
    for transition in path:
        kind, index = transition
        ahead = machine.enabled(state)
        actor = index if kind in (STEP, TAKE) else -1
        if actor != last and any(one[1] == last and one[0] in (STEP, TAKE) for one in ahead):
            preemptions += 1
        steps += machine.length(state, transition)
        state = machine.step(state, transition)
        last = actor if actor >= 0 else last
    return preemptions, steps
