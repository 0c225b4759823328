"""The executor `pool`: threads or processes that work off jobs; a death fails one job alone."""

from __future__ import annotations

import dataclasses
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from scenarios.contracts import Handle, Status
from scenarios.errors import EnvironmentFault
from scenarios.supervision.host import HostPorts
from scenarios.supervision.worker_process import WorkerProcess
from scenarios.worker_plan import Outcome, WorkerPlan, together

MOST_IDLE = 3
"""Processes, one after the other, that may end before they take a job."""


class PoolExecutor:
    """Starts pools of threads or of processes."""

    def start(self, plan: WorkerPlan, ports: HostPorts) -> Handle:
        """Start the pool's workers."""
        of = ProcessPool if plan.options.get("of") == "process" else ThreadPool
        return of(plan, ports)


class Pool(ABC):
    """Hands out jobs in their order and keeps their outcomes."""

    def __init__(self, plan: WorkerPlan, ports: HostPorts) -> None:
        self._plan = plan
        self._ports = ports
        self._jobs: Sequence[Any] = (None,) if plan.jobs is None else plan.jobs
        self._next = 0
        self._outcomes: list[Outcome | None] = [None] * len(self._jobs)
        self._mutex = threading.Lock()
        self._stopping = False
        self._errors: list[str] = []
        size = min(int(plan.options.get("max_workers") or 1), len(self._jobs))
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"{plan.name}_{number}")
            for number in range(size)
        ]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    @abstractmethod
    def _work(self, number: int) -> None:
        """Work off jobs, on the pool's thread of this number, until `_take` gives none."""

    def _take(self) -> int | None:
        """The next job's index; None when there is none or the pool is stopped."""
        with self._mutex:
            if self._stopping or self._next >= len(self._jobs):
                return None
            index = self._next
            self._next += 1
        self._ports.event("job_started", job=index)
        return index

    def _done(self, index: int, outcome: Outcome) -> None:
        """A job that was taken is over."""
        self._outcomes[index] = outcome
        ended = {"state": outcome.state, "error": outcome.error, "line": outcome.line}
        self._ports.event("job_ended", job=index, **ended)

    @property
    def busy(self) -> int:
        """How many jobs are handed out and not done."""
        with self._mutex:
            return self._next - sum(outcome is not None for outcome in self._outcomes)

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome of all jobs together, or None after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return None
        return self._outcome()

    def _outcome(self) -> Outcome:
        jobs = [outcome or self._undone() for outcome in self._outcomes]
        if self._plan.jobs is None and not self._errors:
            return jobs[0]
        made = together(jobs)
        if self._errors and made.error is None:
            made.state, made.error = "failed", "; ".join(self._errors)
        return made

    def _undone(self) -> Outcome:
        """The outcome of a job that nobody took."""
        return Outcome("terminated")

    @property
    def status(self) -> Status:
        """Whether any of its threads lives."""
        return "running" if any(thread.is_alive() for thread in self._threads) else "ended"


class ThreadPool(Pool):
    """Threads of the engine's process; thread-locals stay from job to job."""

    def _work(self, number: int) -> None:
        while (index := self._take()) is not None:
            self._done(index, self._ports.run((index, self._jobs[index])))
        self._errors += self._ports.leave()

    def stop(self) -> None:
        """No more jobs, and those under way end at their next operation."""
        self._stopping = True
        self._ports.stop()

    def kill(self) -> None:
        """As `stop`, clean-up or not."""
        self._stopping = True
        self._ports.stop(kill=True)


class ProcessPool(Pool):
    """Processes, each watched by a thread that starts another in the place of one that died."""

    def __init__(self, plan: WorkerPlan, ports: HostPorts) -> None:
        self._processes: dict[int, WorkerProcess] = {}
        self._fault: EnvironmentFault | None = None
        self._notes: list[str] = []
        super().__init__(plan, ports)

    def _outcome(self) -> Outcome:
        """Of all jobs: what kept processes from starting is a fault of the jobs that it left."""
        if self._fault is not None and not self._ports.spawner().alive:
            raise self._fault
        outcome = super()._outcome()
        notes = [outcome.note, *self._notes]
        if self._fault is not None and outcome.state == "succeeded":
            notes.append(f"it had fewer processes: {self._fault}")
        outcome.note = "; ".join(filter(None, notes))
        return outcome

    def _undone(self) -> Outcome:
        if self._fault is None or self._stopping:
            return super()._undone()
        return Outcome("failed", None, str(self._fault), self._plan.line)

    def _work(self, number: int) -> None:
        attempt = idle = 0
        while self._left() and idle < MOST_IDLE:
            attempt += 1
            label = f"{self._ports.label}@{number}" + (f"~{attempt}" if attempt > 1 else "")
            try:
                ended = self._employ(number, label)
            except EnvironmentFault as error:
                self._fault = error
                return
            idle = idle + 1 if ended else 0
            if idle == MOST_IDLE and self._left():
                self._errors.append(f"its processes end before they take a job: {ended}")

    def _employ(self, number: int, label: str) -> str | None:
        """Let one process work until it ends; how it ended, where it took no job."""
        taken: list[int] = []

        def next_job() -> int | None:
            index = self._take()
            if index is not None:
                taken.append(index)
            return index

        process = WorkerProcess(
            dataclasses.replace(self._plan, jobs=self._jobs),
            self._ports,
            label,
            next_job=next_job,
            job_done=self._done,
        )
        self._processes[number] = process
        if self._stopping:
            process.child.terminate()
        ended = process.wait()
        assert ended is not None  # there was no time-out
        if taken and self._outcomes[taken[-1]] is None:
            self._lose(taken[-1], ended)
        elif process.said is not None and process.said.error:
            self._errors.append(process.said.error)
        elif taken and ended.exit_code and not self._stopping:
            self._notes.append(f"process {ended.pid} {ended.error} after job {taken[-1]}")
        if taken or self._stopping:
            return None
        return ended.error or "they leave"

    def _left(self) -> bool:
        with self._mutex:
            return not self._stopping and self._next < len(self._jobs)

    def _lose(self, index: int, ended: Outcome) -> None:
        """The job that a process had in hand when it ended fails alone."""
        lost = Outcome("terminated")
        if not self._stopping:
            line = ended.line or self._plan.line
            lost = Outcome("failed", None, f"its process {ended.error or 'ended'}", line)
        lost.exit_code = ended.exit_code
        self._done(index, lost)

    def stop(self) -> None:
        """No more jobs; SIGTERM to the processes."""
        self._stopping = True
        for process in list(self._processes.values()):
            process.child.terminate()

    def kill(self) -> None:
        """SIGKILL to the processes."""
        self._stopping = True
        for process in list(self._processes.values()):
            process.child.kill()
