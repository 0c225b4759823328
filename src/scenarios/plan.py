"""A scenario made ready to run: workers with programs and seeds, resources with their places."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenarios.compiling import SECTIONS, Resolver, compile_steps, sections
from scenarios.expressions import Expression
from scenarios.program import Program
from scenarios.program.instructions import OPERATE
from scenarios.scenario import From, LocalDecl, Scenario, To, Worker
from scenarios.specs import REACHES, Capabilities, ExecutorSpec, Reach
from scenarios.worker_plan import CallPlan, CommandPlan, LocalPlan, WorkerPlan

LARGEST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine runs. `workers` are in the order of the file, replicas one after the other.

    `capabilities` is by declared worker; `reach` says for each resource how far its users are
    from each other: "process" is driven in the engine's memory, any other by the hub. Where it is
    `limited` what it may call, modules beside the file do not go before installed ones.
    """

    scenario: Scenario
    seed: int
    workers: tuple[WorkerPlan, ...]
    capabilities: Mapping[str, Capabilities]
    resources: tuple[tuple[str, str, Mapping[str, Any]], ...]
    reach: Mapping[str, Reach]
    locals: Mapping[str, LocalPlan]
    executors: Mapping[str, ExecutorSpec]
    limited: bool = False

    @property
    def folder(self) -> str:
        """The folder of the scenario's file, whose modules can be imported."""
        return str(Path(self.scenario.path).resolve().parent)


def make(
    scenario: Scenario,
    *,
    specs: Mapping[str, ExecutorSpec],
    seed: int | None = None,
    limited: bool = False,
) -> Plan:
    """The plan of one scenario; `seed` wins over the file's, and one is drawn without either."""
    if seed is None:
        seed = scenario.seed
    if seed is None:
        seed = random.SystemRandom().randrange(LARGEST_SEED)
    where = sections(scenario)
    workers = tuple(
        plan
        for worker in scenario.workers.values()
        for plan in _replicas(scenario, worker, where, seed)
    )
    capabilities = {
        worker.name: specs[worker.executor].capabilities_for(worker.options)
        for worker in scenario.workers.values()
    }
    locals_ = {name: _local_plan(declared) for name, declared in scenario.locals.items()}
    return Plan(
        scenario=scenario,
        seed=seed,
        workers=workers,
        capabilities=capabilities,
        resources=_resources(scenario),
        reach=_places(scenario, workers, capabilities, locals_),
        locals=locals_,
        executors={worker.executor: specs[worker.executor] for worker in scenario.workers.values()},
        limited=limited,
    )


def _replicas(
    scenario: Scenario, worker: Worker, where: Mapping[str, str], seed: int
) -> Iterator[WorkerPlan]:
    """The plans of a worker's replicas; they share what does not differ, which can be large."""
    made: WorkerPlan | None = None
    for replica in range(worker.replicas) if worker.replicas is not None else (None,):
        name = worker.name if replica is None else f"{worker.name}.{replica}"
        if made is not None:
            yield replace(made, name=name, replica=replica, seed=_seed(seed, name))
            continue
        itself = {"name": name, "replica": replica}
        resolve = Resolver({"vars": scenario.vars, "matrix": scenario.matrix, "worker": itself})
        plan = _worker_plan(scenario, worker, name, replica, where, resolve, seed)
        if not resolve.used:
            made = plan
        yield plan


def _seed(seed: int, name: str) -> int:
    """The seed of a worker of this name: the same in any process, whatever the others are."""
    return zlib.crc32(f"{seed}/{name}".encode())


def _worker_plan(
    scenario: Scenario,
    worker: Worker,
    name: str,
    replica: int | None,
    where: Mapping[str, str],
    resolve: Resolver,
    seed: int,
) -> WorkerPlan:
    program = None if worker.steps is None else compile_steps(worker.steps, where, resolve)
    call = None if worker.call is None else CallPlan(worker.call, worker.args, worker.kwargs)
    command = _command_plan(worker, resolve)
    puts, gets = _queues(scenario, program, call, command)
    return WorkerPlan(
        name=name,
        declared=worker.name,
        executor=worker.executor,
        options=dict(worker.options),
        line=worker.line,
        seed=_seed(seed, name),
        replica=replica,
        program=program,
        call=call,
        command=command,
        jobs=worker.jobs,
        env=worker.env,
        cwd=worker.cwd,
        puts=puts,
        gets=gets,
    )


