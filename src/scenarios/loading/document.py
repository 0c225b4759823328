"""The whole document: the table of top-level keys, and one Scenario made of the parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from scenarios.loading.abilities import Swaps, check_swaps, installed
from scenarios.loading.context import Context
from scenarios.loading.declarations import read_resources
from scenarios.loading.disturbing import FaultList
from scenarios.loading.expectations import Expectations, check_expected
from scenarios.loading.judging import Checks, Schedules, Secrets, Thresholds
from scenarios.loading.mistakes import shown, suggest
from scenarios.loading.nodes import Entry, Node, start
from scenarios.loading.scalars import Duration, Text, Whole
from scenarios.loading.shapes import Key, Shape
from scenarios.loading.workers import read_worker
from scenarios.scenario import Scenario, Worker

VERSION: Final = 1
SIMPLE: Final = (
    Key("name", Text(), "What the scenario is called; absent: the file's name."),
    Key("description", Text(), "What it shows."),
    Key("seed", Whole(), "Seeds every random draw; absent: drawn, printed and stored."),
    Key("timeout", Duration(positive=True), "How long the whole run may take.", 60.0),
)
JUDGING: Final = (
    Key("faults", FaultList(), "What to disturb, and when.", ()),
    Key("expect", Expectations(), "What must hold; alone decides the exit.", ()),
    Key("checks", Checks(), "Levels of checkers: error, warn or off.", {}),
    Key("thresholds", Thresholds(), "Comparisons of metrics, such as p(95) < 5ms.", {}),
    Key("schedules", Schedules(), "Recorded orders of steps to replay.", {}),
    Key("secrets", Secrets(), "Values that appear in no log, report or message.", ()),
)
"""Keys whose values refer to resources and workers: read after those."""

OTHERS: Final = {
    "version": "The version of the format: 1.",
    "vars": "Values that --set can override; ${vars.name} stands for one.",
    "matrix": "Lists of values: one scenario for each combination.",
    "executor": "The executor of workers that name none.",
    "workers": "What runs, in the order in which it starts.",
}
SECTION_KEYS: Final = (
    *("queues", "locks", "semaphores", "conditions", "barriers", "flags", "values", "locals"),
)
KEYS: Final = (
    *("version", "name", "description", "vars", "matrix", "seed", "timeout", "executor"),
    *SECTION_KEYS,
    *("workers", *(key.name for key in JUDGING)),
)


def root_entries(root: Node, ctx: Context) -> dict[str, Entry] | None:
    """The top-level entries, unknown keys and a foreign version noted."""
    entries: dict[str, Entry] = root.value
    if type(entries) is not dict:
        ctx.fault(root, f"a scenario is a mapping with at least workers, not {shown(root.value)}")
        return None
    for key, entry in entries.items():
        if key not in KEYS and not key.startswith("x-"):
            ctx.fault(
                entry,
                f"unknown key {shown(key)} at the top of the file"
                f"{suggest(key, KEYS, '; keys for anchors start with x-')}",
            )
    version = entries.get("version")
    if version is not None and (version.node.value != VERSION or type(version.node.value) is bool):
        ctx.fault(version.node, f'"version" is {VERSION}, not {shown(version.node.value)}')
    if "workers" not in entries:
        ctx.fault(start(root), 'a scenario lacks the key "workers"')
    return entries


def read_scenario(path: str, entries: Mapping[str, Entry], swaps: Swaps, ctx: Context) -> Scenario:
    """One scenario; where faults were noted, it is of no use."""
    values: dict[str, Any] = _read(SIMPLE, entries, ctx)
    if values["name"] is None:
        values["name"] = PurePath(path).stem or path
    values.update(read_resources(entries, ctx))
    workers = _read_workers(entries, swaps, ctx)
    _check_dependencies(workers, ctx)
    values.update(_read(JUDGING, entries, ctx))
    check_expected({name: worker.replicas for name, worker in workers.items()}, ctx)
    names = ctx.names
    return Scenario(
        path=path,
        text="" if ctx.faults.found else ctx.source.text,
        vars=names["vars"],
        matrix=names["matrix"],
        workers=workers,
        **values,
    )


def _read(keys: tuple[Key, ...], entries: Mapping[str, Entry], ctx: Context) -> dict[str, Any]:
    values = {}
    for key in keys:
        entry = entries.get(key.name)
        if entry is None:
            values[key.name] = key.default
        else:
            values[key.name] = _value(key.shape, entry.node, key.what, ctx, key.default)
    return values


def _value(shape: Shape, node: Node, what: str, ctx: Context, default: Any) -> Any:
    value = shape.read(node, ctx, what)
    return default if value is None else value


def _read_workers(entries: Mapping[str, Entry], swaps: Swaps, ctx: Context) -> dict[str, Worker]:
    entry = entries.get("workers")
    if entry is None:
        return {}
    if type(entry.node.value) is not dict or not entry.node.value:
        given = "an empty one" if entry.node.value == {} else shown(entry.node.value)
        ctx.fault(entry.node, f'"workers" is a mapping of names to workers, not {given}')
        return {}
    ctx.workers = declared = entry.node.value
    check_swaps(swaps, declared, ctx)
    top = entries.get("executor")
    if top is not None and None not in swaps:
        name = Text().read(top.node, ctx, '"executor"')
        if name is not None:
            installed(name, top.node, ctx)
    read = {}
    for name, worker in declared.items():
        made = read_worker(worker, top.node if top is not None else None, swaps, ctx)
        if made is not None:
            read[name] = made
    return read


def _check_dependencies(workers: Mapping[str, Worker], ctx: Context) -> None:
    """Each worker that another one depends on exists, can be ready, and closes no circle."""
    for name, depends in ctx.dependencies.items():
        for other, (place, condition) in depends.items():
            if other not in ctx.workers:
                tail = suggest(other, ctx.workers)
                ctx.fault(place, f'worker "{name}" depends on "{other}", which is no worker{tail}')
            elif condition == "ready" and other in workers and workers[other].ready is None:
                ctx.fault(
                    place,
                    f'worker "{name}" waits until "{other}" is ready, and that worker '
                    'has no "ready"; add it, or use started',
                )
    _check_cycles(ctx)


def _check_cycles(ctx: Context) -> None:
    """Dependencies that go round in a circle: depth first, each edge followed once."""
    order = {name: index for index, name in enumerate(ctx.dependencies)}
    seen: set[str] = set()
    for first in ctx.dependencies:
        path = {} if first in seen else {first: None}  # in order, and looked up at once
        todo = [iter(ctx.dependencies[name]) for name in path]
        seen.add(first)
        while todo:
            other = next(todo[-1], None)
            if other is None:
                todo.pop()
                path.popitem()
            elif other in path:
                names = list(path)
                _tell_cycle(names[names.index(other) :], order, ctx)
            elif other not in seen and other in ctx.dependencies:
                seen.add(other)
                path[other] = None
                todo.append(iter(ctx.dependencies[other]))


def _tell_cycle(cycle: list[str], order: Mapping[str, int], ctx: Context) -> None:
    begin = min(range(len(cycle)), key=lambda index: order[cycle[index]])
    cycle = cycle[begin:] + cycle[:begin]
    place, _ = ctx.dependencies[cycle[0]][cycle[1 % len(cycle)]]
    words = " -> ".join([*cycle[:20], cycle[0]])
    ctx.fault(place, f"workers depend on each other in a circle: {words}")
