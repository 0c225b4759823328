"""The shortest schedules: fewest preemptions first, then fewest steps, by construction."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Collection, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from scenarios.explore.acting import STEP, TAKE
from scenarios.explore.budget import Budget, BudgetSpent
from scenarios.explore.judge import Key
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import Path
from scenarios.explore.symmetry import Symmetry

ENGINE = -1  # whoever stops workers and lets time pass


class Shortest(NamedTuple):
    """A schedule with its cost."""

    path: Path
    preemptions: int
    steps: int


class Sought(Protocol):
    """What is looked for on schedules."""

    def recall(self, memory: Any, state: State, ahead: Sequence[Transition]) -> Hashable:
        """What a schedule remembers of its states, with this one; None: nothing."""

    def at(self, memory: Any, state: State, ahead: Sequence[Transition]) -> Collection[Key]:
        """What shows at a state; `ahead` is what can happen there."""


def minimal(
    machine: StateMachine, sought: Sought, wanted: Collection[Key], budget: Budget
) -> dict[Key, Shortest]:
    """A shortest schedule for each key that is wanted, as far as the budget reaches."""
    found: dict[Key, Shortest] = {}
    with contextlib.suppress(BudgetSpent):
        _search(machine, sought, set(wanted), budget, found)
    return found


def _search(
    machine: StateMachine,
    sought: Sought,
    wanted: set[Key],
    budget: Budget,
    found: dict[Key, Shortest],
) -> None:
    symmetry = Symmetry(machine)
    nodes: list[tuple[State, int, Any, int, Transition | None]] = []  # .., memory, from, by
    heap: list[tuple[int, int, int]] = []
    best: dict[tuple[State, int, Any], tuple[int, int]] = {}

    def known_as(state: State, last: int, memory: Any) -> tuple[State, int, Any]:
        if symmetry and memory is None:  # a memory tells like actors apart
            state, last = symmetry(state, last)
        return state, last, memory

    def push(
        cost: tuple[int, int],
        state: State,
        last: int,
        memory: Any,
        parent: int,
        by: Transition | None,
    ) -> None:
        key = known_as(state, last, memory)
        known = best.get(key)
        if known is not None and known <= cost:
            return
        best[key] = cost
        nodes.append((state, last, memory, parent, by))
        heapq.heappush(heap, (*cost, len(nodes) - 1))

    push((0, 0), machine.initial(), ENGINE, None, -1, None)
    while heap and wanted:
        preemptions, steps, node = heapq.heappop(heap)
        state, last, memory, _, _ = nodes[node]
        if best[known_as(state, last, memory)] < (preemptions, steps):
            continue
        budget.state()
        ahead = machine.enabled(state)
        memory = sought.recall(memory, state, ahead)
        for one in wanted.intersection(sought.at(memory, state, ahead)):
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
                memory,
                node,
                transition,
            )


def _path(nodes: list[tuple[State, int, Any, int, Transition | None]], node: int) -> Path:
    path: list[Transition] = []
    while node >= 0:
        *_, node, by = nodes[node]
        if by is not None:
            path.append(by)
    return tuple(reversed(path))
