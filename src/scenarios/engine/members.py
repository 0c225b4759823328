"""A worker of a run and where its life stands; all of it is changed by the supervisor alone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from scenarios.contracts import Handle
from scenarios.engine.attempt import Attempt
from scenarios.scenario import DependsOn, Worker
from scenarios.specs import Capabilities
from scenarios.worker_plan import Outcome, State, WorkerPlan

FINAL: frozenset[State] = frozenset({"succeeded", "failed", "terminated", "timed_out", "skipped"})


@dataclass(slots=True)
class Member:
    """One worker or replica. Times are of `time.monotonic`.

    `stopping` says why it was asked to end: drain, terminate, timeout, run_timeout, interrupt;
    `problem` is a sentence on that, where there is more to say.
    """

    plan: WorkerPlan
    declared: Worker
    capabilities: Capabilities
    state: State = "pending"
    number: int = 0  # of the attempt, from 1
    attempt: Attempt | None = None
    handle: Handle | None = None
    outcome: Outcome = field(default_factory=lambda: Outcome("pending"))
    restarts: int = 0
    started: bool = False
    ready: bool = False
    stopping: str | None = None
    problem: str | None = None
    began: float | None = None
    ended: float | None = None
    deadline: float | None = None
    kill_at: float | None = None
    give_up_at: float | None = None
    restart_at: float | None = None
    abandoned: bool = False

    @property
    def name(self) -> str:
        """The name that is unique in the run."""
        return self.plan.name

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in FINAL

    @property
    def duration(self) -> float:
        """Seconds from its first start to its end."""
        if self.began is None:
            return 0.0
        return (self.ended if self.ended is not None else time.monotonic()) - self.began

    def timers(self) -> Iterable[float]:
        """The times at which something is due for it."""
        for due in (self.deadline, self.kill_at, self.give_up_at, self.restart_at):
            if due is not None:
                yield due

    def clear_timers(self) -> None:
        """Nothing is due any more."""
        self.deadline = self.kill_at = self.give_up_at = self.restart_at = None


def dependency(group: list[Member], condition: DependsOn) -> bool | None:
    """Whether a dependency on these members is met; None while it still can be."""
    over = all(member.over for member in group)
    if condition == "completed":
        if any(member.state == "skipped" for member in group):
            return False
        return True if over else None
    if condition == "succeeded":
        if any(member.over and member.state != "succeeded" for member in group):
            return False
        return True if over else None
    met = all(member.ready if condition == "ready" else member.started for member in group)
    if met:
        return True
    missed = any(
        member.over and not (member.ready if condition == "ready" else member.started)
        for member in group
    )
    return False if missed else None


def inline_code(members: Iterable[Member]) -> bool:
    """Whether a worker on the calling thread runs code that only an exception can end."""
    return any(
        member.state == "running"
        and member.capabilities.main_thread
        and member.attempt is not None
        and member.attempt.crew().in_code()
        for member in members
    )
