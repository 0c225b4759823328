"""What there is to compare of a program: everything that is seen, and every outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from explore.reference import World
from scenarios.engine.expectations import defaults, evaluate
from scenarios.engine.results import SHOWN, Replicas
from scenarios.explore.facts import facts
from scenarios.explore.judge import Judge, Key, Question
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.model import Model
from scenarios.expressions import prepare
from scenarios.resources.semaphores import Semaphore
from scenarios.worker_plan import worst


class Answer(NamedTuple):
    """What one way of looking at a program has found."""

    keys: frozenset[Key]
    outcomes: frozenset[str]


# -- of the explorer's states ----------------------------------------------------------------------


class Recording(Judge):
    """A judge that keeps the ends that it was asked about."""

    def __init__(self, machine: StateMachine, asked: tuple[Question, ...]) -> None:
        super().__init__(machine, asked)
        self.ends: set[State] = set()

    def end(self, state: State) -> frozenset[Key]:
        """See `Judge`."""
        self.ends.add(state)
        return super().end(state)


def outcomes_of_states(machine: StateMachine, ends: Iterable[State]) -> frozenset[str]:
    """The outcomes of these ends."""
    return frozenset(outcome(machine.model, facts(machine, state)) for state in ends)


# -- of the naive reference ------------------------------------------------------------------------


def facts_of_world(world: World) -> dict[str, Any]:
    """The names of expectations at the end of a schedule."""
    counts = {name: machine.statistics() for name, machine in world.machines.items()}
    sections: dict[str, Any] = {name: {} for name in (*SHOWN, "flags", "values", "locals")}
    for name, section, declared in world.plan.resources:
        of = counts[name]
        if section in ("flags", "values"):
            sections[section][name] = of["set" if section == "flags" else "value"]
            continue
        shown = {key: of[key] for key in SHOWN[section] if key in of}
        if section == "queues" and declared["kind"] != "fifo":
            del shown["fifo"]
        sections[section][name] = shown
    for name in world.plan.locals:
        made, closed = world.made.get(name, 0), world.closed.get(name, 0)
        sections["locals"][name] = {"made": made, "closed": closed}
    return {
        **sections,
        "run": {"state": "succeeded", "id": "explored", "seed": world.plan.seed},
        "workers": _workers(world),
        "vars": world.plan.scenario.vars,
        "matrix": world.plan.scenario.matrix,
    }


def _workers(world: World) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for member in world.members:
        ok = member.state == "succeeded"
        result = member.outcome.result if ok else None
        results = [result]
        if member.plan.jobs is not None:
            jobs: Any = member.outcome.jobs if member.over else member.outcomes
            jobs = jobs or [None] * len(member.plan.jobs)
            results = [job.result if job is not None else None for job in jobs]
        one = {
            "name": member.plan.name,
            "state": member.state,
            "result": result,
            "results": results,
            "error": member.outcome.error,
            "error_line": member.outcome.line,
            "restarts": member.restarts,
        }
        groups.setdefault(member.plan.declared, []).append(one)
    found: dict[str, Any] = {}
    for name, each in groups.items():
        found[name] = each[0]
        if world.plan.scenario.workers[name].replicas is not None:
            found[name] = Replicas(
                state=worst([one["state"] for one in each]),
                result=None,
                results=[one["result"] for one in each],
                error=next((one["error"] for one in each if one["error"]), None),
                restarts=sum(one["restarts"] for one in each),
                replicas=each,
            )
    return found


def keys_of_world(world: World, judge: Judge) -> frozenset[Key]:
    """What is seen at the end of a schedule."""
    ended = all(member.over for member in world.members)
    found = {name for name in _found(world, ended) if judge.levels[name] != "off"}
    names = facts_of_world(world)
    keys: set[Key] = {("found", name) for name in found}
    for question in judge.questions:
        expectation = question.expectation
        if not ended and not question.asks:
            continue
        scope: dict[str, Any] = {}
        prepare(scope)
        scope |= names
        scope["found"] = {name: name in found for name in judge.levels}
        holds, problem = evaluate(expectation.expression, scope)
        if problem:
            seen = expectation.kind != "sometimes"
        else:
            seen = bool(holds) is (expectation.kind != "always")
        if seen:
            keys.add(question.key)
    return frozenset(keys)


def _found(world: World, ended: bool) -> set[str]:
    """What the checkers find, by their words in the format."""
    counts = {name: machine.statistics() for name, machine in world.machines.items()}
    queues = {name: counts[name] for name in world.plan.scenario.queues}
    fifo = [n for n, declared in world.plan.scenario.queues.items() if declared.kind == "fifo"]
    semaphores = [one for one in world.machines.values() if isinstance(one, Semaphore)]
    expected = {name for name, _ in defaults(world.plan.scenario)}  # to end well
    less = any(one.bounded and one.permits < one.initial for one in semaphores)
    found = {
        "deadlock": not ended,
        "lost_item": any(of["lost"] > 0 for of in queues.values()),
        "duplicated_item": any(of["duplicated"] > 0 for of in queues.values()),
        "fifo": not all(queues[name]["fifo"] for name in fifo),
        "mutual_exclusion": world.misused,
        "isolation": world.strange,
        "crash": any(
            one.state == "failed" and one.plan.declared in expected for one in world.members
        ),
        "unread_item": ended and (world.unread or any(of["left"] for of in queues.values())),
        "leak": ended and (less or any(of.get("held") for of in counts.values())),
    }
    return {name for name, there in found.items() if there}


# -- one outcome -----------------------------------------------------------------------------------


def outcome(model: Model, names: Mapping[str, Any]) -> str:
    """All that anybody could want to know of an end, so that equal ends are equal texts.

    Counts are left out where no expectation asks for them, and so is which one of several was who
    where nothing can tell them apart.
    """
    kept = {section: names[section] for section in ("values", "flags")}
    kept["queues"] = {
        name: {key: of[key] for key in ("left", "lost", "duplicated", "fifo") if key in of}
        for name, of in names["queues"].items()
    }
    kept["semaphores"] = {name: of["permits"] for name, of in names["semaphores"].items()}
    kept["waiting"] = {
        name: (of["waiting"], of.get("broken"))
        for section in ("conditions", "barriers")
        for name, of in names[section].items()
    }
    workers = {name: _outcome_of(model, name, of) for name, of in names["workers"].items()}
    return repr((kept, workers))


def _outcome_of(model: Model, name: str, of: Mapping[str, Any]) -> str:
    member = model.by_name[name][0]
    keys = ["state", "restarts", "result", "results", "error", "error_line"]
    replicas = of.get("replicas")
    if member.alike:  # which job an error names is not known
        return repr(
            [of["state"], of["restarts"], sorted(map(repr, of["results"])), bool(of["error"])]
        )
    if replicas is None:
        return repr([of[key] for key in keys])
    each = [repr([one[key] for key in keys]) for one in replicas]
    alike = model.mentions.alike(member.declared)
    return repr([of["state"], sorted(each) if alike else each])
