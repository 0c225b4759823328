"""The shapes that stand in steps alone: assignments, targets and arguments of calls, counts."""

from __future__ import annotations

import re
from typing import Any, Final

from scenarios.expressions import Expression
from scenarios.loading.context import Context
from scenarios.loading.filling import scope_of, suspect
from scenarios.loading.late import Items, Value
from scenarios.loading.mistakes import shown, suggest
from scenarios.loading.names import LIVE, variable_name
from scenarios.loading.nodes import Node
from scenarios.loading.scalars import CALLABLE, Whole
from scenarios.loading.shapes import Schema, Shape, or_filled

# In a step's call the live objects are known besides; values and flags are read as elsewhere.
CALL_EXTRA: Final = tuple(section for section in LIVE if section not in ("values", "flags"))


class Nothing(Shape):
    """The kinds that take no value: `forever:`, `break:`, `continue:`."""

    def _read(self, node: Node, ctx: Context, what: str) -> None:
        if node.value is not None:
            hint = '; its steps stand beside it, under "steps:"' if what == '"forever"' else ""
            ctx.fault(node, f"{what} takes no value, not {shown(node.value)}{hint}")

    def _schema(self) -> Schema:
        return {"type": "null"}

    _filled = _schema


class Assignments(Shape):
    """`set`: variables, or local.NAME.attribute, with their values; a tuple of pairs."""

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        if type(node.value) is not dict or not node.value:
            value = "nothing" if node.value == {} else shown(node.value)
            ctx.fault(node, f"{what} is a mapping of variables to values, not {value}")
            return None
        pairs = []
        for name, entry in node.value.items():
            place = Node(name, entry.line, entry.column, name)
            if name.startswith("local."):
                self.attribute(name, place, ctx)
            elif variable_name(place, ctx, what) is not None:
                scope_of(ctx).variables.setdefault(name, place)
            pairs.append((name, Value().read(entry.node, ctx, f'"{name}"')))
        return tuple(pairs)

    def attribute(self, target: str, place: Node, ctx: Context) -> None:
        """Check a target such as local.stub.number."""
        parts = target.split(".")
        if len(parts) != 3:
            ctx.fault(place, f"{shown(target)}: a thread-local is set as local.NAME.attribute")
            return
        name, attribute = parts[1], parts[2]
        if not local_exists(name, place, ctx):
            return
        attributes = ctx.locals[name]
        if attributes is None:
            ctx.fault(place, f'local "{name}" is an object made by a call; call its methods')
        elif attribute not in attributes:
            tail = suggest(attribute, attributes, f"; it has {', '.join(sorted(attributes))}")
            ctx.fault(place, f'local "{name}" has no attribute {shown(attribute)}{tail}')

    def _schema(self) -> Schema:
        return {"type": "object", "minProperties": 1}

    _filled = _schema


def local_exists(name: str, place: Node, ctx: Context) -> bool:
    """Whether a thread-local is declared; notes where it is not."""
    if name in ctx.locals:
        return True
    known = list(ctx.locals)
    otherwise = f"; declared are {', '.join(known[:8])}" if known else '; declare it under "locals"'
    ctx.fault(place, f"no local {shown(name)}{suggest(name, known, otherwise)}")
    return False


class Target(Shape):
    """What a call step calls: "module:function", or a method as local.NAME.method."""

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        target = node.value
        if type(target) is not str or not target.startswith("local."):
            called: str | None = CALLABLE.take(node, ctx, f"{what} (or local.NAME.method)")
            return called
        match = re.fullmatch(r"local\.(\w+)\.([^\W_]\w*)", target)
        if match is None:
            ctx.fault(node, f"{what} calls a method as local.NAME.method, not {shown(target)}")
        elif local_exists(match[1], node, ctx):
            if ctx.locals[match[1]] is None:
                return target
            ctx.fault(node, f'local "{match[1]}" holds attributes and is no object with methods')
        return None

    def _schema(self) -> Schema:
        return {"type": "string", "pattern": r"^(\w+(\.\w+)*:\w+(\.\w+)*|local\.\w+\.\w+)$"}


class Arguments(Items):
    """`args` (a list) or `kwargs` (a mapping) of a call; live objects may stand in them."""

    where = ""  # as around it
    extra: tuple[str, ...] = CALL_EXTRA

    def __init__(self, kind: type, words: str) -> None:
        self.types, self.words = (kind,), words

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        scope = scope_of(ctx)
        before = scope.where, scope.extra
        scope.where, scope.extra = self.where or scope.where, (*scope.extra, *self.extra)
        suspect(node, scope)
        expression = super()._read(node, ctx, what)
        scope.where, scope.extra = before
        return expression

    def _schema(self) -> Schema:
        return or_filled({"type": "array" if self.types == (list,) else "object"})

    _filled = _schema


class NotifyCount(Shape):
    """How many waiters to wake: a number from 1 on, or `all`."""

    def _take(self, node: Node, ctx: Context, what: str) -> Any:
        if node.value == "all" and type(node.value) is str:
            return "all"
        return Whole(1).take(node, ctx, f"{what}, where it is not all,")

    def _schema(self) -> Schema:
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]}
