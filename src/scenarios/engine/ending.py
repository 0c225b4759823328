"""What follows when an attempt has ended: its state, or one attempt more."""

from __future__ import annotations

import time

from scenarios.engine.members import Member
from scenarios.engine.state import RunState
from scenarios.engine.stopping import STATE_AFTER
from scenarios.worker_plan import Outcome


def ended(run: RunState, member: Member, number: int, outcome: Outcome) -> None:
    """Attempt `number` of a member has ended."""
    if member.over or number != member.number:
        return
    if member.capabilities.main_thread:
        run.inline_busy = False
    if member.stopping is not None:
        keeps = outcome.state == "succeeded" and member.plan.kind != "command"
        if not keeps:
            outcome.state = STATE_AFTER[member.stopping]
            outcome.error = member.outcome.error
            if member.stopping in ("timeout", "run_timeout") and outcome.error is None:
                outcome.error = _out_of_time(run, member)
    elif _again(run, member, outcome):
        return
    run.finish(member, outcome)


def _out_of_time(run: RunState, member: Member) -> str:
    limit = member.declared.timeout
    if member.stopping == "timeout" and limit is not None:
        return f"did not end within its time-out of {limit:g}s"
    return f"did not end within the run's time-out of {run.plan.scenario.timeout:g}s"


def _again(run: RunState, member: Member, outcome: Outcome) -> bool:
    """Whether it starts once more."""
    restart = member.declared.restart
    wanted = restart.policy == "always" or (
        restart.policy == "on-failure" and outcome.state != "succeeded"
    )
    if not wanted or member.restarts >= restart.max or run.state != "running":
        return False
    member.restarts += 1
    member.state = "pending"
    member.clear_timers()
    member.restart_at = time.monotonic() + restart.backoff
    run.event(
        member,
        "worker_restarted",
        state=outcome.state,
        error=outcome.error,
        restarts=member.restarts,
    )
    return True
