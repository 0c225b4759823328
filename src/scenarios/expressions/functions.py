"""The functions and the methods of text that expressions call: Python's own, kept in bounds.

Those not in UNBUDGETED take the evaluation's budget first, as in `guards`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .data import DIGITS, ELEMENTS, TEXT, kind, text_weight
from .errors import EvaluationError
from .guards import (
    HASHED,
    NUMBERS,
    OPERATORS,
    WIDTH,
    Budget,
    charge,
    collisions,
    counted,
    iterable,
    text,
)

PAIR = 5  # elements that making a tuple counts for


def integer(value: Any = 0, *base: Any, **named: Any) -> int:
    """`int(value, base)`."""
    _short(value)
    return int(value, *base, **named)


def floating(value: Any = 0.0) -> float:
    """`float(value)`."""
    _short(value)
    return float(value)


def _short(value: Any) -> None:
    if isinstance(value, str) and len(value) > DIGITS:
        raise EvaluationError(f"a number of more than {DIGITS:,} digits")


def rounded(number: Any, ndigits: Any = None) -> Any:
    """`round(number, ndigits)`."""
    if not isinstance(number, NUMBERS):
        raise EvaluationError(f"round takes a number, not {kind(number)}")
    if ndigits is not None and abs(ndigits) > DIGITS:
        raise EvaluationError(f"round to more than {DIGITS:,} digits")
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
        raise EvaluationError(f"sum adds numbers and cannot start from {kind(start)}")
    return sum(iterable(budget, items), start)


def paired(budget: Budget, *items: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """`zip(...)` as a list: an iterator would be used up by the first look."""
    return list(zip(*[iterable(budget, each, PAIR) for each in items], strict=strict))


def numbered(budget: Budget, items: Any, start: int = 0) -> list[tuple[int, Any]]:
    """`enumerate(...)` as a list."""
    return list(enumerate(iterable(budget, items, PAIR), start))


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """`min` and `max`, of one collection or of several values."""

    def chosen(budget: Budget, *items: Any, **default: Any) -> Any:
        if len(items) == 1:
            return choose(iterable(budget, items[0]), **default)
        return choose(*items, **default)

    return chosen


def _consumer(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one collection."""

    def consuming(budget: Budget, *items: Any, **options: Any) -> Any:
        return function(*[iterable(budget, each) for each in items], **options)

    return consuming


def distinct(budget: Budget, items: Any = ()) -> set[Any]:
    """`set(items)`."""
    elements = iterable(budget, items)
    if elements.__class__ not in HASHED or elements.__class__ is range:
        elements = list(elements)
        charge(budget, sum(map(collisions, elements)))
    return set(elements)


def mapped(budget: Budget, items: Any = (), **named: Any) -> dict[Any, Any]:
    """`dict(items, **named)`."""
    pairs = iterable(budget, items)
    if not isinstance(pairs, Mapping):
        pairs = [tuple(iterable(budget, pair)) for pair in pairs]
        charge(budget, sum(collisions(pair[0]) for pair in pairs if pair))
    return dict(pairs, **named)


def _subject(value: Any, method: str) -> str:
    """The text that a method is called on."""
    if isinstance(value, str):
        return value
    raise EvaluationError(f"{method} is a method of text, not of {kind(value)},")


def _method(name: str) -> Callable[..., Any]:
    """A method whose result is at most three times as long as the text."""
    function = getattr(str, name)

    def method(budget: Budget, value: Any, *arguments: Any) -> Any:
        return function(counted(budget, _subject(value, name)), *arguments)

    return method


def stripped(budget: Budget, value: Any, characters: Any = None) -> str:
    """`value.strip(characters)`."""
    subject = _subject(value, "strip")
    if characters is not None and len(characters) > WIDTH:
        raise EvaluationError(f"strip of more than {WIDTH:,} characters")
    charge(budget, text_weight(len(subject)) * len(characters or " "))
    return subject.strip(characters)


def divided(budget: Budget, value: Any, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    """`value.split(sep, maxsplit)`."""
    parts: list[str] = counted(budget, _subject(value, "split")).split(sep, maxsplit)
    charge(budget, len(parts))
    return parts


def joined(budget: Budget, value: Any, items: Any) -> str:
    """`value.join(items)`."""
    subject, parts = _subject(value, "join"), list(iterable(budget, items))
    for part in parts:
        if not isinstance(part, str):
            raise EvaluationError(f"join takes texts, not {kind(part)}, use str(...),")
    _room(budget, sum(map(len, parts)) + len(subject) * max(len(parts) - 1, 0))
    return subject.join(parts)


def replaced(budget: Budget, value: Any, old: Any, new: Any, count: Any = -1) -> str:
    """`value.replace(old, new, count)`."""
    subject = _subject(value, "replace")
    if not (isinstance(old, str) and isinstance(new, str)):
        raise EvaluationError(f"replace takes two texts, not {kind(old)} and {kind(new)},")
    found = subject.count(old)
    times = found if count < 0 else min(found, count)
    counted(budget, subject)
    _room(budget, len(subject) + times * (len(new) - len(old)))
    return subject.replace(old, new, count)


def _room(budget: Budget, length: int) -> None:
    """Room for a text of `length` characters."""
    if length > TEXT:
        raise EvaluationError(f"a text of more than {TEXT:,} characters")
    charge(budget, text_weight(length))


_PLAIN: dict[str, Any] = {
    "_f_len": len,
    "_f_abs": abs,
    "_f_bool": bool,
    "_f_int": integer,
    "_f_float": floating,
    "_f_round": rounded,
    "_f_range": ranged,
}
UNBUDGETED = frozenset(_PLAIN)
# What stands in place of Python's own builtins.
HELPERS: dict[str, Any] = {
    **OPERATORS,
    **_PLAIN,
    "_f_str": text,
    "_f_sum": total,
    "_f_min": _extreme(min),
    "_f_max": _extreme(max),
    "_f_sorted": _consumer(sorted),
    "_f_any": _consumer(any),
    "_f_all": _consumer(all),
    "_f_set": distinct,
    "_f_list": _consumer(list),
    "_f_dict": mapped,
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
