"""Looks at every state that a search visits, for data races and for the order of locks."""

from __future__ import annotations

from typing import NamedTuple

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
        self._accesses: dict[tuple[int, int], Operation | None] = {}

    def look(self, state: State, ahead: list[Transition]) -> None:
        """Look at a state and what can happen in it."""
        accesses: dict[str, list[tuple[int, Operation]]] = {}
        known = self._accesses
        for kind, index in ahead:
            if kind != STEP:
                continue
            key = index, state[index]
            if key not in known:
                known[key] = self._first_look(*key)
            operation = known[key]
            if operation is not None and operation.object not in self.races:
                accesses.setdefault(operation.object, []).append((index, operation))
        for value, found in accesses.items():
            if len(found) > 1:
                self._race(value, found)

    def _first_look(self, index: int, number: int) -> Operation | None:
        """The access of a value that an actor does next in this local, and the locks it takes."""
        local = self._machine.tables.locals[number]
        operation = operation_at(self._machine.model.actors[index], local)
        if operation is None:
            return None
        if operation.verb == "acquire" and operation.object in self._machine.model.locks:
            self._order(index, local.held, operation)
        return operation if operation.section == "values" else None

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

    def _order(self, index: int, held: tuple[str, ...], operation: Operation) -> None:
        taken = self._machine.model.locks[operation.object]
        if taken in held:
            return
        actor = self._machine.model.actors[index]
        for name in held:
            gates = frozenset(held) - {name}
            order = Order(name, taken, actor.name, operation.line, gates, self._many[actor.kin])
            self.orders.add(order)

    def cycle(self) -> list[Order]:
        """Orders that form a circle, of different workers and without a common gate."""
        edges = sorted(self.orders, key=repr)
        rings = (self._ring([first], edges) for first in edges)
        return next((ring for ring in rings if ring), [])

    def _ring(self, ring: list[Order], edges: list[Order]) -> list[Order]:
        last = ring[-1]
        if last.taken == ring[0].held and len(ring) > 1:
            return ring
        if len(ring) > len(self.orders):
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
