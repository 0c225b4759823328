"""An expression: compiled, immutable, picklable, evaluated without the parser."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any

from .data import copied
from .errors import EvaluationError
from .functions import HELPERS
from .guards import BUDGET, Budget

_KEPT = (
    *("source", "constant", "value", "reads", "free", "paths", "size"),
    *("_budgeted", "_pieces", "_origin"),
)


class Expression:
    """One compiled expression or template; `compile_expression` and `compile_template` make it.

    Offsets are characters from 0 in the text given; in nested data they are those in the text in
    which the name stands (`walk_template` gives each text on its own).
    """

    __slots__ = (*_KEPT, "_code", "_plain", "_variables")

    source: str
    """The text as a person wrote it; of nested data its repr."""
    constant: bool
    """It has no names at all, and `value` is its value."""
    value: Any
    reads: tuple[tuple[str, str], ...]
    """Every mention of shared state from left to right: ("values", "count"), ("flags", "stop")."""
    free: tuple[tuple[str, int], ...]
    """The names that it takes from outside, each mention with its offset."""
    paths: tuple[tuple[tuple[str, ...], int], ...]
    """The same with what follows: ("workers", "reader", "[0]", "state"); an index stands in
    brackets, `[]` where it is not known beforehand."""
    size: int
    """How many parts it has: what it took to compile it, in units of about 5 µs."""
    _budgeted: bool  # a guard takes from the budget
    _pieces: tuple[str, ...]  # the texts of its expressions; the N-th is line N of the code
    _origin: tuple[str, Any, bool]  # to compile it again: function, text or data, reads
    _code: CodeType | None  # None where it is constant
    _plain: bool  # nothing to prepare before, nothing to clear after
    _variables: tuple[str, ...]  # where the values of `reads` go

    def __init__(self, _code: CodeType | None, **fields: Any) -> None:
        variables = tuple(f"_r{index}" for index in range(len(fields["reads"])))
        fields["_code"], fields["_variables"] = _code, variables
        fields["_plain"] = not (_code is None or fields["_budgeted"] or variables)
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def evaluate(self, names: dict[str, Any], reads: Sequence[Any] = ()) -> Any:
        """The value with `names` (made ready by `prepare`, used by one thread at a time).

        `reads` holds what was read for each of `self.reads`, in order. `names` is left as it was.
        Raises EvaluationError.
        """
        try:
            if self._plain:
                return eval(self._code, names)  # type: ignore[arg-type]
            return self._evaluate(names, reads)
        except Exception as error:
            from .explaining import explain

            raise explain(error, self._pieces) from None

    def _evaluate(self, names: dict[str, Any], reads: Sequence[Any]) -> Any:
        if self._code is None:
            return copied(self.value)
        if len(reads) != len(self._variables):
            raise EvaluationError(f"{len(reads)} values for {len(self._variables)} reads")
        own = "_b" not in names  # no budget that several evaluations share
        if own:
            names["_b"] = [BUDGET]
        names.update(zip(self._variables, reads, strict=True))
        try:
            return eval(self._code, names)
        finally:
            if own:
                del names["_b"]
            for variable in self._variables:
                names.pop(variable, None)

    def with_value(self, value: Any) -> Expression:
        """The same, known to be constant."""
        fields = {name: getattr(self, name) for name in _KEPT} | {"constant": True, "value": value}
        return Expression(None, **fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Expression does not change; {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expression):
            return NotImplemented
        return repr(self._origin) == repr(other._origin)  # 1, 1.0 and true are three

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"<Expression {self.source!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        code = None if self._code is None else marshal.dumps(self._code)
        return _thaw, (MAGIC_NUMBER, code, {name: getattr(self, name) for name in _KEPT})


def _thaw(magic: bytes, code: bytes | None, fields: dict[str, Any]) -> Expression:
    """An unpickled expression; with the code of another Python it is compiled again."""
    if code is None:
        return Expression(None, **fields)
    if magic == MAGIC_NUMBER:
        return Expression(marshal.loads(code), **fields)
    from . import compiling

    function, source, reads = fields["_origin"]
    again: Expression = getattr(compiling, function)(source, reads=reads)
    return again


def prepare(names: dict[str, Any], budget: Budget | None = None) -> None:
    """Make `names` ready for `Expression.evaluate`: Python's own functions go, the guards come.

    It adds the key `__builtins__`. With a `budget`, a list of the number of elements, all
    evaluations with these names share it; otherwise each has BUDGET elements of its own.
    """
    names["__builtins__"] = HELPERS
    if budget is not None:
        names["_b"] = budget
