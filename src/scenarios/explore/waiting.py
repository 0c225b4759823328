"""Who holds what and who waits for whom, in a state where nobody can go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.explore.acting import STEP
from scenarios.explore.local import OVER, PENDING, operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.model import GONE
from scenarios.program import Operation


@dataclass(frozen=True, slots=True)
class Waiter:
    """One who cannot go on: at which line, for what, who has it, and what it holds itself."""

    worker: str
    line: int
    waits: str
    on: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    state: str = "waiting"

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "worker": self.worker,
            "line": self.line,
            "state": self.state,
            "waits_for": self.waits,
            "held_by": list(self.on),
            "holds": list(self.holds),
        }

    def sentence(self) -> str:
        """For people."""
        holds = f", holds {' and '.join(self.holds)}" if self.holds else ""
        others = [who for who in self.on if who != self.worker]
        held = f", held by {' and '.join(others)}" if others else ""
        place = f" (line {self.line})" if self.line else ""
        return f"{self.worker} {self.waits}{place}{held}{holds}"


@dataclass(slots=True)
class Deadlock:
    """All who cannot go on; `circle` has those who wait for each other in a ring."""

    waiters: list[Waiter] = field(default_factory=list)
    circle: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """For people, without the waiters."""
        if len(self.circle) == 1:
            return f"deadlock: nobody can go on: {self.circle[0]} waits for itself"
        if self.circle:
            ring = " -> ".join([*self.circle, self.circle[0]])
            return f"deadlock: nobody can go on, in a circle: {ring}"
        return "deadlock: nobody can go on, and no circle: what they wait for will never come"


def deadlock(machine: StateMachine, path: Iterable[Transition], state: State) -> Deadlock:
    """Explain the state at the end of a path."""
    holders = holding(machine, path, state)
    found = Deadlock()
    for actor in machine.model.actors:
        waiter = _waiter(machine, state, actor.index, holders)
        if waiter is not None:
            found.waiters.append(waiter)
    found.circle = _circle(found.waiters)
    return found


def holding(
    machine: StateMachine, path: Iterable[Transition], state: State
) -> dict[str, list[str]]:
    """Who holds each lock, and who took a permit of each semaphore and did not give it back."""
    holders: dict[str, list[str]] = {}
    model = machine.model
    taken: Counter[tuple[str, int]] = Counter()
    at = machine.initial()
    for transition in path:
        machine.enabled(at)
        kind, index = transition
        operation = _next(machine, at, index) if kind == STEP else None
        if operation is not None and operation.section == "semaphores":
            move = machine.move(at, transition)
            if move is not None and move.answer is True:
                taken[operation.object, index] += 1 if operation.verb == "acquire" else -1
        at = machine.step(at, transition)
    for (name, index), count in taken.items():
        if count > 0:
            holders.setdefault(name, []).append(model.actors[index].name)
    for name in model.slots:
        slot = model.slots[name]
        machine.tables.thaw(slot, state[slot])
        of = model.machines[name]
        lock: Any = getattr(of, "lock", of)
        owner = getattr(lock, "owner", None)
        if owner is not None and name not in _borrowed(machine):
            earlier = "an earlier attempt"
            holders[name] = [earlier if owner == GONE else model.actors[owner].name]
    return holders


def _borrowed(machine: StateMachine) -> set[str]:
    """Conditions whose lock is a resource with a name of its own."""
    conditions = machine.model.plan.scenario.conditions
    return {name for name, declared in conditions.items() if declared.lock is not None}


def _next(machine: StateMachine, state: State, index: int) -> Operation | None:
    return operation_at(machine.model.actors[index], machine.tables.locals[state[index]])


def _waiter(
    machine: StateMachine, state: State, index: int, holders: dict[str, list[str]]
) -> Waiter | None:
    actor = machine.model.actors[index]
    local = machine.tables.locals[state[index]]
    member = machine.model.members[actor.member]
    holds = tuple(name for name, who in holders.items() if actor.name in who)
    if local.phase == OVER:
        ended = f"has {local.end[0]}" if local.end else "has ended"
        return Waiter(actor.name, 0, ended, (), holds, "over") if holds else None
    if local.phase == PENDING:
        needs = f"has not started, needs {', '.join(member.declared.depends_on) or 'its turn'}"
        return Waiter(actor.name, member.declared.line, needs, (), holds)
    operation = operation_at(actor, local)
    if operation is None:
        return None
    name = _named(machine, operation)
    waits = f"waits in {operation.name} {operation.object}".rstrip()
    why = _why(machine, state, operation, local.parked)
    others = tuple(who for who in holders.get(name, ()) if who != actor.name)
    itself = name in holders and actor.name in holders[name] and operation.verb == "acquire"
    if itself and operation.section != "semaphores":
        why = ", which it holds itself"
        others = (actor.name,)
    on = others if operation.verb == "acquire" else ()
    return Waiter(actor.name, operation.line, waits + why, on, holds)


def _named(machine: StateMachine, operation: Operation) -> str:
    """The lock that an operation needs."""
    declared = machine.model.plan.scenario.conditions.get(operation.object)
    return declared.lock if declared is not None and declared.lock else operation.object


def _why(machine: StateMachine, state: State, operation: Operation, parked: bool) -> str:
    if operation.verb == "get":
        return ", which is empty"
    if operation.verb == "put":
        return ", which is full"
    if operation.verb == "join":
        return ", where not every item is done"
    if operation.section == "flags":
        return ", which is not set"
    if operation.section == "conditions" and operation.verb == "wait" and parked:
        return " for a notify"
    if operation.section == "barriers":
        return " for the other parties"
    return ""


def _circle(waiters: Sequence[Waiter]) -> list[str]:
    """Workers each of whom waits for what the next one holds."""
    on = {waiter.worker: waiter.on for waiter in waiters if waiter.state == "waiting"}
    for first in on:
        ring = _ring(first, [first], on)
        if ring:
            return ring
    return []


def _ring(first: str, ring: list[str], on: dict[str, tuple[str, ...]]) -> list[str]:
    for other in on.get(ring[-1], ()):
        if other == first:
            return ring
        if other in on and other not in ring:
            found = _ring(first, [*ring, other], on)
            if found:
                return found
    return []
