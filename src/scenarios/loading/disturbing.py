"""`faults`: what to disturb, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.kinds import KINDS
from scenarios.loading.mistakes import among, shown, suggest
from scenarios.loading.names import resources_of
from scenarios.loading.nodes import Node, start
from scenarios.loading.scalars import Chance, Duration, Text, Whole
from scenarios.loading.shapes import Schema, Shape, unknown_key
from scenarios.scenario import FaultDecl

_TARGETS: Final = {
    "kill": ("workers",),
    "pause": ("workers",),
    "raise": ("workers",),
    "delay": ("queues", "locks"),
    "drop": ("queues",),
    "duplicate": ("queues",),
}
_OWN: Final[Mapping[str, tuple[str, Shape]]] = {
    "pause": ("for", Duration()),
    "raise": ("error", Text(loose=True)),
    "delay": ("by", Duration()),
}


class FaultList(Shape):
    """`faults`: what to disturb and when."""

    def _take(self, node: Node, ctx: Context, what: str) -> tuple[FaultDecl, ...]:
        if type(node.value) is not list:
            ctx.fault(node, f"{what} is a list of faults, not {shown(node.value)}")
            return ()
        read = [self.one(item, ctx) for item in node.value]
        return tuple(item for item in read if item is not None)

    def one(self, node: Node, ctx: Context) -> FaultDecl | None:
        """One disturbance."""
        entries = node.value
        kinds = [key for key in entries if key in _TARGETS] if type(entries) is dict else []
        if len(kinds) != 1:
            near = ""
            for key in entries if type(entries) is dict and not kinds else ():
                tail = suggest(key, _TARGETS)
                near = near or (f": unknown {shown(key)}{tail}" if tail else "")
            ctx.fault(node, f"a fault has exactly one of {', '.join(_TARGETS)}{near}")
            return None
        kind: Any = kinds[0]
        own, shape = _OWN.get(kind, ("", Text()))
        known = [kind, "at", "chance", *([own] if own else [])]
        for key, entry in entries.items():
            if key not in known:
                unknown_key(entry, known, ctx, f"fault {kind}")
        value = shape.read(entries[own].node, ctx, f'"{own}"') if own in entries else None
        if own and own not in entries:
            ctx.fault(start(node), f'fault {kind} lacks the key "{own}"')
        target = Text().read(entries[kind].node, ctx, f'"{kind}"')
        if target is not None:
            self.target(kind, target, entries[kind].node, ctx)
        when = [key for key in ("at", "chance") if key in entries]
        if len(when) != 1:
            place: Any = entries["chance"] if when else start(node)
            ctx.fault(place, f'fault {kind} has exactly one of "at" and "chance"')
        return FaultDecl(
            kind,
            target or "",
            self.at(entries["at"].node, ctx) if "at" in entries else None,
            Chance().read(entries["chance"].node, ctx, '"chance"') if "chance" in entries else None,
            value if kind in ("pause", "delay") else None,
            value if kind == "raise" else None,
            node.line,
            node.column,
        )

    def at(self, node: Node, ctx: Context) -> float | tuple[str, int] | None:
        """A time, or a worker's step of a kind and its count."""
        if type(node.value) is not dict:
            at: float | None = Duration().read(node, ctx, '"at"')
            return at
        for key, entry in node.value.items():
            if key not in ("step", "count"):
                unknown_key(entry, ["step", "count"], ctx, '"at"')
        if "step" not in node.value:
            ctx.fault(start(node), '"at" lacks the key "step"')
            return None
        kinds = [*KINDS, *ctx.plugins.steps]
        step = node.value["step"].node
        if step.value not in kinds or type(step.value) is not str:
            tail = suggest(step.value, kinds) if type(step.value) is str else ""
            ctx.fault(step, f'"step" is a kind of step, not {shown(step.value)}{tail}')
            return None
        count = 1
        if "count" in node.value:
            count = Whole(1).read(node.value["count"].node, ctx, '"count"') or 1
        return step.value, count

    def target(self, kind: str, target: str, node: Node, ctx: Context) -> None:
        """What is disturbed exists and is of the right sort."""
        sections = _TARGETS[kind]
        if sections == ("workers",):
            name, _, replica = target.rpartition(".")
            if target not in ctx.workers and not (name in ctx.workers and replica.isdigit()):
                tail = suggest(target, ctx.workers, f"; there are {among(ctx.workers)}")
                ctx.fault(node, f"no worker {shown(target)} to {kind}{tail}")
        elif ctx.resources.get(target) not in sections:
            words = " or ".join(SECTIONS[section] for section in sections)
            near = suggest(target, resources_of(ctx, sections))
            ctx.fault(node, f"no {words} {shown(target)} to {kind}{near}")

    def _schema(self) -> Schema:
        when: Schema = {
            "at": {
                "description": "A time from the start, or a worker's step and its count.",
                "anyOf": [
                    Duration().schema(),
                    {
                        "type": "object",
                        "properties": {
                            "step": {"type": "string"},
                            "count": {"type": "integer", "minimum": 1},
                        },
                        "required": ["step"],
                        "additionalProperties": False,
                    },
                ],
            },
            "chance": {"description": "A probability each time.", **Chance().schema()},
        }
        items = []
        for kind in _TARGETS:
            own, shape = _OWN.get(kind, ("", Text()))
            properties = {kind: {"type": "string"}, **when}
            if own:
                properties[own] = shape.filled()
            items.append(
                {
                    "type": "object",
                    "properties": properties,
                    "required": [kind, own] if own else [kind],
                    "additionalProperties": False,
                }
            )
        return {"type": "array", "items": {"anyOf": items}}
