"""Where a run stands: its members and what is known of the run as a whole.

Changed by the supervisor's thread alone; other threads put messages into `inbox`.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member
from scenarios.plan import Plan
from scenarios.worker_plan import Outcome, State


class RunState:
    """`inline` takes work for the thread that called the engine, `force_inline` ends its code.

    `exit_code` is set where something other than the expectations decides. `waits` tells what
    everybody did when the run was ended from outside.
    """

    def __init__(self, plan: Plan, facilities: Facilities) -> None:
        self.plan = plan
        self.facilities = facilities
        self.inline: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.inline_busy = False
        self.force_inline: Callable[[], None] = _nothing
        self.inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.members = [
            Member(
                worker, plan.scenario.workers[worker.declared], plan.capabilities[worker.declared]
            )
            for worker in plan.workers
        ]
        self.groups: dict[str, list[Member]] = {}
        for member in self.members:
            self.groups.setdefault(member.plan.declared, []).append(member)
        self.state: State = "running"
        self.error: str | None = None
        self.exit_code: int | None = None
        self.notices: list[str] = []
        self.waits: list[str] = []
        self.stopping_background = False
        self.deadline = time.monotonic() + plan.scenario.timeout

    @property
    def over(self) -> bool:
        """Whether every member has ended."""
        return all(member.over for member in self.members)

    @property
    def foreground_over(self) -> bool:
        """Whether every member that is no background has ended."""
        return all(member.over or member.declared.background for member in self.members)

    def finish(self, member: Member, outcome: Outcome) -> None:
        """A member has ended for good."""
        member.outcome = outcome
        member.state = outcome.state
        member.ended = time.monotonic()
        member.clear_timers()
        event: dict[str, Any] = {"state": outcome.state, "error": outcome.error}
        if outcome.error is not None:
            event["line"] = outcome.line or member.plan.line
        if outcome.note:
            self.notices.append(f"worker {member.name}: {outcome.note}")
        if member.attempt is not None:
            member.attempt.over.set()
        if member.began is not None:
            event["duration"] = round(member.duration, 6)
        self.event(member, "worker_ended", **event, exit_code=outcome.exit_code)

    def event(self, member: Member, event: str, **fields: Any) -> None:
        """Record an event of a member's life."""
        self.facilities.life(member.plan, event, **fields)

    def guarded(self, member: Member, act: Callable[[], None]) -> None:
        """Call a method of a member's handle, which may be a plugin's."""
        try:
            act()
        except Exception as error:
            self.notices.append(f"worker {member.name} could not be stopped: {error}")


def _nothing() -> None:
    """Without a main thread of its own the engine cannot end what runs on it."""
