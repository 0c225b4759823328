"""A plan as the state machine needs it: actors, what freezes together, and what matters later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.explore.cut import Cut, Unmodelled
from scenarios.explore.mentions import Mentions
from scenarios.expressions import prepare
from scenarios.plan import Plan
from scenarios.program import Program
from scenarios.program.instructions import OPERATE
from scenarios.resources.machine import Machine
from scenarios.resources.machines import make_all
from scenarios.scenario import Worker
from scenarios.specs import Capabilities
from scenarios.worker_plan import WorkerPlan

GONE = -1
"""Stands in machines for an earlier attempt of a worker: what it did not give back is its own."""

PID = 4_000
"""Workers have no process here: `worker.pid` is this for the engine's own, and more for others."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One thread of execution: a worker, a replica, or one thread or process of a pool.

    `kin` is the number of the first actor that nothing can tell apart from this one.
    """

    index: int
    name: str
    member: int
    program: Program
    kin: int
    names: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One worker of the plan with its actors; `pool` is its slot in a state, where it is a pool."""

    index: int
    plan: WorkerPlan
    declared: Worker
    actors: range
    pool: int | None
    jobs: Sequence[Any] | None
    inline: bool
    alike: bool = False  # nothing tells its jobs apart

    @property
    def name(self) -> str:
        """Its name in the run."""
        return self.plan.name


@dataclass(slots=True)
class Model:
    """`groups` are the resources whose machines freeze together (a condition and its lock).

    A state has a slot for each actor, then one for each group, one for each pool, and the marks.
    """

    plan: Plan
    actors: list[Actor] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    groups: list[tuple[str, ...]] = field(default_factory=list)
    machines: dict[str, Machine] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    keep: dict[str, frozenset[str] | None] = field(default_factory=dict)
    arrivals: frozenset[int] = frozenset()
    unmodelled: list[Unmodelled] = field(default_factory=list)
    by_name: dict[str, list[Member]] = field(default_factory=dict)
    mentions: Mentions = field(default_factory=Mentions)
    locks: dict[str, str] = field(default_factory=dict)  # a condition is the lock that it names

    @property
    def marks(self) -> int:
        """The slot of the marks, which is the last."""
        return len(self.actors) + len(self.groups) + sum(m.pool is not None for m in self.members)


def model_of(plan: Plan, *, apart: bool = False) -> Model:
    """The model of a plan; what can be explored of it is told by `unmodelled`.

    `apart` tells everything apart: actors and jobs that are alike, and counts that nobody asks for.
    """
    model = Model(plan, mentions=Mentions.of(plan))
    model.unmodelled += _impossible(plan)
    if model.unmodelled:
        return model
    _add_members(model, apart)
    _add_groups(model)
    if apart:
        model.keep = dict.fromkeys(model.slots)
    pools = [member for member in model.members if member.pool is not None]
    first = len(model.actors) + len(model.groups)
    for number, member in enumerate(pools):
        object.__setattr__(member, "pool", first + number)
    return model


def _impossible(plan: Plan) -> Iterator[Unmodelled]:
    """Workers that are no steps: nothing of such a scenario can be explored."""
    for worker in plan.scenario.workers.values():
        if worker.command is not None:
            yield Unmodelled(worker.name, worker.line, "it is a command, whose steps nobody knows")
        elif worker.call is not None:
            why = f"it runs the Python code {worker.call}, whose steps nobody knows"
            yield Unmodelled(worker.name, worker.line, why)


