"""States that differ only in which of several like actors is which are one."""

from __future__ import annotations

from scenarios.explore.machine import State, StateMachine


class Symmetry:
    """Gives the representative of a state: like actors in the order of their locals.

    Those who wait in queues of machines are renamed along.
    """

    def __init__(self, machine: StateMachine) -> None:
        self._machine = machine
        groups: dict[int, list[int]] = {}
        for actor in machine.model.actors:
            groups.setdefault(actor.kin, []).append(actor.index)
        self._kin = [members for members in groups.values() if len(members) > 1]
        first = len(machine.model.actors)
        self._slots = range(first, first + len(machine.model.groups))
        self._renamed: dict[tuple[int, int, tuple[tuple[int, int], ...]], int] = {}

    def __bool__(self) -> bool:
        return bool(self._kin)

    def __call__(self, state: State, last: int = -1) -> tuple[State, int]:
        """The representative, and the actor that `last` is there."""
        moved: dict[int, int] = {}
        for members in self._kin:
            numbers = [state[index] for index in members]
            if last not in members and numbers == sorted(numbers):
                continue
            order = sorted(members, key=lambda index: (state[index], index == last))
            if order != members:
                for new, old in zip(members, order, strict=True):
                    if new != old:
                        moved[old] = new
        if not moved:
            return state, last
        made = list(state)
        for old, new in moved.items():
            made[new] = state[old]
        for slot in self._slots:
            named = self._machine.tables.named[slot][state[slot]]
            if not named.isdisjoint(moved):
                made[slot] = self._rename(slot, state[slot], moved)
        return tuple(made), moved.get(last, last)

    def _rename(self, slot: int, number: int, moved: dict[int, int]) -> int:
        key = slot, number, tuple(moved.items())
        found = self._renamed.get(key)
        if found is None:
            self._machine.tables.thaw(slot, number)
            found = self._renamed[key] = self._machine.tables.freeze(slot, moved)
        return found
