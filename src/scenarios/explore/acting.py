"""What one actor's transition does to its own state and to one group of machines, remembered.

Most transitions of a search repeat in other surroundings: the real `advance` and the real machines
run once for each actor's state and group's state, and the rest are look-ups.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from scenarios.answers import PARKED, STOP, TIMED_OUT, WOULD_BLOCK, Failed, Refused
from scenarios.errors import ScenariosError
from scenarios.explore.calls import Calls
from scenarios.explore.cut import Cut, Unmodelled
from scenarios.explore.local import (
    KILLED,
    LOST,
    End,
    Local,
    argument_of,
    begin,
    ended,
    force,
    operation_at,
    resume,
)
from scenarios.explore.model import Model
from scenarios.explore.stores import Strange
from scenarios.explore.tables import Tables
from scenarios.program import Operation
from scenarios.resources.conditions import Condition
from scenarios.resources.freezing import frozen
from scenarios.resources.locks import ABANDONED, Lock

MISUSED, STRANGE, UNREAD, CRASHED, LOST_TRACK, STARVED = 1, 2, 4, 8, 16, 32
"""Marks: a lock released by another than its holder, a thread-local of an earlier job that was
read, an item taken by a worker that was stopped before its next step, a worker that failed though
nothing expected it, a worker that the machine cannot follow, and one that was passed over."""

STEP, TAKE, EXPIRE, STOPPING, WAKE, KILL, RESTART, DRAIN, TICK = KINDS = range(9)
"""Kinds of transitions: an operation, a pool's taking of a job (or a thread's leaving with items in
hand), the end of a time-out, a stop, a spurious wake-up, the force that follows a stop, the end of
the pause before another attempt, the end of all that drain, the passing of time."""

SECOND = 1_000_000_000  # nanoseconds


Woken = list[tuple[Any, Any]]


class Move(NamedTuple):
    """What a transition does: the actor's new local, the group's new state, whom it wakes.

    `steps` is what it counts for in the length of a schedule: to wait for a lock counts nothing.
    """

    local: int
    group: int
    woken: tuple[tuple[int, Any], ...] = ()
    marks: int = 0
    steps: int = 1
    answer: Any = True
    logs: tuple[tuple[int, str], ...] = ()
    strange: Strange | None = None


class Acting:
    """Makes moves. `exact` tells whether sleeps and time-outs take their time."""

    def __init__(self, model: Model, tables: Tables, exact: bool) -> None:
        self._model = model
        self._tables = tables
        self._exact = exact
        self.calls = Calls()
        self.item = ""  # what the next item put is called; nothing depends on it
        self.unmodelled: dict[Unmodelled, None] = {}
        self._locals = model.plan.locals

    # -- moves ---------------------------------------------------------------------------------

    def move(self, kind: int, index: int, number: int, group: int) -> Move | None:
        """The move of an actor in a state, beside a group's state; None where it has to wait."""
        local = self._tables.locals[number]
        try:
            return self._move(kind, index, local, group)
        except Cut as cut:
            return self._cut(index, local, cut, group)

    def _move(self, kind: int, index: int, local: Local, group: int) -> Move | None:
        actor = self._model.actors[index]
        operation = operation_at(actor, local)
        assert operation is not None
        if not operation.section:
            if kind == STOPPING:
                return self._resumed(index, local, STOP, group, [])
            if kind == KILL:
                return self._killed(index, local, group, [])
            return self._resumed(index, local, self._alone(index, operation, local), group, [])
        slot = self._model.slots[operation.object]
        self._tables.thaw(slot, group)
        woken: Woken = []
        if kind == KILL:
            if local.parked:
                self._model.machines[operation.object].cancel(index, woken)
            return self._killed(index, local, self._tables.freeze(slot), woken)
        answer, marks = self._perform(kind, index, operation, local, woken)
        if answer is PARKED:
            return self._parked(kind, index, operation, local, group, woken)
        if answer.__class__ is not Refused:
            answer = told(operation.verb, answer)
            local = self._holding(local, operation, answer)
        return self._resumed(index, local, answer, self._tables.freeze(slot), woken, marks)

    def _perform(
        self, kind: int, index: int, operation: Operation, local: Local, woken: Woken
    ) -> tuple[Any, int]:
        """The machine's answer, and marks."""
        machine = self._model.machines[operation.object]
        if kind == STOPPING:
            if local.parked:
                machine.cancel(index, woken)
            return STOP, 0
        if kind == WAKE:
            assert isinstance(machine, Condition)
            machine.wake(index, woken)
            mine = [answer for who, answer in woken if who == index]
            woken[:] = [one for one in woken if one[0] != index]
            return (mine[0] if mine else PARKED), 0
        if local.parked:
            return machine.expire(index, woken), 0
        marks = self._misuse(machine, index, operation)
        jobs = self._jobs(index)
        argument = argument_of(self._model.actors[index], local, self._locals, jobs)
        if operation.verb == "put":
            argument = self.item, argument
        try:
            answer = machine.apply(index, operation.verb, argument, woken)
        except ScenariosError as error:
            return Failed(str(error)), 0
        if answer is PARKED:
            answer = self._in_time(kind, machine, index, local, woken)
        return answer, marks if answer is True else 0

    def _in_time(self, kind: int, machine: Any, index: int, local: Local, woken: Woken) -> Any:
        """As the driver does with a time-out: PARKED, or the answer where it may not wait."""
        if kind == EXPIRE:
            return machine.expire(index, woken)
        if local.timeout is not None and local.timeout <= 0:
            answer = machine.expire(index, woken)
            return WOULD_BLOCK if answer is TIMED_OUT else answer
        return PARKED

    def _misuse(self, machine: Any, index: int, operation: Operation) -> int:
        """Whether a plain lock is about to be released by another than its holder."""
        if operation.verb != "release":
            return 0
        lock = machine.lock if isinstance(machine, Condition) else machine
        other = isinstance(lock, Lock) and lock.owner not in (None, index)
        return MISUSED if other and index not in lock.given_up else 0

    def _parked(
        self, kind: int, index: int, operation: Operation, local: Local, before: int, woken: Woken
    ) -> Move | None:
        """To wait is a transition where the order in which waiters came can be told later, and
        where it is the next step after an item was got.
        """
        slot = self._model.slots[operation.object]
        waits = operation.verb == "wait" and operation.section != "flags"
        if kind == STEP and not waits and slot not in self._model.arrivals:
            if local.got < 0:
                return None
            begun = self._tables.number(index, local._replace(got=-1))
            return Move(begun, before, (), 0, 0, PARKED)
        parked = local._replace(parked=True, got=-1)
        if kind in (EXPIRE, WAKE):
            parked = parked._replace(late=True, due=None)
        number = self._tables.number(index, parked)
        steps = 1 if waits else 0
        group = self._tables.freeze(slot)
        return Move(number, group, tuple(woken), 0, steps, PARKED)

    def _resumed(
        self, index: int, local: Local, answer: Any, group: int, woken: Woken, marks: int = 0
    ) -> Move:
        actor = self._model.actors[index]
        if answer is STOP and local.got >= 0:
            marks |= UNREAD
        went = resume(actor, local, answer, self._locals, self._jobs(index))
        if went.strange:
            marks |= STRANGE
        after = went.local
        if not self._model.members[actor.member].declared.background:
            after = after._replace(got=-1)  # nobody stops it
        if self._exact and after.told and not local.told:
            grace = self._model.members[actor.member].declared.stop.grace
            after = after._replace(grace=round(grace * SECOND))
        number = self._tables.number(index, self._timed(index, after))
        return Move(number, group, tuple(woken), marks, 1, answer, went.logs, went.strange)

    def _holding(self, local: Local, operation: Operation, answer: Any) -> Local:
        """With the locks that it holds after an operation."""
        name = self._model.locks.get(operation.object)
        if name is None or (answer is not True and answer != ABANDONED):
            return local
        if operation.verb == "acquire":
            machine = self._model.machines[name]
            lock: Any = getattr(machine, "lock", machine)
            if name in local.held and not lock.reentrant:  # another has released it
                return local
            return local._replace(held=(*local.held, name))
        if operation.verb == "release" and name in local.held:
            last = len(local.held) - 1 - local.held[::-1].index(name)
            return local._replace(held=local.held[:last] + local.held[last + 1 :])
        return local

    def _killed(self, index: int, local: Local, group: int, woken: Woken) -> Move:
        """A process is gone at once; a thread is refused all that it still wants to do."""
        actor = self._model.actors[index]
        declared = self._model.members[actor.member].plan.declared
        if self._model.plan.capabilities[declared].own_process:
            operation = operation_at(actor, local)
            line = operation.line if operation is not None else 0
            end: End = ("terminated", frozen(None), KILLED, line)
            marks = UNREAD if local.got >= 0 else 0
            number = self._tables.number(index, ended(local, end))
            return Move(number, group, tuple(woken), marks, 1, STOP)
        went = force(actor, local, self._locals, self._jobs(index))
        marks = STRANGE if went.strange else 0
        number = self._tables.number(index, went.local)
        return Move(number, group, tuple(woken), marks, 1, STOP, went.logs, went.strange)

    def _cut(self, index: int, local: Local, cut: Cut, group: int) -> Move:
        actor = self._model.actors[index]
        operation = operation_at(actor, local)
        line = self._model.members[actor.member].declared.line
        worker = self._model.members[actor.member].plan.declared
        line = operation.line if operation is not None else line
        self.unmodelled[Unmodelled(worker, line, cut.why)] = None
        lost = self._tables.number(index, local._replace(phase=LOST, place=-1, parked=False))
        return Move(lost, group, (), LOST_TRACK)

    # -- going on without an operation ---------------------------------------------------------

    def woken(self, index: int, number: int, answer: Any) -> Move:
        """An actor that waited goes on with its answer."""
        local = self._tables.locals[number]
        operation = operation_at(self._model.actors[index], local)
        assert operation is not None
        if answer.__class__ is not Refused:
            answer = told(operation.verb, answer)
            local = self._holding(local, operation, answer)
        try:
            return self._resumed(index, local, answer, -1, [])
        except Cut as cut:
            return self._cut(index, local, cut, -1)

    def begun(self, index: int, number: int, job: int | None) -> Move:
        """An actor begins its program, for one job where it has jobs."""
        actor, local = self._model.actors[index], self._tables.locals[number]
        jobs = self._jobs(index)
        try:
            work = None if job is None or jobs is None else (job, jobs[job])
            went = begin(actor, local, self._locals, work)
        except Cut as cut:
            return self._cut(index, local, cut, -1)
        marks = STRANGE if went.strange else 0
        made = self._timed(index, went.local)
        number = self._tables.number(index, made)
        return Move(number, -1, (), marks, 1, True, went.logs, went.strange)

    # -- operations that touch no resource -----------------------------------------------------

    def _alone(self, index: int, operation: Operation, local: Local) -> Any:
        if operation.verb == "sleep":
            return True
        if operation.verb == "call":
            actor = self._model.actors[index]
            argument = argument_of(actor, local, self._locals, self._jobs(index))
            return self.calls.answer(operation, argument)
        if self.calls.given is not None:
            return self.calls.given[0]
        raise Cut("it runs a command, and what that does is not known")

    def _timed(self, index: int, local: Local) -> Local:
        """With the time that its next operation takes, where time is exact."""
        if not self._exact or local.place < 0:
            return local
        operation = operation_at(self._model.actors[index], local)
        assert operation is not None
        if operation.verb == "sleep":
            seconds, local = self._sleep(index, local)
        elif local.timeout:
            seconds = local.timeout
        else:
            return local
        return local._replace(due=round(seconds * SECOND))

    def _sleep(self, index: int, local: Local) -> tuple[float, Local]:
        actor = self._model.actors[index]
        found = argument_of(actor, local, self._locals, self._jobs(index))
        if not isinstance(found, tuple):
            return float(found), local
        low, high = found
        seed = f"{self._model.members[actor.member].plan.seed}/{local.draws}"
        drawn = random.Random(seed).uniform(low, high)
        return drawn, local._replace(draws=local.draws + 1)

    def _jobs(self, index: int) -> Sequence[Any] | None:
        return self._model.members[self._model.actors[index].member].jobs


def told(verb: str, answer: Any) -> Any:
    """What the worker gets of a machine's answer, as its performer gives it."""
    if verb == "get" and answer.__class__ is tuple:
        return answer[1]
    if verb == "update" and answer.__class__ is tuple:
        return answer[0]
    return answer
