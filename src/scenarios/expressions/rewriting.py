"""What every rule of the whitelist stands on: where it is, how it refuses, what it has found."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from .errors import ExpressionError
from .scanning import Piece
from .words import SHARED

REFUSED = {
    "Lambda": "lambda",
    "NamedExpr": '":="',
    "Await": "await",
    "Yield": "yield",
    "YieldFrom": "yield from",
    "GeneratorExp": "a generator outside of a call",
    "Starred": '"*" outside of a display or call',
    "TemplateStr": "a template string",
}
ALLOWED = (
    "allowed are constants, names, attributes, subscripts, arithmetic, comparisons, conditions, "
    "displays, comprehensions, f-strings and calls of the format's functions"
)
LOOKALIKES = {"true": "True", "false": "False", "null": "None"}

Link = ast.Attribute | ast.Subscript
Place = tuple[int, int]  # line and character; each expression of a template is a line
N = TypeVar("N", bound=ast.AST)


class Found(NamedTuple):
    """The names of an expression, from left to right."""

    reads: tuple[tuple[str, str], ...]
    paths: tuple[tuple[tuple[str, ...], int], ...]


class Rewriter:
    """Rewrites the expressions of one text or template, one after the other.

    A subclass has a method `_visit_NAME` for every kind of node that is allowed.
    """

    def __init__(self, reads: bool, size: int, careful: bool) -> None:
        self.size = size  # what it takes to compile all expressions
        self.budgeted = False  # whether a guard needs the evaluation's budget
        self._reads = reads  # whether shared state is read beforehand
        self._careful = careful  # whether plain operators are charged too
        self._scopes: list[frozenset[str]] = []  # variables of the comprehensions around
        self._paths: list[tuple[Place, tuple[str, ...], int]] = []
        self._mentions: list[tuple[Place, str, str, ast.Name]] = []
        self._piece = Piece("", 0)
        self._line = 0

    def rewrite(self, tree: ast.expr, piece: Piece, line: int) -> ast.expr:
        """The checked tree of `piece`; raises ExpressionError at what is refused."""
        self._piece, self._line = piece, line
        return self._visit(tree)

    def found(self) -> Found:
        """What was found; names the variables of the mentions of shared state on the way."""
        mentions = sorted(self._mentions, key=lambda mention: mention[0])
        for index, (_, _, _, variable) in enumerate(mentions):
            variable.id = f"_r{index}"
        return Found(
            tuple((root, name) for _, root, name, _ in mentions),
            tuple((path, offset) for _, path, offset in sorted(self._paths)),
        )

    def guard(self, name: str, like: ast.expr, *arguments: ast.expr) -> ast.Call:
        """A call of the guard `name` with the budget, placed as `like`."""
        self.budgeted = True
        budget = ast.copy_location(ast.Name("_b", ast.Load()), like)
        return self._call(name, like, [budget, *arguments])

    def text(self, value: ast.expr) -> ast.Call:
        """`value` as text."""
        if self._careful:
            return self.guard("_text", value, value)
        return self._call("_written", value, [value])

    def _call(self, name: str, like: ast.expr, arguments: Sequence[ast.expr]) -> ast.Call:
        function = ast.copy_location(ast.Name(name, ast.Load()), like)
        return ast.copy_location(ast.Call(function, list(arguments), []), like)

    def _charged(self, guard: str, node: ast.expr, result: ast.expr) -> ast.expr:
        """`result` of `node`, charged by `guard` where operators are charged for large ones."""
        if not self._careful or isinstance(node, ast.Constant):
            return result
        return self.guard(guard, node, result)

    def _refusal(self, node: ast.AST, message: str) -> ExpressionError:
        return ExpressionError(message, self._piece.offset + getattr(node, "col_offset", 0))

    def _visit(self, node: ast.expr) -> ast.expr:
        name = type(node).__name__
        visit: Callable[[ast.expr], ast.expr] | None = getattr(self, f"_visit_{name}", None)
        if visit is None:
            what = REFUSED.get(name, name.lower())
            raise self._refusal(node, f"{what} is not allowed in an expression; {ALLOWED}")
        return visit(node)

    # Names, attributes and subscripts

    def _visit_Name(self, node: ast.Name) -> ast.expr:
        return self._chain(node)

    def _visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._chain(node)

    def _visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return self._chain(node)

    def _chain(self, node: ast.expr) -> ast.expr:
        """A chain such as `job.items[0].who`, from its root outwards."""
        links: list[Link] = []
        while isinstance(node, Link):
            links.append(node)
            node = node.value
        links.reverse()
        for link in links:
            if isinstance(link, ast.Attribute) and link.attr.startswith("_"):
                raise self._refusal(link, f'"{link.attr}" is not allowed; no name starts with "_"')
        result = self._root(node, links) if isinstance(node, ast.Name) else self._visit(node)
        for link in links:
            result = self._linked(link, result)
        return result

    def _root(self, name: ast.Name, links: list[Link]) -> ast.expr:
        """The variable at the start of a chain; what is read beforehand takes its first link."""
        if any(name.id in scope for scope in self._scopes):
            return name
        if name.id.startswith("_"):
            raise self._refusal(name, f'"{name.id}" is not allowed; no name starts with "_"')
        if name.id in LOOKALIKES:
            meant = LOOKALIKES[name.id]
            raise self._refusal(name, f'unknown name "{name.id}"; did you mean {meant}?')
        place = (self._line, name.col_offset)
        path = (name.id, *(_step(link) for link in links))
        self._paths.append((place, path, self._piece.offset + name.col_offset))
        if not self._reads or name.id not in SHARED:
            return name
        if not links or path[1].startswith("["):
            where = f"{name.id}.NAME or {name.id}['NAME']"
            raise self._refusal(name, f"what is read must be known beforehand; write {where}")
        variable = ast.copy_location(ast.Name("", ast.Load()), links.pop(0))
        self._mentions.append((place, name.id, path[1], variable))
        return variable

    def _linked(self, link: Link, value: ast.expr) -> ast.expr:
        """One step along a chain; an attribute is a key of a mapping."""
        index: ast.expr
        if isinstance(link, ast.Attribute):
            index = ast.copy_location(ast.Constant(link.attr), link)
        elif isinstance(link.slice, ast.Slice):
            bounds = (link.slice.lower, link.slice.upper, link.slice.step)
            index = like(link.slice, ast.Slice(*(bound and self._visit(bound) for bound in bounds)))
        else:
            index = self._charged("_weighed", link.slice, self._visit(link.slice))
        found = like(link, ast.Subscript(value, index, ast.Load()))
        return self._charged("_counted", link, found) if isinstance(index, ast.Slice) else found


def like(node: ast.AST, made: N) -> N:
    """`made` at the place of `node`."""
    return ast.copy_location(made, node)


def _step(link: Link) -> str:
    """A step of a path: a key as it is, an index in brackets, `[]` where it is not known."""
    if isinstance(link, ast.Attribute):
        return link.attr
    index, sign = link.slice, ""
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        index, sign = index.operand, "-"
    if isinstance(index, ast.Constant) and not sign and isinstance(index.value, str):
        return index.value
    if isinstance(index, ast.Constant) and type(index.value) is int:
        return f"[{sign}{index.value}]"
    return "[]"
