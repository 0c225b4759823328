"""Counts how often others go before one who waits; only where a file asks for `starvation`.

Who waits in the queue of a lock, a semaphore or a queue is served in turn. Passed over can be who
asks again and again without blocking, or waits for a condition again and again: from the first
attempt that was refused, or the first wait, until it does something other than look and wait. Each
acquire or get of the same resource by another meanwhile passes it over once.
"""

from __future__ import annotations

from scenarios.answers import PARKED, Failed, Refused
from scenarios.explore.acting import STARVED, Move
from scenarios.explore.model import Model
from scenarios.explore.tables import Tables
from scenarios.program import Operation

BOUND = 3
"""How often is borne where the file does not say."""

PATIENT = frozenset({"read", "size", "sleep"})
"""Verbs of one who looks whether it may go on."""

TAKES = frozenset({"acquire", "get"})


def bound_of(model: Model) -> int | None:
    """How often one may be passed over; None where nobody asks."""
    check = model.plan.scenario.checks.get("starvation")
    if check is None or check.level == "off":
        return None
    return int(check.settings.get("bound", BOUND))


class Fairness:
    """Keeps the counts in the locals of those who wait."""

    def __init__(self, model: Model, tables: Tables, bound: int) -> None:
        self._model = model
        self._tables = tables
        self._bound = bound

    def count(self, new: list[int], index: int, operation: Operation, move: Move) -> None:
        """After an actor's operation: whether it waits now, and whom it has passed over."""
        slot = self._model.slots.get(operation.object, -1)
        done = move.answer is not PARKED and move.answer.__class__ not in (Refused, Failed)
        local = self._tables.locals[new[index]]
        if slot >= 0 and (not done or operation.verb == "wait"):
            passed = local.passed if local.denied == slot else 0
            local = local._replace(denied=slot, passed=passed)
        elif operation.verb not in PATIENT and local.denied != slot:
            local = local._replace(denied=-1, passed=0)
        new[index] = self._tables.number(index, local)
        if done and operation.verb in TAKES:
            self._pass(new, index, slot)

    def _pass(self, new: list[int], index: int, slot: int) -> None:
        own = self._tables.locals[new[index]]
        if own.denied == slot:
            self._let_go(new, index, slot)
        for other in range(len(self._model.actors)):
            local = self._tables.locals[new[other]]
            if other == index or local.denied != slot:
                continue
            passed = min(local.passed + 1, self._bound + 1)
            new[other] = self._tables.number(other, local._replace(passed=passed))
            if passed > self._bound:
                new[-1] |= STARVED

    def _let_go(self, new: list[int], index: int, slot: int) -> None:
        """Who gets what it was refused waits no longer; a condition's lock is not what it wants."""
        waits = any(
            self._model.slots[name] == slot
            for name, section, _ in self._model.plan.resources
            if section == "conditions"
        )
        if not waits:
            local = self._tables.locals[new[index]]
            new[index] = self._tables.number(index, local._replace(denied=-1, passed=0))
