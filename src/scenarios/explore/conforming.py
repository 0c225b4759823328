"""Whether a real run of steps is a path of the state machine: the link of the explorer to reality.

The events of the run, sorted by `records`, are explained one after the other by `tracing`, whose
machine has to give the recorded answers (`matching`); the end has to be the recorded one as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM
from typing import Any, Literal

from scenarios.event import Masker
from scenarios.explore.acting import SECOND, Move
from scenarios.explore.budget import Budget, BudgetSpent, Limits
from scenarios.explore.facts import UNKNOWN, facts
from scenarios.explore.machine import Options, State, StateMachine
from scenarios.explore.model import Member, Model, model_of
from scenarios.explore.prove import Path
from scenarios.explore.records import Event, Records, Unknowable, name_threads, records_of
from scenarios.explore.tracing import Tracing
from scenarios.plan import Plan

Answer = Literal["conforms", "differs", "unknown"]

WORKER = ("state", "error", "error_line", "result", "results", "restarts", "exit_code")
"""What a result and the machine both tell of a worker."""

LIMITS = Limits(states=2_000_000, seconds=60.0)


@dataclass(frozen=True, slots=True)
class Conformity:
    """The answer; `why` says what differs or is not known, or how far the run went.

    Where it differs, `number` is that of the first event that nothing explains (from 1), and
    `instead` what the machine would have done there.
    """

    answer: Answer
    why: str = ""
    operations: int = 0
    states: int = 0
    number: int = 0
    event: Event | None = None
    instead: tuple[str, ...] = ()
    path: Path = ()


def check(
    plan: Plan,
    events: Iterable[Event],
    *,
    result: Mapping[str, Any] | None = None,
    folder: str = "",
    limits: Limits = LIMITS,
) -> Conformity:
    """Look for a path of the machine that gives what the run recorded.

    `result` is the run's result where there is one, and `folder` was its folder. Nothing is run:
    what code and commands had answered to steps is taken from the log.
    """
    model = model_of(plan, apart=True)
    if model.unmodelled:
        first = model.unmodelled[0]
        return Conformity("unknown", f"worker {first.worker} (line {first.line}): {first.why}")
    budget = Budget(limits)
    try:
        records = records_of(model, events)
        name_threads(model, records, folder)
        return _trace(model, records, result, budget)
    except Unknowable as reason:
        return Conformity("unknown", str(reason), states=budget.states)
    except BudgetSpent as spent:
        return Conformity("unknown", f"no path was found within {spent}", states=budget.states)


def _trace(
    model: Model, records: Records, result: Mapping[str, Any] | None, budget: Budget
) -> Conformity:
    heard: list[tuple[int, Move, bool]] = []
    machine = StateMachine(model, Options(early=True), hear=lambda *one: heard.append(one))
    tracing = Tracing(machine, records, budget, heard)
    wrong: list[str] = []
    for path, state in tracing.paths():
        wrong = [] if records.why else list(differences(machine, state, records, result))
        if not wrong:
            return _found(records, path, budget.states)
    stuck = tracing.stuck
    number, event, instead = 0, None, tuple(wrong) or stuck.instead
    if wrong:
        why = "all events are explained, and the end is another one"
    elif stuck.record is None:
        why = "all events are explained, and workers have not ended"
    else:
        event, number = stuck.record.answer or stuck.record.event, stuck.record.number
        why = f"no path of the machine explains event {number}"
    answer: Answer = "differs"
    if records.inexact:
        why += ", and what code had answered is known only as it was logged"
        answer = "unknown"
    return Conformity(answer, why, records.operations, budget.states, number, event, instead)


def _found(records: Records, path: Path, states: int) -> Conformity:
    """A path; of a run of which only a part is known no more than that."""
    one = next((r for stops in records.stops.values() for _, r in stops if r == "timeout"), None)
    if one is not None:
        why = f"{records.why}, which is no step of the machine; up to there it conforms"
        return Conformity("unknown", why, records.operations, states)
    why = f"up to where {records.why}" if records.why else ""
    return Conformity("conforms", why, records.operations, states, path=path)


# -- the end -----------------------------------------------------------------------------------


def differences(
    machine: StateMachine, state: State, records: Records, result: Mapping[str, Any] | None
) -> Iterator[str]:
    """What is otherwise at the end than the run told."""
    masker = Masker(machine.model.plan.scenario.secrets)
    found = masker.data(json.loads(json.dumps(facts(machine, state), default=str)))
    for member in machine.model.members:
        ended = records.ends.get(member.name)
        if ended is None:
            continue
        part = found["workers"][member.plan.declared]
        part = part if member.plan.replica is None else part["replicas"][member.plan.replica]
        for key in ("state", "error"):
            if part[key] != ended.get(key):
                yield _differs(f"{key} of worker {member.name}", part[key], ended.get(key))
    if result is not None:
        forced = {one.name for one in machine.model.members if _met_at_its_end(records, one)}
        yield from _other_result(machine, found, result, forced)


def _met_at_its_end(records: Records, member: Member) -> bool:
    """Whether force came upon a member that did nothing any more, before its end was heard."""
    if not records.forced.isdisjoint(member.actors):
        return False
    grace = round(member.declared.stop.grace * SECOND)
    end = records.ends.get(member.name, {}).get("time", 0)
    return any(end >= time + grace for time, _ in records.stops.get(member.name, ()))


def _other_result(
    machine: StateMachine,
    found: Mapping[str, Any],
    result: Mapping[str, Any],
    forced: Collection[str],
) -> Iterator[str]:
    for name, worker in found["workers"].items():
        replicas = [f"{name}.{at}" for at, _ in enumerate(worker.get("replicas", ()))]
        met = any(one in forced for one in [name, *replicas])
        yield from _other_worker(f"worker {name}", worker, result["workers"].get(name, {}), met)
        for at, one in enumerate(replicas):
            told = result["workers"][name]["replicas"][at]
            yield from _other_worker(f"worker {one}", worker["replicas"][at], told, one in forced)
    for section in ("queues", "locks", "semaphores", "conditions", "barriers"):
        for name, of in found.get(section, {}).items():
            yield from _other(f"{section}.{name}", of, result.get(section, {}).get(name, {}), of)
    for section in ("flags", "values"):
        yield from _other(section, found[section], result.get(section, {}), found[section])
    if machine.model.mentions.asks("locals"):
        plain = [name for name, of in machine.model.plan.locals.items() if of.call is None]
        yield from _other("locals", found["locals"], result.get("locals", {}), plain)


def _other_worker(
    what: str, found: Mapping[str, Any], told: Mapping[str, Any], forced: bool
) -> Iterator[str]:
    """A line without an error is where it was ended by force: the run may be a step ahead there.

    By which signal is not known of one that force came upon.
    """
    keys = [key for key in WORKER if key != "error_line" or found["error"]]
    if forced and {found["exit_code"], told.get("exit_code")} == {-SIGKILL, -SIGTERM}:
        keys.remove("exit_code")
    yield from _other(what, found, told, keys)


def _other(
    what: str, found: Mapping[str, Any], told: Mapping[str, Any], keys: Iterable[str]
) -> Iterator[str]:
    for key in keys:
        if key not in UNKNOWN and key in found and key in told and found[key] != told[key]:
            yield _differs(f"{key} of {what}", found[key], told[key])


def _differs(what: str, machine: Any, run: Any) -> str:
    return f"{what} is {json.dumps(machine)} in the machine and {json.dumps(run)} in the run"
