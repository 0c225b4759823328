"""The executor `inline`: on the thread that called the engine, one worker after the other."""

from __future__ import annotations

from scenarios.contracts import Handle, Ports, Status
from scenarios.worker_plan import Outcome, WorkerPlan


class InlineExecutor:
    """Runs each worker where the engine waits for it."""

    def start(self, plan: WorkerPlan, ports: Ports) -> Handle:
        """Nothing runs yet: `wait` does the work."""
        return InlineHandle(ports)


class InlineHandle:
    """Work that is done in `wait`."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._outcome: Outcome | None = None

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Run the worker in the calling thread, to its end."""
        if self._outcome is None:
            outcome = self._ports.run()
            errors = self._ports.leave()
            if errors and outcome.state == "succeeded":
                outcome = Outcome("failed", error="; ".join(errors))
            self._outcome = outcome
        return self._outcome

    def stop(self) -> None:
        """Ask it to end; its clean-up runs."""
        self._ports.stop()

    def kill(self) -> None:
        """End it at its next operation, clean-up or not."""
        self._ports.stop(kill=True)

    @property
    def status(self) -> Status:
        """Whether it has not ended yet."""
        return "running" if self._outcome is None else "ended"