def _command_plan(worker: Worker, resolve: Resolver) -> CommandPlan | None:
    if worker.command is None:
        return None

    def output(to: str | To) -> str | tuple[str, str]:
        return ("to", resolve(to.queue)) if isinstance(to, To) else to

    stdin = worker.stdin
    return CommandPlan(
        words=worker.command,
        stdin=stdin if isinstance(stdin, Expression) else None,
        stdin_queue=resolve(stdin.queue) if isinstance(stdin, From) else None,
        stdout=output(worker.stdout),
        stderr=output(worker.stderr),
    )


def _local_plan(declared: LocalDecl) -> LocalPlan:
    call = None
    if declared.call is not None:
        call = CallPlan(declared.call, declared.args, declared.kwargs)
    return LocalPlan(declared.attributes, call, declared.close)


def _resources(scenario: Scenario) -> tuple[tuple[str, str, Mapping[str, Any]], ...]:
    keys = {
        "queues": ("kind", "maxsize", "ack", "sync"),
        "locks": ("kind", "on_owner_death"),
        "semaphores": ("permits", "bounded"),
        "conditions": ("lock",),
        "barriers": ("parties",),
        "flags": ("set",),
        "values": ("init",),
    }
    return tuple(
        (name, section, {key: getattr(declared, key) for key in keys[section]})
        for section in SECTIONS
        for name, declared in getattr(scenario, section).items()
    )


# -- who uses what -----------------------------------------------------------------------------


def _mentioned(scenario: Scenario, *expressions: Expression | None) -> set[str]:
    """The live objects that expressions of a call mention; all of a section where it is computed
    which one.
    """
    names: set[str] = set()
    for expression in expressions:
        for path, _ in expression.paths if expression is not None else ():
            if path[0] in SECTIONS:
                declared = getattr(scenario, path[0])
                named = len(path) > 1 and path[1] in declared
                names |= {path[1]} if named else set(declared)
    return names


def _handed(scenario: Scenario, *expressions: Expression | None) -> set[str]:
    """The queues that a call is handed."""
    return {name for name in _mentioned(scenario, *expressions) if name in scenario.queues}


def _operations(program: Program | None) -> Iterable[Any]:
    for instruction in program.instructions if program is not None else ():
        if instruction[0] == OPERATE:
            yield instruction[1]


def _queues(
    scenario: Scenario,
    program: Program | None,
    call: CallPlan | None,
    command: CommandPlan | None,
) -> tuple[frozenset[str], frozenset[str]]:
    """The queues that a worker may put into, and those that it may take from."""
    puts, gets = set(), set()
    for operation in _operations(program):
        if operation.verb == "put":
            puts.add(operation.object)
        elif operation.verb == "get":
            gets.add(operation.object)
        elif operation.verb == "call":
            handed = _handed(scenario, operation.value, operation.second)
            puts |= handed
            gets |= handed
    if call is not None:
        handed = _handed(scenario, call.args, call.kwargs)
        puts |= handed
        gets |= handed
    if command is not None:
        puts |= {of[1] for of in (command.stdout, command.stderr) if isinstance(of, tuple)}
        gets |= {command.stdin_queue} if command.stdin_queue else set()
    return frozenset(puts), frozenset(gets)


def _used(worker: WorkerPlan, scenario: Scenario, names: Mapping[str, str]) -> set[str]:
    used = set(worker.puts | worker.gets)
    for operation in _operations(worker.program):
        if operation.object in names:
            used.add(operation.object)
        if operation.verb == "call":
            used |= _mentioned(scenario, operation.value, operation.second)
    if worker.call is not None:
        used |= _mentioned(scenario, worker.call.args, worker.call.kwargs)
    return used


def _places(
    scenario: Scenario,
    workers: Iterable[WorkerPlan],
    capabilities: Mapping[str, Capabilities],
    locals_: Mapping[str, LocalPlan],
) -> dict[str, Reach]:
    """Each resource at the widest reach among its users; a condition goes where its lock is."""
    names = sections(scenario)
    widest = dict.fromkeys(names, 0)
    by_locals = {
        name
        for local in locals_.values()
        if local.call is not None
        for name in _mentioned(scenario, local.call.args, local.call.kwargs)
    }
    for worker in workers:
        # a command's queues are served by the engine, whatever the command itself shares
        reach = 0 if worker.command else REACHES.index(capabilities[worker.declared].reach)
        for name in _used(worker, scenario, names) | by_locals:
            widest[name] = max(widest[name], reach)
    for name, condition in scenario.conditions.items():
        if condition.lock is not None:
            both = max(widest[name], widest[condition.lock])
            widest[name] = widest[condition.lock] = both
    for name, condition in scenario.conditions.items():  # several may share one lock
        if condition.lock is not None:
            widest[name] = widest[condition.lock]
    return {name: REACHES[reach] for name, reach in widest.items()}
