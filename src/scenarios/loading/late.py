"""The shapes of values that are known only when a worker starts or runs: kept as Expressions.

Each expression is noted in the worker's scope, so that its names are checked when every variable
that the worker sets is known.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any, Final

from scenarios.expressions import EvaluationError, Expression
from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.filling import as_word, bare, compiled, scope_of, suspect, whole
from scenarios.loading.mistakes import MOST_KNOWN, shown, suggest
from scenarios.loading.names import resources_of, variable_name
from scenarios.loading.nodes import Node
from scenarios.loading.shapes import NAME, Schema, Shape, or_filled
from scenarios.loading.targets import check_program

_LISTS: Final = (tuple, range, set, frozenset)  # what becomes a list when it is plain data
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}


class Value(Shape):
    """Any plain data with `${...}`; a plain text that looks like an expression is refused."""

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        suspect(node, scope_of(ctx))
        return compiled(node, ctx)

    def _schema(self) -> Schema:
        return {}

    _filled = _schema


class Message(Shape):
    """A text for people, with `${...}`; numbers and booleans are taken as they are written."""

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        if node.value is None or type(node.value) in (dict, list):
            ctx.fault(node, f"{what} is text, not {shown(node.value)}")
            return None
        return compiled(node, ctx)

    def _schema(self) -> Schema:
        return _TEXT

    _filled = _schema


class Bare(Shape):
    """A bare expression, without `${...}` around it. `extra` names what else it knows."""

    def __init__(self, extra: tuple[str, ...] = ()) -> None:
        self.extra = extra

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        expression = bare(node, ctx, what)
        if expression is not None:
            scope_of(ctx).note(expression, node, self.extra)
        return expression

    def _schema(self) -> Schema:
        return _TEXT

    _filled = _schema


class Later(Shape):
    """Another shape, or an Expression where `${...}` is known only at run time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        if type(node.value) is not str or "${" not in node.value:
            return self.shape.take(node, ctx, what)
        expression = ctx.template(node)
        if expression is None:
            return None
        if ctx.static(expression):
            filled = ctx.evaluated(expression, node)
            return None if filled is None else self.shape.take(filled, ctx, what)
        scope_of(ctx).note(expression, node)
        return expression

    def _schema(self) -> Schema:
        return self.shape.filled()

    _filled = _schema


class Items(Shape):
    """What a loop goes through: a list, a mapping, or one `${...}` that gives either."""

    types: tuple[type, ...] = (list, dict)
    words = "a list or a mapping"
    reads = True  # whether values.x is read, or stands for the live object

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        value = node.value
        if type(value) in self.types and self._fits(value):
            return compiled(node, ctx, reads=self.reads)
        if type(value) is not str or "${" not in value:
            hint = f'; an expression is written "${{{value}}}"' if type(value) is str else ""
            ctx.fault(node, f"{what} is {self.words}, not {shown(value)}{hint}")
            return None
        expression = ctx.template(node, reads=self.reads)
        if expression is None:
            return None
        if not whole(value):
            ctx.fault(node, f"{what} is {self.words}, and this is text around ${{...}}")
        elif ctx.static(expression) and ctx.known_paths(expression, node):
            with suppress(EvaluationError):  # a failure belongs to the run, where it can be caught
                given = ctx.value(expression, node, keep=False)
                kind = list if isinstance(given, _LISTS) else type(given)
                if kind not in self.types or not self._fits(given):
                    ctx.fault(node, f"{what} is {self.words}, not {shown(given)}")
        return compiled(node, ctx, reads=self.reads)

    def _fits(self, value: Any) -> bool:
        """Whether a value of the right type is also in bounds."""
        return True

    def _schema(self) -> Schema:
        return or_filled({"type": ["array", "object"]})

    _filled = _schema


class Count(Items):
    """How often a loop goes round: a whole number from 0 on."""

    types = (int,)
    words = "a whole number from 0 on"

    def _fits(self, value: Any) -> bool:
        return bool(value >= 0)

    def _schema(self) -> Schema:
        return or_filled({"type": "integer", "minimum": 0})

    _filled = _schema


