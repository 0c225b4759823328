"""Numbers for the parts of states: an actor's local, a group of machines, a pool."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from scenarios.explore.local import DONE, IDLE, OVER, PENDING, Local, operation_at
from scenarios.explore.model import Model

NOWHERE = -1  # the slot of an operation that touches no resource
NOTHING, BETWEEN = -2, -3
"""In place of a slot: the actor does nothing by itself, or may take a job or leave."""


class Tables:
    """Every distinct part has a number; equal parts of actors that are kin have the same one."""

    def __init__(self, model: Model, exact: bool) -> None:
        self._model = model
        self._exact = exact
        self.locals: list[Local] = []
        self.where: list[int] = []  # the slot that an actor's next operation touches
        self.over: list[bool] = []
        self.fresh: list[bool] = []  # its program has just ended
        self.pending: list[bool] = []
        self.sleeps: list[bool] = []  # its next operation is a sleep
        self._numbers: dict[tuple[int, Local], int] = {}
        slots = len(model.actors) + len(model.groups) + len(model.members)
        self.parts: list[list[Any]] = [[] for _ in range(slots + 1)]
        self._parts: list[dict[Hashable, int]] = [{} for _ in range(slots + 1)]
        self.named: list[list[frozenset[int]]] = [[] for _ in range(slots + 1)]

    def number(self, index: int, local: Local) -> int:
        """The number of an actor's local."""
        actor = self._model.actors[index]
        key = actor.kin, local
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.locals)
            self.locals.append(local)
            self.where.append(self._where(index, local))
            self.over.append(local.phase == OVER)
            self.fresh.append(local.phase == DONE)
            self.pending.append(local.phase == PENDING)
            operation = operation_at(actor, local)
            self.sleeps.append(operation is not None and operation.verb == "sleep")
        return found

    def _where(self, index: int, local: Local) -> int:
        if local.phase in (IDLE, DONE):
            return BETWEEN
        operation = operation_at(self._model.actors[index], local)
        if operation is None or local.parked:
            return NOTHING
        if operation.section:
            return self._model.slots[operation.object]
        return NOTHING if local.due else NOWHERE  # it sleeps

    # -- groups of machines ----------------------------------------------------------------------

    def thaw(self, slot: int, number: int) -> None:
        """Give the machines of a group the state of this number."""
        machines = self._model.machines
        names = self._model.groups[slot - len(self._model.actors)]
        for name, state in zip(names, self.parts[slot][number], strict=False):
            machines[name].thaw(state)
        for name in names:
            lock = getattr(machines[name], "lock", None)
            if lock is not None and not self._shares(name):
                lock.thaw(self.parts[slot][number][len(names)])

    def freeze(self, slot: int, renamed: dict[int, int] | None = None) -> int:
        """The number of the state in which the machines of a group are."""
        machines, keep = self._model.machines, self._model.keep
        names = self._model.groups[slot - len(self._model.actors)]
        seen: set[int] = set()

        def who(index: Any) -> Any:
            new = index if renamed is None else renamed.get(index, index)
            seen.add(new)
            return new

        parts = [machines[name].freeze(who, keep[name]) for name in names]
        for name in names:
            lock = getattr(machines[name], "lock", None)
            if lock is not None and not self._shares(name):
                parts.append(lock.freeze(who, keep[name]))
        return self.part(slot, tuple(parts), frozenset(seen))

    def part(self, slot: int, part: Any, named: frozenset[int] = frozenset()) -> int:
        """The number of a part of this slot."""
        found = self._parts[slot].get(part)
        if found is None:
            found = self._parts[slot][part] = len(self.parts[slot])
            self.parts[slot].append(part)
            self.named[slot].append(named)
        return found

    def _shares(self, condition: str) -> bool:
        """Whether a condition's lock is a resource of its own."""
        declared = self._model.plan.scenario.conditions.get(condition)
        return declared is not None and declared.lock is not None
