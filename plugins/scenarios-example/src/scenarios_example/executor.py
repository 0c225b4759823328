"""Starts each worker in a daemon thread of its own."""

from __future__ import annotations

import threading
from typing import Literal

from scenarios import Handle, Outcome, Ports, WorkerPlan


class Example:
    """The factory: made once a run, asked to start each attempt of each worker."""

    def start(self, plan: WorkerPlan, ports: Ports) -> Handle:
        """Start one attempt and come back at once."""
        attempt = Attempt(plan.name, ports)
        attempt.start()
        return attempt


class Attempt(threading.Thread):
    """One attempt of a worker: the thread, and what the engine asks of it."""

    def __init__(self, worker: str, ports: Ports) -> None:
        super().__init__(name=f"example-{worker}", daemon=True)
        self.ports = ports
        self.outcome: Outcome | None = None

    def run(self) -> None:
        """Do the worker's steps or call in this thread, then close its thread-locals."""
        self.outcome = self.ports.run()
        self.ports.leave()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, or None where `timeout` seconds were not enough."""
        self.join(timeout)
        return None if self.is_alive() else self.outcome

    def stop(self) -> None:
        """Let the worker end at its next operation or inside its wait."""
        self.ports.stop()

    def kill(self) -> None:
        """The same without clean-up: a thread cannot be ended by force."""
        self.ports.stop(kill=True)

    @property
    def status(self) -> Literal["running", "ended"]:
        """Whether the thread still runs."""
        return "running" if self.is_alive() else "ended"
