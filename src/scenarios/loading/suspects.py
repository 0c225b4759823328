"""Plain texts that were meant as expressions: `value: n + 1`, where n is a variable.

A text that is a variable's name alone is taken, and a notice says what it is.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

from scenarios.expressions import FUNCTIONS, ROOTS, ExpressionError, compile_expression
from scenarios.loading.context import Context
from scenarios.loading.mistakes import shown
from scenarios.loading.names import Names, Scope, worker_names
from scenarios.loading.nodes import Node

LONGEST: Final = 200  # characters; what is longer was written as a text
_WORD: Final = re.compile(r"[^\W\d]\w*")
_OPERATIONS: Final = (ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.IfExp, ast.Subscript)


def check_suspects(scope: Scope, ctx: Context) -> None:
    """Note each plain text that computes with a worker's variables, with the corrected line."""
    names = worker_names(ctx, scope.jobs) if scope.suspects else {}
    for node in scope.suspects:
        if node.value in scope.variables:
            ctx.notices[
                f'{ctx.faults.file}:{node.line}:{node.column}: "{node.value}" is text here; '
                f'the variable is written "${{{node.value}}}"'
            ] = None
        elif _suspicious(node.value, scope) and _computes(node.value, scope, names):
            ctx.fault(
                node,
                f"{shown(node.value)} is plain text, not an expression; write "
                f"{_corrected(node, ctx)}, or quote it where the text is meant",
            )


def _suspicious(text: str, scope: Scope) -> bool:
    """Whether a text is worth a closer look: short, and with the word for something known."""
    if "${" in text or len(text) > LONGEST:
        return False
    return any(word in scope.variables or word in ROOTS for word in _WORD.findall(text))


def _computes(text: str, scope: Scope, names: dict[str, Names]) -> bool:
    """Whether a text is an expression that computes, its names known, a variable among them."""
    try:
        compile_expression(text, reads=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except (ExpressionError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    call = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
    if not call and not isinstance(tree, _OPERATIONS):
        return False
    below = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    known = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or node.id in FUNCTIONS:
            continue
        if node.id not in scope.variables and not (node.id in names and id(node) in below):
            return False
        known += 1
    return known > 0


def _corrected(node: Node, ctx: Context) -> str:
    """The line as it should be; where it does not stand on one line, the text as it should be."""
    fixed = f'"${{{node.value}}}"'
    line = ctx.source.line(node.line)
    begin = node.column - 1
    if not line.startswith(node.value, begin) or len(line) > LONGEST:
        return fixed
    return (line[:begin] + fixed + line[begin + len(node.value) :]).strip()
