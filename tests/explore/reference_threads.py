"""The workers of the naive reference: members with their threads, jobs, ends and restarts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from scenarios.answers import STOP, Refused
from scenarios.engine.members import dependency
from scenarios.expressions import prepare
from scenarios.program import FAILS, RETURNS, STOPS, End, Frame, Operation, Program, advance
from scenarios.program.instructions import (
    COUNT_ROUND,
    END_FINALLY,
    FALL_INTO,
    JUMP,
    LEAVE,
    NEXT_ITEM,
    OPERATE,
)
from scenarios.worker_plan import Outcome, WorkerPlan, together

if TYPE_CHECKING:
    from explore.reference import World

SECOND = 1_000_000_000
PASSING = {JUMP, NEXT_ITEM, LEAVE, FALL_INTO, END_FINALLY, COUNT_ROUND, OPERATE}
"""Instructions between an operation and the next that are no step of anybody's."""


class Traced(Frame):
    """A frame that remembers the instructions that were executed."""

    __slots__ = ("at", "trail")

    def __init__(self, program: Program, names: dict[str, Any]) -> None:
        self.trail: list[int] = []
        super().__init__(program, names)

    @property
    def pc(self) -> int:
        """Where it is; whoever asks executes what is there."""
        self.trail.append(self.at)
        return self.at

    @pc.setter
    def pc(self, place: int) -> None:
        self.at: int = place


class Thread:
    """One thread of a member. Its phase is pending, idle, ready, parked, leaving or over."""

    def __init__(self, world: World, member: Member, index: int) -> None:
        self.world = world
        self.member = member
        self.index = index
        self.job = -1
        self.serial = 0  # counts its jobs
        self.rest()

    def rest(self) -> None:
        """As before its first start."""
        self.phase = "pending"
        self.store: dict[str, dict[str, tuple[Any, int]]] = {}
        self.asked = self.told = self.timed = self.fresh = self.died = False
        self.due = self.asleep_until = self.kill_at = 0
        self.outcome: Outcome | None = None

    @property
    def parked(self) -> bool:
        """Whether it waits in a machine."""
        return self.phase == "parked"

    @property
    def waits_for(self) -> str:
        """The resource that its operation acts on."""
        operation = self.frame.waiting if self.phase in ("ready", "parked") else None
        return operation.object if operation is not None else ""

    @property
    def gets(self) -> bool:
        """Whether it waits for an item, or has only to begin to."""
        operation = self.frame.waiting if self.phase in ("ready", "parked") else None
        if operation is None or operation.verb != "get":
            return False
        return self.parked or self.world.only_waits("step", self.index)

    def to_be_stopped(self) -> bool:
        """Whether it was not told yet, and should be."""
        running = self.phase in ("ready", "parked", "idle")
        return self.member.stopping and running and not (self.asked or self.told)

    def gone_at_once(self) -> bool:
        """Whether it is a process that is stopped without a grace, and does something."""
        process = self.member.capabilities.reach != "process"
        return process and self.phase in ("ready", "parked") and not self.member.declared.stop.grace

    # -- its program ---------------------------------------------------------------------------

    def begin(self, job: int | None = None) -> None:
        """Start its program."""
        plan, scenario = self.member.plan, self.world.plan.scenario
        names: dict[str, Any] = {}
        prepare(names)
        names["vars"], names["matrix"] = scenario.vars, scenario.matrix
        names["worker"] = {"name": plan.name, "replica": plan.replica, "pid": 1, "thread": "t"}
        names["run"] = {"id": "explored", "seed": self.world.plan.seed, "tmp": "explored"}
        names["local"] = Here(self)
        self.serial += 1
        if job is not None:
            assert self.member.jobs is not None
            names["job"] = {"index": job, "item": copy.deepcopy(self.member.jobs[job])}
            self.job = job
        self.asked = self.told = self.fresh = False
        assert plan.program is not None
        self.frame = Traced(plan.program, names)
        self._go_on(advance(self.frame))

    def take(self) -> None:
        """Take the next job."""
        self.begin(self.member.next_job())

    def resume(self, answer: Any) -> None:
        """Go on with the answer to the operation under way."""
        operation = self.frame.waiting
        assert operation is not None
        if answer is STOP:
            if not self.told:
                grace = self.member.declared.stop.grace
                self.kill_at = self.world.now + round(grace * SECOND)
            self.told, self.asked = True, False
            self.world.unread = self.world.unread or self.fresh
        self.fresh = operation.verb == "get" and answer.__class__ is tuple
        if answer.__class__ is tuple:
            if operation.verb == "get":
                answer = copy.deepcopy(answer[1])
            elif operation.verb == "update":
                answer = answer[0]
        elif operation.verb == "read" and answer is not STOP:
            answer = copy.deepcopy(answer)
        self.frame.trail.clear()
        self._go_on(advance(self.frame, answer))

    def _go_on(self, operation: Operation | None) -> None:
        while operation is not None and operation.verb == "log":
            self.fresh = False
            operation = advance(self.frame, True)
        self.phase, self.timed, self.due, self.asleep_until = "ready", False, 0, 0
        code = self.frame.instructions
        self.fresh = self.fresh and all(code[at][0] in PASSING for at in self.frame.trail)
        if operation is None:
            assert self.frame.end is not None
            self._ended(self.frame.end)
        elif self.world.options.exact and operation.verb == "sleep":
            self.asleep_until = self.world.now + round(self.frame.argument * SECOND)
        elif self.frame.timeout:
            self.timed = True
            if self.world.options.exact:
                self.due = self.world.now + round(self.frame.timeout * SECOND)

    def park(self) -> None:
        """It waits: the step after what it got has begun."""
        self.phase, self.fresh = "parked", False

    def _ended(self, end: End) -> None:
        if end.why == FAILS:
            outcome = Outcome("failed", None, end.value, end.line)
        elif end.why == STOPS:
            outcome = Outcome("terminated")
        else:
            outcome = Outcome("succeeded", end.value if end.why == RETURNS else None)
        self.over_with(outcome)

    def over_with(self, outcome: Outcome) -> None:
        """Its program has ended so: a pool's thread may take another job."""
        if self.member.jobs is not None:
            self.member.outcomes[self.job] = outcome
            self.phase, self.timed = "idle", False
        else:
            self.outcome = outcome
            self.go()

    # -- its end -------------------------------------------------------------------------------

    def go(self) -> None:
        """It runs no more; that what it has in hand goes back is a moment of its own.

        So is its end where any worker of the background may start again: whether it does depends
        on whose end is heard first.
        """
        self.phase, self.timed = "leaving", False
        others = [one for one in self.member.threads if one is not self]
        last = all(one.phase == "over" for one in others)
        again = any(
            one.declared.background and one.declared.restart.policy != "never"
            for one in self.world.members
        )
        if not ((again and last) or self.world.in_hand(self)):
            self.leave()

    def leave(self) -> None:
        """Its locals are closed and the machines hear that it is gone."""
        self.phase = "over"
        for name in self.store:
            self.world.closed[name] = self.world.closed.get(name, 0) + 1
        self.store = {}
        self.world.left(self, self.died)

    def die(self) -> None:
        """It is ended by force: a process at once, a thread by refusing all that it wants to do."""
        if self.member.capabilities.reach != "process":
            self.died = True
            self.world.unread = self.world.unread or self.fresh
            operation = self.frame.waiting
            line = operation.line if operation is not None else 0
            self.over_with(Outcome("terminated", line=line or None))
        while self.phase in ("ready", "parked"):
            self.resume(STOP)


