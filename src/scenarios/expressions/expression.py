"""An expression: compiled, immutable, picklable, evaluated without the parser."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any

from .data import SCALARS, copied
from .guards import BUDGET, HELPERS


_KEPT = ("source", "constant", "value", "reads", "free", "paths", "_budgeted", "_pieces")


class Expression:
    """One compiled expression or template.

    `source`: as a person wrote it (nested data: its repr).
    `constant`: it has no names at all; `value` holds what it is.
    `reads`: every mention of shared state, ("values", "count"), from left to right.
    `free`: the names used from outside, with offset; `paths`: the same with what follows them:
    ("workers", "reader", "[0]", "state"), an index in brackets, `[]` where it is not known.
    Offsets are characters from 0 in the text given; in nested data, in the text they stand in
    (use `walk_template` to have each text on its own).
    """

    __slots__ = (
        *("source", "constant", "value", "reads", "free", "paths"),
        *("_code", "_plain", "_budgeted", "_variables", "_pieces", "_origin"),
    )

    source: str
    constant: bool
    value: Any
    reads: tuple[tuple[str, str], ...]
    free: tuple[tuple[str, int], ...]
    paths: tuple[tuple[tuple[str, ...], int], ...]
    _code: CodeType | None  # None: `value` is all there is
    _plain: bool  # nothing to prepare before, nothing to clear after
    _budgeted: bool
    _variables: tuple[str, ...]  # where the values of `reads` go
    _pieces: tuple[str, ...]  # texts of the expressions; line N of the code is the N-th
    _origin: tuple[str, Any, bool]  # what to compile again: expression or template, text, reads

    def __init__(self, **fields: Any) -> None:
        fields["_variables"] = tuple(f"_r{index}" for index in range(len(fields["reads"])))
        code, constant = fields["_code"], fields["constant"]
        fields["_plain"] = not (
            code is None or constant or fields["_budgeted"] or fields["_variables"]
        )
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Expression does not change; {name} cannot be set")

    def __repr__(self) -> str:
        return f"<Expression {self.source!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and repr(self._origin) == repr(other._origin)

    def __hash__(self) -> int:
        return hash(self.source)

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
        if self.constant and (self._code is None or self.value.__class__ in SCALARS):
            return copied(self.value)
        assert self._code is not None
        names["_b"] = [BUDGET]
        for variable, value in zip(self._variables, reads, strict=True):
            names[variable] = value
        try:
            return eval(self._code, names)
        finally:
            del names["_b"]
            for variable in self._variables:
                names.pop(variable, None)

    def with_value(self, value: Any) -> Expression:
        """The same as a constant."""
        fields = {name: getattr(self, name) for name in _KEPT} | {"constant": True, "value": value}
        return Expression(**fields, _code=self._code, _origin=self._origin)

    def __reduce__(self) -> tuple[Any, ...]:
        code = None if self._code is None else marshal.dumps(self._code)
        fields = {name: getattr(self, name) for name in _KEPT}
        return _thaw, (MAGIC_NUMBER, code, fields, self._origin)


def _thaw(magic: bytes, code: bytes | None, fields: dict[str, Any], origin: Any) -> Expression:
    """An unpickled expression; of another Python's code, it is compiled again."""
    if code is not None and magic != MAGIC_NUMBER:
        from . import compiling

        kind, text, reads = origin
        return getattr(compiling, kind)(text, reads=reads)  # type: ignore[no-any-return]
    thawed = None if code is None else marshal.loads(code)
    return Expression(**fields, _code=thawed, _origin=origin)


def prepare(names: dict[str, Any]) -> None:
    """Make `names` ready for `Expression.evaluate`: Python's own functions go, the guards come."""
    names["__builtins__"] = HELPERS
