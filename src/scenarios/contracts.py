"""What plugins are: protocols of a few methods that receive values, never the engine."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from scenarios.worker_plan import Outcome, Setting, WorkerPlan

API = 1
"""The version of these contracts; an `ExecutorSpec` names the one it was written for."""

Status = Literal["running", "ended"]


@runtime_checkable
class Handle(Protocol):
    """One attempt of a worker that was started."""

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, or None when `timeout` seconds were not enough.

        The engine calls it on a thread of its own; for an executor whose capabilities say
        `main_thread` on the thread that called the engine, where it may do the work itself.
        """

    def stop(self) -> None:
        """Ask the worker to end in its own way; returns at once."""

    def kill(self) -> None:
        """End it by force as far as that is possible; returns at once."""

    @property
    def status(self) -> Status:
        """Whether it still runs."""


class Ports(Protocol):
    """What an executor is given to run one attempt of one worker."""

    @property
    def label(self) -> str:
        """A name that no other attempt in this run has."""

    @property
    def setting(self) -> Setting:
        """What all workers of the run share, as data for workers in other processes."""

    def run(self, job: tuple[int, Any] | None = None) -> Outcome:
        """Run the worker's steps or call in the calling thread, for one (index, item) of a pool."""

    def leave(self) -> list[str]:
        """The calling thread runs no more of it: its locals are closed; what failed at that."""

    def stop(self, kill: bool = False) -> None:
        """Let `run` end at its next operation or inside its wait; with `kill` without clean-up."""

    def event(self, event: str, **fields: Any) -> None:
        """Record an event of this worker."""

    def observe(self, line: bytes) -> None:
        """Pass on an event's line that the worker recorded elsewhere."""


@runtime_checkable
class Executor(Protocol):
    """Starts workers of one kind. Made once a run, by calling the spec's factory."""

    def start(self, plan: WorkerPlan, ports: Ports) -> Handle:
        """Start one attempt; raises EnvironmentFault with one sentence where that cannot be."""
