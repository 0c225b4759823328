"""The executor `pool`: threads or processes that work off jobs; a death fails one job alone."""

from __future__ import annotations

import dataclasses
import threading
import time
from abc import ABC, abstractmethod
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
        self._jobs: tuple[Any, ...] = (None,) if plan.jobs is None else plan.jobs
        self._next = 0
        self._outcomes: list[Outcome | None] = [None] * len(self._jobs)
        self._mutex = threading.Lock()
        self._stopping = False
        self._errors: list[str] = []
        self._lost: EnvironmentFault | None = None
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
            self._next += 1
            return self._next - 1

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
        if self._lost is not None:
            raise self._lost
        return self._outcome()

    def _outcome(self) -> Outcome:
        jobs = [outcome or Outcome("terminated") for outcome in self._outcomes]
        if self._plan.jobs is None and not self._errors:
            return jobs[0]
        made = together(jobs)
        if self._errors and made.error is None:
            made.state, made.error = "failed", "; ".join(self._errors)
        return made

    @property
    def status(self) -> Status:
        """Whether any of its threads lives."""
        return "running" if any(thread.is_alive() for thread in self._threads) else "ended"


class ThreadPool(Pool):
    """Threads of the engine's process; thread-locals stay from job to job."""

    def _work(self, number: int) -> None:
        while (index := self._take()) is not None:
            self._ports.event("job_started", job=index)
            outcome = self._ports.run((index, self._jobs[index]))
            self._outcomes[index] = outcome
            self._ports.event("job_ended", job=index, state=outcome.state, error=outcome.error)
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
        super().__init__(plan, ports)

    def _work(self, number: int) -> None:
        attempt = idle = 0
        while self._left() and idle < MOST_IDLE:
            attempt += 1
            label = f"{self._ports.label}@{number}" + (f"~{attempt}" if attempt > 1 else "")
            try:
                taken = self._employ(number, label)
            except EnvironmentFault as error:
                self._lost = error
                return
            idle = 0 if taken else idle + 1
        if idle >= MOST_IDLE and self._left():
            self._errors.append("its processes end before they take a job")

    def _employ(self, number: int, label: str) -> bool:
        """Let one process work until it ends; whether it took a job."""
        taken: list[int] = []

        def next_job() -> int | None:
            index = self._take()
            if index is not None:
                taken.append(index)
            return index

        def job_done(index: int, outcome: Outcome) -> None:
            self._outcomes[index] = outcome

        process = WorkerProcess(
            dataclasses.replace(self._plan, jobs=self._jobs),
            self._ports,
            label,
            next_job=next_job,
            job_done=job_done,
        )
        self._processes[number] = process
        if self._stopping:
            process.child.terminate()
        ended = process.wait()
        if taken and self._outcomes[taken[-1]] is None and ended is not None:
            self._lose(taken[-1], ended)
        if process.said is not None and process.said.error:
            self._errors.append(process.said.error)
        return bool(taken) or self._stopping

    def _left(self) -> bool:
        with self._mutex:
            return not self._stopping and self._next < len(self._jobs)

    def _lose(self, index: int, ended: Outcome) -> None:
        """The job that a process had in hand when it ended fails alone."""
        lost = Outcome("terminated")
        if not self._stopping:
            lost = Outcome("failed", None, f"its process {ended.error or 'ended'}", self._plan.line)
        self._outcomes[index] = lost
        self._ports.event("job_ended", job=index, state=lost.state, error=lost.error)

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
