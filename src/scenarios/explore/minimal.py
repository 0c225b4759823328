"""The shortest schedules: fewest preemptions first, then fewest steps, by construction."""

from __future__ import annotations

import contextlib
import heapq
from typing import NamedTuple

from scenarios.explore.acting import STEP, TAKE
from scenarios.explore.budget import Budget, BudgetSpent
from scenarios.explore.judge import Judge, Key
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import Path
from scenarios.explore.symmetry import Symmetry

ENGINE = -1  # whoever stops workers and lets time pass


class Shortest(NamedTuple):
    """A schedule with its cost."""

    path: Path
    preemptions: int
    steps: int


def minimal(
    machine: StateMachine, judge: Judge, wanted: set[Key], budget: Budget
) -> dict[Key, Shortest]:
    """A shortest schedule for each key that is wanted, as far as the budget reaches."""
    found: dict[Key, Shortest] = {}
    with contextlib.suppress(BudgetSpent):
        _search(machine, judge, set(wanted), budget, found)
    return found


def _search(
    machine: StateMachine,
    judge: Judge,
    wanted: set[Key],
    budget: Budget,
    found: dict[Key, Shortest],
) -> None:
    symmetry = Symmetry(machine)
    nodes: list[tuple[State, int, int, Transition | None]] = []  # state, last, from, by
    heap: list[tuple[int, int, int]] = []
    best: dict[tuple[State, int], tuple[int, int]] = {}

    def push(
        cost: tuple[int, int], state: State, last: int, parent: int, by: Transition | None
    ) -> None:
        key = symmetry(state, last) if symmetry else (state, last)
        known = best.get(key)
        if known is not None and known <= cost:
            return
        best[key] = cost
        nodes.append((state, last, parent, by))
        heapq.heappush(heap, (*cost, len(nodes) - 1))

    push((0, 0), machine.initial(), ENGINE, -1, None)
    while heap and wanted:
        preemptions, steps, node = heapq.heappop(heap)
        state, last, _, _ = nodes[node]
        key = symmetry(state, last) if symmetry else (state, last)
        if best[key] < (preemptions, steps):
            continue
        budget.state()
        ahead = machine.enabled(state)
        seen = judge.marks(state) if ahead else judge.end(state)
        for one in seen & wanted:
            wanted.discard(one)
            found[one] = Shortest(_path(nodes, node), preemptions, steps)
        can_go_on = any(index == last and kind in (STEP, TAKE) for kind, index in ahead)
        for transition in ahead:
            kind, index = transition
            actor = index if kind in (STEP, TAKE) else ENGINE
            cost = (
                preemptions + (can_go_on and actor != last),
                steps + machine.length(state, transition),
            )
            push(
                cost,
                machine.step(state, transition),
                actor if actor >= 0 else last,
                node,
                transition,
            )


def _path(nodes: list[tuple[State, int, int, Transition | None]], node: int) -> Path:
    path: list[Transition] = []
    while node >= 0:
        _, _, node, by = nodes[node]
        if by is not None:
            path.append(by)
    return tuple(reversed(path))
