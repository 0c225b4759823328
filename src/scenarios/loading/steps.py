"""Steps: reads a list of step mappings by the table of kinds, plugins' kinds among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scenarios.loading.context import Context
from scenarios.loading.filling import compiled, scope_of
from scenarios.loading.mistakes import nearest, shown
from scenarios.loading.nodes import Entry, Node, data
from scenarios.loading.shapes import Key, Schema, Shape, check_keys
from scenarios.scenario import Step

Finish = Callable[[dict[str, Any], Node, Context], None]


class Steps(Shape):
    """A list of steps, read as a tuple of Step; `loop` and `error` say what they stand in."""

    def __init__(self, loop: bool = False, error: bool = False) -> None:
        self.loop, self.error = loop, error

    def _read(self, node: Node, ctx: Context, what: str) -> tuple[Step, ...] | None:
        if type(node.value) is not list:
            ctx.fault(node, f"{what} is a list of steps, not {shown(node.value)}")
            return None
        scope = scope_of(ctx)
        loops, extra = scope.loops, scope.extra
        scope.loops += self.loop
        if self.error:
            scope.extra = (*extra, "error")
        steps: list[Step] = []
        for item in node.value:
            steps.extend(read_step(item, ctx))
        scope.loops, scope.extra = loops, extra
        return tuple(steps)

    def _schema(self) -> Schema:
        return {"type": "array", "items": {"$ref": "#/$defs/step"}}

    _filled = _schema


class Kind:
    """One kind of step: its own value first, then its other keys."""

    def __init__(
        self,
        name: str,
        doc: str,
        own: Shape,
        *keys: Key,
        fields: bool = False,
        in_loop: bool = False,
        finish: Finish | None = None,
    ) -> None:
        self.name, self.doc = name, doc
        self.fields = fields  # any further key is a field
        self.in_loop = in_loop  # it stands in a loop and nowhere else
        self.finish = finish  # puts the fields read into their last form
        self.keys = {key.name: key for key in (Key(name, own, doc), *keys)}
        self.whats = {
            key: f'"{key}" of {name}' if key != name else f'"{name}"' for key in self.keys
        }
        self.required = [key.name for key in keys if key.required]

    def read(self, node: Node, ctx: Context) -> Step:
        """The step of this kind at a node."""
        entries: dict[str, Entry] = node.value
        fields: dict[str, Any] = dict.fromkeys(self.keys)
        for name, key in self.keys.items():
            entry = entries.get(name)
            fields[name] = (
                key.default if entry is None else key.shape.read(entry.node, ctx, self.whats[name])
            )
        if self.fields:
            further = {name: entry for name, entry in entries.items() if name not in self.keys}
            fields["fields"] = _further(further, node, ctx) if further else None
        elif not self.fits(entries):
            check_keys(node, entries, self.keys, self.required, ctx, f"step {self.name}")
        if self.in_loop and not scope_of(ctx).loops:
            ctx.fault(node, f"{self.name} stands in no loop")
        if self.finish is not None:
            self.finish(fields, node, ctx)
        return Step(self.name, fields, node.line, node.column)

    def fits(self, entries: dict[str, Entry]) -> bool:
        """Whether no key is unknown and none is missing."""
        return entries.keys() <= self.keys.keys() and all(key in entries for key in self.required)

    def schema(self) -> Schema:
        """The step as JSON Schema; that its kind is there is checked by who chose it."""
        return {
            "type": "object",
            "description": self.doc,
            "properties": {
                name: {"description": key.doc, **key.shape.filled()}
                for name, key in self.keys.items()
            },
            "required": [self.name, *self.required],
            **({} if self.fields else {"additionalProperties": False}),
        }


def _further(entries: dict[str, Entry], node: Node, ctx: Context) -> Any:
    """The fields of a log step as plain data whose texts may hold `${...}`, checked as such."""
    fields = Node(entries, node.line, node.column)
    return None if compiled(fields, ctx) is None else data(fields)


def read_step(node: Node, ctx: Context, core: bool = False) -> Iterable[Step]:
    """The step at a node, or those that a plugin's step stands for; nothing after a fault.

    `core` refuses plugins' kinds: what a plugin's step stands for is steps of the core.
    """
    from scenarios.loading.desugaring import desugar  # it reads steps in its turn

    entries = node.value
    plugins = {} if core else ctx.plugins.steps
    if type(entries) is not dict or not entries:
        _no_step(node, ctx)
        return ()
    found = [key for key in entries if key in ctx.kinds or key in plugins]
    if "log" in entries:  # its fields may have any name
        found = ["log"]
    if not found:
        _no_kind(node, [*ctx.kinds, *plugins], ctx)
        return ()
    if len(found) > 1:
        kinds = " and ".join(found)
        ctx.fault(
            node,
            f"a step has one kind, and this one has {len(found)}: {kinds}; make each "
            'a step of its own, with "- " before it',
        )
        return ()
    kind = ctx.kinds.get(found[0])
    return desugar(plugins[found[0]], node, ctx) if kind is None else (kind.read(node, ctx),)


def _no_step(node: Node, ctx: Context) -> None:
    value = node.value
    if type(value) is str and (value in ctx.kinds or value in ctx.plugins.steps):
        ctx.fault(node, f'a step is a mapping, not a text; write "{value}:" with a colon')
    else:
        what = "nothing" if value == {} else shown(value)
        ctx.fault(node, f"a step is a mapping such as {{put: q, value: 1}}, not {what}")


def _no_kind(node: Node, known: list[str], ctx: Context) -> None:
    for key in node.value:
        near = nearest(key, known)
        if near is not None:
            ctx.fault(node, f'a step without a kind: unknown "{key}"; did you mean "{near}"?')
            return
    keys = ", ".join(list(node.value)[:4])
    ctx.fault(node, f"a step without a kind: {keys} names none; kinds are {', '.join(known)}")
