"""Guards around the operators of expressions: pure, and within a budget of work.

Most take the evaluation's budget first: a list of one number, the work that is left. A round of a
comprehension costs ROUND, an element that is walked or copied costs 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import GeneratorType
from typing import Any

from .data import (
    DIGITS,
    ELEMENTS,
    INTEGER,
    LEAST,
    SCALARS,
    TEXT,
    kind,
    long_weight,
    text_weight,
    weigh,
)
from .errors import EvaluationError

FILENAME = "<expression>"
ROUND = 10  # so that 1,000,000 rounds fit in, of about 50 ns each, and walking costs less
BUDGET = ELEMENTS * ROUND
WIDTH = 1_000  # characters of one formatted value, and of a format
NUMBERS = (int, float)
CONTAINERS = frozenset({list, tuple, dict, set, frozenset, range})
HASHED = frozenset({dict, set, frozenset, range})
SHORT = 1 << 128  # integers below it are as good as fixed in size
# Integers are their own hashes up to here; beyond, any number of them can have the same one, and
# so can tuples of integers that somebody chose. Sets of those take quadratic time.
OWN_HASH = (1 << 61) - 1
WIDE_INTEGER = 20_000  # 500 in one expression: 500 with one hash take 3 ms
WIDE_TUPLE = 1_000  # 10,000 of them: to choose their numbers is work, and honest ones are common
NARROW = 1 << 32

Budget = list[int]
"""The work that is left, and what there was of it where that is not BUDGET."""


def charge(budget: Budget, amount: int) -> None:
    """Take `amount` from the budget, or refuse."""
    budget[0] -= amount
    if budget[0] < 0:
        most = budget[1] if len(budget) > 1 else BUDGET
        raise EvaluationError(
            f"too much work for one expression, over {most // ROUND:,} rounds or {most:,} elements,"
        )


def weighed(budget: Budget, value: Any) -> Any:
    """`value`, with all of its levels charged: it is going to be compared or hashed."""
    if value.__class__ is str:
        charge(budget, text_weight(len(value)))
    elif value.__class__ not in SCALARS:
        charge(budget, weigh(value, budget[0]))
    return value


def counted(budget: Budget, value: Any) -> Any:
    """`value`, with its own elements charged: it is going to be copied, or was."""
    if value.__class__ is str:
        charge(budget, text_weight(len(value)))
    elif value.__class__ in CONTAINERS:
        charge(budget, len(value))
    return value


def lengthy(budget: Budget, value: Any) -> Any:
    """`value`, with the work that arithmetic with a long integer is, or was."""
    if value.__class__ is int and not -SHORT < value < SHORT:
        charge(budget, long_weight(value))
    return value


def hashed(budget: Budget, value: Any) -> Any:
    """`value`, charged as by `weighed`, and for others that may have its hash."""
    charge(budget, collisions(value))
    return weighed(budget, value)


def collisions(value: Any) -> int:
    """What an element of a set or a key counts for besides its weight."""
    if value.__class__ is int:
        return 0 if -OWN_HASH < value < OWN_HASH else WIDE_INTEGER
    if value.__class__ is tuple:
        wide = any(each.__class__ is int and not -NARROW < each < NARROW for each in value)
        return WIDE_TUPLE if wide else 0
    return 0


def searched(budget: Budget, container: Any) -> Any:
    """The right side of `in`: free where it is looked up by hash, charged where it is walked."""
    return container if container.__class__ in HASHED else weighed(budget, container)


def iterable(budget: Budget, value: Any, cost: int = 1) -> Any:
    """`value`, where a loop over it ends and has no effect; charged `cost` for each element."""
    its = value.__class__
    if its in CONTAINERS or its is str or isinstance(value, Mapping):
        charge(budget, len(value) * cost)
        return value
    if its is GeneratorType and value.gi_code.co_filename == FILENAME:
        return value  # an expression's own, which pays by its rounds
    plain = "" if its in SCALARS else "is not plain data and "
    raise EvaluationError(f"{kind(value)} {plain}cannot be looped over")


def rounds(budget: Budget, value: Any) -> Any:
    """What a comprehension loops over."""
    return iterable(budget, value, ROUND)


def spread(budget: Budget, value: Any) -> Any:
    """The operand of `**` in a display."""
    if not isinstance(value, Mapping):
        raise EvaluationError(f"{kind(value)} is not a mapping")
    return iterable(budget, value)


def _numbers(left: Any, right: Any, sign: str) -> None:
    if not (isinstance(left, NUMBERS) and isinstance(right, NUMBERS)):
        raise EvaluationError(f"{sign} takes two numbers, not {kind(left)} and {kind(right)}")


def _too_long() -> EvaluationError:
    return EvaluationError(f"a number of more than {DIGITS:,} digits")


def _bounded(result: Any) -> Any:
    if result.__class__ is int and not LEAST < result < INTEGER:
        raise _too_long()
    if result.__class__ is complex:
        raise EvaluationError("the result is not a real number")
    return result


def multiply(budget: Budget, left: Any, right: Any) -> Any:
    """`left * right`: numbers, or a text or list repeated."""
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        return lengthy(budget, _bounded(left * right))
    times, repeated = (left, right) if isinstance(left, int) else (right, left)
    if not isinstance(times, int) or repeated.__class__ not in (str, list, tuple):
        raise EvaluationError(f"cannot multiply {kind(left)} by {kind(right)}")
    if len(repeated) * times > (TEXT if isinstance(repeated, str) else ELEMENTS):
        raise EvaluationError(f"{kind(repeated)} longer than {ELEMENTS:,}")
    if times > 0:
        charge(budget, times * weigh(repeated, budget[0] // times + 1))
    return times * repeated


def times(left: Any, right: Any) -> Any:
    """`left * right` on its own, where no budget is needed to bound the whole."""
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        return _bounded(left * right)
    return multiply([BUDGET], left, right)


def power(left: Any, right: Any) -> Any:
    """`left ** right`."""
    _numbers(left, right, "**")
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and right > 0 and (abs(left).bit_length() - 1) * right > INTEGER.bit_length():
        raise _too_long()
    return _bounded(left**right)


def shift(left: Any, right: Any) -> Any:
    """`left << right`."""
    _numbers(left, right, "<<")
    if right > INTEGER.bit_length() and left:
        raise _too_long()
    return _bounded(left << right)


def inverted(value: Any) -> int:
    """`~value`; Python is about to give it up for booleans, and here they are numbers."""
    if not isinstance(value, int):
        raise EvaluationError(f"~ takes a whole number, not {kind(value)},")
    return ~int(value)


def remainder(left: Any, right: Any) -> Any:
    """`left % right` of numbers; text is not formatted this way."""
    if isinstance(left, str):
        raise EvaluationError('"%" does not format text here, use an f-string,')
    _numbers(left, right, "%")
    return left % right


def text(budget: Budget, value: Any = "") -> str:
    """`str(value)`."""
    if isinstance(value, str):
        charge(budget, text_weight(len(value)))
        return value
    return _written(budget, value, str)


def written(value: Any) -> str:
    """`str(value)` on its own, where no budget is needed to bound the whole."""
    return value if isinstance(value, str) else _written([BUDGET], value, str)


def represented(budget: Budget, value: Any) -> str:
    """`repr(value)`."""
    return _written(budget, value, repr)


def _written(budget: Budget, value: Any, write: Callable[[Any], str]) -> str:
    """`write(value)`, where `value` is plain and its text not too long."""
    if value.__class__ in CONTAINERS:
        weight = weigh(value, TEXT)
        charge(budget, weight)
        if weight > TEXT // 3:  # each element takes at least three characters: `0, `
            raise EvaluationError(f"a text of more than {TEXT:,} characters")
    elif value.__class__ not in SCALARS:
        raise EvaluationError(f"{kind(value)} is not plain data and has no text")
    elif value.__class__ is int:
        charge(budget, long_weight(value) * 4)
    written = write(value)
    if len(written) > TEXT:
        raise EvaluationError(f"a text of more than {TEXT:,} characters")
    charge(budget, text_weight(len(written)))
    return written


def formatted(budget: Budget, value: Any, specification: str) -> str:
    """`format(value, specification)` with bounded width and precision."""
    if not specification:
        return text(budget, value)
    if value.__class__ not in SCALARS:
        raise EvaluationError(f"{kind(value)} takes no format")
    digits = "".join(mark if mark.isdecimal() else " " for mark in specification[:WIDTH])
    if len(specification) > WIDTH or any(int(number) > WIDTH for number in digits.split()):
        raise EvaluationError(f"a format wider than {WIDTH:,}")
    counted(budget, value)
    charge(budget, text_weight(WIDTH))
    if value.__class__ is int:
        charge(budget, long_weight(value) * 4)
    return format(value, specification)


OPERATORS: dict[str, Any] = {
    "_weighed": weighed,
    "_hashed": hashed,
    "_counted": counted,
    "_lengthy": lengthy,
    "_searched": searched,
    "_iterable": iterable,
    "_rounds": rounds,
    "_spread": spread,
    "_multiply": multiply,
    "_times": times,
    "_power": power,
    "_shift": shift,
    "_inverted": inverted,
    "_remainder": remainder,
    "_text": text,
    "_written": written,
    "_represented": represented,
    "_formatted": formatted,
}
