"""Outcomes of the workers one after the other: what a serializable design may end with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenarios.explore.acting import EXPIRE, LOST_TRACK, STEP, TAKE
from scenarios.explore.budget import Budget, BudgetSpent, Limits
from scenarios.explore.local import IDLE, OVER
from scenarios.explore.machine import State, StateMachine

LIMITS = Limits(states=20_000, seconds=2.0)
"""More orders than that are not gone through, and then nothing is said of serializability."""

LONGEST = 10_000  # transitions of one worker alone


def outcomes(
    machine: StateMachine, outcome: Callable[[State], Any], limits: Limits = LIMITS
) -> frozenset[Any] | None:
    """The outcome of each serial order that completes; None where it cannot be decided."""
    if machine.background.members:
        return None
    budget = Budget(limits)
    found: set[Any] = set()
    seen: set[State] = set()
    ahead = [machine.initial()]
    try:
        while ahead:
            state = ahead.pop()
            budget.state()
            units = {
                index for kind, index in machine.enabled(state) if kind in (STEP, TAKE, EXPIRE)
            }
            if not units:
                if machine.life.over(state):
                    found.add(outcome(state))
                continue
            for index in units:
                after = _alone(machine, state, index)
                if after is not None and after not in seen:
                    seen.add(after)
                    ahead.append(after)
    except BudgetSpent:
        return None
    return frozenset(found)


def _alone(machine: StateMachine, state: State, index: int) -> State | None:
    """The state once one actor has ended, or done its job, without the others; None: it cannot."""
    for _ in range(LONGEST):
        own = [one for one in machine.enabled(state) if one[1] == index and one[0] != EXPIRE]
        if not own:
            return None
        state = machine.step(state, own[0])
        if state[-1] & LOST_TRACK:
            return None
        if machine.tables.locals[state[index]].phase in (IDLE, OVER):
            return state
    return None
