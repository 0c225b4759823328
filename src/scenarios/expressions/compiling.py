"""Text and nested data -> Expression: scan, parse, check, compile."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

from .data import plain
from .errors import EvaluationError, ExpressionError, Path
from .expression import Expression, prepare
from .guards import FILENAME
from .parsing import parse
from .scanning import Piece, bare, split
from .whitelist import Whitelist

LARGE = 400  # nodes; in larger expressions plain operators are charged too

Parts = Sequence[str | Piece]
Built = Sequence[str | ast.expr]


def compile_expression(text: str, *, reads: bool = True) -> Expression:
    """A bare expression, as in `if`, `to` and `expect`.

    With `reads`, mentions of `values.x` and `flags.x` are listed to be read beforehand; without,
    they are names like others. Raises ExpressionError.
    """
    origin = ("compile_expression", text, reads)
    leaves: list[tuple[Path, Parts]] = [((), [bare(text)])]
    checked, built = _checked(leaves, reads)
    return _expression(text, origin, leaves, checked, _leaf(checked, built[0]))


def compile_template(value: Any, *, reads: bool = True) -> Expression:
    """A text with `${...}`, or plain data that holds such texts; keys stand as they are.

    A text that is one `${...}` and nothing else keeps the type of its value; `$${` is `${`.
    `reads`, `free` and `paths` of nested data are those of its texts, one after the other.
    Raises ExpressionError; its `path` leads to the text at fault in nested data.
    """
    origin = ("compile_template", value, reads)
    leaves = [(path, _split(path, text)) for path, text in _texts(value, ())]
    checked, built = _checked(leaves, reads)
    following = iter(built)
    tree = _shallow(lambda: _display(value, checked, following))
    source = value if isinstance(value, str) else repr(value)
    return _expression(source, origin, leaves, checked, tree)


def walk_template(value: Any, *, reads: bool = True) -> Iterator[tuple[Path, Expression]]:
    """Each text of nested data with its path, compiled on its own: offsets are within that text.

    Raises ExpressionError at the first text that is refused; its `path` says which.
    """
    for path, text in _texts(value, ()):
        try:
            yield path, compile_template(text, reads=reads)
        except ExpressionError as error:
            raise ExpressionError(error.message, error.offset, path) from None


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts of plain data in order; anything but plain data is refused."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    else:
        try:
            plain(value)
        except EvaluationError as error:
            raise ExpressionError(str(error), 0, path) from None


def _split(path: Path, text: str) -> Parts:
    try:
        return split(text)
    except ExpressionError as error:
        raise ExpressionError(error.message, error.offset, path) from None


def _checked(leaves: Sequence[tuple[Path, Parts]], reads: bool) -> tuple[Whitelist, list[Built]]:
    """Every expression of `leaves` parsed and rewritten; the N-th one stands on line N."""
    pieces = [(path, part) for path, parts in leaves for part in parts if isinstance(part, Piece)]
    trees = [_at(path, lambda: parse(piece, n)) for n, (path, piece) in enumerate(pieces, 1)]
    nodes = sum(1 for tree in trees for _ in ast.walk(tree))
    whitelist = Whitelist(reads, careful=nodes > LARGE)
    results = iter(
        [
            _at(path, lambda: whitelist.rewrite(tree, piece, n))
            for n, (tree, (path, piece)) in enumerate(zip(trees, pieces, strict=True), 1)
        ]
    )
    built = [[next(results) if isinstance(p, Piece) else p for p in parts] for _, parts in leaves]
    return whitelist, built


def _at(path: Path, step: Any) -> ast.expr:
    """The result of a step that works on the text at `path`."""
    try:
        return _shallow(step)
    except ExpressionError as error:
        raise ExpressionError(error.message, error.offset, path) from None


def _shallow(step: Any) -> Any:
    try:
        return step()
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply") from None


def _display(value: Any, whitelist: Whitelist, built: Iterator[Built]) -> ast.expr:
    """The tree that makes nested data anew each time."""
    if isinstance(value, str):
        return _leaf(whitelist, next(built))
    if isinstance(value, dict):
        items = [_display(item, whitelist, built) for item in value.values()]
        return ast.Dict([ast.Constant(key) for key in value], items)
    if isinstance(value, (list, tuple)):
        return ast.List([_display(item, whitelist, built) for item in value], ast.Load())
    return ast.Constant(value)


def _leaf(whitelist: Whitelist, parts: Built) -> ast.expr:
    """The tree of one text."""
    if not parts:
        return ast.Constant("")
    if len(parts) == 1:
        return ast.Constant(parts[0]) if isinstance(parts[0], str) else parts[0]
    joined: list[ast.expr] = []
    for part in parts:
        if isinstance(part, str):
            joined.append(ast.Constant(part))
        else:
            text = whitelist.guard("_text", part, part)
            joined.append(ast.copy_location(ast.FormattedValue(text, -1, None), part))
    return ast.JoinedStr(joined)


def _expression(
    source: str,
    origin: tuple[str, Any, bool],
    leaves: Sequence[tuple[Path, Parts]],
    whitelist: Whitelist,
    tree: ast.expr,
) -> Expression:
    reads = whitelist.number_reads()
    made = Expression(
        source=source,
        constant=False,
        value=None,
        reads=reads,
        free=tuple((name, offset) for _, name, offset in sorted(whitelist.free, key=_place)),
        paths=tuple((path, offset) for _, path, offset in sorted(whitelist.paths, key=_place)),
        _code=_shallow(lambda: _code(tree)),
        _budgeted=whitelist.budgeted,
        _pieces=tuple(p.text for _, parts in leaves for p in parts if isinstance(p, Piece)),
        _origin=origin,
    )
    return made if made.free else _constant(made)


def _place(entry: tuple[int, Any, int]) -> tuple[int, int]:
    return entry[0], entry[2]


def _code(tree: ast.expr) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as `1 == 1 is None`: odd, and not our matter
        whole = ast.fix_missing_locations(ast.Expression(tree))
        return compile(whole, FILENAME, "eval", dont_inherit=True)


def _constant(made: Expression) -> Expression:
    """`made` with its value; left as it is where it has none, to fail when it is evaluated."""
    names: dict[str, Any] = {}
    prepare(names)
    try:
        value = made.evaluate(names)
    except EvaluationError:
        return made
    return made.with_value(value)
