"""The functions that expressions call: Python's own, kept pure and within bounds.

Most take the evaluation's budget first: a list of one number, the work that is left. A round of a
comprehension costs ROUND, an element that is walked or copied costs 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any

from .data import DIGITS, ELEMENTS, INTEGER, SCALARS, TEXT, kind, text_weight, weigh
from .errors import EvaluationError

FILENAME = "<expression>"
ROUND = 10
BUDGET = ELEMENTS * ROUND
WIDTH = 1_000  # of a format specification, and of the characters to strip
NUMBERS = (int, float)

Budget = list[int]


def charge(budget: Budget, amount: int) -> None:
    """Take `amount` from the budget, or refuse."""
    budget[0] -= amount
    if budget[0] < 0:
        raise EvaluationError(
            f"too much work for one expression (over {ELEMENTS:,} rounds or {BUDGET:,} elements)"
        )


def weighed(budget: Budget, value: Any) -> Any:
    """`value`, with all of its levels charged: it is going to be compared or hashed."""
    if value.__class__ not in SCALARS:
        charge(budget, weigh(value, budget[0]))
    elif value.__class__ is str:
        charge(budget, text_weight(len(value)))
    return value


def counted(budget: Budget, value: Any) -> Any:
    """`value`, with its own elements charged: it is going to be copied."""
    if value.__class__ is str:
        charge(budget, text_weight(len(value)))
    elif value.__class__ in (list, tuple, set, dict):
        charge(budget, len(value))
    return value


def searched(budget: Budget, container: Any) -> Any:
    """The right side of `in`: free where it is looked up by hash, charged where it is walked."""
    if container.__class__ in (dict, set, frozenset, range):
        return container
    return weighed(budget, container)


def iterable(budget: Budget, value: Any, cost: int = 1) -> Any:
    """`value` where it can be looped over without effect and end; charged `cost` an element."""
    if value.__class__ is GeneratorType:
        if value.gi_code.co_filename == FILENAME:  # paid by its own rounds
            return value
    elif value.__class__ not in SCALARS or value.__class__ is str:
        try:
            length = len(value)
        except TypeError:
            raise EvaluationError(f"{kind(value)} is not plain data and cannot be looped over") from None
        charge(budget, length * cost)
        return value
    raise EvaluationError(f"{kind(value)} cannot be looped over")


def rounds(budget: Budget, value: Any) -> Any:
    """What a comprehension loops over."""
    return iterable(budget, value, ROUND)


def spread(budget: Budget, value: Any) -> Any:
    """The operand of `**` in a dict display."""
    if not hasattr(value, "keys"):
        raise EvaluationError(f"{kind(value)} is not a mapping")
    return iterable(budget, value)


# Operators -----------------------------------------------------------------------------------


def _numbers(left: Any, right: Any, sign: str) -> None:
    if not (isinstance(left, NUMBERS) and isinstance(right, NUMBERS)):
        raise EvaluationError(f"{sign} takes two numbers, not {kind(left)} and {kind(right)}")


def _bounded(result: Any) -> Any:
    if result.__class__ is int and not -INTEGER < result < INTEGER:
        raise EvaluationError(f"a number of more than {DIGITS:,} digits")
    if result.__class__ is complex:
        raise EvaluationError("the result is a complex number")
    return result


def multiply(budget: Budget, left: Any, right: Any) -> Any:
    """`left * right`: numbers, or a text or list repeated."""
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        return _bounded(left * right)
    times, repeated = (left, right) if isinstance(left, int) else (right, left)
    if not isinstance(times, int) or not isinstance(repeated, (str, list, tuple)):
        raise EvaluationError(f"cannot multiply {kind(left)} by {kind(right)}")
    if len(repeated) * times > (TEXT if isinstance(repeated, str) else ELEMENTS):
        what = "text" if isinstance(repeated, str) else "list"
        raise EvaluationError(f"a {what} of {len(repeated) * times:,} would be over {ELEMENTS:,}")
    if times > 0:
        charge(budget, weigh(repeated, budget[0] // times + 1) * times)
    return times * repeated


def power(left: Any, right: Any) -> Any:
    """`left ** right`."""
    _numbers(left, right, "**")
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        if left not in (-1, 0, 1) and (abs(left).bit_length() - 1) * right > INTEGER.bit_length():
            raise EvaluationError(f"a number of more than {DIGITS:,} digits")
    return _bounded(left**right)


def shift(left: Any, right: Any) -> Any:
    """`left << right`."""
    _numbers(left, right, "<<")
    if isinstance(right, int) and left and right > INTEGER.bit_length():
        raise EvaluationError(f"a number of more than {DIGITS:,} digits")
    return _bounded(left << right)


def remainder(left: Any, right: Any) -> Any:
    """`left % right` of numbers; text is not formatted this way."""
    if isinstance(left, str):
        raise EvaluationError("% does not format text here; use an f-string or ${...}")
    _numbers(left, right, "%")
    return left % right


# Functions -----------------------------------------------------------------------------------


def text(budget: Budget, value: Any = "") -> str:
    """`str(value)`."""
    if value.__class__ is str:
        charge(budget, text_weight(len(value)))
        return value  # type: ignore[no-any-return]
    return _written(budget, value, str)


def represented(budget: Budget, value: Any) -> str:
    """`repr(value)`."""
    return _written(budget, value, repr)


def _written(budget: Budget, value: Any, write: Callable[[Any], str]) -> str:
    if value.__class__ not in SCALARS:
        charge(budget, weigh(value, budget[0]))
        if value.__class__ not in (list, dict, tuple, set, frozenset, range):
            raise EvaluationError(
                f"{kind(value)} is not plain data and cannot be written as text; "
                "pass it to a call"
            )
    return write(value)


def formatted(budget: Budget, value: Any, specification: str) -> str:
    """`format(value, specification)` with bounded width and precision."""
    digits = "".join(c if c.isdecimal() else " " for c in specification[:100]).split()
    if len(specification) > 100 or any(int(number) > WIDTH for number in digits):
        raise EvaluationError(f"a format's width and precision are at most {WIDTH:,}")
    if value.__class__ not in SCALARS:
        value = text(budget, value)
    charge(budget, WIDTH >> 4)
    return format(value, specification)


def integer(value: Any = 0, base: Any = 10) -> int:
    """`int(value, base)`."""
    if isinstance(value, str):
        if len(value) > DIGITS:
            raise EvaluationError(f"a number of more than {DIGITS:,} digits")
        return int(value, base)
    if base != 10:
        raise EvaluationError("int with a base takes a text")
    return int(value)


def floating(value: Any = 0.0) -> float:
    """`float(value)`."""
    if isinstance(value, str) and len(value) > DIGITS:
        raise EvaluationError(f"a number of more than {DIGITS:,} digits")
    return float(value)


def rounded(number: Any, ndigits: Any = None) -> Any:
    """`round(number, ndigits)`."""
    if ndigits is not None and abs(ndigits) > DIGITS:
        raise EvaluationError(f"round takes at most {DIGITS:,} digits")
    return round(number, ndigits)


def ranged(*bounds: Any) -> range:
    """`range(...)` of at most ELEMENTS numbers."""
    made = range(*bounds)
    try:
        if len(made) <= ELEMENTS:
            return made
    except OverflowError:
        pass
    raise EvaluationError(f"a range of more than {ELEMENTS:,} numbers")


def total(budget: Budget, items: Any, start: Any = 0) -> Any:
    """`sum(items, start)` of numbers; lists are not added up, which would take quadratic time."""
    if not isinstance(start, NUMBERS):
        raise EvaluationError(f"sum adds numbers; it cannot start from {kind(start)}")
    return sum(iterable(budget, items), start)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(budget: Budget, *items: Any, **default: Any) -> Any:
        if len(items) == 1:
            return choose(iterable(budget, items[0]), **default)
        charge(budget, len(items))
        return choose(*items, **default)

    return extreme


def _consuming(function: Callable[..., Any]) -> Callable[..., Any]:
    def consuming(budget: Budget, items: Any = (), /, **options: Any) -> Any:
        return function(iterable(budget, items), **options)

    return consuming


def paired(budget: Budget, *items: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """`zip(...)` as a list."""
    return list(zip(*[iterable(budget, each, 2) for each in items], strict=strict))


def numbered(budget: Budget, items: Any, start: int = 0) -> list[tuple[int, Any]]:
    """`enumerate(...)` as a list."""
    return list(enumerate(iterable(budget, items, 2), start))


# Methods of text -----------------------------------------------------------------------------


def _method(name: str) -> Callable[..., Any]:
    function = getattr(str, name)

    def method(budget: Budget, subject: Any, *arguments: Any, **options: Any) -> Any:
        _text_only(subject, name)
        charge(budget, text_weight(len(subject)) + 1)
        return function(subject, *arguments, **options)

    return method


def _text_only(subject: Any, name: str) -> None:
    if not isinstance(subject, str):
        raise EvaluationError(f"{name} is a method of text, not of {kind(subject)}")


def stripped(budget: Budget, subject: Any, characters: Any = None) -> str:
    """`subject.strip(characters)`."""
    _text_only(subject, "strip")
    if characters is not None and len(characters) > WIDTH:
        raise EvaluationError(f"strip takes at most {WIDTH:,} characters")
    charge(budget, text_weight(len(subject)) * (len(characters or "") + 1))
    return subject.strip(characters)


def divided(budget: Budget, subject: Any, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    """`subject.split(sep, maxsplit)`."""
    _text_only(subject, "split")
    parts = subject.split(sep, maxsplit)
    charge(budget, len(parts) + text_weight(len(subject)))
    return parts


def joined(budget: Budget, subject: Any, items: Iterable[Any]) -> str:
    """`subject.join(items)`."""
    _text_only(subject, "join")
    parts = list(iterable(budget, items))
    for part in parts:
        if not isinstance(part, str):
            raise EvaluationError(f"join takes texts, not {kind(part)}; write str(...) around it")
    _room(budget, sum(map(len, parts)) + len(subject) * max(len(parts) - 1, 0))
    return subject.join(parts)


def replaced(budget: Budget, subject: Any, old: Any, new: Any, count: Any = -1) -> str:
    """`subject.replace(old, new, count)`."""
    _text_only(subject, "replace")
    if not (isinstance(old, str) and isinstance(new, str)):
        raise EvaluationError(f"replace takes two texts, not {kind(old)} and {kind(new)}")
    found = subject.count(old)
    _room(budget, len(subject) + (found if count < 0 else min(found, count)) * (len(new) - len(old)))
    charge(budget, text_weight(len(subject)))
    return subject.replace(old, new, count)


def _room(budget: Budget, length: int) -> None:
    if length > TEXT:
        raise EvaluationError(f"a text of {length:,} characters would be over {TEXT:,}")
    charge(budget, text_weight(max(length, 0)))


HELPERS: dict[str, Any] = {
    "_weighed": weighed,
    "_counted": counted,
    "_searched": searched,
    "_rounds": rounds,
    "_spread": spread,
    "_iterable": iterable,
    "_multiply": multiply,
    "_power": power,
    "_shift": shift,
    "_remainder": remainder,
    "_text": text,
    "_represented": represented,
    "_formatted": formatted,
    "_f_len": len,
    "_f_abs": abs,
    "_f_bool": bool,
    "_f_int": integer,
    "_f_float": floating,
    "_f_round": rounded,
    "_f_range": ranged,
    "_f_str": text,
    "_f_sum": total,
    "_f_min": _extreme(min),
    "_f_max": _extreme(max),
    "_f_sorted": _consuming(sorted),
    "_f_any": _consuming(any),
    "_f_all": _consuming(all),
    "_f_set": _consuming(set),
    "_f_list": _consuming(list),
    "_f_dict": _consuming(dict),
    "_f_zip": paired,
    "_f_enumerate": numbered,
    "_m_startswith": _method("startswith"),
    "_m_endswith": _method("endswith"),
    "_m_lower": _method("lower"),
    "_m_upper": _method("upper"),
    "_m_strip": stripped,
    "_m_split": divided,
    "_m_join": joined,
    "_m_replace": replaced,
}
