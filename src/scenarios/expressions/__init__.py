"""The cut-down Python expressions of the format: text -> code object; standard library only.

    compile_expression, compile_template, walk_template     text or data -> Expression
    prepare, Expression.evaluate                            Expression -> value
    plain, copied                                           values as plain data, and their copies

Order of the parts: words, data, guards, functions, expression; then scanning, parsing, rewriting,
whitelist, compiling. A process that only evaluates imports the first five, and `explaining` at the
first failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .data import SCALARS, copied, plain
from .errors import EvaluationError, ExpressionError, Path
from .expression import Expression, prepare
from .words import FUNCTIONS, METHODS, ROOTS, SHARED

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "ROOTS",
    "SCALARS",
    "SHARED",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "compile_expression",
    "compile_template",
    "copied",
    "plain",
    "prepare",
    "walk_template",
]


def compile_expression(text: str, *, reads: bool = True) -> Expression:
    """A bare expression, as in `if`, `to` and `expect`.

    With `reads`, mentions of `values.x` and `flags.x` are listed to be read beforehand; without,
    they are names like others. Raises ExpressionError.
    """
    from . import compiling

    return compiling.compile_expression(text, reads=reads)


def compile_template(value: Any, *, reads: bool = True) -> Expression:
    """A text with `${...}`, or plain data that holds such texts; keys stand as they are.

    A text that is one `${...}` and nothing else keeps the type of its value; `$${` is `${`.
    `reads`, `free` and `paths` of nested data are those of its texts, one after the other.
    Raises ExpressionError; its `path` leads to the text at fault in nested data.
    """
    from . import compiling

    return compiling.compile_template(value, reads=reads)


def walk_template(value: Any, *, reads: bool = True) -> Iterator[tuple[Path, Expression]]:
    """Each text of nested data with its path, compiled on its own: offsets are within that text.

    Raises ExpressionError at the first text that is refused; its `path` says which.
    """
    from . import compiling

    return compiling.walk_template(value, reads=reads)
