"""The life of all workers of a run: started, watched, restarted, stopped; on one thread.

Whatever happens (a worker ended, is ready, a signal came) is put into the run's inbox; between
two messages the supervisor does what is due and starts what can start.
"""

from __future__ import annotations

import queue
import time
from typing import Any

from scenarios.engine import ending
from scenarios.engine.background import Background
from scenarios.engine.members import Member
from scenarios.engine.starting import Starting
from scenarios.engine.state import RunState
from scenarios.engine.stopping import Stopping
from scenarios.errors import EnvironmentFault, PluginFault

DRAIN_LOOK = 0.01  # seconds between two looks at queues that drain


class Supervisor:
    """Runs the members of a plan to their end."""

    def __init__(self, run: RunState) -> None:
        self._run = run
        self._starting = Starting(run)
        self._stopping = Stopping(run)
        self._background = Background(run, self._stopping)

    def run(self) -> None:
        """Until every member has ended."""
        run = self._run
        self._progress()
        while not run.over:
            try:
                message = run.inbox.get(timeout=self._patience())
            except queue.Empty:
                message = ("due",)
            self._hear(*message)
            self._do_what_is_due()
            self._progress()
        if run.state == "running":
            run.state = "succeeded"

    def _patience(self) -> float:
        run, now = self._run, time.monotonic()
        due = [at for member in run.members if not member.over for at in member.timers()]
        if run.state == "running":
            due.append(run.deadline)
        if self._background.draining():
            due.append(now + DRAIN_LOOK)
        return max(0.0, min(due, default=now + 1.0) - now)

    def _hear(self, what: str, *details: Any) -> None:
        if what == "ended":
            ending.ended(self._run, *details)
        elif what == "ready":
            self._heard_of_readiness(*details)
        elif what == "interrupt":
            self._stopping.interrupt(*details)
        elif what == "lost":
            self._stopping.lose(*details)
        elif what == "broken":
            self._run.exit_code = PluginFault.exit_code

    def _heard_of_readiness(self, member: Member, number: int, problem: str | None) -> None:
        if member.over or number != member.number:
            return
        if problem is None:
            member.ready = True
            self._run.event(member, "worker_ready")
        else:
            member.problem = problem
            self._stopping.stop(member, "unready")

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        self._stopping.do_what_is_due(now)
        for member in self._run.members:
            if member.restart_at is not None and now >= member.restart_at:
                member.restart_at = None

    def _progress(self) -> None:
        if not self._starting.progress():
            return  # who can start by now does, before the background is stopped
        try:
            self._background.progress()
        except EnvironmentFault as error:  # the hub that it asks is gone
            self._stopping.lose(self._run.facilities.stopped() or str(error))