class Words(Shape):
    """A command: a list of words, never a shell's line. `run` steps take it as one Expression."""

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        value = node.value
        if type(value) is str and "${" in value:
            expression = compiled(node, ctx)
            if expression is None or whole(value):
                check_program(expression, node, ctx, what, whole=True)
                return expression
        if type(value) is not list:
            hint = "; there is no shell: write [ls, -l] for ls -l" if type(value) is str else ""
            ctx.fault(node, f"{what} is a list of words, not {shown(value)}{hint}")
            return None
        if not value:
            ctx.fault(node, f"{what} is empty; its first word is the program")
        words = [word for item in value if (word := as_word(item, ctx, what)) is not None]
        if len(words) < len(value):
            return None
        if words:
            check_program(ctx.template(words[0]), words[0], ctx, what)
        return compiled(Node(words, node.line, node.column), ctx)

    def _schema(self) -> Schema:
        return or_filled({"type": "array", "minItems": 1, "items": _TEXT})

    _filled = _schema


class Variable(Shape):
    """The name of a worker variable that a step sets."""

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        name = variable_name(node, ctx, what)
        if name is not None:
            scope_of(ctx).variables.setdefault(name, node)
        return name

    def _schema(self) -> Schema:
        return {"type": "string", "pattern": NAME}

    _filled = _schema


class Resource(Shape):
    """The name of a resource of some sections: text, or an Expression that holds a replica."""

    def __init__(self, *sections: str) -> None:
        self.sections = sections
        self.words = " or ".join(f"a {SECTIONS[section]}" for section in sections)

    def _read(self, node: Node, ctx: Context, what: str) -> str | Expression | None:
        name = node.value
        if type(name) is not str:
            ctx.fault(node, f"{what} names {self.words}, not {shown(name)}")
            return None
        if "${" not in name:
            return name if self.exists(name, node, ctx, what) else None
        expression = ctx.template(node, reads=False)
        return None if expression is None else self.resolved(expression, node, ctx, what)

    def resolved(
        self, expression: Expression, node: Node, ctx: Context, what: str
    ) -> str | Expression | None:
        """The name that a text with `${...}` stands for, checked for each replica."""
        if ctx.static(expression):
            filled = ctx.evaluated(expression, node)
            if filled is None or not self.exists(str(filled.value), node, ctx, what):
                return None
            return str(filled.value)
        scope = scope_of(ctx)
        foreign = [name for name, _ in expression.free if name not in (*ctx.names, "worker")]
        paths = [path[1:2] for path, _ in expression.paths if path[0] == "worker"]
        if foreign or any(path not in (("name",), ("replica",)) for path in paths):
            ctx.fault(
                node,
                f"{what} holds the name of a resource, made of vars, matrix, worker.name and "
                "worker.replica only, since it is settled at load",
            )
            return None
        if scope.replicas is None and ("replica",) in paths:
            ctx.fault(node, f'{what} holds worker.replica; worker "{scope.worker}" has no replicas')
            return None
        if not ctx.known_paths(expression, node):
            return None
        for worker in scope.copies():
            try:
                name = str(ctx.value(expression, node, {"worker": worker}))
            except EvaluationError as fault:
                ctx.fault(node, str(fault))
                return None
            if not self.exists(name, node, ctx, what):
                return None
        return expression

    def exists(self, name: str, node: Node, ctx: Context, what: str) -> bool:
        """Whether a resource of that name has the right section; notes why not."""
        section = ctx.resources.get(name)
        if section in self.sections:
            return True
        if section is not None:
            ctx.fault(node, f'{what} takes {self.words}; "{name}" is a {SECTIONS[section]}')
            return False
        fitting = list(islice(resources_of(ctx, self.sections), MOST_KNOWN))
        kind = " or ".join(SECTIONS[section] for section in self.sections)
        declared = f"; declared are {', '.join(fitting[:8])}" if fitting else ""
        tail = suggest(name, fitting, declared or f"; declare it under {self.sections[0]}")
        ctx.fault(node, f"{what} names {shown(name)}, and there is no such {kind}{tail}")
        return False

    def _schema(self) -> Schema:
        return {"type": "string"}

    _filled = _schema
