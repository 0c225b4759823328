"""Texts with `${...}` and bare expressions made into Expressions, their uses noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from scenarios.expressions import Expression, ExpressionError, compile_template
from scenarios.expressions.scanning import Piece, split
from scenarios.loading.allowance import Spent
from scenarios.loading.context import Context
from scenarios.loading.mistakes import shown
from scenarios.loading.names import Scope
from scenarios.loading.nodes import Node, data

# Could be an expression: something between words that texts for people seldom have.
_SUSPECT: Final = re.compile(r"[-+*/%<>=\[(]|\b(?:and|or|not|in|if|is)\b")


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
    good, size = True, 0
    for text in texts(node):
        if "${" in text.value:
            expression = ctx.template(text, reads=reads)
            if expression is None:
                good = False
            else:
                scope.note(expression, text)
                size += expression.size
    if not good:
        return None
    if type(node.value) is str:
        return ctx.template(node, reads=reads)
    try:
        return ctx.templates.nested(data(node), reads, size)
    except Spent as spent:
        raise ctx.enough(node, spent) from None
    except ExpressionError as fault:  # each text is right by itself, and all of them are too deep
        ctx.fault(node, fault.message)
        return None


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
        if text.plain and (text.value.isidentifier() or _SUSPECT.search(text.value)):
            scope.suspects.append(text)


def bare(node: Node, ctx: Context, what: str, *, reads: bool = True) -> Expression | None:
    """A bare expression compiled, its names not checked; None after a fault."""
    value = node.value
    if value is None or type(value) in (dict, list):
        quote = "" if value is None else "; quote it"
        ctx.fault(node, f"{what} is an expression, not {shown(value)}{quote}")
        return None
    if type(value) is not str:
        node = Node(str(value), node.line, node.column)
    elif "${" in value and isinstance(ctx.templates.get(value, True, reads), ExpressionError):
        whole = value.startswith("${") and value.endswith("}") and value.count("${") == 1
        tail = f": {value[2:-1]}" if whole else ""
        ctx.fault(node, f"{what} is an expression by itself; write it without ${{}}{tail}")
        return None
    return ctx.expression(node, reads=reads)


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
