"""Starts members: when all they depend on allows it, by their executors, watched from then on."""

from __future__ import annotations

import threading
import time

from scenarios import plugins
from scenarios.contracts import Executor, Handle
from scenarios.engine import readiness
from scenarios.engine.attempt import Attempt
from scenarios.engine.exhausted import exhausted
from scenarios.engine.facilities import moment
from scenarios.engine.members import Member, dependency
from scenarios.engine.state import RunState
from scenarios.errors import EnvironmentFault, PluginFault, ScenariosError
from scenarios.worker_plan import Outcome


class Starting:
    """Starts what can start; an executor is made at its first use."""

    def __init__(self, run: RunState) -> None:
        self._run = run
        self._executors: dict[str, Executor] = {}

    def progress(self) -> bool:
        """Start or skip pending members until nothing changes; False: there is something to hear
        first. Those who start when the foreground is over do so together, heard of later.
        """
        run = self._run
        together = run.foreground_over and run.inbox.empty()
        changed = True
        while changed:
            changed = False
            for member in run.members:
                if not (together or run.inbox.empty()):
                    return False
                if member.state == "pending" and member.restart_at is None:
                    changed |= self._consider(member)
        return True

    def _consider(self, member: Member) -> bool:
        """Start a pending member, or skip it; whether anything changed."""
        run = self._run
        if run.state != "running" or (run.stopping_background and not member.started):
            run.finish(member, Outcome("skipped"))
            return True
        met = self._met(member)
        if False in met:
            run.finish(member, Outcome("skipped"))
            return True
        if None in met:
            return False
        if member.capabilities.main_thread:
            if run.inline_busy or not self._next_inline(member):
                return False
            run.inline_busy = True
        self._start(member)
        return True

    def _met(self, member: Member) -> list[bool | None]:
        return [
            dependency(self._run.groups[name], condition)
            for name, condition in member.declared.depends_on.items()
        ]

    def _next_inline(self, member: Member) -> bool:
        """Whether no other can start that goes first: any other kind, or an inline one before."""
        before = True
        for other in self._run.members:
            if other is member:
                before = False
            elif (before or not other.capabilities.main_thread) and self._could_start(other):
                return False
        return True

    def _could_start(self, member: Member) -> bool:
        return (
            member.state == "pending"
            and member.restart_at is None
            and all(met is True for met in self._met(member))
        )

    def _start(self, member: Member) -> None:
        run, facilities = self._run, self._run.facilities
        member.number += 1
        member.state = "running"
        now = time.monotonic()
        member.began = member.began if member.began is not None else now
        if member.declared.timeout is not None:
            member.deadline = now + member.declared.timeout
        if member.number > 1:
            facilities.watch.forget(member.name)
        member.attempt = Attempt(member.plan, facilities, member.number)
        before = moment()
        facilities.watch.hold(member.name)
        try:
            self._watch_readiness(member)
            member.handle = self._begin(member)
            member.started = True
            pid = getattr(member.handle, "pid", None)
            run.event(member, "worker_started", at=before, executor=member.plan.executor, child=pid)
        except ScenariosError as error:
            self._not_started(member, error)
            return
        finally:
            facilities.watch.let_go(member.name)
        if member.declared.ready is None:
            member.ready = True
        self._wait_for(member, member.handle, member.number)

    def _begin(self, member: Member) -> Handle:
        assert member.attempt is not None
        name = member.plan.executor
        executor = self._executor(name)
        try:
            handle = executor.start(member.plan, member.attempt)
        except ScenariosError:
            raise
        except Exception as error:
            raise PluginFault(
                f"executor {name!r} failed to start: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(handle, Handle):
            raise PluginFault(f"executor {name!r}: start gave {handle!r}, which is no Handle")
        return handle

    def _executor(self, name: str) -> Executor:
        executor = self._executors.get(name)
        if executor is None:
            spec = self._run.plan.executors[name]
            executor = self._executors[name] = plugins.factory(spec)
        return executor

    def _not_started(self, member: Member, error: ScenariosError) -> None:
        error = exhausted(error) or error
        if isinstance(error, PluginFault):
            self._run.exit_code = error.exit_code
        if member.capabilities.main_thread:
            self._run.inline_busy = False
        self._run.finish(member, Outcome("failed", error=str(error), line=member.plan.line))

    def _wait_for(self, member: Member, handle: Handle, number: int) -> None:
        """Let a thread of its own, or the calling thread, wait for the outcome."""

        def wait() -> None:
            try:
                outcome = handle.wait(None) or Outcome("failed", error="ended without an outcome")
            except EnvironmentFault as error:
                outcome = Outcome("failed", error=str(error))
                if self._run.facilities.lost():
                    self._run.inbox.put(("lost", str(error)))
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
                outcome = Outcome("failed", error=f"executor failed: {problem}")
                self._run.inbox.put(("broken",))
            self._run.inbox.put(("ended", member, number, outcome))

        if member.capabilities.main_thread:
            self._run.inline.put(wait)
        else:
            threading.Thread(target=wait, name=f"{member.name}-wait", daemon=True).start()

    def _watch_readiness(self, member: Member) -> None:
        ready, number = member.declared.ready, member.number
        if ready is None or member.attempt is None:
            return

        def answer(problem: str | None) -> None:
            self._run.inbox.put(("ready", member, number, problem))

        readiness.watch(ready, member.attempt, self._run.facilities, answer)
