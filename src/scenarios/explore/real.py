"""Drives real threads through a path of the machine: `replay --real`.

Each worker, replica and thread of a pool is a real thread that runs its real program on real
drivers, whatever its executor; it acts only when the path says that it is its turn. After each
transition every thread has to be where the machine has it, with the answer that the machine gave.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from scenarios.answers import PARKED, Failed, Refused
from scenarios.event import Masker
from scenarios.explore import acting
from scenarios.explore import baton as at
from scenarios.explore.acting import (
    DRAIN,
    EXPIRE,
    KILL,
    RESTART,
    STEP,
    STOPPING,
    TAKE,
    TICK,
    WAKE,
    Move,
)
from scenarios.explore.baton import Baton, Seat
from scenarios.explore.local import DONE, IDLE, OVER, PENDING, RUNNING, operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.matching import name as named
from scenarios.explore.outcomes import compare, facts_of
from scenarios.explore.prove import Path as Steps
from scenarios.explore.replaying import Divergence
from scenarios.explore.schedule import name as transition_name
from scenarios.explore.seating import Seating
from scenarios.plan import Plan
from scenarios.program import Operation
from scenarios.resources.freezing import frozen
from scenarios.worker import capture
from scenarios.worker.modules import importable

PATIENCE = 20.0
"""Seconds in which a thread comes to its next operation; between two of them it does little."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A real thread that could not go on when it was let: at which operation and line."""

    worker: str
    operation: str
    line: int


