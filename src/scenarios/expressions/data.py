"""Plain data: what may be stored, sent and logged; its copies, limits and weight."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from .errors import EvaluationError

ELEMENTS = 1_000_000  # of one value, all levels together
TEXT = 1_000_000  # characters of one text
DEPTH = 100  # levels; pickle and json recurse, and the interpreter allows them about 300
DIGITS = 4_200  # of an integer; Python refuses to write or read more than 4,300
INTEGER = 10**DIGITS
LEAST = -INTEGER

SCALARS = frozenset({NoneType, bool, int, float, str})
KEYS = frozenset({bool, int, float, str})
_FREE = frozenset({NoneType, bool, float})  # scalars of bounded size
_LISTS = frozenset({list, tuple, range})
_SETS = frozenset({set, frozenset})


def kind(value: object) -> str:
    """The type of `value` for a sentence: `an int`, `a list`."""
    name = type(value).__name__
    return "None" if value is None else f"an {name}" if name[:1] in "aeiouAEIOU" else f"a {name}"


def text_weight(length: int) -> int:
    """Elements that a text of `length` characters counts for: to copy 16 costs about as much."""
    return length >> 4


def long_weight(value: int) -> int:
    """Elements that arithmetic with an integer counts for: its time is quadratic in the length.

    4,200 digits count for 11,881, which take about as long as one multiplication, or 60 µs.
    """
    return (value.bit_length() >> 7) ** 2


def plain(value: Any, left: list[int] | None = None) -> Any:
    """A deep copy of `value` as null, booleans, numbers, text, lists and mappings.

    Tuples and ranges become lists, sets become sorted lists; keys are text or numbers. Raises
    EvaluationError for anything else, and beyond the limits of this module. `left` holds the
    number of elements that it may have, which is counted down, and that of lists and mappings
    made, which is counted up.
    """
    its = value.__class__
    if its in _FREE or (its is int and LEAST < value < INTEGER):
        return value
    if its is str and len(value) <= TEXT:
        return value
    return _plain(value, [ELEMENTS, 0] if left is None else left, 0)


def _plain(value: Any, left: list[int], depth: int) -> Any:
    its = value.__class__
    if its in SCALARS:
        return _scalar(value, left)
    if its is dict:
        _enter(len(value), left, depth)
        left[1] += 1
        return {_key(key, left): _plain(item, left, depth + 1) for key, item in value.items()}
    if its in _LISTS or its in _SETS:
        _enter(len(value), left, depth)
        left[1] += 1
        items = _ordered(value) if its in _SETS else value
        return [_plain(item, left, depth + 1) for item in items]
    raise EvaluationError(
        f"{kind(value)} is not plain data; null, booleans, numbers, text, lists and mappings are"
    )


def _scalar(value: Any, left: list[int]) -> Any:
    """A scalar, within its limits."""
    if value.__class__ is str:
        if len(value) > TEXT:
            raise EvaluationError(f"a text of {len(value):,} characters is over {TEXT:,}")
        _enter(text_weight(len(value)), left, 0)
    elif value.__class__ is int and not LEAST < value < INTEGER:
        raise EvaluationError(f"an integer is longer than {DIGITS:,} digits")
    return value


def _enter(elements: int, left: list[int], depth: int) -> None:
    """Account for one more container; a value that holds itself ends here too."""
    left[0] -= elements
    if left[0] < 0:
        raise EvaluationError(f"a value is over {ELEMENTS:,} elements")
    if depth >= DEPTH:
        raise EvaluationError(f"a value is nested deeper than {DEPTH} levels")


def _key(key: Any, left: list[int]) -> Any:
    if key.__class__ in KEYS:
        return _scalar(key, left)
    raise EvaluationError(f"{kind(key)} cannot be a key in plain data; keys are text or numbers")


def _ordered(items: Iterable[Any]) -> list[Any]:
    try:
        return sorted(items)
    except Exception:  # whatever a foreign comparison raises
        raise EvaluationError(
            "a set whose elements have no common order is not plain data; make a list of it"
        ) from None


def copied(value: Any) -> Any:
    """A deep copy of exact lists, mappings, tuples and sets; anything else is returned as it is.

    Raises EvaluationError for values that are too large, too deep or hold themselves.
    """
    if value.__class__ in SCALARS:
        return value
    return _copied(value, [ELEMENTS], 0)


def _copied(value: Any, left: list[int], depth: int) -> Any:
    its = value.__class__
    if its is dict:
        _enter(len(value), left, depth)
        return {
            key: item if item.__class__ in SCALARS else _copied(item, left, depth + 1)
            for key, item in value.items()
        }
    if its is list or its is tuple:
        _enter(len(value), left, depth)
        return its(
            [
                item if item.__class__ in SCALARS else _copied(item, left, depth + 1)
                for item in value
            ]
        )
    return set(value) if its is set else value  # what a set holds cannot change


def weigh(value: Any, limit: int, depth: int = 0) -> int:
    """Elements in `value` at all levels, texts by their length; stops soon after `limit`."""
    its = value.__class__
    if its is str:
        return text_weight(len(value))
    if its is int:
        return int(value.bit_length() >> 7)  # to compare or hash it is linear
    if its is dict:
        total = len(value)
        value = [*value.keys(), *value.values()] if total <= limit else ()
    elif its is list or its is tuple or its in _SETS:
        total = len(value)
    else:
        return 0
    if depth >= DEPTH:
        raise EvaluationError(f"a value is nested deeper than {DEPTH} levels")
    for item in value:
        if total > limit:
            break
        total += weigh(item, limit - total, depth + 1)
    return total
