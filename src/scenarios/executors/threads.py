"""The executor `thread`: a named thread of the engine's process."""

from __future__ import annotations

import threading

from scenarios.contracts import Handle, Ports, Status
from scenarios.worker_plan import Outcome, WorkerPlan


class ThreadExecutor:
    """Starts each worker on a thread that bears its name."""

    def start(self, plan: WorkerPlan, ports: Ports) -> Handle:
        """Start the thread."""
        return ThreadHandle(plan, ports)


class ThreadHandle:
    """A running thread. It ends at its next operation or in its wait when it is stopped."""

    def __init__(self, plan: WorkerPlan, ports: Ports) -> None:
        self._ports = ports
        self._outcome: Outcome | None = None
        # a daemon: one that cannot be stopped must not keep the engine's process alive
        self._thread = threading.Thread(target=self._run, name=plan.name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        outcome = self._ports.run()
        errors = self._ports.leave()
        if errors and outcome.state == "succeeded":
            outcome = Outcome("failed", error="; ".join(errors))
        self._outcome = outcome

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, or None after `timeout` seconds."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            return None
        return self._outcome or Outcome("failed", error="the thread ended without an outcome")

    def stop(self) -> None:
        """Ask it to end; its clean-up runs."""
        self._ports.stop()

    def kill(self) -> None:
        """End it at its next operation, clean-up or not."""
        self._ports.stop(kill=True)

    @property
    def status(self) -> Status:
        """Whether the thread lives."""
        return "running" if self._thread.is_alive() else "ended"
