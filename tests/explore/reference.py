"""A naive run of a plan, step by step: real frames, real machines, and everybody parks for real.

It shares nothing with the explorer: no tables, no freezing, no state that is compared. Each
schedule is played from the start. What a worker does is `advance`'s, what a resource does its
machine's, and what is between them stands here as driver, performer and supervisor do it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from explore.reference_threads import Member, Thread
from scenarios.answers import PARKED, STOP, TIMED_OUT, WOULD_BLOCK, Failed, Refused
from scenarios.errors import ScenariosError
from scenarios.explore.machine import Options
from scenarios.plan import Plan
from scenarios.program import Operation
from scenarios.resources.barriers import Barrier
from scenarios.resources.conditions import Condition
from scenarios.resources.locks import Lock
from scenarios.resources.machines import make_all
from scenarios.resources.queues import Queue
from scenarios.worker.locals import resolve

Choice = tuple[str, int]
"""What happens next, and to which thread: step, take, leave, stop, wake, expire, kill, restart;
drain and tick concern them all."""

ACTIVE = ("ready", "parked")

LONGEST = 120
"""Choices of one schedule; a program that goes on for longer is left out."""


class TooMuch(Exception):
    """The program has too many schedules, or too long ones."""


class World:
    """Everything that runs, at one moment of one schedule."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self.plan = plan
        self.options = options
        self.machines = make_all(list(plan.resources))
        conditions = [one for one in self.machines.values() if isinstance(one, Condition)]
        self._conditions = [*conditions, *(one.lock for one in conditions)]
        self.now = 0
        self.misused = self.strange = self.unread = False
        self.made: dict[str, int] = {}
        self.closed: dict[str, int] = {}
        self.threads: list[Thread] = []
        self.members = [Member(self, worker) for worker in plan.workers]
        self.stopping_background = False
        self.settle()

    # -- what can happen -------------------------------------------------------------------------

    def choices(self) -> list[Choice]:
        """What can happen next."""
        found: list[Choice] = []
        for thread in self.threads:
            if thread.phase == "ready" and thread.asleep_until <= self.now:
                found.append(("step", thread.index))
            elif thread.phase == "idle" and thread.member.has_job():
                found.append(("take", thread.index))
            elif thread.phase == "leaving":
                found.append(("leave", thread.index))
        stopped = [thread for thread in self.threads if thread.to_be_stopped()]
        found += [("stop", thread.index) for thread in stopped]
        found += [("kill", thread.index) for thread in stopped if thread.gone_at_once()]
        if self.drained():
            found.append(("drain", -1))
        if self.options.spurious:
            found += [("wake", one.index) for one in self.threads if self._notifiable(one)]
        if not self.options.exact:
            pausing = [one for one in self.members if one.pausing]
            found += [("restart", one.threads[0].index) for one in pausing]

        def idle() -> bool:
            return all(self._idles(*choice) for choice in found) and not self.drained(slow=True)

        late = [("expire", one.index) for one in self.threads if self._out_of_time(one)]
        forced = [("kill", one.index) for one in self.threads if self._out_of_grace(one)]
        if (late or forced) and idle():
            return found + late + forced
        if self.options.early:
            return found + late
        if self._timers() and not any(map(self._overdue, self.threads)) and idle():
            return [*found, ("tick", -1)]
        return found

    def _idles(self, kind: str, index: int) -> bool:
        """Whether it only begins to wait, or is a timer, which takes as long as it likes."""
        if kind == "restart":
            return True
        if kind != "step" or self.options.exact or self.threads[index].asked:
            return self.only_waits(kind, index)
        operation = self.threads[index].frame.waiting
        sleeps = operation is not None and operation.verb == "sleep"
        return sleeps or self.only_waits(kind, index)

    def only_waits(self, kind: str, index: int) -> bool:
        """Whether a step would only begin to wait: who is slow to do so holds up no time-out.

        At a barrier, a condition and its lock it is seen by others that somebody waits; and to
        wait is what tells that an item got before was dealt with.
        """
        thread = self.threads[index]
        if kind != "step" or thread.asked or thread.fresh:
            return False
        operation = thread.frame.waiting
        assert operation is not None
        if not operation.section:
            return False
        machine = self.machines[operation.object]
        if isinstance(machine, Barrier) or machine in self._conditions:
            return False
        aside = copy.deepcopy(machine)
        argument, timeout = thread.frame.argument, thread.frame.timeout
        if operation.verb == "put":
            argument = "an item", argument
        try:
            answer = aside.apply(index, operation.verb, argument, [])
        except ScenariosError:
            return False
        return answer is PARKED and (timeout is None or timeout > 0)

    def _notifiable(self, thread: Thread) -> bool:
        machine = self.machines.get(thread.waits_for)
        waiters = machine.waiters if isinstance(machine, Condition) else ()
        return thread.parked and any(who == thread.index for who, _ in waiters)

    def _out_of_time(self, thread: Thread) -> bool:
        return thread.parked and thread.timed and thread.due <= self.now

    def _out_of_grace(self, thread: Thread) -> bool:
        """Whether it cleans up, and for longer than it may."""
        late = not self.options.exact or thread.kill_at <= self.now
        return thread.told and thread.phase in ACTIVE and late

    def _overdue(self, thread: Thread) -> bool:
        """Whether it has still to begin to wait, and its time is already over."""
        return thread.phase == "ready" and thread.timed and thread.due <= self.now

    def _timers(self) -> list[int]:
        dues = [one.due for one in self.threads if one.timed]
        dues += [one.asleep_until for one in self.threads if one.phase == "ready"]
        dues += [one.kill_at for one in self.threads if one.told and one.phase in ACTIVE]
        dues += [member.due for member in self.members if member.pausing]
        return [due for due in dues if due > self.now]

    def do(self, choice: Choice) -> None:
        """Let it happen, and all that follows at once."""
        kind, index = choice
        if kind == "tick":
            self.now = min(self._timers())
            for member in self.members:
                member.pausing = member.pausing and member.due > self.now
        elif kind == "drain":
            for member in self.drained():
                member.stopping = True
        else:
            acts: dict[str, Callable[[Thread], None]] = {
                "step": self._step,
                "take": lambda thread: thread.take(),
                "leave": lambda thread: thread.leave(),
                "stop": self._stop,
                "wake": self._wake_up,
                "expire": self._expire,
                "kill": self._kill,
                "restart": self._restart,
            }
            acts[kind](self.threads[index])
        self.settle()

    # -- operations, as the performer and the driver do them -------------------------------------

    def _step(self, thread: Thread) -> None:
        operation = thread.frame.waiting
        assert operation is not None
        if thread.asked:
            thread.resume(STOP)
            return
        if not operation.section:
            thread.resume(self._alone(thread, operation))
            return
        woken: list[tuple[Any, Any]] = []
        answer = self._apply(thread, operation, woken)
        if answer is PARKED:
            thread.park()
        else:
            thread.resume(answer)
        self._wake(woken)

    def _apply(self, thread: Thread, operation: Operation, woken: list[tuple[Any, Any]]) -> Any:
        machine = self.machines[operation.object]
        argument, timeout = thread.frame.argument, thread.frame.timeout
        if operation.verb == "put":
            argument = "an item", copy.deepcopy(argument)
        lock = getattr(machine, "lock", machine)
        others = isinstance(lock, Lock) and lock.owner not in (None, thread.index)
        try:
            answer = machine.apply(thread.index, operation.verb, argument, woken)
        except ScenariosError as error:
            return Failed(str(error))
        if operation.verb == "release" and others and answer is True:
            self.misused = True
        if answer is PARKED and timeout is not None and timeout <= 0:
            answer = machine.expire(thread.index, woken)
            return WOULD_BLOCK if answer is TIMED_OUT else answer
        return answer

    def _alone(self, thread: Thread, operation: Operation) -> Any:
        if operation.verb == "sleep":
            return True
        args, kwargs = copy.deepcopy(thread.frame.argument)
        try:
            return resolve(operation.detail)(*args, **kwargs)
        except Exception as error:
            return Failed(f"{type(error).__name__}: {error}")

    def _wake(self, woken: list[tuple[Any, Any]]) -> None:
        for index, answer in woken:
            assert self.threads[index].parked
            self.threads[index].resume(answer)

    def _expire(self, thread: Thread) -> None:
        woken: list[tuple[Any, Any]] = []
        answer = self.machines[thread.waits_for].expire(thread.index, woken)
        if answer is PARKED:
            thread.timed = False
        else:
            thread.resume(answer)
        self._wake(woken)

    def _wake_up(self, thread: Thread) -> None:
        woken: list[tuple[Any, Any]] = []
        condition: Any = self.machines[thread.waits_for]
        condition.wake(thread.index, woken)
        thread.timed = False
        self._wake(woken)

    def _stop(self, thread: Thread) -> None:
        thread.member.refuse_jobs()
        if thread.phase == "idle":
            return
        thread.asked = True
        if thread.parked:
            woken: list[tuple[Any, Any]] = []
            self.machines[thread.waits_for].cancel(thread.index, woken)
            thread.resume(STOP)
            self._wake(woken)
        elif thread.asleep_until > self.now:
            thread.resume(STOP)

    def _kill(self, thread: Thread) -> None:
        """By force: a process is gone at once, a thread does not even clean up."""
        thread.member.refuse_jobs()
        woken: list[tuple[Any, Any]] = []
        if thread.parked:
            self.machines[thread.waits_for].cancel(thread.index, woken)
        thread.die()
        self._wake(woken)

    def _restart(self, thread: Thread) -> None:
        thread.member.pausing = False

    def left(self, thread: Thread, died: bool) -> None:
        """The machines hear that a thread is gone."""
        woken: list[tuple[Any, Any]] = []
        for machine in self.machines.values():
            machine.leave(thread.index, died, woken)
        self._wake(woken)

    def in_hand(self, thread: Thread) -> bool:
        """Whether it has items that go back when it leaves."""
        queues = [one for one in self.machines.values() if isinstance(one, Queue)]
        return any(queue.in_hand.get(thread.index) for queue in queues)

    # -- the supervisor ------------------------------------------------------------------------

    def settle(self) -> None:
        """Hear of ends, start what can start; then the background hears that the rest is done."""
        again = True
        while again:
            again = _each(member.hear() for member in self.members)
            while _each(member.consider() for member in self.members):
                again = True
            if self.done():  # said before what has just started can be heard of again
                self.stopping_background = True
                left = [member for member in self.members if not member.over]
                busy = any(one.stopping or one.terminates for one in left)
                again = _each(member.end_of_foreground(busy) for member in left) or again

    def forget(self, index: int) -> None:
        """The next attempt is another party: what this one still holds is not its own."""
        for machine in self.machines.values():
            lock = machine.lock if isinstance(machine, Condition) else machine
            if isinstance(lock, Lock) and lock.owner == index:
                lock.owner = ("gone", index)

    def done(self) -> bool:
        """Whether all foreground workers are over."""
        return all(member.over or member.declared.background for member in self.members)

    def asked_to_end(self, member: Member) -> bool:
        """Whether the end of the foreground ends it, told or not."""
        if not (member.declared.background and self.done()):
            return False
        busy = any(one.terminates and not one.over for one in self.members)
        return member.terminates or not (member.plan.gets or busy)

    def drained(self, *, slow: bool = False) -> list[Member]:
        """The readers that end together, since nobody can feed them any more.

        With `slow` those who have still to begin to wait are taken for waiting.
        """
        left = [member for member in self.members if not member.over]
        if not self.stopping_background or any(member.stopping for member in left):
            return []
        members = [one for one in left if one.state == "running" and one.plan.gets]
        kept: list[Member] = []
        while kept != members:
            kept = members
            others = [member for member in left if member not in members]
            fed = {queue for member in others for queue in member.plan.puts}
            members = [member for member in members if not member.plan.gets & fed]
        read = {queue for member in members for queue in member.plan.gets}
        hands: list[Any] = [getattr(self.machines[name], "in_hand", {}) for name in read]
        if any(any(hand.values()) for hand in hands):
            return []
        return members if all(member.calm(slow) for member in members) else []


def _each(changes: Iterable[bool]) -> bool:
    """Whether any is true; all are asked."""
    return any(list(changes))


def schedules(plan: Plan, options: Options, most: int) -> Iterator[World]:
    """The end of every schedule, each played from the start."""
    way: list[int] = []  # which choice is taken at each place
    for _ in range(most):
        world = World(plan, options)
        widths: list[int] = []
        while ahead := world.choices():
            if len(widths) == len(way):
                way.append(0)
            if len(widths) > LONGEST:
                raise TooMuch(f"more than {LONGEST} choices, one after the other")
            choice = ahead[way[len(widths)]]
            widths.append(len(ahead))
            world.do(choice)
        yield world
        while way and way[-1] + 1 == widths[len(way) - 1]:
            way.pop()
        if not way:
            return
        way[-1] += 1
    raise TooMuch(f"more than {most} schedules")


__all__ = ["Choice", "Refused", "TooMuch", "World", "schedules"]
