"""The executor `pool`: threads or processes that work off jobs; a death fails one job alone."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

from scenarios.contracts import Handle, Status
from scenarios.supervision.host import HostPorts
from scenarios.supervision.worker_process import WorkerProcess
from scenarios.worker_plan import Outcome, WorkerPlan, worst


class PoolExecutor:
    """Starts pools of threads or of processes."""

    def start(self, plan: WorkerPlan, ports: HostPorts) -> Handle:
        """Start the pool's workers."""
        if plan.jobs is None:  # a pool without jobs has one to do
            plan = dataclasses.replace(plan, jobs=(0,))
        of = ProcessPool if plan.options.get("of") == "process" else ThreadPool
        return of(plan, ports)


class Pool:
    """Hands out jobs in their order and keeps their outcomes."""

    def __init__(self, plan: WorkerPlan, ports: HostPorts) -> None:
        self._plan = plan
        self._ports = ports
        self._jobs: tuple[Any, ...] = plan.jobs or ()
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

    def _work(self, number: int) -> None:
        raise NotImplementedError

    def _take(self) -> int | None:
        """The next job's index; None when there is none or the pool is stopped."""
        with self._mutex:
            if self._stopping or self._next >= len(self._jobs):
                return None
            self._next += 1
            return self._next - 1

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome of all jobs together, or None after `timeout` seconds."""
        if timeout is not None:
            self._threads[0].join(timeout) if self._threads else None
        for thread in self._threads:
            thread.join(None if timeout is None else 0)
            if thread.is_alive():
                return None
        return self._outcome()

    def _outcome(self) -> Outcome:
        jobs = [outcome or Outcome("terminated") for outcome in self._outcomes]
        state = worst([outcome.state for outcome in jobs])
        failed = [
            (index, outcome) for index, outcome in enumerate(jobs) if outcome.state == "failed"
        ]
        error = line = None
        trace = ""
        if failed:
            index, first = failed[0]
            more = f" (and {len(failed) - 1} more jobs)" if len(failed) > 1 else ""
            error, line = f"job {index}: {first.error}{more}", first.line
            trace = "\n".join(outcome.traceback for _, outcome in failed if outcome.traceback)
        elif self._errors:
            state, error = "failed", "; ".join(self._errors)
        return Outcome(state, None, error, line, trace, jobs=jobs)

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
        attempt = 0
        while self._left():
            attempt += 1
            in_hand: list[int] = []

            def next_job(in_hand: list[int] = in_hand) -> int | None:
                index = self._take()
                in_hand[:] = [] if index is None else [index]
                return index

            def job_done(index: int, outcome: Outcome) -> None:
                self._outcomes[index] = outcome

            label = f"{self._ports.label}-{number}" + (f"~{attempt}" if attempt > 1 else "")
            try:
                process = WorkerProcess(
                    self._plan, self._ports, label, next_job=next_job, job_done=job_done
                )
            except Exception as error:
                self._errors.append(str(error))
                return
            self._processes[number] = process
            if self._stopping:
                process.child.terminate()
            ended = process.wait()
            for index in in_hand:
                if self._outcomes[index] is None and ended is not None:
                    self._lose(index, ended)

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
