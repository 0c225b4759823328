"""Looks at every state that a search visits, for data races and for the order of locks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from scenarios.explore.acting import STEP
from scenarios.explore.judge import Key
from scenarios.explore.local import operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.program import Operation


class Race(NamedTuple):
    """Two accesses of one value that can come in either order; `pair` are their actors."""

    value: str
    one: tuple[str, str, int]  # worker, verb, line
    other: tuple[str, str, int]
    pair: tuple[int, int]


class Order(NamedTuple):
    """A lock taken while another was held, by whom, at which line, and what else was held."""

    held: str
    taken: str
    worker: str
    line: int
    gates: frozenset[str]
    many: bool  # others are like that worker


class Next(NamedTuple):
    """What an actor does next: an access of a value, or a lock taken while it holds some."""

    access: Operation | None = None
    orders: frozenset[Order] = frozenset()


class Watch:
    """Collects races and orders; `races` has one for each value.

    With `apart` it looks at one schedule, in which nobody stands for others like it.
    """

    def __init__(self, machine: StateMachine, *, races: bool = True, apart: bool = False) -> None:
        self._machine = machine
        self._asked = races
        model = machine.model
        self.races: dict[str, Race] = {}
        self.orders: set[Order] = set()
        kin = [actor.kin for actor in model.actors]
        self._many = {one: kin.count(one) > 1 and not apart for one in kin}
        self._next: dict[tuple[int, int], Next] = {}
        self._fresh: list[str] = []

    def look(self, state: State, ahead: Iterable[Transition]) -> None:
        """Look at a state and what can happen in it."""
        following = self._following(state, ahead)
        for _, one in following:
            if one.orders:
                self.orders |= one.orders
        for value, race in self._races(following, self.races).items():
            self.races[value] = race
            self._fresh.append(value)

    def take(self) -> frozenset[Key]:
        """The races that are new since this was asked before, as keys of what was seen."""
        if not self._fresh:
            return frozenset()
        keys = {DATA_RACE, *map(race_of, self._fresh)}
        self._fresh.clear()
        return frozenset(keys)

    def racing(self, state: State, ahead: Iterable[Transition]) -> dict[str, Race]:
        """The races of one state, by value."""
        return self._races(self._following(state, ahead), ())

    def ordered(self, state: State, ahead: Iterable[Transition]) -> frozenset[Order]:
        """The orders of one state."""
        return frozenset[Order]().union(*(one.orders for _, one in self._following(state, ahead)))

    def cycle(self) -> list[Order]:
        """Orders that form a circle, of different workers and without a common gate."""
        return ring_of(self.orders)

    def _following(self, state: State, ahead: Iterable[Transition]) -> list[tuple[int, Next]]:
        """Each actor that can go on and does what matters here."""
        known, made = self._next, []
        for kind, index in ahead:
            if kind != STEP:
                continue
            key = index, state[index]
            one = known.get(key)
            if one is None:
                one = known[key] = self._first_look(*key)
            if one is not NOTHING:
                made.append((index, one))
        return made

    def _first_look(self, index: int, number: int) -> Next:
        local = self._machine.tables.locals[number]
        operation = operation_at(self._machine.model.actors[index], local)
        if operation is None:
            return NOTHING
        if operation.section == "values":
            return Next(operation) if self._asked else NOTHING
        if operation.verb == "acquire" and operation.object in self._machine.model.locks:
            orders = frozenset(self._orders(index, local.held, operation))
            return Next(None, orders) if orders else NOTHING
        return NOTHING

    def _races(
        self, following: Iterable[tuple[int, Next]], known: Collection[str]
    ) -> dict[str, Race]:
        """A plain write beside any other access; single atomic steps race with nothing else."""
        accesses: dict[str, list[tuple[int, Operation]]] = {}
        for index, one in following:
            if one.access is not None and one.access.object not in known:
                accesses.setdefault(one.access.object, []).append((index, one.access))
        made = {}
        for value, found in accesses.items():
            write = next((one for one in found if one[1].verb == "write"), None)
            if write is not None and len(found) > 1:
                other = next(one for one in found if one is not write)
                pair = (write[0], other[0])
                made[value] = Race(value, self._told(write), self._told(other), pair)
        return made

    def _told(self, access: tuple[int, Operation]) -> tuple[str, str, int]:
        index, operation = access
        return self._machine.model.actors[index].name, operation.name, operation.line

    def _orders(self, index: int, held: Sequence[str], operation: Operation) -> Iterator[Order]:
        taken = self._machine.model.locks[operation.object]
        if taken in held:
            return
        actor = self._machine.model.actors[index]
        for name in held:
            gates = frozenset(held) - {name}
            yield Order(name, taken, actor.name, operation.line, gates, self._many[actor.kin])


NOTHING = Next()

DATA_RACE: Key = ("found", "data_race")


def race_of(value: str) -> Key:
    """What a race about a value is seen as."""
    return "race", value


def ring_of(orders: Collection[Order]) -> list[Order]:
    """Orders that form a circle, of different workers and without a common gate; else none."""
    edges = sorted(orders, key=repr)
    rings = (_ring([first], edges) for first in edges)
    return next((ring for ring in rings if ring), [])


def _ring(ring: list[Order], edges: list[Order]) -> list[Order]:
    last = ring[-1]
    if last.taken == ring[0].held and len(ring) > 1:
        return ring
    if len(ring) > len(edges):
        return []
    for edge in edges:
        if edge.held != last.taken or any(edge.held == one.held for one in ring):
            continue
        same = any(edge.worker == one.worker and not one.many for one in ring)
        if same or any(edge.gates & one.gates for one in ring):
            continue
        found = _ring([*ring, edge], edges)
        if found:
            return found
    return []
