"""The state machine: `enabled`, `footprint` and `step`, pure functions of a state.

A state is a flat tuple of small numbers, which `tables` gives to the parts: one for each actor, one
for each group of machines, one for each pool, and the marks of what has gone wrong on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scenarios.explore import acting
from scenarios.explore.acting import (
    DRAIN,
    EXPIRE,
    KILL,
    LOST_TRACK,
    RESTART,
    STEP,
    STOPPING,
    TAKE,
    TICK,
    WAKE,
    Acting,
    Move,
)
from scenarios.explore.background import Background
from scenarios.explore.fairness import Fairness, bound_of
from scenarios.explore.life import Hear, Life, Pool
from scenarios.explore.local import RUNNING, Local, operation_at
from scenarios.explore.model import Member, Model
from scenarios.explore.tables import BETWEEN, NOTHING, NOWHERE, Tables
from scenarios.explore.timers import Timers

State = tuple[int, ...]
Transition = tuple[int, int]
"""(kind, actor); the actor of DRAIN and TICK is -1."""

_UNKNOWN: Any = object()


class Options(NamedTuple):
    """How time and waiting are read.

    `exact`: sleeps and time-outs take their virtual time; otherwise a sleep may end at any moment.
    `early`: a time-out may end at any moment, too, and not only when just timers can go on.
    `spurious`: a condition's wait may end unnotified.
    """

    exact: bool = False
    early: bool = False
    spurious: bool = False


FREE = Options()


class StateMachine:
    """One scenario as a state machine; states of one machine mean nothing to another."""

    def __init__(
        self,
        model: Model,
        options: Options = FREE,
        excused: frozenset[str] = frozenset(),
        hear: Hear | None = None,
    ) -> None:
        self.model = model
        self.options = options
        self.last_resorts = frozenset({KILL, TICK} if options.early else {KILL, TICK, EXPIRE})
        """What can happen only when nothing else can, or timers alone."""
        self.tables = Tables(model, options.exact)
        self.acting = Acting(model, self.tables, options.exact)
        self.life = Life(model, self.tables, self.acting, excused)
        self.life.hear = hear
        self.background = Background(model, self.life)
        self.timers = Timers(model, self.tables, self.life, options.exact, options.early)
        count = len(model.actors)
        self._count = count
        self._moves: list[dict[int, dict[int, Move | None]]] = [{} for _ in range(count)]
        self._rare: dict[tuple[int, int, int, int, str], Move | None] = {}
        self._woken: dict[tuple[int, int, Any], Move] = {}
        self._steps = [(STEP, index) for index in range(count)]
        self._takes = [(TAKE, index) for index in range(count)]
        self._pool_of: list[Member | None] = [
            model.members[actor.member] if model.members[actor.member].pool is not None else None
            for actor in model.actors
        ]

        bound = bound_of(model)
        self._fairness = None if bound is None else Fairness(model, self.tables, bound)
        # Who can end only after the foreground, and who may start or have to end when another ends.
        self._foreground = {
            index for one in model.members if not one.declared.background for index in one.actors
        }
        self._followers = {
            index
            for one in model.members
            if one.declared.background or one.declared.depends_on or one.inline
            for index in one.actors
        }
        self._initial = self._begin()

    # -- the three functions -------------------------------------------------------------------

    def initial(self) -> State:
        """The state in which everything has started that can."""
        return self._initial

    def _begin(self) -> State:
        """The initial state; made once, while the machines are as they were declared."""
        tables, model = self.tables, self.model
        state = [tables.number(actor.index, Local()) for actor in model.actors]
        for number in range(len(model.groups)):
            state.append(tables.freeze(self._count + number))
        for member in model.members:
            if member.pool is not None:
                state.append(tables.part(member.pool, Pool()))
        state.append(0)
        self.life.settle(state, first=True)
        return tuple(state)

    def enabled(self, state: State) -> list[Transition]:
        """What can happen next; nothing in an end, a deadlock, or where track was lost."""
        if state[-1] & LOST_TRACK:
            return []
        found: list[Transition] = []
        where, moves = self.tables.where, self._moves
        for index in range(self._count):
            number = state[index]
            slot = where[number]
            if slot <= NOTHING:
                if slot == BETWEEN and (
                    self.life.leaving(state, index) or self._has_job(state, index)
                ):
                    found.append(self._takes[index])
                continue
            group = state[slot] if slot != NOWHERE else 0
            row = moves[index].get(number)
            if row is None:
                row = moves[index][number] = {}
            move = row.get(group, _UNKNOWN)
            if move is _UNKNOWN:
                move = row[group] = self.acting.move(STEP, index, number, group)
            if move is not None:
                found.append(self._steps[index])
        if self.background.members:
            self._add_stops(state, found)
        if self.options.spurious:
            self._add_wakes(state, found)
        if self.timers.pauses:
            found += self.timers.end_of_pauses(state)
        alone = not found or (self.timers.outlast and self.timers.alone(state, found))
        if alone or self.options.early:
            found += self.timers.over(state, found, alone)
        return found

    def step(self, state: State, transition: Transition) -> State:
        """The state after an enabled transition."""
        kind, index = transition
        new = list(state)
        if kind == STEP:
            slot = self.tables.where[state[index]]
            move = self._moves[index][state[index]][state[slot] if slot != NOWHERE else 0]
            assert move is not None
            new[index] = move.local
            if slot != NOWHERE:
                new[slot] = move.group
            if move.marks:
                new[-1] |= move.marks
            if self._fairness is not None:
                self._compare(new, state, index, move)
            settle = self.tables.fresh[new[index]]
            if move.woken:
                settle = self._wake(new, move.woken) or settle
            if settle:
                self.life.settle(new)
            return tuple(new)
        if kind == TAKE:
            if self.life.leaving(state, index):
                self.life.leave(new, index)
            else:
                self.life.take(new, index)
        elif kind == DRAIN:
            self._drain(state, new)
        elif kind == TICK:
            self.timers.pass_time(new)
        elif kind == RESTART:
            self.life.starts.end_pause(new, self.model.members[self.model.actors[index].member])
        elif kind == STOPPING:
            self._stop(new, index)
        else:
            if kind == KILL:
                self.life.stop_pool(new, self.model.members[self.model.actors[index].member])
            self._act(new, kind, index)
        self.life.settle(new)
        return tuple(new)

    def footprint(
        self, state: State, transition: Transition, after: State
    ) -> tuple[frozenset[int], frozenset[int]]:
        """(slots that it reads, slots that it writes), in this state."""
        kind, index = transition
        writes = {slot for slot, (a, b) in enumerate(zip(state, after, strict=True)) if a != b}
        if kind in self.last_resorts or kind == DRAIN or self._times_others(state, transition):
            return frozenset(range(len(state))), frozenset(writes)  # on what all others can do
        reads = {index}
        slot = self.slot(state, index)
        if slot is not None:
            operation = operation_at(self.model.actors[index], self.tables.locals[state[index]])
            reads.add(slot)
            if operation is None or operation.verb not in ("read", "size"):
                writes.add(slot)
        pool = self._pool_of[index]
        if kind == TAKE and pool is not None and pool.pool is not None:
            writes.add(pool.pool)
        if kind == STOPPING:
            reads |= self._foreground
        over = self.tables.over
        if any(over[after[slot]] for slot in writes if slot < self._count):
            reads |= self._followers
        writes.add(index)
        return frozenset(reads | writes), frozenset(writes)

    def _times_others(self, state: State, transition: Transition) -> bool:
        """Whether it is a timer that others may outlast: with its end their time-outs are off."""
        kind, index = transition
        return kind == RESTART or (
            kind == STEP and self.timers.outlast and self.tables.sleeps[state[index]]
        )

    def move(self, state: State, transition: Transition) -> Move | None:
        """What an actor's own transition does, with its answer; None for those of many."""
        kind, index = transition
        if kind in (DRAIN, TICK, TAKE, RESTART) or self.tables.where[state[index]] == BETWEEN:
            return None
        number = state[index]
        slot = self.slot(state, index)
        group = state[slot] if slot is not None else 0
        if kind == STEP:
            return self._moves[index][number][group]
        return self._rare_move(kind, index, number, group)

    def attempt(self, state: State, kind: int, index: int) -> Move | None:
        """What an actor's own transition would do, enabled or not; None where it has to wait."""
        slot = self.slot(state, index)
        group = state[slot] if slot is not None else 0
        if self.acting.calls.given is not None:  # it answers this time, and no other
            return self.acting.move(kind, index, state[index], group)
        return self._rare_move(kind, index, state[index], group)

    def follow(self, state: State, index: int, move: Move) -> State:
        """The state after what was attempted."""
        new = list(state)
        self._take_on(new, index, move, self.slot(state, index))
        self.life.settle(new)
        return tuple(new)

    def length(self, state: State, transition: Transition) -> int:
        """What a transition counts for in the length of a schedule: to wait is no step."""
        move = self.move(state, transition) if transition[0] == STEP else None
        return 1 if move is None else move.steps

    def slot(self, state: State, index: int) -> int | None:
        """The slot of the group that an actor's next operation touches."""
        operation = operation_at(self.model.actors[index], self.tables.locals[state[index]])
        if operation is None or not operation.section:
            return None
        return self.model.slots[operation.object]

    # -- transitions beside operations ---------------------------------------------------------

    def _has_job(self, state: State, index: int) -> bool:
        member = self._pool_of[index]
        assert member is not None and member.jobs is not None
        pool = self.life.pool(state, member)
        return not pool.stopping and pool.next < len(member.jobs)

    def _add_stops(self, state: State, found: list[Transition]) -> None:
        if not self.life.done(state):
            return
        stopped = self.background.stopped(state)
        if stopped:
            found += [(STOPPING, index) for index in stopped]
            found += [(KILL, index) for index in self.background.killed(state, stopped)]
        elif self.drained(state, found):
            found.append((DRAIN, -1))

    def drained(self, state: State, found: Sequence[Transition] | None = None) -> list[int]:
        """The actors that DRAIN ends; `found` are the operations that are enabled."""
        if found is None:
            found = [one for one in self.enabled(state) if one[0] == STEP]
        waits = [True] * self._count
        for kind, index in found:
            if kind == STEP:
                waits[index] = False
        return self.background.drained(state, waits)

    def _add_wakes(self, state: State, found: list[Transition]) -> None:
        for index in range(self._count):
            local = self.tables.locals[state[index]]
            operation = operation_at(self.model.actors[index], local)
            if operation is None or not local.parked or operation.verb != "wait":
                continue
            if operation.section == "conditions" and self._waits_for_notify(state, index):
                found.append((WAKE, index))

    def _waits_for_notify(self, state: State, index: int) -> bool:
        """Whether it is among a condition's waiters, and not already on its way back."""
        slot = self.slot(state, index)
        assert slot is not None
        operation = operation_at(self.model.actors[index], self.tables.locals[state[index]])
        assert operation is not None
        self.tables.thaw(slot, state[slot])
        condition: Any = self.model.machines[operation.object]
        return any(who == index for who, _ in condition.waiters)

    def _drain(self, state: State, new: list[int]) -> None:
        """All of them end at once; each is told when it comes to it where one cleans up, or where
        its time may be over before that.
        """
        drained = self.drained(state)
        timed = (self.tables.locals[state[index]].timeout is not None for index in drained)
        late = self.options.early and any(timed)
        if not late and all(self._ends_when_told(state, index) for index in drained):
            for index in drained:
                self._stop(new, index)
            return
        for index in drained:
            asked = self.tables.locals[new[index]]._replace(asked=True)
            new[index] = self.tables.number(index, asked)

    def _ends_when_told(self, state: State, index: int) -> bool:
        if self.tables.locals[state[index]].phase != RUNNING:
            return True
        move = self.attempt(state, STOPPING, index)
        return move is not None and self.tables.fresh[move.local]

    def _stop(self, new: list[int], index: int) -> None:
        member = self.model.members[self.model.actors[index].member]
        self.life.stop_pool(new, member)
        if self.tables.locals[new[index]].phase == RUNNING:
            self._act(new, STOPPING, index)

    def _act(self, new: list[int], kind: int, index: int) -> None:
        operation = operation_at(self.model.actors[index], self.tables.locals[new[index]])
        assert operation is not None
        slot = self.model.slots[operation.object] if operation.section else None
        move = self._rare_move(kind, index, new[index], new[slot] if slot is not None else 0)
        assert move is not None
        self._take_on(new, index, move, slot)

    def _take_on(self, new: list[int], index: int, move: Move, slot: int | None) -> None:
        """An actor's own move, and what it does to those who waited."""
        new[index] = move.local
        if slot is not None:
            new[slot] = move.group
        new[-1] |= move.marks
        if self.life.hear is not None:
            self.life.hear(index, move, True)
        self._wake(new, move.woken)

    def _rare_move(self, kind: int, index: int, number: int, group: int) -> Move | None:
        key = kind, index, number, group, self.acting.item
        if key not in self._rare:
            self._rare[key] = self.acting.move(kind, index, number, group)
        return self._rare[key]

    def _compare(self, new: list[int], state: State, index: int, move: Move) -> None:
        assert self._fairness is not None
        operation = operation_at(self.model.actors[index], self.tables.locals[state[index]])
        assert operation is not None
        self._fairness.count(new, index, operation, move)

    def _wake(self, new: list[int], woken: Sequence[tuple[int, Any]]) -> bool:
        """Let those who waited go on; whether a program has ended by it."""
        ended = False
        for index, answer in woken:
            key = index, new[index], answer if answer.__class__ is not tuple else repr(answer)
            move = self._woken.get(key)
            if move is None:
                move = self._woken[key] = self.acting.woken(index, new[index], answer)
            new[index] = move.local
            new[-1] |= move.marks
            if self.life.hear is not None:
                self.life.hear(index, move, True)
            ended = ended or self.tables.fresh[move.local]
        return ended


__all__ = ["Options", "State", "StateMachine", "Transition", "acting"]
