"""What only time brings: a time-out that is over, the end of a pause, force against who will not
stop, and the passing of time itself.

In free time a sleep and a pause take as long as they like, and so may outlast a time-out or the
grace of a stop: these are over where only timers can go on.
"""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.explore.acting import EXPIRE, KILL, RESTART, STEP, TICK
from scenarios.explore.life import Life
from scenarios.explore.local import RUNNING
from scenarios.explore.model import Model, operations
from scenarios.explore.tables import Tables
from scenarios.program.instructions import ENTER_FINALLY

Transition = tuple[int, int]


class Timers:
    """Tells what time may bring in a state; `early` is as in the machine's options.

    `pauses` tells whether there are any in free time, and `outlast` whether sleeps or they may
    outlast something.
    """

    def __init__(self, model: Model, tables: Tables, life: Life, exact: bool, early: bool) -> None:
        self._tables = tables
        self._life = life
        self._exact = exact
        self._early = early
        self._actors = range(len(model.actors))
        self._restarting = [
            member
            for member in model.members
            if member.declared.restart.policy != "never" and member.actors
        ]
        self.pauses = not exact and bool(self._restarting)
        sleeps = not exact and any(one.verb == "sleep" for one in operations(model))
        self.outlast = (sleeps or self.pauses) and _may_be_over(model)

    def end_of_pauses(self, state: Sequence[int]) -> list[Transition]:
        """The pauses before another attempt that may end, in free time."""
        return [
            (RESTART, member.actors[0])
            for member in self._restarting
            if self._life.starts.pauses(state, member)
        ]

    def alone(self, state: Sequence[int], found: Sequence[Transition]) -> bool:
        """Whether nothing but timers can go on, where sleeps and pauses are timers."""
        sleeps = self._tables.sleeps
        return all(
            kind == RESTART or (kind == STEP and sleeps[state[index]]) for kind, index in found
        )

    def over(
        self, state: Sequence[int], found: Sequence[Transition], alone: bool
    ) -> list[Transition]:
        """Time-outs that are over, and force; the passing of time where there is nothing else."""
        late: list[Transition] = []
        forced: list[Transition] = []
        due = False
        for index in self._actors:
            local = self._tables.locals[state[index]]
            due = due or bool(local.due or local.grace)
            timed = local.timeout is not None and local.timeout > 0
            over = timed and not local.due and not local.late
            if over and (self._early or (STEP, index) not in found):
                late.append((EXPIRE, index))
            if local.told and local.phase == RUNNING and not local.grace:
                forced.append((KILL, index))
        if not alone:
            return late
        if self._exact and due and not (found or late or forced):
            return [(TICK, -1)]
        return late + forced

    def pass_time(self, new: list[int]) -> None:
        """The clock jumps to the earliest deadline."""
        locals_ = [self._tables.locals[new[index]] for index in self._actors]
        first = min(left for local in locals_ for left in (local.due, local.grace) if left)
        for index, local in enumerate(locals_):
            if local.due or local.grace:
                due = local.due - first if local.due else local.due
                grace = local.grace - first if local.grace else local.grace
                new[index] = self._tables.number(index, local._replace(due=due, grace=grace))


def _may_be_over(model: Model) -> bool:
    """Whether any operation has a time-out, or anybody who is stopped may clean up."""
    if any(operation.timeout is not None for operation in operations(model)):
        return True
    return any(
        instruction[0] == ENTER_FINALLY
        for actor in model.actors
        if model.members[actor.member].declared.background
        for instruction in actor.program.instructions
    )
