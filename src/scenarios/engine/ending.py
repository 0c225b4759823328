"""What follows when an attempt has ended: its state, or one attempt more."""

from __future__ import annotations

import time

from scenarios.engine.background import asked_to_end
from scenarios.engine.members import Member
from scenarios.engine.state import RunState
from scenarios.engine.stopping import STATE_AFTER, because
from scenarios.worker_plan import Outcome


def ended(run: RunState, member: Member, number: int, outcome: Outcome) -> None:
    """Attempt `number` of a member has ended."""
    if member.over or number != member.number:
        return
    if member.capabilities.main_thread:
        run.inline_busy = False
    if member.attempt is not None:
        member.attempt.over.set()
    if member.stopping is not None:
        _judge_stopped(run, member, outcome)
    if member.stopping in (None, "timeout", "unready") and _again(run, member, outcome):
        return
    run.finish(member, outcome)


def _judge_stopped(run: RunState, member: Member, outcome: Outcome) -> None:
    """Who was asked to end is terminated or timed out, unless it had another end of its own."""
    assert member.stopping is not None
    state = STATE_AFTER[member.stopping]
    own = member.plan.kind != "command"
    if own and outcome.state == "succeeded":
        return
    if own and outcome.state == "failed" and state == "terminated" and not _killed(outcome):
        return  # it failed by itself: being stopped does not hide that
    outcome.state = state
    outcome.error = member.problem
    if state == "timed_out" and outcome.error is None:
        outcome.error = _out_of_time(run, member)


def _killed(outcome: Outcome) -> bool:
    return outcome.exit_code is not None and outcome.exit_code < 0


def _out_of_time(run: RunState, member: Member) -> str:
    limit = member.declared.timeout
    why = because(run)
    if member.stopping == "timeout" and limit is not None:
        return f"did not end within its time-out of {limit:g}s{why}"
    return f"did not end within the run's time-out of {run.plan.scenario.timeout:g}s{why}"


def _again(run: RunState, member: Member, outcome: Outcome) -> bool:
    """Whether it starts once more."""
    restart = member.declared.restart
    wanted = restart.policy == "always" or (
        restart.policy == "on-failure" and outcome.state != "succeeded"
    )
    if not wanted or member.restarts >= restart.max or run.state != "running":
        return False
    if asked_to_end(run, member):
        return False
    member.restarts += 1
    member.state, member.stopping, member.problem = "pending", None, None
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
