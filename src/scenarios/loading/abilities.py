"""Which executor runs a worker, with what options, and what it cannot do: said before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from scenarios.errors import PluginFault, UsageError
from scenarios.loading.context import Context
from scenarios.loading.desugaring import attribute
from scenarios.loading.mistakes import among, shown, suggest
from scenarios.loading.nodes import Entry, Node, Place, data, start
from scenarios.loading.scalars import Data, Text
from scenarios.specs import Capabilities, ExecutorSpec

if TYPE_CHECKING:  # importing it takes 70 ms, which only files with options pay
    from pydantic import BaseModel

TASKS: Final = ("steps", "call", "command")
Swaps = Mapping[str | None, str]


def chosen(
    entries: Mapping[str, Entry], top: Node | None, ctx: Context
) -> tuple[str | None, Node | None]:
    """The executor that the file gives to a worker, and where it says so; not yet looked up.

    A command runs as a subprocess, unless it names its executor or the one at the top can do it.
    """
    own = entries.get("executor")
    if own is not None:
        return Text().read(own.node, ctx, '"executor"'), own.node
    named = Text().read(top, ctx, '"executor"') if top is not None else None
    if "command" in entries:
        spec = ctx.plugins.executors.get(named or "")
        if spec is None or not spec.capabilities.command:
            return "subprocess", None
    return named, top


def installed(name: str, place: Place, ctx: Context) -> ExecutorSpec | None:
    """The executor of that name; notes where there is none."""
    spec = ctx.plugins.executors.get(name)
    if spec is None:
        known = list(ctx.plugins.executors)
        tail = suggest(name, known, f"; installed are {among(known)}")
        ctx.fault(place, f"no executor {shown(name)}{tail}")
    return spec


def options_of(
    name: str, spec: ExecutorSpec, entries: Mapping[str, Entry], ctx: Context
) -> dict[str, Any]:
    """The worker's options as the executor's own model reads them; empty after a fault."""
    entry = entries.get("options")
    if entry is None or entry.node.value in (None, {}):
        return {}
    node = Data().fill(entry.node, ctx, f'"options" of worker "{name}"')
    if node is None:
        return {}
    if type(node.value) is not dict:
        ctx.fault(node, f'"options" of worker "{name}" is a mapping, not {shown(data(node))}')
        return {}
    if spec.options is None:
        ctx.fault(start(node), f'executor "{spec.name}" takes no options')
        return {}
    return _checked(model_of(spec), spec, node, ctx)


def model_of(spec: ExecutorSpec) -> type[BaseModel]:
    """The pydantic model of an executor's options. Raises PluginFault."""
    from pydantic import BaseModel

    model = attribute(spec.options or "", f'executor "{spec.name}"')
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise PluginFault(f'executor "{spec.name}": {spec.options} is no pydantic model')
    return model


def _checked(
    model: type[BaseModel], spec: ExecutorSpec, node: Node, ctx: Context
) -> dict[str, Any]:
    from pydantic import ValidationError

    known = list(model.model_fields)
    for entry in node.value.values():
        if entry.key not in known:
            tail = suggest(entry.key, known, f"; known are {among(known)}")
            what = f'option {shown(entry.key)} of executor "{spec.name}"'
            ctx.fault(entry, f"unknown {what}{tail}")
    kept = {key: value for key, value in data(node).items() if key in known}
    try:
        return model.model_validate(kept, strict=True).model_dump(exclude_unset=True)
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            place, path = _place(node, error["loc"])
            given = shown(error["input"]) if error["type"] != "missing" else ""
            message = error["msg"][:1].lower() + error["msg"][1:]
            tail = f", not {given}" if given else ""
            ctx.fault(place, f'option "{path}" of executor "{spec.name}": {message}{tail}')
        return {}


def _place(node: Node, location: tuple[int | str, ...]) -> tuple[Place, str]:
    """Where pydantic's location stands in the file, and how it is written."""
    place: Place = start(node)
    for part in location:
        if type(node.value) is dict and part in node.value:
            node = place = node.value[part].node
        elif type(node.value) is list and isinstance(part, int) and part < len(node.value):
            node = place = node.value[part]
    return place, ".".join(str(part) for part in location)


def refusals(
    name: str, entries: Mapping[str, Entry], spec: ExecutorSpec, can: Capabilities
) -> Iterator[tuple[Place, str]]:
    """What this executor cannot do of what the worker asks, each with its place."""
    who = f'executor "{spec.name}"'
    for kind in TASKS:
        if kind in entries and not getattr(can, kind):
            able = [word for word in TASKS if getattr(can, word)]
            instead = "subprocess" if kind == "command" else "process or thread"
            yield (
                entries[kind],
                f'{who} cannot run the "{kind}" of worker "{name}"; it runs {" or ".join(able)}; '
                f"use {instead}",
            )
    if "jobs" in entries and not can.jobs:
        yield entries["jobs"], f'{who} takes no "jobs"; use pool, or "replicas"'
    for key in ("env", "cwd"):
        if key in entries and not can.own_process:
            yield entries[key], f'{who} has no process of its own for "{key}"; use process'
    if "call" in entries and not can.kill:
        yield from _unstoppable(name, entries, who)


def _unstoppable(name: str, entries: Mapping[str, Entry], who: str) -> Iterator[tuple[Place, str]]:
    """A call that runs in the engine's own process cannot be ended from outside."""
    cure = "write it as steps, or use process"
    stop = entries.get("stop")
    if stop is not None and type(stop.node.value) is dict and "action" in stop.node.value:
        action = stop.node.value["action"].node
        if action.value == "terminate":
            yield action, f'{who} cannot terminate the "call" of worker "{name}"; {cure}'
    if "timeout" in entries:
        message = f'{who} cannot end the "call" of worker "{name}" after a "timeout"; {cure}'
        yield entries["timeout"].node, message


def swapped(
    name: str, own: str | None, entries: Mapping[str, Entry], swaps: Swaps, ctx: Context
) -> str | None:
    """The executor that the command line gives to this worker, where that one can run it.

    What the form for all workers cannot do is left and noted; the form for one raises UsageError.
    """
    target = swaps.get(name, swaps.get(None))
    if target is None or target == own:
        return None
    spec = ctx.plugins.executors[target]
    reasons = [message for _, message in refusals(name, entries, spec, spec.capabilities_for({}))]
    if not reasons:
        options = entries.get("options")
        if options is not None and options.node.value:
            ctx.notices[f'worker "{name}" runs on {target}, without its options for {own}'] = None
        return target
    if name in swaps:
        raise UsageError(f"--executor {target}:{name}: {reasons[0]}")
    ctx.notices[f'worker "{name}" stays on {own}: {reasons[0]}'] = None
    return None


def check_swaps(swaps: Swaps, workers: Mapping[str, Any], ctx: Context) -> None:
    """The names on the command line are known. Raises UsageError."""
    for worker, executor in swaps.items():
        shape = executor if worker is None else f"{executor}:{worker}"
        known = list(ctx.plugins.executors)
        if executor not in known:
            tail = suggest(executor, known, f"; installed are {among(known)}")
            raise UsageError(f'--executor {shape}: no executor "{executor}"{tail}')
        if worker is not None and worker not in workers:
            tail = suggest(worker, workers, f"; there are {among(workers)}")
            raise UsageError(f'--executor {shape}: no worker "{worker}" in {ctx.faults.file}{tail}')
