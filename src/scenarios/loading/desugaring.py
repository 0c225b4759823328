"""A plugin's step: checked, turned into core steps by the plugin, and read like any others."""

from __future__ import annotations

import importlib
from typing import Any, Final

from scenarios.errors import PluginFault
from scenarios.loading.context import Context
from scenarios.loading.filling import scope_of
from scenarios.loading.nodes import Entry, Node, data
from scenarios.loading.shapes import check_keys
from scenarios.loading.steps import read_step
from scenarios.scenario import Step
from scenarios.specs import StepSpec

DEEPEST: Final = 64  # plugin steps inside plugin steps, as deep as YAML itself may nest


def attribute(path: str, owner: str) -> Any:
    """What "module:attribute" of a plugin stands for. Raises PluginFault."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as fault:
        raise PluginFault(f'{owner}: cannot import "{path}": {fault}') from fault


def desugar(spec: StepSpec, node: Node, ctx: Context) -> tuple[Step, ...]:
    """The core steps that a plugin's step stands for; every fault stands at the step."""
    entries: dict[str, Entry] = node.value
    known = {spec.kind: "", **spec.keys}
    if not (entries.keys() <= known.keys() and all(key in entries for key in spec.required)):
        check_keys(node, entries, known, spec.required, ctx, f"step {spec.kind}")
        return ()
    owner = f'step kind "{spec.kind}"'
    function = attribute(spec.desugar, owner)
    origins: dict[int, tuple[Any, Node]] = {}
    try:
        made = function(_data(node, origins))
    except ValueError as fault:
        ctx.fault(node, f"{spec.kind}: {fault}")
        return ()
    except Exception as fault:
        raise PluginFault(f"{owner}: desugaring raised {type(fault).__name__}: {fault}") from fault
    if not isinstance(made, (list, tuple)):
        raise PluginFault(f"{owner}: desugaring gave {type(made).__name__}, not a list of steps")
    scope = scope_of(ctx)
    scope.desugared += 1
    if scope.desugared > DEEPEST:
        raise PluginFault(f"{owner}: its steps hold steps of its own without end")
    steps: list[Step] = []
    for item in made:
        steps.extend(read_step(_node(item, node, origins, owner), ctx, core=True))
    scope.desugared -= 1
    return tuple(steps)


def _data(node: Node, origins: dict[int, tuple[Any, Node]]) -> Any:
    """The node as plain data; remembers which collection came from which node."""
    value: Any
    if type(node.value) is dict:
        value = {key: _data(entry.node, origins) for key, entry in node.value.items()}
    elif type(node.value) is list:
        value = [_data(item, origins) for item in node.value]
    else:
        return node.value
    origins[id(value)] = (value, node)  # held, so that its id stays its own
    return value


def _node(value: Any, place: Node, origins: dict[int, tuple[Any, Node]], owner: str) -> Node:
    """Plain data as a node: what was passed on unchanged keeps its place, the rest gets one."""
    origin = origins.get(id(value))
    if origin is not None and data(origin[1]) == value:
        return origin[1]
    line, column = place.line, place.column
    if isinstance(value, dict):
        entries = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise PluginFault(f"{owner}: desugaring gave the key {key!r}, which is no text")
            entries[key] = Entry(key, line, column, _node(item, place, origins, owner))
        return Node(entries, line, column)
    if isinstance(value, (list, tuple)):
        return Node([_node(item, place, origins, owner) for item in value], line, column)
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise PluginFault(f"{owner}: desugaring gave {type(value).__name__}, not plain data")
    return Node(value, line, column, str(value))
