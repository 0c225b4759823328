"""What programs and expectations mention: what can tell replicas, threads and jobs apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scenarios.expressions import Expression
from scenarios.plan import Plan
from scenarios.program import Program
from scenarios.program.instructions import BRANCH, ENTER_LOOP, FAIL, OPERATE, RETURN, SET
from scenarios.scenario import Expectation, Scenario, Worker

ORDERLESS = frozenset({"sorted", "set", "len", "sum", "min", "max", "any", "all"})
"""Functions whose value does not depend on the order of a list."""

SAME_FOR_ALL = frozenset({"state", "restarts", "results"})
"""Facts of a worker with replicas that do not depend on which replica is which."""


def expressions(program: Program, *, logs: bool = True) -> Iterator[Expression]:
    """Every expression of a program; what is only logged changes nothing."""
    for instruction in program.instructions:
        code = instruction[0]
        found: tuple[Any, ...] = ()
        if code == OPERATE:
            operation = instruction[1]
            if logs or operation.verb != "log":
                found = operation.value, operation.second, operation.timeout
        elif code in (BRANCH, FAIL, RETURN):
            found = (instruction[1],)
        elif code == SET:
            found = tuple(value for _, value in instruction[1])
        elif code == ENTER_LOOP:
            found = (instruction[2],)
        yield from (one for one in found if isinstance(one, Expression))


@dataclass(slots=True)
class Mentions:
    """Paths that matter, by declared worker, and those of all expectations."""

    own: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    asked: set[tuple[str, ...]] = field(default_factory=set)
    ordered: set[str] = field(default_factory=set)
    programs: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Mentions:
        """All mentions of a plan."""
        made = cls()
        for worker in plan.workers:
            if worker.program is None:
                continue
            own = made.own.setdefault(worker.declared, set())
            for expression in expressions(worker.program, logs=False):
                own.update(path for path, _ in expression.paths)
        for worker_name, names in _resource_names(plan.scenario):
            made.own.setdefault(worker_name, set()).update(names)
        for owner, expectation in all_expectations(plan.scenario):
            paths = {path for path, _ in expectation.expression.paths}
            made.asked |= {("workers", owner, *path) for path in paths if owner} | paths
            made.ordered |= _ordered(expectation, owner)
        return made

    def worker(self, declared: str, *keys: str) -> bool:
        """Whether a worker's steps mention one of these keys of `worker`."""
        return any(
            path[0] == "worker" and (len(path) == 1 or path[1] in keys)
            for path in self.own.get(declared, ())
        )

    def statistics(self, name: str) -> set[str]:
        """The statistics of a resource that expectations ask for."""
        found: set[str] = set()
        for path in self.asked:
            if len(path) > 1 and path[1] == name:
                found |= {path[2]} if len(path) > 2 else {"put", "got", "acquired", "trips"}
            elif len(path) == 1 and path[0] in ("queues", "locks", "semaphores"):
                found |= {"put", "got", "acquired"}
        return found

    def asks(self, section: str) -> bool:
        """Whether expectations mention anything of a section."""
        return any(path[0] == section for path in self.asked)

    def alike(self, declared: Worker) -> bool:
        """Whether nothing tells the replicas of a worker apart."""
        if declared.replicas is None or self.worker(declared.name, "name", "replica"):
            return False
        return not self._tells_apart(declared.name)

    def jobs_alike(self, declared: Worker) -> bool:
        """Whether nothing tells the jobs of a pool apart."""
        if any(path[0] == "job" for path in self.own.get(declared.name, ())):
            return False
        return not self._tells_apart(declared.name)

    def _tells_apart(self, name: str) -> bool:
        """Whether an expectation can tell one replica or job of a worker from another."""
        if name in self.ordered or ("workers",) in self.asked:
            return True
        return any(
            path[0] == "workers"
            and path[1] in (name, "[]")
            and (len(path) < 3 or path[2] not in SAME_FOR_ALL)
            for path in self.asked
            if len(path) > 1
        )


def all_expectations(scenario: Scenario) -> Iterator[tuple[str | None, Expectation]]:
    """Every expectation with the worker that it stands in."""
    for expectation in scenario.expect:
        yield None, expectation
    for worker in scenario.workers.values():
        for expectation in worker.expect:
            yield worker.name, expectation


def _resource_names(scenario: Scenario) -> Iterator[tuple[str, set[tuple[str, ...]]]]:
    """A worker whose steps name a resource by its replica is not like its siblings."""

    def walk(steps: Any) -> Iterator[tuple[str, ...]]:
        for step in steps or ():
            for key, value in step.fields.items():
                if isinstance(value, Expression) and key == step.kind:
                    yield from (path for path, _ in value.paths if path[0] == "worker")
                elif isinstance(value, tuple) and value and hasattr(value[0], "fields"):
                    yield from walk(value)

    for worker in scenario.workers.values():
        yield worker.name, {path for path in walk(worker.steps) if path}


def _ordered(expectation: Expectation, owner: str | None) -> set[str]:
    """Workers of which an expectation sees the results in their order."""
    text = expectation.text or expectation.expression.source
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return {path[1] for path, _ in expectation.expression.paths if len(path) > 1}
    found: set[str] = set()
    safe: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called), args=[argument]) if called in ORDERLESS:
                safe.add(id(argument))
        if id(node) in safe:
            continue
        name = _results_of(node, owner)
        if name is not None:
            found.add(name)
    return found


def _results_of(node: ast.AST, owner: str | None) -> str | None:
    """The worker whose `results` this node is."""
    if isinstance(node, ast.Name) and node.id == "results":
        return owner
    if not (isinstance(node, ast.Attribute) and node.attr == "results"):
        return None
    inner = node.value
    if isinstance(inner, ast.Attribute):
        return inner.attr
    if isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
        return str(inner.slice.value)
    return "[]"
