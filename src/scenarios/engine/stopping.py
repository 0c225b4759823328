"""Ends members: asked first, then by force, then given up; one of them or all of them."""

from __future__ import annotations

import time

from scenarios.engine import waits
from scenarios.engine.members import Member
from scenarios.engine.state import RunState
from scenarios.worker_plan import Outcome, State

LAST_CHANCE = 3.0  # seconds after a kill before a worker is given up; more than LAST_WORDS
FORCED_AGAIN = 0.05  # seconds after which code on the main thread is forced once more
SHORT_GRACE = 1.0  # at most, once the whole run is out of time

STATE_AFTER: dict[str, State] = {
    "drain": "terminated",
    "terminate": "terminated",
    "interrupt": "terminated",
    "timeout": "timed_out",
    "run_timeout": "timed_out",
    "unready": "failed",
}


class Stopping:
    """The ladder of each member, and the ends of the run that come from outside."""

    def __init__(self, run: RunState) -> None:
        self._run = run
        self._interrupts = 0

    def stop(self, member: Member, why: str, grace: float | None = None) -> None:
        """Ask a member to end; nothing where it is asked already."""
        if member.over or member.stopping is not None:
            return
        if member.handle is None or member.state != "running":
            self._run.finish(member, Outcome("skipped" if not member.started else "terminated"))
            return
        member.stopping = why
        member.deadline = None
        grace = member.declared.stop.grace if grace is None else grace
        self._run.event(member, "worker_stopping", reason=why)
        member.kill_at = time.monotonic() + grace  # not before the log's time of the stop and grace
        self._run.guarded(member, member.handle.stop)

    def do_what_is_due(self, now: float) -> None:
        """Time-outs, and the next rung of each ladder."""
        run = self._run
        if run.state == "running" and now >= run.deadline:
            run.error = f"the run did not end within its time-out of {run.plan.scenario.timeout:g}s"
            run.error += because(run)
            self.end_all("run_timeout", "timed_out", SHORT_GRACE)
        for member in run.members:
            if member.over:
                continue
            if member.deadline is not None and now >= member.deadline:
                self.stop(member, "timeout")
            if member.kill_at is not None and now >= member.kill_at:
                self._force(member)
            if member.give_up_at is not None and now >= member.give_up_at:
                self._give_up(member)

    def _force(self, member: Member) -> None:
        now = time.monotonic()
        member.kill_at = None
        if member.give_up_at is None:
            member.give_up_at = now + LAST_CHANCE
            if member.handle is not None:
                self._run.guarded(member, member.handle.kill)
        if member.capabilities.main_thread:
            member.kill_at = now + FORCED_AGAIN
            self._run.force_inline()

    def _give_up(self, member: Member) -> None:
        """A thread that runs a call cannot be ended by anybody."""
        member.abandoned = True
        why = "let its code wait on a resource of the scenario, or use executor: process"
        told = "did not end when it was stopped and still runs"
        if member.capabilities.kill:
            why = "the kernel holds it in a system call (state D in `ps`)"
            if stopped := self._run.facilities.stopped():
                told, why = "cannot be ended, nor its end be known", stopped
        where = f"worker {member.name} (line {member.plan.line})"
        self._run.notices.append(f"{where} {told}: {why}")
        state = STATE_AFTER[member.stopping or "terminate"]
        self._run.finish(member, Outcome(state, error=member.problem))

    def end_all(self, why: str, state: State, grace: float | None = None) -> None:
        """Stop every member because of the run as a whole."""
        run = self._run
        run.waits = waits.describe(run.members, run.facilities.setting.journal)
        run.state = state
        for member in run.members:
            limit = member.declared.stop.grace
            self.stop(member, why, limit if grace is None else min(grace, limit))

    def lose(self, error: str) -> None:
        """Something that the whole run needs is gone."""
        if self._run.state != "running":
            return  # it is being ended already
        self._run.error = error
        self.end_all("interrupt", "failed", SHORT_GRACE)

    def interrupt(self, number: int) -> None:
        """The first signal stops, the second kills; the third leaves at once, without us."""
        run = self._run
        self._interrupts += 1
        run.exit_code = 128 + number
        if self._interrupts == 1:
            running = [member.name for member in run.members if member.state == "running"]
            if run.state == "running":
                run.error = "stopped by " + ("Ctrl-C" if number == 2 else "SIGTERM")
                run.error += f" while {', '.join(running)} ran" if running else ""
                self.end_all("interrupt", "terminated")
            return
        for member in run.members:
            if not member.over and member.handle is not None:
                self._force(member)


def because(run: RunState) -> str:
    """For the end of a sentence: what the run needs and does not go on, if there is any."""
    stopped = run.facilities.stopped()
    return f": {stopped}" if stopped else ""
