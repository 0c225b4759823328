"""Looks at every state that a search visits, for data races and for the order of locks."""

from __future__ import annotations

from typing import Any, NamedTuple

from scenarios.explore.acting import STEP
from scenarios.explore.local import operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.program import Operation


class Race(NamedTuple):
    """Two accesses of one value that can come in either order."""

    value: str
    one: tuple[str, str, int]  # worker, verb, line
    other: tuple[str, str, int]


class Order(NamedTuple):
    """A lock taken while another was held, by whom, at which line, and what else was held."""

    held: str
    taken: str
    worker: str
    line: int
    gates: frozenset[str]
    many: bool  # others are like that worker


class Watch:
    """Collects races and orders; `races` has one for each value."""

    def __init__(self, machine: StateMachine) -> None:
        self._machine = machine
        model = machine.model
        self.races: dict[str, Race] = {}
        self.orders: set[Order] = set()
        kin = [actor.kin for actor in model.actors]
        self._many = {one: kin.count(one) > 1 for one in kin}
        self._values = {n for n, section, _ in model.plan.resources if section == "values"}
        # A condition is taken as the lock that it names.
        self._lock_of = {
            name: declared.get("lock") or name
            for name, section, declared in model.plan.resources
            if section in ("locks", "conditions")
        }
        self._locks = sorted(set(self._lock_of.values()))
        self._slots = [(name, model.slots[name]) for name in self._locks]
        self._owners: dict[tuple[str, int], int | None] = {}
        self._next: dict[tuple[int, int], Operation | None] = {}

    def look(self, state: State, ahead: list[Transition]) -> None:
        """Look at a state and what can happen in it."""
        if not self._values and len(self._locks) < 2:
            return
        accesses: dict[str, list[tuple[int, Operation]]] = {}
        for kind, index in ahead:
            if kind != STEP:
                continue
            operation = self._operation(state, index)
            if operation is None:
                continue
            if operation.section == "values":
                if operation.object not in self.races:
                    accesses.setdefault(operation.object, []).append((index, operation))
            elif operation.verb == "acquire" and operation.object in self._lock_of:
                self._order(state, index, operation)
        for value, found in accesses.items():
            if len(found) > 1:
                self._race(value, found)

    def _operation(self, state: State, index: int) -> Operation | None:
        key = index, state[index]
        if key not in self._next:
            local = self._machine.tables.locals[state[index]]
            self._next[key] = operation_at(self._machine.model.actors[index], local)
        return self._next[key]

    def _race(self, value: str, found: list[tuple[int, Operation]]) -> None:
        """A plain write beside any other access; single atomic steps race with nothing else."""
        writes = [one for one in found if one[1].verb == "write"]
        if not writes:
            return
        write = writes[0]
        other = next(one for one in found if one is not write)
        self.races[value] = Race(value, self._told(write), self._told(other))

    def _told(self, access: tuple[int, Operation]) -> tuple[str, str, int]:
        index, operation = access
        return self._machine.model.actors[index].name, operation.name, operation.line

    def _order(self, state: State, index: int, operation: Operation) -> None:
        taken = self._lock_of[operation.object]
        held = []
        for name, slot in self._slots:
            number = state[slot]
            owner = self._owners.get((name, number), -1)
            if owner == -1:
                owner = self._find_owner(name, slot, number)
            if owner == index:
                held.append(name)
        if not held or taken in held:
            return
        actor = self._machine.model.actors[index]
        for name in held:
            gates = frozenset(held) - {name}
            order = Order(name, taken, actor.name, operation.line, gates, self._many[actor.kin])
            self.orders.add(order)

    def _find_owner(self, name: str, slot: int, number: int) -> int | None:
        self._machine.tables.thaw(slot, number)
        machine = self._machine.model.machines[name]
        lock: Any = getattr(machine, "lock", machine)
        owner: int | None = lock.owner
        self._owners[name, number] = owner
        return owner

    def cycle(self) -> list[Order]:
        """Orders that form a circle, of different workers and without a common gate."""
        edges = sorted(self.orders, key=repr)
        rings = (self._ring([first], edges) for first in edges)
        return next((ring for ring in rings if ring), [])

    def _ring(self, ring: list[Order], edges: list[Order]) -> list[Order]:
        last = ring[-1]
        if last.taken == ring[0].held and len(ring) > 1:
            return ring
        if len(ring) > len(self._locks):
            return []
        for edge in edges:
            if edge.held != last.taken or any(edge.held == one.held for one in ring):
                continue
            same = any(edge.worker == one.worker and not one.many for one in ring)
            if same or any(edge.gates & one.gates for one in ring):
                continue
            found = self._ring([*ring, edge], edges)
            if found:
                return found
        return []
