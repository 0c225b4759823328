"""The shapes of values that are known only when a worker starts or runs: kept as Expressions.

Each expression is noted in the worker's scope, so that its names are checked when every variable
that the worker sets is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from scenarios.expressions import EvaluationError, Expression, compile_template
from scenarios.expressions.scanning import Piece, split
from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.mistakes import shown, suggest
from scenarios.loading.names import Scope, variable_name
from scenarios.loading.nodes import Node, data
from scenarios.loading.shapes import NAME, Schema, Shape, or_filled

# Could be an expression: something between words that texts for people seldom have.
_SUSPECT: Final = re.compile(r"[-+*/%<>=\[(]|\b(?:and|or|not|in|if|is)\b")
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}


def scope_of(ctx: Context) -> Scope:
    """The worker that is read; shapes of this module stand nowhere else."""
    assert ctx.scope is not None, "a shape of a worker's value was read outside a worker"
    return ctx.scope


def texts(node: Node) -> Iterator[Node]:
    """Every text in a node and below it."""
    value = node.value
    if type(value) is str:
        yield node
    elif type(value) is list:
        for item in value:
            yield from texts(item)
    elif type(value) is dict:
        for entry in value.values():
            yield from texts(entry.node)


def compiled(node: Node, ctx: Context, *, reads: bool = True) -> Expression | None:
    """A value that may hold `${...}` as an Expression, its uses noted; None after a fault."""
    scope = scope_of(ctx)
    good = True
    for text in texts(node):
        if "${" in text.value:
            expression = ctx.template(text, reads=reads)
            if expression is None:
                good = False
            else:
                scope.note(expression, text)
    if not good:
        return None
    if type(node.value) is str:
        return ctx.template(node, reads=reads)
    return compile_template(data(node), reads=reads)


def at_start(node: Node, ctx: Context, *, reads: bool = True) -> Expression | None:
    """A worker's value: settled now where it is known at load, otherwise as `compiled`."""
    if type(node.value) is str and "${" in node.value:
        expression = ctx.template(node, reads=reads)
        if expression is None:
            return None
        if ctx.static(expression):
            filled = ctx.evaluated(expression, node)
            return None if filled is None else constant(data(filled))
    return compiled(node, ctx, reads=reads)


def constant(value: Any) -> Expression:
    """Plain data as an Expression that gives just that."""
    return compile_template(escaped(value))


def escaped(value: Any) -> Any:
    """Plain data whose texts stand for themselves when they are compiled."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    return value


def whole(text: str) -> bool:
    """Whether a text is one `${...}` and nothing else, so that it can be of any type."""
    pieces = split(text)
    return len(pieces) == 1 and isinstance(pieces[0], Piece)


def suspect(node: Node, scope: Scope) -> None:
    """Note texts that could be meant as expressions; what they are depends on the variables."""
    for text in texts(node):
        if text.plain and "${" not in text.value and _SUSPECT.search(text.value):
            scope.suspects.append(text)


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


def bare(node: Node, ctx: Context, what: str, *, reads: bool = True) -> Expression | None:
    """A bare expression compiled, its names not checked; None after a fault."""
    value = node.value
    if value is None or type(value) in (dict, list):
        quote = "" if value is None else "; quote it"
        ctx.fault(node, f"{what} is an expression, not {shown(value)}{quote}")
        return None
    if type(value) is not str:
        node = Node(str(value), node.line, node.column)
    elif value.startswith("${") and value.endswith("}"):
        ctx.fault(node, f"{what} is an expression by itself; write it without ${{}}: {value[2:-1]}")
        return None
    return ctx.expression(node, reads=reads)


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
                given = ctx.value(expression)
                if type(given) not in self.types or not self._fits(given):
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
        return compiled(Node(words, node.line, node.column), ctx)

    def _schema(self) -> Schema:
        return or_filled({"type": "array", "minItems": 1, "items": _TEXT})

    _filled = _schema


def as_word(node: Node, ctx: Context, what: str) -> Node | None:
    """A word of a command: numbers and booleans as they are written; None after a fault."""
    if node.value is None or type(node.value) in (dict, list):
        ctx.fault(node, f"a word of {what} is text, not {shown(node.value)}")
        return None
    text = node.value if type(node.value) is str else node.raw
    if "\0" in text:
        ctx.fault(node, f"a word of {what} cannot hold the character NUL")
        return None
    return node if text is node.value else Node(text, node.line, node.column, text)


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
        for worker in scope.copies():
            filled = ctx.evaluated(expression, node, {"worker": worker})
            if filled is None or not self.exists(str(filled.value), node, ctx, what):
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
        fitting = [known for known, its in ctx.resources.items() if its in self.sections]
        kind = " or ".join(SECTIONS[section] for section in self.sections)
        declared = f"; declared are {', '.join(fitting[:8])}" if fitting else ""
        tail = suggest(name, fitting, declared or f"; declare it under {self.sections[0]}")
        ctx.fault(node, f"{what} names {shown(name)}, and there is no such {kind}{tail}")
        return False

    def _schema(self) -> Schema:
        return {"type": "string"}

    _filled = _schema