class Here:
    """`local` in a thread's expressions."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    def __getitem__(self, name: str) -> Attributes:
        thread = self._thread
        plan = thread.world.plan.locals[name]
        assert plan.attributes is not None
        start = plan.attributes.evaluate({**thread.frame.names})
        if name not in thread.store:
            thread.store[name] = {key: (value, 0) for key, value in start.items()}
            thread.world.made[name] = thread.world.made.get(name, 0) + 1
        return Attributes(thread, name, start)


class Attributes:
    """One thread-local; a read of what an earlier job had set is told."""

    def __init__(self, thread: Thread, name: str, start: dict[str, Any]) -> None:
        self._thread, self._name, self._start = thread, name, start

    def __getitem__(self, key: str) -> Any:
        value, serial = self._thread.store[self._name][key]
        as_at_start = key in self._start and repr(self._start[key]) == repr(value)
        if serial not in (0, self._thread.serial) and not as_at_start:
            self._thread.world.strange = True
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._thread.store[self._name][key] = value, self._thread.serial


class Member:
    """One worker of the plan, as the engine's supervisor sees it."""

    def __init__(self, world: World, plan: WorkerPlan) -> None:
        self.world = world
        self.plan = plan
        self.declared = world.plan.scenario.workers[plan.declared]
        self.capabilities = world.plan.capabilities[plan.declared]
        self.jobs = plan.jobs if plan.jobs is not None or not self.capabilities.jobs else (None,)
        count = 1
        if self.jobs is not None:
            count = min(int(plan.options.get("max_workers") or 1), len(self.jobs))
        first = len(world.threads)
        self.threads = [Thread(world, self, first + number) for number in range(count)]
        world.threads += self.threads
        self.state: Any = "pending"
        self.started = self.ready = self.stopping = False
        self.restarts = 0
        self.due = 0
        self.pausing = False  # until it starts again
        self.outcome = Outcome("pending")
        self._renew()

    def _renew(self) -> None:
        self.next, self.refuses = 0, False
        self.outcomes: list[Outcome | None] = [None] * len(self.jobs or ())

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.state not in ("pending", "running")

    # -- jobs ----------------------------------------------------------------------------------

    def has_job(self) -> bool:
        """Whether a thread can take one."""
        return not self.refuses and self.next < len(self.jobs or ())

    def next_job(self) -> int:
        """The next in order."""
        self.next += 1
        return self.next - 1

    def refuse_jobs(self) -> None:
        """No more are taken."""
        self.refuses = True

    def calm(self, slow: bool) -> bool:
        """Whether it waits for items alone, or with `slow` will."""
        waiting = [one for one in self.threads if one.gets and (one.parked or slow)]
        busy = 1
        if self.jobs is not None:
            busy = max(1, self.next - sum(outcome is not None for outcome in self.outcomes))
        return len(waiting) >= busy

    # -- its life ------------------------------------------------------------------------------

    def hear(self) -> bool:
        """Let idle threads go; whether the attempt has ended with that."""
        if self.state != "running":
            return False
        for thread in self.threads:
            if thread.phase == "idle" and not self.has_job():
                thread.go()
        if not all(thread.phase == "over" for thread in self.threads):
            return False
        outcome = self._together() if self.jobs is not None else self.threads[0].outcome
        assert outcome is not None
        self._end(outcome)
        return True

    def _together(self) -> Outcome:
        jobs = [outcome or Outcome("terminated") for outcome in self.outcomes]
        if self.plan.jobs is None:
            return jobs[0]
        return together(jobs)

    def _end(self, outcome: Outcome) -> None:
        restart = self.declared.restart
        wanted = restart.policy == "always" or (
            restart.policy == "on-failure" and outcome.state != "succeeded"
        )
        stopping = self.stopping or self.world.asked_to_end(self)
        if wanted and self.restarts < restart.max and not stopping:
            self.restarts += 1
            self.state = "pending"
            for thread in self.threads:
                thread.rest()
                self.world.forget(thread.index)
            self._renew()
            self.pausing = restart.backoff > 0 and bool(self.threads)
            self.due = self.world.now + round(restart.backoff * SECOND)
            return
        self.outcome, self.state = outcome, outcome.state

    def consider(self) -> bool:
        """Start it, or skip it, where that is decided; whether it was."""
        if self.state != "pending" or self.pausing:
            return False
        met = self._met()
        if False in met:
            self.skip()
            return True
        if None in met or (self.capabilities.main_thread and not self._next_inline()):
            return False
        self.state, self.started, self.ready = "running", True, True
        for thread in self.threads:
            if self.jobs is None:
                thread.begin()
            else:
                thread.phase = "idle"
        return True

    def skip(self) -> None:
        """It never runs."""
        self.outcome, self.state = Outcome("skipped"), "skipped"

    @property
    def terminates(self) -> bool:
        """Whether it is stopped at once."""
        return self.declared.stop.action == "terminate"

    def end_of_foreground(self, busy: bool) -> bool:
        """All others are done: it is not started any more, or stopped; whether it was skipped.

        While others are `busy` ending, one who reads nothing goes on.
        """
        if not self.started:
            self.skip()
            return True
        if self.pausing and self.terminates:
            self.pausing = False
            self.outcome, self.state = Outcome("terminated"), "terminated"
            return True
        if self.state == "running" and (self.terminates or not (self.plan.gets or busy)):
            self.stopping = True
        return False

    def _met(self) -> list[bool | None]:
        by_name: dict[str, list[Any]] = {}
        for member in self.world.members:
            by_name.setdefault(member.plan.declared, []).append(member)
        depends = self.declared.depends_on.items()
        return [dependency(by_name[name], condition) for name, condition in depends]

    def _next_inline(self) -> bool:
        """Whether the main thread is free, and no other can start that goes first."""
        before = True
        for other in self.world.members:
            if other is self:
                before = False
                continue
            inline = other.capabilities.main_thread
            if inline and other.state == "running":
                return False
            starts = other.state == "pending" and not other.pausing
            could = starts and all(met is True for met in other._met())
            if could and (before or not inline):
                return False
        return True


__all__ = ["Here", "Member", "Refused", "Thread"]
