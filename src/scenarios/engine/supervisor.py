"""The life of all workers of a run: started, watched, restarted, stopped; on one thread.

Whatever happens (a worker ended, is ready, a signal came) is put into `inbox`; between two
messages the supervisor does what is due and starts what can start.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from scenarios import plugins
from scenarios.contracts import Executor, Handle
from scenarios.engine import readiness
from scenarios.engine.attempt import Attempt
from scenarios.engine.draining import Drain
from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member, dependency
from scenarios.errors import EnvironmentFault, PluginFault, ScenariosError
from scenarios.plan import Plan
from scenarios.worker_plan import Outcome, State

DRAIN_LOOK = 0.01  # seconds between two looks at queues that drain
LAST_CHANCE = 2.0  # seconds after a kill before a worker is given up
SHORT_GRACE = 1.0  # at most, once the whole run is out of time

_STATE_AFTER: dict[str, State] = {
    "drain": "terminated",
    "terminate": "terminated",
    "interrupt": "terminated",
    "timeout": "timed_out",
    "run_timeout": "timed_out",
}


class Supervisor:
    """Runs the members of a plan to their end. `inline` takes work for the calling thread."""

    def __init__(self, plan: Plan, facilities: Facilities, inline: queue.SimpleQueue[Any]) -> None:
        self.plan = plan
        self.facilities = facilities
        self.inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.members = [
            Member(
                worker, plan.scenario.workers[worker.declared], plan.capabilities[worker.declared]
            )
            for worker in plan.workers
        ]
        self.groups: dict[str, list[Member]] = {}
        for member in self.members:
            self.groups.setdefault(member.plan.declared, []).append(member)
        self.state: State = "running"
        self.error: str | None = None
        self.exit_code: int | None = None
        self.notices: list[str] = []
        self.waits: list[str] = []  # what everybody did when the run was ended
        self._inline = inline
        self._inline_busy = False
        self._executors: dict[str, Executor] = {}
        self._drain = Drain(facilities)
        self._stopping_background = False
        self._interrupts = 0
        self._deadline = time.monotonic() + plan.scenario.timeout

    # -- the loop ------------------------------------------------------------------------------

    def run(self) -> None:
        """Until every member has ended."""
        self._progress()
        while not all(member.over for member in self.members):
            try:
                message = self.inbox.get(timeout=self._patience())
            except queue.Empty:
                message = ("due",)
            self._hear(*message)
            self._do_what_is_due(time.monotonic())
            self._progress()
        if self.state == "running":
            self.state = "succeeded"

    def interrupt(self, number: int) -> None:
        """A signal asks the run to end; from a signal handler."""
        self.inbox.put(("interrupt", number))

    def _patience(self) -> float:
        due = [at for member in self.members if not member.over for at in member.timers()]
        if self.state == "running":
            due.append(self._deadline)
        if self._stopping_background and any(self._drains(member) for member in self.members):
            due.append(time.monotonic() + DRAIN_LOOK)
        return max(0.0, min(due, default=time.monotonic() + 1.0) - time.monotonic())

    def _hear(self, what: str, *details: Any) -> None:
        if what == "ended":
            self._ended(*details)
        elif what == "ready":
            self._heard_of_readiness(*details)
        elif what == "interrupt":
            self._interrupted(*details)
        elif what == "lost":
            self.error = details[0]
            self._end_all("interrupt", "failed", SHORT_GRACE)

    def _progress(self) -> None:
        """Start what can start; stop the background when the foreground is done."""
        changed = True
        while changed:
            changed = False
            for member in self.members:
                if member.state == "pending" and member.restart_at is None:
                    changed |= self._consider(member)
        foreground = [member for member in self.members if not member.declared.background]
        if all(member.over for member in foreground):
            self._stop_background()
        self._end_inputs()

    # -- starting ------------------------------------------------------------------------------

    def _consider(self, member: Member) -> bool:
        """Start a pending member, or skip it; whether anything changed."""
        if self.state != "running" or self._stopping_background:
            self._finish(member, Outcome("skipped"))
            return True
        met = [
            dependency(self.groups[name], condition)
            for name, condition in member.declared.depends_on.items()
        ]
        if False in met:
            self._finish(member, Outcome("skipped"))
            return True
        if None in met:
            return False
        if member.capabilities.main_thread:
            if self._inline_busy or any(self._could_start(other) for other in self.members):
                return False
            self._inline_busy = True
        self._start(member)
        return True

    def _could_start(self, member: Member) -> bool:
        """Whether a member that is not inline starts before the next inline one."""
        return (
            member.state == "pending"
            and not member.capabilities.main_thread
            and member.restart_at is None
            and all(
                dependency(self.groups[name], condition) is True
                for name, condition in member.declared.depends_on.items()
            )
        )

    def _start(self, member: Member) -> None:
        member.number += 1
        member.state, member.stopping = "running", None
        member.clear_timers()
        now = time.monotonic()
        member.began = member.began if member.began is not None else now
        if member.declared.timeout is not None:
            member.deadline = now + member.declared.timeout
        if member.number > 1:
            self.facilities.watch.forget(member.name)
        member.attempt = Attempt(member.plan, self.facilities, member.number)
        try:
            executor = self._executor(member.plan.executor)
            self._watch_readiness(member)
            member.handle = executor.start(member.plan, member.attempt)
        except ScenariosError as error:
            self._not_started(member, error)
            return
        except Exception as error:
            name = member.plan.executor
            self._not_started(
                member,
                PluginFault(f"executor {name!r} failed to start: {type(error).__name__}: {error}"),
            )
            return
        member.started = True
        pid = getattr(member.handle, "pid", None)
        member.attempt.event("worker_started", executor=member.plan.executor, child=pid)
        if member.declared.ready is None:
            member.ready = True
        self._wait_for(member, member.handle, member.number)

    def _executor(self, name: str) -> Executor:
        executor = self._executors.get(name)
        if executor is None:
            executor = self._executors[name] = plugins.factory(self.plan.executors[name])
        return executor

    def _not_started(self, member: Member, error: ScenariosError) -> None:
        if isinstance(error, PluginFault):
            self.exit_code = error.exit_code
        if member.capabilities.main_thread:
            self._inline_busy = False
        self._finish(member, Outcome("failed", error=str(error), line=member.plan.line))

    def _wait_for(self, member: Member, handle: Handle, number: int) -> None:
        """Let a thread of its own, or the calling thread, wait for the outcome."""

        def wait() -> None:
            try:
                outcome = handle.wait(None) or Outcome("failed", error="ended without an outcome")
            except EnvironmentFault as error:
                outcome = Outcome("failed", error=str(error))
            except Exception as error:
                outcome = Outcome(
                    "failed", error=f"executor failed: {type(error).__name__}: {error}"
                )
            self.inbox.put(("ended", member, number, outcome))

        if member.capabilities.main_thread:
            self._inline.put(wait)
        else:
            threading.Thread(target=wait, name=f"{member.name}-wait", daemon=True).start()

    def _watch_readiness(self, member: Member) -> None:
        ready, number = member.declared.ready, member.number
        if ready is None or member.attempt is None:
            return

        def answer(problem: str | None) -> None:
            self.inbox.put(("ready", member, number, problem))

        readiness.watch(ready, member.attempt, self.facilities, answer)

    def _heard_of_readiness(self, member: Member, number: int, problem: str | None) -> None:
        if member.over or number != member.number or member.attempt is None:
            return
        if problem is None:
            member.ready = True
            member.attempt.event("worker_ready")
        else:
            member.outcome.error = problem
            self._stop(member, "timeout")

    # -- ending --------------------------------------------------------------------------------

    def _ended(self, member: Member, number: int, outcome: Outcome) -> None:
        if member.over or number != member.number:
            return
        if member.capabilities.main_thread:
            self._inline_busy = False
        if member.stopping is not None:
            keeps = outcome.state == "succeeded" and member.plan.kind != "command"
            if not keeps:
                outcome.state = _STATE_AFTER[member.stopping]
                outcome.error = member.outcome.error
                if member.stopping in ("timeout", "run_timeout") and outcome.error is None:
                    outcome.error = self._out_of_time(member)
        elif self._again(member, outcome):
            return
        self._finish(member, outcome)

    def _out_of_time(self, member: Member) -> str:
        limit = member.declared.timeout
        if member.stopping == "timeout" and limit is not None:
            return f"did not end within its time-out of {limit:g}s"
        return f"did not end within the run's time-out of {self.plan.scenario.timeout:g}s"

    def _again(self, member: Member, outcome: Outcome) -> bool:
        """Whether it starts once more."""
        restart = member.declared.restart
        wanted = restart.policy == "always" or (
            restart.policy == "on-failure" and outcome.state != "succeeded"
        )
        if not wanted or member.restarts >= restart.max or self.state != "running":
            return False
        member.restarts += 1
        member.state = "pending"
        member.clear_timers()
        member.restart_at = time.monotonic() + restart.backoff
        if member.attempt is not None:
            member.attempt.event(
                "worker_restarted",
                state=outcome.state,
                error=outcome.error,
                restarts=member.restarts,
            )
        return True

    def _finish(self, member: Member, outcome: Outcome) -> None:
        member.outcome = outcome
        member.state = outcome.state
        member.ended = time.monotonic()
        member.clear_timers()
        event: dict[str, Any] = {"state": outcome.state, "error": outcome.error}
        if outcome.error is not None:
            event["line"] = outcome.line or member.plan.line
        if outcome.note:
            self.notices.append(f"worker {member.name}: {outcome.note}")
        attempt = member.attempt or Attempt(member.plan, self.facilities, 1)
        attempt.event("worker_ended", **event, exit_code=outcome.exit_code)

    # -- stopping ------------------------------------------------------------------------------

    def _stop(self, member: Member, why: str, grace: float | None = None) -> None:
        if member.over or member.stopping is not None:
            return
        if member.handle is None or member.state != "running":
            self._finish(member, Outcome("skipped" if not member.started else "terminated"))
            return
        member.stopping = why
        member.deadline = None
        grace = member.declared.stop.grace if grace is None else grace
        member.kill_at = time.monotonic() + grace
        if member.attempt is not None:
            member.attempt.event("worker_stopping", reason=why)
        self._guarded(member, member.handle.stop)

    def _guarded(self, member: Member, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self.notices.append(f"worker {member.name} could not be stopped: {error}")

    def _do_what_is_due(self, now: float) -> None:
        if self.state == "running" and now >= self._deadline:
            self.error = (
                f"the run did not end within its time-out of {self.plan.scenario.timeout:g}s"
            )
            self._end_all("run_timeout", "timed_out", SHORT_GRACE)
        for member in self.members:
            if member.over:
                continue
            if member.restart_at is not None and now >= member.restart_at:
                member.restart_at = None
                self._start_again(member)
            if member.deadline is not None and now >= member.deadline:
                self._stop(member, "timeout")
            if member.kill_at is not None and now >= member.kill_at and member.handle is not None:
                member.kill_at, member.give_up_at = None, now + LAST_CHANCE
                self._guarded(member, member.handle.kill)
            if member.give_up_at is not None and now >= member.give_up_at:
                self._give_up(member)

    def _start_again(self, member: Member) -> None:
        if member.capabilities.main_thread:
            self._inline_busy = True
        self._start(member)

    def _give_up(self, member: Member) -> None:
        """A thread that runs a call cannot be ended by anybody."""
        member.abandoned = True
        self.notices.append(
            f"worker {member.name} (line {member.plan.line}) did not end when it was stopped and "
            "still runs: let its code wait on a resource of the scenario, or use executor: process"
        )
        why = member.stopping or "terminate"
        self._finish(member, Outcome(_STATE_AFTER[why], error=member.outcome.error))

    def _end_all(self, why: str, state: State, grace: float | None = None) -> None:
        """Stop every member because of the run as a whole."""
        self.waits = self._describe_waits()
        self.state = state
        for member in self.members:
            limit = member.declared.stop.grace
            self._stop(member, why, limit if grace is None else min(grace, limit))

    def _interrupted(self, number: int) -> None:
        """The first signal stops, the second kills, the third leaves at once."""
        self._interrupts += 1
        self.exit_code = 128 + number
        if self._interrupts == 1:
            running = [member.name for member in self.members if member.state == "running"]
            self.error = "stopped by " + ("Ctrl-C" if number == 2 else "SIGTERM")
            self.error += f" while {', '.join(running)} ran" if running else ""
            self._end_all("interrupt", "terminated")
            return
        for member in self.members:
            if not member.over and member.handle is not None:
                member.kill_at, member.give_up_at = None, time.monotonic() + LAST_CHANCE
                self._guarded(member, member.handle.kill)

    def inline_code(self) -> bool:
        """Whether a worker on the calling thread runs code that only an exception can end."""
        return any(
            member.state == "running"
            and member.capabilities.main_thread
            and member.attempt is not None
            and member.attempt.crew().here().in_code
            for member in self.members
        )

    # -- the background ------------------------------------------------------------------------

    def _drains(self, member: Member) -> bool:
        return member.state == "running" and member.stopping is None

    def _stop_background(self) -> None:
        """Terminate at once what is to be terminated, then drain the rest together."""
        self._stopping_background = True
        left = [member for member in self.members if not member.over]
        for member in left:
            if member.declared.stop.action == "terminate" and member.stopping is None:
                self._stop(member, "terminate")
        if any(member.stopping is not None for member in left if not member.over):
            return  # who is still ending may put once more
        draining = [member for member in left if self._drains(member)]
        for member in draining:
            if not member.plan.gets:
                self._stop(member, "drain")  # it reads nothing, so it ends first
        fed = [member for member in draining if self._fed(member)]
        draining = [member for member in draining if member.plan.gets and not self._fed(member)]
        if draining and self._drain.over(draining):
            for member in draining:
                self._stop(member, "drain")
        elif fed and not draining:
            self._end_inputs()

    def _fed(self, member: Member) -> bool:
        """A command that is fed from a queue ends by itself once its input is over."""
        return member.plan.command is not None and member.plan.command.stdin_queue is not None

    def _end_inputs(self) -> None:
        """Commands whose queue nobody can put into any more read to its end."""
        for member in self.members:
            if member.over or member.attempt is None or not self._fed(member):
                continue
            assert member.plan.command is not None
            source = member.plan.command.stdin_queue
            others = [other for other in self.members if other is not member]
            if all(other.over for other in others if source in other.plan.puts):
                member.attempt.end_input()

    # -- what the others wait for --------------------------------------------------------------

    def _describe_waits(self) -> list[str]:
        """One sentence for each member that runs: what it does, at which line."""
        described = []
        shared = {}
        if self.facilities.control is not None:
            try:
                shared = self.facilities.control.snapshot().get("waiting", {})
            except (OSError, ScenariosError):
                shared = {}
        for member in self.members:
            if member.state != "running" or member.attempt is None:
                continue
            for label, doing, parked in member.attempt.crew().waits():
                if doing is not None and (parked is not None or not doing.section):
                    what = parked or doing.object
                    described.append(f"{label} waits in {doing.name} {what} (line {doing.line})")
            for label, waits in shared.items():
                if label.partition("#")[0].partition("~")[0] == member.name:
                    described += [f"{label} waits in {verb} {what}" for verb, what in waits]
        return described