@dataclass(frozen=True, slots=True)
class RealOutcome:
    """How the real threads ended: `facts` by the names of expectations, what is otherwise than in
    the machine, and who is stuck for good.
    """

    facts: dict[str, Any]
    differences: tuple[str, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    transitions: int = 0


def drive(
    plan: Plan, machine: StateMachine, path: Steps, *, patience: float = PATIENCE
) -> RealOutcome:
    """Let real threads go the way of a path; a Divergence where one does otherwise."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="scenarios-real-"))
        stack.enter_context(importable(plan.folder, last=plan.limited))
        stack.enter_context(capture.in_threads(Masker(plan.scenario.secrets).text))
        driving = _Driving(plan, machine, folder, Baton(patience))
        try:
            return driving.run(path)
        finally:
            driving.seating.end()


class _Driving:
    """One drive; `seating` has the threads."""

    def __init__(self, plan: Plan, machine: StateMachine, folder: str, baton: Baton) -> None:
        self._plan = plan
        self._machine = machine
        self._baton = baton
        self.seating = Seating(plan, machine, folder, baton)
        self._number = 0
        self._length = 0
        self._doing = "the start"

    def run(self, path: Steps) -> RealOutcome:
        machine = self._machine
        state = machine.initial()
        self._length = len(path)
        self._follow(state)
        for number, transition in enumerate(path, 1):
            self._number, self._doing = number, transition_name(machine, transition)
            if transition not in machine.enabled(state):
                raise self._diverged("the machine cannot do this there")
            state = self._go(state, transition)
        facts = facts_of(machine, state, self.seating)
        differences = tuple(compare(machine, state, facts))
        stuck: tuple[Stuck, ...] = ()
        if not machine.enabled(state) and not machine.life.over(state):
            stuck = tuple(self._let_go(state))
        return RealOutcome(facts, differences, stuck, len(path))

    # -- one transition ------------------------------------------------------------------------

    def _go(self, state: State, transition: Transition) -> State:
        machine, (kind, index) = self._machine, transition
        move = machine.move(state, transition)
        after = machine.step(state, transition)
        before = {seat.index: seat.at for seat in self.seating.seats.values()}
        if kind == DRAIN:
            for one in machine.drained(state):
                if not machine.tables.locals[after[one]].asked:
                    self._stop(one)
        elif kind == TAKE:
            self._take(state, index)
        elif kind not in (TICK, RESTART) and not self._only_begins(index, kind, move, after):
            self._act(kind, self.seating.seats[index])
        self._settle()
        if move is not None:
            if kind in (STEP, EXPIRE, WAKE) and move.answer is not PARKED:
                self._check_answer(index, before[index], move.answer)
            for who, answer in move.woken:
                self._check_answer(who, before[who], answer)
        self._follow(after)
        return after

    def _only_begins(self, index: int, kind: int, move: Move | None, after: State) -> bool:
        """Whether a step that would wait has just begun: its thread has come to it already."""
        begins = kind == STEP and move is not None and move.answer is PARKED
        return begins and not self._machine.tables.locals[after[index]].parked

    def _act(self, kind: int, seat: Seat) -> None:
        parked = seat.place == at.PARKED
        if kind in (STOPPING, KILL):
            self._stop(seat.index, kill=kind == KILL)
        elif kind == STEP:
            seat.tell(at.GO)
        elif kind == EXPIRE and not parked:
            seat.tell(at.EXPIRE)
        else:
            self._end_wait(kind, seat)

    def _end_wait(self, kind: int, seat: Seat) -> None:
        """A wait under way ends by itself: its time is over, or it wakes for no reason."""
        assert seat.performer is not None
        party = seat.performer.party
        if party.parked is None:
            raise self._diverged(f"{seat.name} does not wait: it is {seat.where()}")
        (party.parked.rouse if kind == WAKE else party.parked.expire)(party)

    def _stop(self, index: int, kill: bool = False) -> None:
        """Ask a thread to end, where it waits for its turn or inside its wait."""
        seat = self.seating.seats[index]
        if seat.place == at.IDLE:  # it leaves with the pool
            return
        seat.died = seat.died or (kill and self._has_process(index))
        assert seat.performer is not None
        at_gate = seat.place == at.GATE
        seat.performer.stop(kill=kill)
        if at_gate:
            seat.tell(at.STOP)

    def _has_process(self, index: int) -> bool:
        """Whether a kill ends its process, whose death the resources hear of."""
        model = self._machine.model
        declared = model.members[model.actors[index].member].plan.declared
        return model.plan.capabilities[declared].own_process

    def _take(self, state: State, index: int) -> None:
        life = self._machine.life
        seat = self.seating.seats[index]
        if life.leaving(state, index):
            seat.tell(at.LEAVE)
            return
        member = self._machine.model.members[self._machine.model.actors[index].member]
        seat.tell(life.pool(state, member).next)

    # -- where everybody is --------------------------------------------------------------------

    def _settle(self) -> None:
        if not self._baton.settle():
            late = ", ".join(
                f"{seat.name} (last {seat.where()})"
                for seat in self.seating.seats.values()
                if seat.place == at.BUSY
            )
            raise self._diverged(f"{late or 'a thread'} does not come to its next operation")

    def _follow(self, state: State) -> None:
        """Let threads leave and begin as the machine has it, then compare where they are."""
        for index in list(self.seating.seats):
            if self._has_left(state, index):
                self.seating.seats[index].tell(at.LEAVE)
                self._settle()
        for actor in self._machine.model.actors:
            local = self._machine.tables.locals[state[actor.index]]
            seat = self.seating.seats.get(actor.index)
            known = 0 if seat is None else seat.attempt
            if local.attempt > known and local.phase != PENDING:
                self.seating.begin(actor.index, local.attempt)
                self._settle()
                self._end_at_once(state, actor.index)
        for index in self.seating.seats:
            self._check_place(state, index)

    def _has_left(self, state: State, index: int) -> bool:
        """Whether a thread that has done its work is no more in the machine."""
        seat = self.seating.seats[index]
        if seat.place not in (at.DONE, at.IDLE):
            return False
        local = self._machine.tables.locals[state[index]]
        again = local.attempt > seat.attempt
        return again or local.phase in (OVER, PENDING)

    def _end_at_once(self, state: State, index: int) -> None:
        """A program without operations has ended as soon as it has begun."""
        if self._has_left(state, index):
            self.seating.seats[index].tell(at.LEAVE)
            self._settle()

    def _check_place(self, state: State, index: int) -> None:
        seat, machine = self.seating.seats[index], self._machine
        local = machine.tables.locals[state[index]]
        operation = operation_at(machine.model.actors[index], local)
        wanted = {OVER: at.GONE, PENDING: at.GONE, IDLE: at.IDLE, DONE: at.DONE}.get(local.phase)
        if local.phase == RUNNING:
            wanted = at.PARKED if local.parked else at.GATE
        same = wanted not in (at.GATE, at.PARKED) or (
            seat.at is not None and operation is not None and named(seat.at) == named(operation)
        )
        if seat.place == wanted and same:
            return
        there = "ended" if operation is None else f"at {named(operation)}"
        raise self._diverged(f"{seat.name} is {seat.where()}, and {there} in the machine")

    # -- answers -------------------------------------------------------------------------------

    def _check_answer(self, index: int, operation: Operation | None, answer: Any) -> None:
        """Whether a thread was answered as the machine says."""
        seat = self.seating.seats[index]
        assert operation is not None
        failed = isinstance(answer, Failed) or isinstance(seat.answer, Failed)
        if operation.verb == "call" and operation.into is None and not failed:
            return  # whatever it gives goes nowhere
        real = acting.told(operation.verb, seat.answer)
        if not _same(answer, real):
            what = f"{seat.name} is answered {_shown(real)} to {named(operation)}"
            raise self._diverged(f"{what}, and {_shown(answer)} in the machine")

    def _diverged(self, why: str) -> Divergence:
        where = f"step {self._number} of {self._length} ({self._doing})"
        return Divergence(f"the real threads diverge from the schedule at {where}: {why}")

    # -- the end -------------------------------------------------------------------------------

    def _let_go(self, state: State) -> Iterator[Stuck]:
        """Nobody can go on in the machine: let everybody try, and see that all wait for good."""
        seats = [one for one in self.seating.seats.values() if one.place in (at.GATE, at.PARKED)]
        for seat in seats:
            if seat.place == at.GATE:
                seat.tell(at.GO)
                self._settle()
            if seat.place != at.PARKED or seat.at is None:
                raise self._diverged(f"{seat.name} can go on, and not in the machine")
        for seat in seats:
            assert seat.at is not None
            words = f"{seat.at.name} {seat.at.object}".rstrip()
            yield Stuck(seat.name, words, seat.at.line)


def _same(one: Any, other: Any) -> bool:
    """Whether two answers are the same."""
    if isinstance(one, Failed) and isinstance(other, Failed):
        return one.text == other.text
    try:
        return frozen(one) == frozen(other)
    except ValueError:  # marks, refusals, and what is not plain
        return bool(one == other)


def _shown(answer: Any) -> str:
    if isinstance(answer, Refused | Failed):
        return f'"{answer.detail or answer.reason}"' if isinstance(answer, Refused) else answer.text
    return repr(answer)
