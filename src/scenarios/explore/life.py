"""The life of workers in the machine: starts, jobs, ends, restarts, and the end of the background.

As the engine's supervisor, without time: what it does at once happens within the transition that
causes it, and what others may come before is a transition of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from scenarios import wording
from scenarios.explore.acting import CRASHED, SECOND, Acting, Move
from scenarios.explore.local import DONE, IDLE, KILLED, OVER, PENDING, RUNNING, End, Local, closed
from scenarios.explore.model import GONE, Member, Model
from scenarios.explore.starts import STOPPED, Starts
from scenarios.explore.tables import Tables
from scenarios.resources.freezing import frozen
from scenarios.resources.machine import Woken
from scenarios.resources.queues import Queue
from scenarios.worker_plan import worst

SKIPPED: End = ("skipped", frozen(None), None, 0)

Hear = Callable[[int, Move, bool], None]
"""Hears of each move that comes with a transition: whose it is, the move, and whether it goes on
with an answer or begins a program."""


class Pool(NamedTuple):
    """A pool in a state: which job is next, and how those ended that are done."""

    phase: str = PENDING
    stopping: bool = False
    next: int = 0
    ends: tuple[tuple[int, End], ...] = ()
    attempt: int = 0
    end: End | None = None


class Life:
    """Brings a state to rest after a transition; `excused` are the members that may fail."""

    def __init__(
        self, model: Model, tables: Tables, acting: Acting, excused: frozenset[str]
    ) -> None:
        self._model = model
        self._tables = tables
        self._acting = acting
        self._excused = excused
        self._counted = model.mentions.asks("locals")
        self._all = range(len(model.actors))
        # in the order of the file: actors, and each pool after its own
        self._order: list[tuple[int, Member | None]] = []
        for member in model.members:
            self._order += [(index, None) for index in member.actors]
            if member.pool is not None:
                self._order.append((-1, member))
        self._jobless = any(not member.actors for member in model.members)
        self._background = [one for one in model.members if one.declared.background]
        self._heard_in_turn = any(
            one.declared.restart.policy != "never" for one in self._background
        )
        self._foreground = [one for one in model.members if not one.declared.background]
        # queues where what a thread has in hand goes back when it is gone
        self.hands = {
            name: model.slots[name]
            for name, machine in model.machines.items()
            if isinstance(machine, Queue) and machine.hold != "none"
        }
        # groups in which the end of a thread changes anything: others know it as a holder at most
        first = len(model.actors)
        self._left = [
            (first + number, names)
            for number, names in enumerate(model.groups)
            if any(name in self.hands or name in model.plan.scenario.conditions for name in names)
        ]
        self._groups = [(first + number, names) for number, names in enumerate(model.groups)]
        self._may_wait = any(
            one.inline or one.declared.depends_on or one.declared.restart.policy != "never"
            for one in model.members
        )
        self.starts = Starts(model, tables, self)
        self.hear: Hear | None = None

    def settle(self, state: list[int], *, first: bool = False) -> None:
        """Record ends, start what can start, skip what cannot, until nothing changes."""
        may_start = first or self._may_wait
        fresh, pending = self._tables.fresh, self._tables.pending
        again = True
        while again:
            again = False
            for index, pool in self._order:
                if pool is not None:
                    again = self._end_pool(state, pool) or again
                elif fresh[state[index]]:
                    again = self._record(state, index) or again
            if may_start and (self._jobless or any(pending[state[at]] for at in self._all)):
                again = self.starts.consider_all(state) or again
                again = self.starts.give_up(state) or again  # before those just started are heard

    # -- looking -------------------------------------------------------------------------------

    def pool(self, state: Sequence[int], member: Member) -> Pool:
        """A pool's part of a state."""
        assert member.pool is not None
        found: Pool = self._tables.parts[member.pool][state[member.pool]]
        return found

    def local(self, state: Sequence[int], index: int) -> Local:
        """An actor's part of a state."""
        return self._tables.locals[state[index]]

    def phase(self, state: Sequence[int], member: Member) -> str:
        """Whether a member is pending, running or over."""
        if member.pool is not None:
            return self.pool(state, member).phase
        phase = self.local(state, member.actors[0]).phase
        return phase if phase in (PENDING, OVER) else RUNNING

    def attempts(self, state: Sequence[int], member: Member) -> int:
        """How often a member was started."""
        if member.pool is not None:
            return self.pool(state, member).attempt
        return self.local(state, member.actors[0]).attempt

    def end(self, state: Sequence[int], member: Member) -> End | None:
        """How a member ended."""
        if member.pool is not None:
            return self.pool(state, member).end
        return self.local(state, member.actors[0]).end

    def done(self, state: Sequence[int]) -> bool:
        """Whether all foreground workers are over."""
        return all(self.phase(state, member) == OVER for member in self._foreground)

    def over(self, state: Sequence[int]) -> bool:
        """Whether all workers are over: the schedule came to its end."""
        return all(self.phase(state, member) == OVER for member in self._model.members)

    def asked_to_end(self, state: Sequence[int], member: Member) -> bool:
        """Whether the end of the foreground stops a member by itself.

        Those to terminate come first, then those that read nothing; readers drain together.
        """
        declared = member.declared
        if not declared.background or not self.done(state):
            return False
        if declared.stop.action == "terminate":
            return True
        return not member.plan.gets and not any(
            one.declared.stop.action == "terminate" and self.phase(state, one) != OVER
            for one in self._background
        )

    # -- ends ----------------------------------------------------------------------------------

    def _record(self, state: list[int], index: int) -> bool:
        """Take note of a program that has just ended, unless its thread still has to leave."""
        member = self._member(index)
        local = self.local(state, index)
        if member.pool is not None:
            self._job_over(state, member, index, local)
        elif self._lingers(state, member, index):
            return False
        else:
            self._attempt_over(state, member, index, local)
        return True

    def leaving(self, state: Sequence[int], index: int) -> bool:
        """Whether an actor that has done its work has still to end, as a step of its own."""
        local, member = self.local(state, index), self._member(index)
        if local.phase == IDLE:
            pool = self.pool(state, member)
            if not pool.stopping and pool.next < len(member.jobs or ()):
                return False
        return local.phase in (IDLE, DONE) and self._lingers(state, member, index)

    def _lingers(self, state: Sequence[int], member: Member, index: int) -> bool:
        """Whether others may act before the end of who has done its work.

        It has to give back what it has in hand; or it matters when its end is heard: a worker of
        the background starts again, or not if the end of the others was heard before its own.
        """
        return self.holds(state, index) or (
            self._heard_in_turn and not self._other_threads(state, member, index)
        )

    def _other_threads(self, state: Sequence[int], member: Member, index: int) -> bool:
        """Whether other threads of its pool have not ended."""
        others = (other for other in member.actors if other != index)
        return any(self.local(state, other).phase != OVER for other in others)

    def leave(self, state: list[int], index: int) -> None:
        """Its thread is gone."""
        member, local = self._member(index), self.local(state, index)
        if member.pool is None:
            self._attempt_over(state, member, index, local)
        else:
            self._leave(state, index, local)
            state[index] = self._tables.number(index, closed(local, self._counted))

    def in_hand(self, state: Sequence[int], queue: str) -> bool:
        """Whether anybody has taken items of a queue and not said that they are done."""
        slot = self.hands.get(queue)
        return slot is not None and bool(self._tables.named[slot][state[slot]])

    def holds(self, state: Sequence[int], index: int) -> bool:
        """Whether it has items in hand."""
        named = self._tables.named
        return any(index in named[slot][state[slot]] for slot in self.hands.values())

    def _member(self, index: int) -> Member:
        return self._model.members[self._model.actors[index].member]

    def _attempt_over(self, state: list[int], member: Member, index: int, local: Local) -> None:
        end = local.end
        assert end is not None
        self._leave(state, index, local)
        local = closed(local, self._counted)
        state[index] = self._tables.number(index, local)
        stopped = local.told or local.asked or self.asked_to_end(state, member)
        if stopped or not self._again(member, end, local.attempt):
            self._blame(state, member, end)
            return
        self._forget(state, index)
        again = Local(attempt=local.attempt, made=local.made, due=_backoff(member))
        state[index] = self._tables.number(index, again)

    def _again(self, member: Member, end: End, attempt: int) -> bool:
        """Whether a member starts once more."""
        restart = member.declared.restart
        if attempt > restart.max:
            return False
        return restart.policy == "always" or (
            restart.policy == "on-failure" and end[0] != "succeeded"
        )

    def _blame(self, state: list[int], member: Member, end: End) -> None:
        if end[0] == "failed" and member.plan.declared not in self._excused:
            state[-1] |= CRASHED

    def _leave(self, state: list[int], index: int, local: Local) -> None:
        """The actor's thread has ended: machines forget it, and what it had in hand goes back."""
        tables, model = self._tables, self._model
        killed = local.end is not None and local.end[2] == KILLED
        for slot, names in self._groups if killed else self._left:
            if index not in tables.named[slot][state[slot]]:
                continue
            tables.thaw(slot, state[slot])
            woken: Woken = []
            for name in names:
                model.machines[name].leave(index, killed, woken)
            state[slot] = tables.freeze(slot)
            self.wake(state, woken)

    def _forget(self, state: list[int], index: int) -> None:
        """The next attempt is another party: what this one holds still is not its own."""
        tables, first = self._tables, len(self._model.actors)
        for slot in range(first, first + len(self._model.groups)):
            if index in tables.named[slot][state[slot]]:
                tables.thaw(slot, state[slot])
                state[slot] = tables.freeze(slot, {index: GONE})

    def wake(self, state: list[int], woken: Sequence[tuple[Any, Any]]) -> None:
        """Let those who waited go on with their answers."""
        for index, answer in woken:
            move = self._acting.woken(index, state[index], answer)
            state[index] = move.local
            state[-1] |= move.marks
            if self.hear is not None:
                self.hear(index, move, True)

    def _begin(self, state: list[int], index: int, job: int | None) -> None:
        """An actor begins its program."""
        move = self._acting.begun(index, state[index], job)
        state[index] = move.local
        state[-1] |= move.marks
        if self.hear is not None:
            self.hear(index, move, False)

    # -- pools ---------------------------------------------------------------------------------

    def take(self, state: list[int], index: int) -> None:
        """A thread of a pool takes the next job."""
        member = self._member(index)
        pool = self.pool(state, member)
        self.put(state, member, pool._replace(next=pool.next + 1))
        job = 0 if member.alike else pool.next
        self._begin(state, index, job)

    def _job_over(self, state: list[int], member: Member, index: int, local: Local) -> None:
        assert local.end is not None
        pool = self.pool(state, member)
        ends = tuple(sorted((*pool.ends, (local.job, local.end)), key=repr))
        self.put(state, member, pool._replace(ends=ends))
        idle = Local(phase=IDLE, attempt=local.attempt, locals=local.locals, made=local.made)
        if local.end[2] == KILLED:  # the process is gone, and not its job alone
            idle = idle._replace(end=local.end)
        state[index] = self._tables.number(index, idle._replace(asked=local.asked))

    def _end_pool(self, state: list[int], member: Member) -> bool:
        """Its threads end when there are no jobs for them; with the last one the pool is over."""
        pool = self.pool(state, member)
        if pool.phase != RUNNING:
            return False
        if not pool.stopping and member.jobs is not None and pool.next < len(member.jobs):
            return False
        changed = False
        for index in member.actors:
            local = self.local(state, index)
            if local.phase == IDLE and not self._lingers(state, member, index):
                self._leave(state, index, local)
                state[index] = self._tables.number(index, closed(local, self._counted))
                changed = True
        if all(self.local(state, index).phase == OVER for index in member.actors):
            self._pool_over(state, member)
            return True
        return changed

    def _pool_over(self, state: list[int], member: Member) -> None:
        pool = self.pool(state, member)
        assert member.jobs is not None
        ends = [end for _, end in pool.ends]
        ends += [STOPPED] * (len(member.jobs) - len(ends))
        together = worst([one[0] for one in ends])
        end: End = (together, frozen(None), *_first_failure(pool))
        if member.plan.jobs is None:
            end = ends[0]
        stopped = pool.stopping or self.asked_to_end(state, member)
        if not stopped and self._again(member, end, pool.attempt):
            self.put(state, member, Pool(attempt=pool.attempt))
            for index in member.actors:
                again = Local(made=self.local(state, index).made, due=_backoff(member))
                state[index] = self._tables.number(index, again)
                self._forget(state, index)
            return
        self.put(state, member, pool._replace(phase=OVER, end=end))
        self._blame(state, member, end)

    def put(self, state: list[int], member: Member, pool: Pool) -> None:
        """Give a pool its part of a state."""
        assert member.pool is not None
        state[member.pool] = self._tables.part(member.pool, pool)

    def stop_pool(self, state: list[int], member: Member) -> None:
        """No more jobs are taken."""
        if member.pool is not None:
            self.put(state, member, self.pool(state, member)._replace(stopping=True))

    # -- starts --------------------------------------------------------------------------------

    def start(self, state: list[int], member: Member) -> None:
        """A member begins an attempt."""
        attempt = self.attempts(state, member) + 1
        for index in member.actors:
            local = self.local(state, index)
            local = Local(attempt=attempt, made=local.made)
            if member.pool is not None:
                local = local._replace(phase=IDLE)
            state[index] = self._tables.number(index, local)
            if member.pool is None:
                self._begin(state, index, None)
        if member.pool is not None:
            self.put(state, member, Pool(RUNNING, attempt=attempt))

    def skip(self, state: list[int], member: Member) -> None:
        """A member never starts."""
        for index in member.actors:
            local = self.local(state, index)
            skipped = local._replace(phase=OVER, end=SKIPPED, due=None)
            state[index] = self._tables.number(index, skipped)
        if member.pool is not None:
            self.put(state, member, Pool(OVER, end=SKIPPED))


def _backoff(member: Member) -> int | None:
    return round(member.declared.restart.backoff * SECOND) or None


def _first_failure(pool: Pool) -> tuple[str | None, int]:
    """The error of a pool, as its handle tells it, and the line."""
    failed = [(job, end) for job, end in pool.ends if end[0] == "failed"]
    if not failed:
        return None, 0
    job, end = failed[0]
    more = f" (and {wording.count(len(failed) - 1, 'more job')})" if len(failed) > 1 else ""
    return f"job {job}: {end[2]}{more}", end[3]
