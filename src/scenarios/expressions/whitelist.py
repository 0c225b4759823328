"""Syntax tree -> the same tree with every node checked, and guards put around what can grow.

What has no rule here is refused. Attributes become subscripts of mappings, functions and methods
become those of `functions`, mentions of shared state become the variables `_r0`, `_r1`, ...
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches

from .data import INTEGER
from .errors import ExpressionError
from .functions import UNBUDGETED
from .guards import collisions
from .rewriting import Rewriter, like
from .words import FUNCTIONS, METHODS, ROOTS, Signature

GUARDED = {ast.Mult: "_times", ast.Pow: "_power", ast.LShift: "_shift", ast.Mod: "_remainder"}
DIVIDING = (ast.Div, ast.FloorDiv, ast.Mod)
COPYING = (ast.Add, ast.Sub, ast.BitOr, ast.BitAnd, ast.BitXor)
CONSTANTS = "constants are numbers, text, True, False and None"


class Whitelist(Rewriter):
    """The rules, one for each kind of node; names and their chains are in `Rewriter`."""

    def _visit_Constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeError:
                raise self._refusal(node, "half of a surrogate pair is not text") from None
        elif isinstance(value, int):
            if value >= INTEGER:
                raise self._refusal(node, "a number is too long")
        elif value is not None and not isinstance(value, float):
            what = "..." if value is ... else f"{type(value).__name__}"
            raise self._refusal(node, f"{what} is not allowed in an expression; {CONSTANTS}")
        return node

    # Operators

    def _visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self._visit(node.left), self._visit(node.right)
        if isinstance(node.op, ast.MatMult):
            raise self._refusal(node, '"@" is not an operator here')
        if isinstance(node.op, ast.Mult) and self._careful:
            return self.guard("_multiply", node, left, right)
        if isinstance(node.op, DIVIDING) and not isinstance(node.left, ast.Constant):
            left = self._charged("_lengthy", node.left, left)
        if type(node.op) in GUARDED:
            result = self._call(GUARDED[type(node.op)], node, [left, right])
            return self._charged("_lengthy", node, result)
        if isinstance(node.op, COPYING) and not (_number(node.left) or _number(node.right)):
            left = self._charged("_counted", node.left, left)
            right = self._charged("_counted", node.right, right)
        return like(node, ast.BinOp(left, node.op, right))

    def _visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self._visit(node.operand)
        if isinstance(node.op, ast.Invert):
            return self._call("_inverted", node, [operand])
        return like(node, ast.UnaryOp(node.op, operand))

    def _visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return like(node, ast.BoolOp(node.op, [self._visit(value) for value in node.values]))

    def _visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        parts = [self._visit(part) for part in (node.test, node.body, node.orelse)]
        return like(node, ast.IfExp(*parts))

    def _visit_Compare(self, node: ast.Compare) -> ast.expr:
        left = self._visit(node.left)
        others: list[ast.expr] = []
        if not _brief(node):
            left = self._charged("_weighed", node.left, left)
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.Is, ast.IsNot)) and not _single(operand):
                message = '"is" compares with None, True or False only; use == or !='
                raise self._refusal(operand, message)
            checked = self._visit(operand)
            if not _brief(node):
                guard = "_searched" if isinstance(operator, (ast.In, ast.NotIn)) else "_weighed"
                checked = self._charged(guard, operand, checked)
            others.append(checked)
        return like(node, ast.Compare(left, node.ops, others))

    # Displays

    def _visit_List(self, node: ast.List) -> ast.expr:
        return like(node, ast.List([self._element(each) for each in node.elts], ast.Load()))

    def _visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return like(node, ast.Tuple([self._element(each) for each in node.elts], ast.Load()))

    def _visit_Set(self, node: ast.Set) -> ast.expr:
        return like(node, ast.Set([self._element(each, hashed=True) for each in node.elts]))

    def _element(self, node: ast.expr, hashed: bool = False) -> ast.expr:
        if isinstance(node, ast.Starred):
            spread = self.guard("_iterable", node.value, self._visit(node.value))
            return like(node, ast.Starred(spread, ast.Load()))
        value = self._visit(node)
        if hashed and isinstance(node, ast.Constant) and collisions(node.value):
            return self.guard("_hashed", node, value)
        return self._charged("_hashed", node, value) if hashed else value

    def _visit_Dict(self, node: ast.Dict) -> ast.expr:
        keys: list[ast.expr | None] = []
        values: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            keys.append(key and self._element(key, hashed=True))
            checked = self._visit(value)
            values.append(checked if key else self.guard("_spread", value, checked))
        return like(node, ast.Dict(keys, values))

    # Comprehensions

    def _visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        with self._loops(node.generators) as loops:
            return like(node, ast.ListComp(self._visit(node.elt), loops))

    def _visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        with self._loops(node.generators) as loops:
            return like(node, ast.SetComp(self._element(node.elt, hashed=True), loops))

    def _visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        with self._loops(node.generators) as loops:
            key, value = self._element(node.key, hashed=True), self._visit(node.value)
            return like(node, ast.DictComp(key, value, loops))

    def _generator(self, node: ast.GeneratorExp) -> ast.expr:
        with self._loops(node.generators) as loops:
            return like(node, ast.GeneratorExp(self._visit(node.elt), loops))

    @contextmanager
    def _loops(self, loops: list[ast.comprehension]) -> Iterator[list[ast.comprehension]]:
        """The checked loops; within, their variables are known and all operators are charged."""
        first = self._looped(loops[0].iter)  # Python evaluates it outside
        careful, self._careful = self._careful, True
        self._scopes.append(frozenset(name for loop in loops for name in self._set(loop.target)))
        checked: list[ast.comprehension] = []
        for loop in loops:
            if loop.is_async:
                raise self._refusal(loop.target, "async is not allowed in an expression")
            over = self._looped(loop.iter) if checked else first
            conditions = [self._visit(condition) for condition in loop.ifs]
            checked.append(ast.comprehension(loop.target, over, conditions, 0))
        yield checked
        self._scopes.pop()
        self._careful = careful

    def _looped(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            return self._generator(node)
        return self.guard("_rounds", node, self._visit(node))

    def _set(self, target: ast.expr) -> Iterator[str]:
        """The variables that a loop sets; only they can stand there."""
        if isinstance(target, ast.Name):
            if target.id in ROOTS:
                message = f'"{target.id}" is a word of the format and cannot be a variable'
                raise self._refusal(target, message)
            if target.id.startswith("_") and target.id != "_":
                raise self._refusal(
                    target, f'"{target.id}" is not allowed; no name starts with "_"'
                )
            yield target.id
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                yield from self._set(element)
        elif isinstance(target, ast.Starred):
            yield from self._set(target.value)
        else:
            raise self._refusal(target, "a comprehension sets variables of its own only")

    # Texts

    def _visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        parts = [
            like(part, ast.FormattedValue(self._formatted(part), -1, None))
            if isinstance(part, ast.FormattedValue)
            else self._visit(part)
            for part in node.values
        ]
        return like(node, ast.JoinedStr(parts))

    def _formatted(self, part: ast.FormattedValue) -> ast.expr:
        value = self._visit(part.value)
        if part.conversion == ord("a"):
            raise self._refusal(part.value, '"!a" is not allowed in an f-string; use !r')
        if part.conversion == ord("r"):
            value = self.guard("_represented", part.value, value)
        elif part.conversion == ord("s") or part.format_spec is None:
            value = self.text(value)
        if part.format_spec is None:
            return value
        return self.guard("_formatted", part.value, value, self._visit(part.format_spec))

    # Calls

    def _visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name):
            name, start = node.func.id, node.func.col_offset
            return self._called(node, name, start, FUNCTIONS, [])
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            start = (node.func.end_col_offset or 0) - len(name)
            return self._called(node, name, start, METHODS, [node.func.value])
        raise self._refusal(node, "only functions and methods of text can be called, by name")

    def _called(
        self,
        node: ast.Call,
        name: str,
        start: int,
        known: Mapping[str, Signature],
        subject: list[ast.expr],
    ) -> ast.expr:
        """The call of a function or method whose name stands at `start`."""
        if name not in known:
            raise ExpressionError(_unknown(name, known), self._piece.offset + start)
        self._check_arguments(node, name, known[name])
        arguments = [self._visit(each) for each in subject]
        arguments += [self._argument(each) for each in node.args]
        guard = f"_f_{name}" if known is FUNCTIONS else f"_m_{name}"
        free = guard in UNBUDGETED
        call = self._call(guard, node, arguments) if free else self.guard(guard, node, *arguments)
        call.keywords = [
            like(each, ast.keyword(each.arg, self._argument(each.value))) for each in node.keywords
        ]
        return self._charged("_lengthy", node, call) if free else call

    def _check_arguments(self, node: ast.Call, name: str, signature: Signature) -> None:
        """Refuse arguments that the function does not take."""
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._refusal(keyword, '"**" is not allowed in a call; use {**a, **b}')
            if name != "dict" and keyword.arg not in signature.named:
                takes = " and ".join(signature.named) or "nothing"
                message = f'"{keyword.arg}" is not an argument of {name}; by name it takes {takes}'
                raise self._refusal(keyword, message)
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return
        given, (least, most, _) = len(node.args), signature
        if given < least or (most is not None and given > most):
            bounds = (
                f"{least}"
                if most == least
                else f"{least} to {most}"
                if most
                else f"{least} or more"
            )
            plural = "" if bounds == "1" else "s"
            raise self._refusal(node, f"{name} takes {bounds} argument{plural}, not {given}")

    def _argument(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            return self._generator(node)
        if isinstance(node, ast.Starred):
            return self._element(node)
        return self._charged("_weighed", node, self._visit(node))  # compared, or cheap to weigh


def _unknown(name: str, known: Mapping[str, Signature]) -> str:
    """The sentence for a function or method that does not exist."""
    what = "function" if known is FUNCTIONS else "method"
    if name in FUNCTIONS:
        advice = f"write {name}(...)"
    elif name in METHODS:
        advice = f"write TEXT.{name}(...)"
    elif near := get_close_matches(name, known, 1):
        advice = f'did you mean "{near[0]}"?'
    else:
        advice = f"allowed are {', '.join(known)}"
    return f'unknown {what} "{name}"; {advice}'


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str)


def _brief(node: ast.Compare) -> bool:
    """Whether it is one comparison with a constant, which ends at the first difference."""
    if len(node.ops) > 1 or isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return False
    return isinstance(node.left, ast.Constant) or isinstance(node.comparators[0], ast.Constant)


def _single(node: ast.expr) -> bool:
    """Whether `node` is a constant that exists once."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))
