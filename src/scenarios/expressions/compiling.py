"""Text and nested data -> Expression: scan, parse, check, compile."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import CodeType
from typing import Any, TypeVar

from .data import KEYS, SCALARS, kind
from .errors import EvaluationError, ExpressionError, Path
from .expression import Expression, prepare
from .guards import FILENAME, Budget
from .parsing import parse
from .scanning import Piece, bare, split
from .whitelist import Whitelist
from .words import FUNCTIONS, SETTLED

LARGE = 120  # nodes; beyond, plain operators are charged too: `x + x + ...` of 30 large lists
PIECE = 10  # parts that each expression counts for, besides those of its tree
FOLD = 10_000  # elements of work for the value of a constant; what takes more waits for the run

T = TypeVar("T")
Leaf = tuple[Path, Sequence[str | Piece]]
Built = Sequence[str | ast.expr]


def compile_expression(text: str, *, reads: bool = True) -> Expression:
    """See `scenarios.expressions.compile_expression`."""
    leaves: list[Leaf] = [((), [bare(text)])]
    whitelist, (built,) = _checked(leaves, reads)
    origin = ("compile_expression", text, reads)
    return _expression(text, origin, leaves, whitelist, _leaf(built, whitelist))


def compile_template(value: Any, *, reads: bool = True) -> Expression:
    """See `scenarios.expressions.compile_template`."""
    exact = _at((), _exact, value, ())
    leaves = [(path, _at(path, split, text)) for path, text in _texts(exact, ())]
    source = exact if isinstance(exact, str) else repr(exact)
    origin = ("compile_template", exact, reads)
    if all(isinstance(part, str) for _, parts in leaves for part in parts):
        literals = iter(["".join(map(str, parts)) for _, parts in leaves])
        return _without_code(source, origin, _at((), _literal, exact, literals))
    whitelist, built = _checked(leaves, reads)
    following = iter(built)
    tree = _at((), lambda: _display(exact, lambda: _leaf(next(following), whitelist)))
    return _expression(source, origin, leaves, whitelist, tree)


def walk_template(value: Any, *, reads: bool = True) -> Iterator[tuple[Path, Expression]]:
    """See `scenarios.expressions.walk_template`."""
    for path, text in _texts(_at((), _exact, value, ()), ()):
        yield path, _at(path, partial(compile_template, text, reads=reads))


def _at(path: Path, step: Callable[..., T], *arguments: Any) -> T:
    """The result of a step that works on the text at `path`."""
    try:
        return step(*arguments)
    except ExpressionError as error:
        raise ExpressionError(error.message, error.offset, error.path or path) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("an expression or its data is nested too deeply", 0, path) from None


def _exact(value: Any, path: Path) -> Any:
    """A copy of plain data in exact types, which pickle, marshal and `ast` take."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, tuple(KEYS)):
                raise ExpressionError(f"{kind(key)} cannot be a key in plain data", 0, path)
        return {_exact(key, path): _exact(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item, (*path, index)) for index, item in enumerate(value)]
    if value.__class__ in SCALARS:
        return value
    raise ExpressionError(f"{kind(value)} is not plain data", 0, path)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts of exact data, in order."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _checked(leaves: Sequence[Leaf], reads: bool) -> tuple[Whitelist, list[Built]]:
    """The leaves with every expression parsed and rewritten; the N-th one stands on line N."""
    pieces = [(path, part) for path, parts in leaves for part in parts if isinstance(part, Piece)]
    parsed = [_at(path, parse, piece, line) for line, (path, piece) in enumerate(pieces, 1)]
    nodes = [node for found in parsed for node in found]
    trees: list[Any] = [found[0] for found in parsed]
    size = sum(map(_effort, nodes)) + PIECE * len(trees)
    whitelist = Whitelist(reads, size, careful=len(nodes) > LARGE or _settled(nodes))
    done = iter(
        [
            _at(path, whitelist.rewrite, tree, piece, line)
            for line, (tree, (path, piece)) in enumerate(zip(trees, pieces, strict=True), 1)
        ]
    )
    built: list[Built] = []
    for _, parts in leaves:
        built.append([next(done) if isinstance(part, Piece) else part for part in parts])
    return whitelist, built


def _effort(node: ast.AST) -> int:
    """Parts that a node counts for: about 5 µs each."""
    return 5 if isinstance(node, ast.FormattedValue) else int(isinstance(node, ast.expr))


def _settled(nodes: Sequence[ast.AST]) -> bool:
    """Whether these nodes use only what is known before anything runs."""
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return all(name.id in SETTLED or name.id in own or name.id in FUNCTIONS for name in names)


def _display(value: Any, text: Callable[[], ast.expr]) -> ast.expr:
    """The tree that makes nested data anew each time; `text` gives those of its texts in order."""
    if isinstance(value, str):
        return text()
    if isinstance(value, dict):
        items = [_display(item, text) for item in value.values()]
        return ast.Dict([ast.Constant(key) for key in value], items)
    if isinstance(value, list):
        return ast.List([_display(item, text) for item in value], ast.Load())
    return ast.Constant(value)


def _literal(value: Any, texts: Iterator[str]) -> Any:
    """The nested data that `_display` would make where no text holds an expression."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {key: _literal(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item, texts) for item in value]
    return value


def _leaf(parts: Built, whitelist: Whitelist) -> ast.expr:
    """The tree of one text: an expression alone keeps its type, several parts are joined."""
    if len(parts) < 2:
        part = parts[0] if parts else ""
        return ast.Constant(part) if isinstance(part, str) else part
    joined: list[ast.expr] = []
    for part in parts:
        if isinstance(part, str):
            joined.append(ast.Constant(part))
        else:
            text = ast.FormattedValue(whitelist.text(part), -1, None)
            joined.append(ast.copy_location(text, part))
    return ast.JoinedStr(joined)


def _expression(
    source: str,
    origin: tuple[str, Any, bool],
    leaves: Sequence[Leaf],
    whitelist: Whitelist,
    tree: ast.expr,
) -> Expression:
    found = whitelist.found()
    made = Expression(
        _at((), _code, tree),
        source=source,
        constant=False,
        value=None,
        reads=found.reads,
        free=tuple((path[0], offset) for path, offset in found.paths),
        paths=found.paths,
        size=whitelist.size,
        _budgeted=whitelist.budgeted,
        _pieces=tuple(p.text for _, parts in leaves for p in parts if isinstance(p, Piece)),
        _origin=origin,
    )
    return made if made.paths else _constant(made)


def _without_code(source: str, origin: tuple[str, Any, bool], value: Any) -> Expression:
    """The expression of plain data that holds none: there is nothing to compile."""
    nothing: Any = dict.fromkeys(("reads", "free", "paths", "_pieces"), ())
    return Expression(
        None,
        source=source,
        constant=True,
        value=value,
        size=0,
        _budgeted=False,
        _origin=origin,
        **nothing,
    )


def _code(tree: ast.expr) -> CodeType:
    whole = ast.fix_missing_locations(ast.Expression(tree))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd code such as `1 is None`
        return compile(whole, FILENAME, "eval", dont_inherit=True)


def _constant(made: Expression) -> Expression:
    """`made` with its value; as it is where it has none, and fails when it is evaluated."""
    names: dict[str, Any] = {}
    budget: Budget = [FOLD]
    prepare(names, budget)
    try:
        return made.with_value(made.evaluate(names))
    except EvaluationError:
        return made
