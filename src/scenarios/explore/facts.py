"""What expectations may ask of an end: the names of a run's result, from a state of the machine."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from scenarios.engine.results import SHOWN, Replicas
from scenarios.explore.local import KILLED, OVER, PENDING, End
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.model import Member
from scenarios.plan import Plan
from scenarios.resources.freezing import thawed
from scenarios.worker_plan import worst

UNKNOWN = frozenset({"duration", "stdout", "stderr", "max_wait", "contended"})
"""Facts that depend on real time or real output; exploring knows nothing of them."""

NOBODY: End = ("pending", b"N", None, 0)


def facts(machine: StateMachine, state: State) -> dict[str, Any]:
    """The names of expectations, as `engine.results` gives them for a run."""
    plan = machine.model.plan
    sections = resources(machine, state)
    return {
        **sections,
        "run": {"state": "succeeded", "id": "explored", "seed": plan.seed},
        "workers": {
            name: _worker(machine, state, group) for name, group in machine.model.by_name.items()
        },
        "vars": plan.scenario.vars,
        "matrix": plan.scenario.matrix,
    }


def statistics(machine: StateMachine, state: State) -> dict[str, dict[str, Any]]:
    """The statistics of each resource's machine."""
    model, tables = machine.model, machine.tables
    found: dict[str, dict[str, Any]] = {}
    for number, names in enumerate(model.groups):
        slot = len(model.actors) + number
        tables.thaw(slot, state[slot])
        for name in names:
            found[name] = model.machines[name].statistics()
    return found


def resources(machine: StateMachine, state: State) -> dict[str, dict[str, Any]]:
    """section: name: what `expect` may ask of it."""
    plan = machine.model.plan
    shown = sections(plan, statistics(machine, state))
    shown["locals"] = {name: _local(machine, state, name) for name in plan.locals}
    return shown


def sections(plan: Plan, counts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """section: name: what `expect` may ask of it, from the statistics of each machine."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in (*SHOWN, "flags", "values")}
    for name, section, declared in plan.resources:
        of = counts[name]
        if section == "flags":
            sections[section][name] = of["set"]
        elif section == "values":
            sections[section][name] = of["value"]
        else:
            shown = {key: of[key] for key in SHOWN[section] if key in of}
            if section == "queues" and declared["kind"] != "fifo":
                shown.pop("fifo", None)
            sections[section][name] = shown
    return sections


def _local(machine: StateMachine, state: State, name: str) -> dict[str, int]:
    made = closed = 0
    for index in range(len(machine.model.actors)):
        local = machine.tables.locals[state[index]]
        before = dict(local.made).get(name, 0)
        closed += before
        made += before + (1 if local.locals and name in thawed(local.locals) else 0)
    return {"made": made, "closed": closed}


def _worker(machine: StateMachine, state: State, group: list[Member]) -> dict[str, Any]:
    declared = group[0].declared
    each = [_member(machine, state, member) for member in group]
    if declared.replicas is None:
        return each[0]
    return Replicas(
        state=worst([one["state"] for one in each]),
        exit_code=next((one["exit_code"] for one in each if one["exit_code"]), each[0]["exit_code"])
        if each
        else None,
        result=None,
        results=[one["result"] for one in each],
        error=next((one["error"] for one in each if one["error"]), None),
        restarts=sum(one["restarts"] for one in each),
        replicas=each,
    )


def _member(machine: StateMachine, state: State, member: Member) -> dict[str, Any]:
    life = machine.life
    phase = life.phase(state, member)
    end = life.end(state, member) or NOBODY
    how = end[0] if phase == "over" else phase
    result = thawed(end[1]) if how == "succeeded" else None
    shown: dict[str, Any] = {
        "name": member.name,
        "state": how,
        "exit_code": _exit_code(machine, state, member),
        "result": result,
        "results": [result],
        "error": end[2] if phase == "over" and end[2] != KILLED else None,
        "error_line": end[3] or None,
        "restarts": restarts(machine, state, member, life.attempts(state, member)),
    }
    if member.pool is not None and member.plan.jobs is not None:
        shown["results"] = _results(machine, state, member)
    return shown


def restarts(machine: StateMachine, state: State, member: Member, attempts: int) -> int:
    """How often a worker was started again, would have been, or will be once its pause is over."""
    pending = machine.life.phase(state, member) == PENDING
    return max(0, attempts - (not pending and not _cut(machine, state, member)))


def _results(machine: StateMachine, state: State, member: Member) -> list[Any]:
    """The results of a pool's jobs; where nothing tells jobs apart their order means nothing."""
    assert member.jobs is not None
    results: list[Any] = [None] * len(member.jobs)
    for place, (job, end) in enumerate(machine.life.pool(state, member).ends):
        results[place if member.alike else job] = thawed(end[1]) if end[0] == "succeeded" else None
    return results


def _exit_code(machine: StateMachine, state: State, member: Member) -> int | None:
    """As a process of its own ends; None for all others, and after a pause that was cut short."""
    own = machine.model.plan.capabilities[member.plan.declared].own_process
    end = machine.life.end(state, member)
    over = machine.life.phase(state, member) == OVER
    if (
        not own
        or member.pool is not None
        or end is None
        or not over
        or _cut(machine, state, member)
    ):
        return None
    by = signal.SIGKILL if end[2] == KILLED else signal.SIGTERM
    return {"succeeded": 0, "failed": 1, "terminated": -int(by)}.get(end[0])


def _cut(machine: StateMachine, state: State, member: Member) -> bool:
    """Whether it was ended in its pause before another attempt."""
    return any(machine.life.local(state, index).cut for index in member.actors)
