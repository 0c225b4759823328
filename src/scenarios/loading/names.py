"""Which names stand where: identifiers, what a worker's expressions know, what `expect` knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, TypeAlias

from scenarios.expressions import ROOTS, Expression
from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.mistakes import among, nearest, shown, suggest
from scenarios.loading.nodes import Entry, Node

# What stands below a name: names by mapping, or None where anything may follow.
Names: TypeAlias = Mapping[str, Any] | None

WORKER: Final = ("name", "replica", "pid", "thread")
JOB: Final = ("index", "item")
RUN: Final = ("id", "seed", "tmp")
OF_RUN: Final = ("id", "state", "seed", "duration")
OF_WORKER: Final = (
    *("state", "exit_code", "result", "results", "error"),
    *("stdout", "stderr", "restarts", "duration"),
)
OF_RESOURCE: Final = {
    "queues": ("put", "got", "left", "lost", "duplicated", "fifo"),
    "locks": ("acquired", "contended", "max_holders", "max_wait"),
    "semaphores": ("permits",),
    "locals": ("made", "closed"),
}
# Known before a worker's first step.
EARLY: Final[tuple[str, ...]] = ("vars", "matrix", "worker", "job", "run")
LIVE: Final = ("queues", "locks", "semaphores", "conditions", "barriers", "flags", "values")


def resource_name(entry: Entry, ctx: Context, kind: str) -> bool:
    """Whether a key can name a resource; notes why not."""
    return _identifier(entry, entry.key, ctx, kind, hyphens=False)


def worker_name(entry: Entry, ctx: Context, kind: str) -> bool:
    """Whether a key can name a worker; notes why not."""
    return _identifier(entry, entry.key, ctx, kind, hyphens=True)


def variable_name(node: Node, ctx: Context, what: str) -> str | None:
    """The name of a worker variable; None after a fault."""
    name = node.value
    if type(name) is not str:
        ctx.fault(node, f"{what} is the name of a variable, not {shown(name)}")
        return None
    if name in ROOTS:
        ctx.fault(node, f'"{name}" is a word of the format and cannot be a variable')
        return None
    return name if _identifier(node, name, ctx, "variable", hyphens=False) else None


LONGEST: Final = 150
"""Bytes of a name: it is a part of names of files, which have at most 255."""


def _identifier(place: Any, name: str, ctx: Context, kind: str, hyphens: bool) -> bool:
    if name.startswith("_"):
        ctx.fault(place, f"{kind} {shown(name)}: a name does not start with an underscore")
        return False
    bare = name.replace("-", "_") if hyphens and name[:1] != "-" else name
    if not bare.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        also = ", hyphens" if hyphens else ""
        ctx.fault(
            place,
            f"{kind} {shown(name)}: a name is letters, digits{also} and underscores, "
            "and starts with a letter",
        )
        return False
    if len(name.encode()) > LONGEST:
        ctx.fault(place, f"{kind} {shown(name)}: a name has at most {LONGEST} bytes of UTF-8")
        return False
    return True


@dataclass(slots=True)
class Use:
    """An expression of a worker, its node, what kind of place that is, and more names there."""

    expression: Expression
    node: Node
    where: str
    extra: tuple[str, ...]


@dataclass(slots=True)
class Scope:
    """One worker while its steps are read: what it sets, what it uses, what surrounds a step.

    `where` is "steps", "call" (the arguments of the worker's own call), "start" (its other values)
    or "local" (the declaration of a thread-local).
    """

    worker: str
    where: str = "steps"
    replicas: int | None = None
    jobs: bool = False
    variables: dict[str, Node] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    suspects: list[Node] = field(default_factory=list)
    loops: int = 0
    desugared: int = 0
    extra: tuple[str, ...] = ()

    def note(self, expression: Expression, node: Node, extra: tuple[str, ...] = ()) -> None:
        """Keep an expression whose names are checked when all variables are known."""
        if expression.free:
            self.uses.append(Use(expression, node, self.where, (*self.extra, *extra)))

    def copies(self) -> list[dict[str, Any]]:
        """What `worker` holds at load: once, or once for each replica."""
        if self.replicas is None:
            return [{"name": self.worker, "replica": None}]
        return [
            {"name": f"{self.worker}.{number}", "replica": number}
            for number in range(self.replicas)
        ]


def declared_names(ctx: Context) -> Mapping[str, Names]:
    """What the file declares, by root. All of it is known when this is first asked."""
    if not ctx.declared:
        ctx.declared = {
            **{section: _declared(ctx, section) for section in SECTIONS},
            **{root: dict.fromkeys(ctx.names[root]) for root in ("vars", "matrix")},
            "local": {
                name: None if attributes is None else dict.fromkeys(attributes)
                for name, attributes in ctx.locals.items()
            },
        }
    return ctx.declared


def resources_of(ctx: Context, sections: Iterable[str]) -> Iterator[str]:
    """The names of the resources of some sections."""
    for section in sections:
        yield from declared_names(ctx)[section] or ()


def worker_names(ctx: Context, jobs: bool) -> dict[str, Names]:
    """The roots that an expression of a worker knows, apart from its own variables."""
    declared = declared_names(ctx)
    names: dict[str, Names] = {
        "vars": declared["vars"],
        "matrix": declared["matrix"],
        "worker": dict.fromkeys(WORKER),
        "run": dict.fromkeys(RUN),
        "local": declared["local"],
        "values": declared["values"],
        "flags": declared["flags"],
    }
    if jobs:
        names["job"] = dict.fromkeys(JOB)
    return names


def check_uses(scope: Scope, ctx: Context) -> None:
    """Check the names of every expression that was noted in a worker or a thread-local."""
    names = worker_names(ctx, scope.jobs)
    live = {section: declared_names(ctx)[section] for section in LIVE}
    early: dict[str, Names] = {root: names[root] for root in EARLY if root in names}
    call = {**names, **live}
    roots = {"steps": names, "call": call, "start": early, "local": early}
    for use in scope.uses:
        known = roots[use.where]
        if use.extra:
            known = {**known, **{name: live.get(name) for name in use.extra}}
        setters = scope if use.where == "steps" else None
        check_names(use.expression, use.node, known, ctx, setters)


def expect_names(ctx: Context, workers: Mapping[str, int | None]) -> dict[str, Names]:
    """The roots in `expect`; `workers` gives the number of replicas of each."""
    names: dict[str, Names] = {
        "run": dict.fromkeys(OF_RUN),
        "workers": {name: _Worker(count) for name, count in workers.items()},
        "found": dict.fromkeys(ctx.plugins.checkers),
        "vars": dict.fromkeys(ctx.names["vars"]),
        "matrix": dict.fromkeys(ctx.names["matrix"]),
        "values": _declared(ctx, "values"),
        "flags": _declared(ctx, "flags"),
    }
    for section, facts in OF_RESOURCE.items():
        names[section] = dict.fromkeys(_declared(ctx, section), dict.fromkeys(facts))
    return names


def static_names(ctx: Context) -> dict[str, Names]:
    """The roots in an expectation's `if`."""
    return {root: declared_names(ctx)[root] for root in ("vars", "matrix")}


class _Worker(dict[str, None]):
    """What `expect` knows of a worker; `count` is the number of its replicas, if it has them."""

    def __init__(self, count: int | None) -> None:
        super().__init__(dict.fromkeys(OF_WORKER))
        self.count = count


def _declared(ctx: Context, section: str) -> dict[str, None]:
    return {name: None for name, its in ctx.resources.items() if its == section}


def check_names(
    expression: Expression,
    node: Node,
    roots: Mapping[str, Names],
    ctx: Context,
    setters: Scope | None = None,
) -> None:
    """Note names of an expression that are not known; `setters` are a worker's own variables.

    Where `setters` is None the place has none, as in `expect`.
    """
    for name, _ in expression.free:
        if name not in roots and (setters is None or name not in setters.variables):
            _unknown_name(name, node, roots, ctx, setters)
    for path, _ in expression.paths:
        own = setters is not None and path[0] in setters.variables
        if len(path) > 1 and path[0] in roots and not own:
            _check_path(path, roots, node, ctx)


def _unknown_name(
    name: str, node: Node, roots: Mapping[str, Names], ctx: Context, scope: Scope | None
) -> None:
    if scope is None:
        tail = _meant(name, roots, ctx) or f"; known are {among(roots)}"
        ctx.fault(node, f'unknown name "{name}"{tail}')
    elif name in ROOTS or name in _PLACES:
        ctx.fault(node, f'"{name}" is not known here{_place_of(name)}')
    else:
        tail = _meant(name, [*scope.variables, *roots], ctx)
        ctx.fault(node, f'no step of worker "{scope.worker}" sets "{name}"{tail}')


def _meant(name: str, known: Iterable[str], ctx: Context) -> str:
    """What a name was probably meant for: something that is written otherwise, or a near name."""
    path = _path(name, ctx)
    if path is not None:
        return f"; write {path}"
    tail = suggest(name, known)
    if not tail:
        workers = (worker for worker in ctx.workers if worker.isidentifier())
        near = nearest(name, chain(ctx.resources, workers, *ctx.names.values()))
        return f"; did you mean {_path(near, ctx)}?" if near is not None else ""
    return tail


def _path(name: str, ctx: Context) -> str | None:
    """How a var, a name of the matrix, a worker or a resource is written in an expression."""
    for root in ("vars", "matrix"):
        if name in ctx.names[root]:
            return f"{root}.{name}"
    if name in ctx.workers and name.isidentifier():
        return f"workers.{name}"
    return f"{ctx.resources[name]}.{name}" if name in ctx.resources else None


_PLACES: Final = {
    "job": ': only a worker with "jobs" has one',
    "old": ': it is the value before, in the "to" of an update',
    "error": ': it is the text of a failure, in the steps of an "except"',
    "env": ': it stands in "vars" and in a worker\'s "env"',
    "workers": ': it stands in "expect"',
    "found": ': it stands in "expect"',
}


def _place_of(name: str) -> str:
    live = ': it stands in "expect", and in the args of a worker\'s own call'
    return _PLACES.get(name, live)


def _check_path(
    path: tuple[str, ...], roots: Mapping[str, Names], node: Node, ctx: Context
) -> None:
    """Follow a path such as workers.writer.state through the known names."""
    level: Any = roots
    for index, part in enumerate(path):
        if level is None or (part == "[]" and not isinstance(level, _Worker)):
            return
        if part[:1] == "[":
            if isinstance(level, _Worker):
                if not _replica(path, part, level, node, ctx):
                    return
                continue
            ctx.fault(node, f"{_written(path[:index])} has names, not places such as {part}")
            return
        if part not in level:
            _unknown_part(path, index, level, node, ctx)
            return
        level = level[part]


def _replica(path: tuple[str, ...], part: str, worker: _Worker, node: Node, ctx: Context) -> bool:
    """Whether a replica's index fits; notes why not."""
    name = path[1]
    if worker.count is None:
        ctx.fault(node, f'worker "{name}" has no replicas; write workers.{name}.state and the like')
        return False
    number = part[1:-1]
    if number.lstrip("-").isdigit() and not -worker.count <= int(number) < worker.count:
        ctx.fault(node, f'worker "{name}" has replicas 0 to {worker.count - 1}, not {number}')
        return False
    return True


def _unknown_part(
    path: tuple[str, ...], index: int, level: Mapping[str, Any], node: Node, ctx: Context
) -> None:
    part, before = path[index], _written(path[:index])
    if index == 1 and path[0] in ("vars", "matrix"):
        ctx.unknown(node, path[0], part, level)
        return
    tail = suggest(part, level, f"; known are {among(level)}" if level else "; there is none")
    if index == 1 and path[0] == "workers" and "-" in tail:
        tail += "; a name with a hyphen is written workers['a-b']"
    words = {"found": "checker", "workers": "worker", "local": "local", **SECTIONS}
    if index == 1 and path[0] in words:
        ctx.fault(node, f'no {words[path[0]]} "{part}" for {before}.{part}{tail}')
    else:
        ctx.fault(node, f'{before} has no "{part}"{tail}')


def _written(path: Iterable[str]) -> str:
    """A path as it is written."""
    text = ""
    for part in path:
        text += part if part[:1] == "[" or not text else f".{part}"
    return text