def _add_members(model: Model, apart: bool) -> None:
    plan, mentions = model.plan, model.mentions
    kin: dict[str, int] = {}
    for number, worker in enumerate(plan.workers):
        declared = plan.scenario.workers[worker.declared]
        capabilities = plan.capabilities[worker.declared]
        assert worker.program is not None
        first = len(model.actors)
        is_pool = worker.jobs is not None or capabilities.jobs
        jobs = worker.jobs
        if is_pool and jobs is None:
            jobs = (None,)
        count = 1
        if jobs is not None:
            count = min(int(worker.options.get("max_workers") or 1), len(jobs))
        for thread in range(count):
            index = len(model.actors)
            name = f"{worker.name}#{thread}" if count > 1 else worker.name
            thread_name = f"{worker.name}_{thread}" if is_pool else worker.name
            if capabilities.main_thread or capabilities.own_process:
                thread_name = "MainThread"
            like = f"{worker.declared}" if mentions.alike(declared) else worker.name
            threads_alike = not mentions.worker(worker.declared, "pid", "thread")
            like += "" if threads_alike else f"#{thread}"
            first_like = index if apart else kin.setdefault(like, index)
            names = _names(plan, worker, index, capabilities, thread_name)
            model.actors.append(Actor(index, name, number, worker.program, first_like, names))
        member = Member(
            number,
            worker,
            declared,
            range(first, len(model.actors)),
            0 if is_pool else None,
            jobs,
            capabilities.main_thread,
            is_pool and not apart and mentions.jobs_alike(declared),
        )
        model.members.append(member)
        model.by_name.setdefault(worker.declared, []).append(member)


def _names(
    plan: Plan, worker: WorkerPlan, index: int, capabilities: Capabilities, thread: str
) -> dict[str, Any]:
    """The names of an actor's expressions, as those of a real worker."""
    names: dict[str, Any] = {}
    prepare(names)
    for section in ("queues", "locks", "semaphores", "conditions", "barriers", "values", "flags"):
        names[section] = Handed(section)
    names["locals"] = Handed("locals")
    names["vars"] = plan.scenario.vars
    names["matrix"] = plan.scenario.matrix
    names["worker"] = {
        "name": worker.name,
        "replica": worker.replica,
        "pid": PID if capabilities.reach == "process" else PID + 1 + index,
        "thread": thread,
    }
    names["run"] = {"id": "explored", "seed": plan.seed, "tmp": "explored"}
    if worker.jobs is None and capabilities.jobs:
        names["job"] = {"index": 0, "item": None}
    return names


class Handed:
    """Stands for live objects: code that is handed one acts on it unseen."""

    __slots__ = ("_section",)

    def __init__(self, section: str) -> None:
        self._section = section

    def __getitem__(self, name: str) -> Any:
        raise Cut(f"its code is handed {self._section}.{name} and acts on it unseen")


# -- resources ---------------------------------------------------------------------------------


def _add_groups(model: Model) -> None:
    plan = model.plan
    model.machines = make_all(list(plan.resources))
    shared = {
        name: declared["lock"]
        for name, section, declared in plan.resources
        if section == "conditions" and declared.get("lock")
    }
    groups: dict[str, list[str]] = {}
    for name, _, _ in plan.resources:
        groups.setdefault(shared.get(name, name), []).append(name)
    first = len(model.actors)
    for number, group in enumerate(groups.values()):
        model.groups.append(tuple(group))
        for name in group:
            model.slots[name] = first + number
    model.keep = _keep(model)
    model.locks = {
        name: declared.get("lock") or name
        for name, section, declared in plan.resources
        if section in ("locks", "conditions")
    }
    # Who has parked at a condition's lock goes before those who come back from a wait later on.
    model.arrivals = frozenset(
        model.slots[operation.object]
        for operation in operations(model)
        if operation.verb == "wait" and operation.section == "conditions"
    )


def _keep(model: Model) -> dict[str, frozenset[str] | None]:
    """For each resource the verbs that act on it and the statistics that are asked for."""
    keep: dict[str, set[str]] = {name: set() for name in model.slots}
    for operation in operations(model):
        if operation.object in keep:
            keep[operation.object].add(operation.verb)
    counting = {"put", "get", "got", "acquired"}  # what a verb and a statistic may both be called
    return {
        name: frozenset((verbs - counting) | model.mentions.statistics(name))
        for name, verbs in keep.items()
    }


def operations(model: Model) -> Iterator[Any]:
    """Every operation of every program."""
    seen = set()
    for actor in model.actors:
        if id(actor.program) in seen:
            continue
        seen.add(id(actor.program))
        for instruction in actor.program.instructions:
            if instruction[0] == OPERATE:
                yield instruction[1]
