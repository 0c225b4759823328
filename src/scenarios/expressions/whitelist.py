"""Syntax tree -> the same tree with every node checked, and guards put around what can grow.

What is not named here is refused. Attributes become subscripts of mappings, functions and methods
become the guards of `guards`, mentions of shared state become the variables `_r0`, `_r1`, ...
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from .errors import ExpressionError
from .scanning import Piece
from .words import FUNCTIONS, METHODS, ROOTS, SHARED

REFUSED = {
    "Lambda": "lambda",
    "NamedExpr": '":="',
    "Await": "await",
    "Yield": "yield",
    "YieldFrom": "yield",
    "TemplateStr": "a template string",
}
SENTENCE = (
    "allowed are constants, names, attributes, subscripts, arithmetic, comparisons, conditions, "
    "displays, comprehensions, f-strings and the format's functions"
)
GUARDED = {ast.Mult: "_multiply", ast.Pow: "_power", ast.LShift: "_shift", ast.Mod: "_remainder"}
COPYING = (ast.Add, ast.Sub, ast.BitOr, ast.BitAnd, ast.BitXor)
LOOKALIKES = {"true": "True", "false": "False", "null": "None"}
BITS = 14_000  # of an integer, as INTEGER in `data`


class Whitelist:
    """Checks and rewrites the pieces of one template or expression, in order.

    `free`, `paths` and `mentions` are collected on the way, offsets relative to the whole text.
    """

    def __init__(self, reads: bool, careful: bool) -> None:
        self.free: list[tuple[int, str, int]] = []
        self.paths: list[tuple[int, tuple[str, ...], int]] = []
        self.mentions: list[tuple[int, int, str, str, ast.Name]] = []
        self.budgeted = False  # whether a guard needs the evaluation's budget
        self._reads = reads
        self._careful = careful  # whether plain operators are charged too
        self._scopes: list[set[str]] = []
        self._piece = Piece("", 0)
        self._line = 0

    def rewrite(self, tree: ast.expr, piece: Piece, line: int) -> ast.expr:
        """The checked tree of `piece`; raises ExpressionError at the first thing refused."""
        self._piece, self._line = piece, line
        return self._visit(tree)

    def number_reads(self) -> tuple[tuple[str, str], ...]:
        """Name the mentions of shared state from left to right."""
        self.mentions.sort(key=lambda mention: mention[:2])
        for index, mention in enumerate(self.mentions):
            mention[4].id = f"_r{index}"
        return tuple((root, name) for _, _, root, name, _ in self.mentions)

    def guard(self, name: str, like: ast.expr, *arguments: ast.expr) -> ast.expr:
        """A call of a guard with the budget, at the place of `like`."""
        self.budgeted = True
        return self._call(name, like, [ast.Name("_b", ast.Load()), *arguments])

    def _call(self, name: str, like: ast.expr, arguments: Sequence[ast.expr]) -> ast.expr:
        call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
        for node in (call, call.func, *arguments[:1]):
            ast.copy_location(node, like) if not hasattr(node, "lineno") else None
        return call

    def _refuse(self, node: ast.AST, message: str) -> ExpressionError:
        return ExpressionError(message, self._piece.offset + getattr(node, "col_offset", 0))

    def _visit(self, node: ast.expr) -> ast.expr:
        name = node.__class__.__name__
        visit: Callable[[ast.expr], ast.expr] | None = getattr(self, f"_visit_{name}", None)
        if visit is None:
            what = REFUSED.get(name, name.lower())
            raise self._refuse(node, f"{what} is not allowed in an expression; {SENTENCE}")
        return visit(node)

    def _charged(self, guard: str, node: ast.expr, result: ast.expr) -> ast.expr:
        """`result` of `node` in a charging guard, where operators are charged and it can be large."""
        if not self._careful or isinstance(node, (ast.Constant, ast.GeneratorExp)):
            return result
        return self.guard(guard, node, result)

    # Constants and names

    def _visit_Constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if value is None or isinstance(value, (bool, float)):
            return node
        if isinstance(value, int):
            if value.bit_length() > BITS:
                raise self._refuse(node, "a number of more than 4,200 digits")
            return node
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeError:
                raise self._refuse(node, "half of a surrogate pair is not text") from None
            return node
        raise self._refuse(
            node,
            f"{'...' if value is ... else type(value).__name__} is not a constant of the format; "
            "constants are numbers, text, True, False and None",
        )

    def _visit_Name(self, node: ast.Name) -> ast.expr:
        if any(node.id in scope for scope in self._scopes):
            return node
        self._mention(node, (node.id,))
        if self._reads and node.id in SHARED:
            raise self._refuse(
                node, f'"{node.id}" cannot stand alone; each is read by its name: {node.id}.NAME'
            )
        return node

    def _mention(self, name: ast.Name, path: tuple[str, ...]) -> None:
        """Note a name from outside of the expression."""
        if name.id.startswith("_"):
            raise self._refuse(name, f'"{name.id}" is not allowed; no name starts with an underscore')
        if name.id in LOOKALIKES:
            raise self._refuse(
                name, f'unknown name "{name.id}"; did you mean {LOOKALIKES[name.id]}?'
            )
        offset = self._piece.offset + name.col_offset
        self.free.append((self._line, name.id, offset))
        self.paths.append((self._line, path, offset))

    # Attributes and subscripts

    def _visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._chain(node)

    def _visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return self._chain(node)

    def _chain(self, node: ast.Attribute | ast.Subscript) -> ast.expr:
        """A chain such as `job.items[0].who`, from its root outwards."""
        links: list[ast.Attribute | ast.Subscript] = []
        base: ast.expr = node
        while isinstance(base, (ast.Attribute, ast.Subscript)):
            links.append(base)
            base = base.value
        links.reverse()
        for link in links:
            self._check_attribute(link)
        outside = isinstance(base, ast.Name) and not any(base.id in each for each in self._scopes)
        if isinstance(base, ast.Name) and outside:
            self._mention(base, (base.id, *(_step(link) for link in links)))
            if self._reads and base.id in SHARED:
                result, links = self._shared(base, links[0]), links[1:]
            else:
                result = base
        else:
            result = self._visit(base)
        for link in links:
            result = self._link(link, result)
        return result

    def _check_attribute(self, link: ast.Attribute | ast.Subscript) -> None:
        if isinstance(link, ast.Attribute) and link.attr.startswith("_"):
            raise self._refuse(
                link, f'attribute "{link.attr}" is not allowed; none starts with an underscore'
            )

    def _shared(self, root: ast.Name, link: ast.Attribute | ast.Subscript) -> ast.expr:
        """The variable that holds what was read for this mention."""
        if isinstance(link, ast.Attribute):
            name = link.attr
        elif isinstance(link.slice, ast.Constant) and isinstance(link.slice.value, str):
            name = link.slice.value
        else:
            raise self._refuse(
                link.slice,
                f"what is read must be known beforehand; write {root.id}.NAME or {root.id}['NAME']",
            )
        variable = ast.copy_location(ast.Name("_r", ast.Load()), link)
        self.mentions.append((self._line, root.col_offset, root.id, name, variable))
        return variable

    def _link(self, link: ast.Attribute | ast.Subscript, value: ast.expr) -> ast.expr:
        index: ast.expr
        if isinstance(link, ast.Attribute):
            index = ast.copy_location(ast.Constant(link.attr), link)
        elif isinstance(link.slice, ast.Slice):
            index = self._slice(link.slice)
        else:
            index = self._charged("_weighed", link.slice, self._visit(link.slice))
        subscript = ast.copy_location(ast.Subscript(value, index, ast.Load()), link)
        if isinstance(index, ast.Slice):
            return self._charged("_counted", link, subscript)
        return subscript

    def _slice(self, node: ast.Slice) -> ast.Slice:
        parts = [part and self._visit(part) for part in (node.lower, node.upper, node.step)]
        return ast.copy_location(ast.Slice(*parts), node)

    # Operators

    def _visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.MatMult):
            raise self._refuse(node, '"@" is not an operator here')
        left, right = self._visit(node.left), self._visit(node.right)
        guard = GUARDED.get(type(node.op))
        if guard == "_multiply":
            return self.guard(guard, node, left, right)
        if guard is not None:
            return self._call(guard, node, [left, right])
        if isinstance(node.op, COPYING) and not (_number(node.left) or _number(node.right)):
            left = self._charged("_counted", node.left, left)
            right = self._charged("_counted", node.right, right)
        return ast.copy_location(ast.BinOp(left, node.op, right), node)

    def _visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        return ast.copy_location(ast.UnaryOp(node.op, self._visit(node.operand)), node)

    def _visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.copy_location(ast.BoolOp(node.op, [self._visit(e) for e in node.values]), node)

    def _visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        parts = (self._visit(node.test), self._visit(node.body), self._visit(node.orelse))
        return ast.copy_location(ast.IfExp(*parts), node)

    def _visit_Compare(self, node: ast.Compare) -> ast.expr:
        left = self._visit(node.left)
        if not isinstance(node.left, ast.Constant):
            left = self._charged("_weighed", node.left, left)
        rest: list[ast.expr] = []
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.Is, ast.IsNot)):
                self._check_identity(node, operand)
            guard = "_searched" if isinstance(operator, (ast.In, ast.NotIn)) else "_weighed"
            rest.append(self._charged(guard, operand, self._visit(operand)))
        return ast.copy_location(ast.Compare(left, node.ops, rest), node)

    def _check_identity(self, node: ast.Compare, operand: ast.expr) -> None:
        if not (isinstance(operand, ast.Constant) and operand.value in (None, True, False)):
            raise self._refuse(node, '"is" compares with None, True or False only; use ==')

    # Displays

    def _visit_List(self, node: ast.List) -> ast.expr:
        return ast.copy_location(ast.List(self._elements(node.elts), ast.Load()), node)

    def _visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return ast.copy_location(ast.Tuple(self._elements(node.elts), ast.Load()), node)

    def _visit_Set(self, node: ast.Set) -> ast.expr:
        elements = [self._charged("_weighed", e, v) for e, v in zip(node.elts, self._elements(node.elts))]
        return ast.copy_location(ast.Set(elements), node)

    def _elements(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        return [self._element(node) for node in nodes]

    def _element(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Starred):
            return self._visit(node)
        value = self.guard("_iterable", node.value, self._visit(node.value))
        return ast.copy_location(ast.Starred(value, ast.Load()), node)

    def _visit_Dict(self, node: ast.Dict) -> ast.expr:
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                keys.append(None)
                values.append(self.guard("_spread", value, self._visit(value)))
            else:
                keys.append(self._charged("_weighed", key, self._visit(key)))
                values.append(self._visit(value))
        return ast.copy_location(ast.Dict(keys, values), node)

    # Comprehensions

    def _visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        with self._loops(node.generators) as generators:
            return ast.copy_location(ast.ListComp(self._visit(node.elt), generators), node)

    def _visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        with self._loops(node.generators) as generators:
            element = self._charged("_weighed", node.elt, self._visit(node.elt))
            return ast.copy_location(ast.SetComp(element, generators), node)

    def _visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        raise self._refuse(node, "a generator stands alone; write it in a call, or as a list [...]")

    def _generator(self, node: ast.GeneratorExp) -> ast.expr:
        with self._loops(node.generators) as generators:
            return ast.copy_location(ast.GeneratorExp(self._visit(node.elt), generators), node)

    def _visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        with self._loops(node.generators) as generators:
            key = self._charged("_weighed", node.key, self._visit(node.key))
            return ast.copy_location(
                ast.DictComp(key, self._visit(node.value), generators), node
            )

    @contextmanager
    def _loops(self, generators: list[ast.comprehension]) -> Iterator[list[ast.comprehension]]:
        """The checked loops; within, their variables are known and operators are charged."""
        first = self._rounds(generators[0].iter)
        careful, self._careful = self._careful, True
        self._scopes.append({name for loop in generators for name in self._targets(loop.target)})
        checked = []
        for index, loop in enumerate(generators):
            if loop.is_async:
                raise self._refuse(loop.target, "async is not allowed in an expression")
            over = first if index == 0 else self._rounds(loop.iter)
            conditions = [self._visit(condition) for condition in loop.ifs]
            checked.append(ast.comprehension(loop.target, over, conditions, 0))
        yield checked
        self._scopes.pop()
        self._careful = careful

    def _rounds(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            return self._generator(node)
        return self.guard("_rounds", node, self._visit(node))

    def _targets(self, target: ast.expr) -> Iterator[str]:
        """The variables that a loop sets."""
        if isinstance(target, ast.Name):
            if target.id in ROOTS:
                message = f'"{target.id}" is a word of the format and cannot be a variable'
                raise self._refuse(target, message)
            if target.id.startswith("_") and target.id != "_":
                raise self._refuse(target, "a variable cannot start with an underscore")
            yield target.id
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                yield from self._targets(element)
        elif isinstance(target, ast.Starred):
            yield from self._targets(target.value)
        else:
            raise self._refuse(target, "a comprehension sets plain variables only")

    # Texts and calls

    def _visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self._formatted(part)
                parts.append(ast.copy_location(ast.FormattedValue(value, -1, None), part))
            else:
                parts.append(self._visit(part))
        return ast.copy_location(ast.JoinedStr(parts), node)

    def _formatted(self, part: ast.FormattedValue) -> ast.expr:
        value = self._visit(part.value)
        if part.conversion == ord("a"):
            raise self._refuse(part, '"!a" is not allowed in an f-string; allowed are !s and !r')
        if part.conversion == ord("r"):
            value = self.guard("_represented", part.value, value)
        elif part.conversion == ord("s") or part.format_spec is None:
            value = self.guard("_text", part.value, value)
        if part.format_spec is None:
            return value
        return self.guard("_formatted", part.value, value, self._visit(part.format_spec))

    def _visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name):
            name = node.func.id
            if name not in FUNCTIONS:
                raise self._unknown(node.func, "function", name, FUNCTIONS)
            return self._called(node, name, FUNCTIONS[name], f"_f_{name}", [])
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name not in METHODS:
                raise self._unknown(node.func, "method", name, METHODS)
            subject = self._visit(node.func.value)
            return self._called(node, name, METHODS[name], f"_m_{name}", [subject])
        raise self._refuse(node, "only functions and methods of text can be called, by their names")

    def _unknown(
        self, node: ast.expr, what: str, name: str, known: dict[str, tuple[str, ...]]
    ) -> ExpressionError:
        near = get_close_matches(name, known, 1)
        other = METHODS if known is FUNCTIONS else FUNCTIONS
        if near:
            advice = f'did you mean "{near[0]}"?'
        elif name in other:
            advice = f"write TEXT.{name}(...)" if name in METHODS else f"write {name}(...)"
        else:
            advice = f"allowed are {', '.join(known)}"
        error = self._refuse(node, f'unknown {what} "{name}"; {advice}')
        if isinstance(node, ast.Attribute) and node.end_col_offset is not None:
            error.offset = self._piece.offset + node.end_col_offset - len(name)
        return error

    def _called(
        self,
        node: ast.Call,
        name: str,
        allowed: tuple[str, ...],
        guard: str,
        subject: list[ast.expr],
    ) -> ast.expr:
        arguments = [*subject, *(self._argument(argument) for argument in node.args)]
        keywords = [self._keyword(each, name, allowed) for each in node.keywords]
        unbudgeted = guard in UNBUDGETED
        call = self._call(guard, node, arguments) if unbudgeted else self.guard(guard, node, *arguments)
        assert isinstance(call, ast.Call)
        call.keywords = keywords
        return call

    def _argument(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            return self._generator(node)
        if isinstance(node, ast.Starred):
            return self._element(node)
        return self._charged("_weighed", node, self._visit(node))

    def _keyword(self, node: ast.keyword, name: str, allowed: tuple[str, ...]) -> ast.keyword:
        if node.arg is None:
            raise self._refuse(node, '"**" is not allowed in a call; use it in a display {**a, **b}')
        if node.arg not in allowed and name != "dict":
            what = f"allowed is {', '.join(allowed)}" if allowed else "it takes none by name"
            raise self._refuse(node, f'"{node.arg}" is not an argument of {name}; {what}')
        return ast.copy_location(ast.keyword(node.arg, self._visit(node.value)), node)


UNBUDGETED = frozenset({"_f_len", "_f_abs", "_f_bool", "_f_int", "_f_float", "_f_round", "_f_range"})


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str)


def _step(link: ast.Attribute | ast.Subscript) -> str:
    """One step of a path: a key as it is, an index in brackets, `[]` for what is not known."""
    if isinstance(link, ast.Attribute):
        return link.attr
    index, sign = link.slice, ""
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        index, sign = index.operand, "-"
    if isinstance(index, ast.Constant) and isinstance(index.value, (str, int)):
        return index.value if isinstance(index.value, str) else f"[{sign}{index.value}]"
    return "[]"
