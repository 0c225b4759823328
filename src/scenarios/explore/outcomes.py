"""What became of real threads, by the names of expectations, and how the machine differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scenarios.explore.facts import facts, restarts, sections
from scenarios.explore.local import KILLED, OVER
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.model import Member, Model
from scenarios.explore.seating import Seating
from scenarios.worker_plan import Outcome, together

OF_WORKERS = ("state", "result", "results", "error", "error_line", "restarts")

ASKED_FOR = {
    "put": {"put", "got"},
    "got": {"put", "got"},
    "acquired": {"acquired", "contended", "max_holders"},
    "max_holders": {"acquired", "contended", "max_holders"},
    "notified": {"notified"},
    "trips": {"trips"},
}
"""Counts that the machine keeps only where one of these is asked for."""

NEVER = frozenset({"contended", "max_wait"})
"""What depends on how long others had to wait, and the machine lets nobody wait before it must."""


def facts_of(machine: StateMachine, state: State, seating: Seating) -> dict[str, Any]:
    """The names of expectations after a drive; who is over and who is not is the machine's word."""
    plan = machine.model.plan
    counts = {name: driver.statistics() for name, driver in seating.drivers.items()}
    found: dict[str, Any] = sections(plan, counts)
    found["locals"] = seating.locals
    found["workers"] = {
        member.name: _member(machine, state, member, seating) for member in machine.model.members
    }
    return found


def _member(
    machine: StateMachine, state: State, member: Member, seating: Seating
) -> dict[str, Any]:
    phase = machine.life.phase(state, member)
    seats = [seating.seats[index] for index in member.actors if index in seating.seats]
    outcome = Outcome("skipped")
    if seats and member.jobs is None:
        outcome = seats[0].outcome or outcome
    elif seats:
        jobs = seating.jobs(member, seats[0].attempt)
        outcome = together(jobs) if member.plan.jobs is not None else jobs[0]
        errors = [seat.outcome.error for seat in seats if seat.outcome is not None]
        if errors and outcome.error is None:
            outcome = Outcome("failed", error="; ".join(map(str, errors)))
    if any(machine.life.local(state, index).cut for index in member.actors):
        outcome = Outcome("terminated")
    over = phase == OVER
    result = outcome.result if over and outcome.state == "succeeded" else None
    shown: dict[str, Any] = {
        "state": outcome.state if over else phase,
        "result": result,
        "results": [result],
        "error": outcome.error if over else None,
        "error_line": outcome.line if over else None,
        "restarts": restarts(
            machine, state, member, max((seat.attempt for seat in seats), default=0)
        ),
    }
    if outcome.jobs is not None:
        shown["results"] = [job.result for job in outcome.jobs]
    elif member.plan.jobs is not None:
        shown["results"] = [None] * len(member.plan.jobs)
    return shown


def compare(machine: StateMachine, state: State, real: Mapping[str, Any]) -> Iterator[str]:
    """What is otherwise in the machine."""
    found = facts(machine, state)
    for member in machine.model.members:
        made = found["workers"][member.plan.declared]
        made = made if member.plan.replica is None else made["replicas"][member.plan.replica]
        told = real["workers"][member.name]
        for key in OF_WORKERS:
            one, other = made[key], told[key]
            if key == "results" and member.alike:
                one, other = sorted(one, key=repr), sorted(other, key=repr)
            if key.startswith("error") and (member.alike or one == KILLED):
                continue  # which job it was is not known, or a word that only the machine has
            if repr(one) != repr(other):
                yield _sentence(f"{key} of worker {member.name}", one, other)
    yield from _resources(machine.model, found, real)


def _resources(model: Model, found: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[str]:
    for name, section, _ in model.plan.resources:
        made, told = found[section][name], real[section][name]
        if section in ("flags", "values"):
            if repr(made) != repr(told):
                yield _sentence(f"{section}.{name}", made, told)
            continue
        for key, value in made.items():
            kept, asked = model.keep[name], ASKED_FOR.get(key)
            known = asked is None or kept is None or bool(asked & kept)
            if known and key not in NEVER and value != told[key]:
                yield _sentence(f"{section}.{name}.{key}", value, told[key])
    if model.mentions.asks("locals") and found["locals"] != real["locals"]:
        yield _sentence("locals", found["locals"], real["locals"])


def _sentence(what: str, machine: Any, real: Any) -> str:
    return f"{what} is {machine!r} in the machine and {real!r} in reality"
