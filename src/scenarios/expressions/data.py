"""Plain data: what may be stored, sent and logged; its copies, limits and weight."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from .errors import EvaluationError

ELEMENTS = 1_000_000  # of one value, all levels together
TEXT = 1_000_000  # characters of one text
DEPTH = 100  # levels; pickle and json recurse, and the interpreter allows them about 300
DIGITS = 4_200  # Python writes no integer of more than 4,300 digits down
INTEGER = 10**DIGITS

SCALARS = frozenset({NoneType, bool, int, float, str})
_SMALL = frozenset({NoneType, bool, float})
_KEYS = frozenset({bool, int, float, str})


def kind(value: object) -> str:
    """The value's type for a sentence: `an int`, `a list`."""
    name = type(value).__name__
    return "None" if value is None else f"an {name}" if name[:1] in "aeiouAEIOU" else f"a {name}"


def text_weight(length: int) -> int:
    """Elements that a text of so many characters counts for: copying 16 costs about one."""
    return length >> 4


def plain(value: Any) -> Any:
    """A deep copy of `value` as null, booleans, numbers, text, lists and mappings.

    Tuples and ranges become lists, sets become sorted lists. Raises EvaluationError for anything
    else, and beyond the limits of this module.
    """
    kind_of = value.__class__
    if kind_of in _SMALL or (kind_of is int and -INTEGER < value < INTEGER):
        return value
    if kind_of is str and len(value) <= TEXT:
        return value
    return _plain(value, [ELEMENTS], 0)


def _plain(value: Any, left: list[int], depth: int) -> Any:
    kind_of = value.__class__
    if kind_of in _SMALL:
        return value
    if kind_of is str:
        if len(value) > TEXT:
            raise EvaluationError(f"a text of {len(value):,} characters is over {TEXT:,}")
        left[0] -= text_weight(len(value))
        return value
    if kind_of is int:
        if not -INTEGER < value < INTEGER:
            raise EvaluationError(f"an integer is longer than {DIGITS:,} digits")
        return value
    if kind_of is dict:
        _enter(len(value), left, depth)
        return {_key(key): _plain(item, left, depth + 1) for key, item in value.items()}
    if kind_of is list or kind_of is tuple or kind_of is range:
        _enter(len(value), left, depth)
        return [_plain(item, left, depth + 1) for item in value]
    if kind_of is set or kind_of is frozenset:
        _enter(len(value), left, depth)
        return [_plain(item, left, depth + 1) for item in _ordered(value)]
    raise EvaluationError(
        f"{kind(value)} is not plain data; only null, booleans, numbers, text, lists and mappings are"
    )


def _enter(elements: int, left: list[int], depth: int) -> None:
    """Account for one more container; a value that holds itself ends here too."""
    left[0] -= elements
    if left[0] < 0:
        raise EvaluationError(f"a value of more than {ELEMENTS:,} elements is too large")
    if depth >= DEPTH:
        raise EvaluationError(f"a value is nested deeper than {DEPTH} levels")


def _key(key: Any) -> Any:
    if key.__class__ in _KEYS:
        return plain(key)
    raise EvaluationError(f"{kind(key)} cannot be a key in plain data; keys are text or numbers")


def _ordered(items: Iterable[Any]) -> list[Any]:
    try:
        return sorted(items)
    except TypeError:
        raise EvaluationError("a set of values that have no common order is not plain data") from None


def copied(value: Any) -> Any:
    """A deep copy of exact lists, mappings, tuples and sets; anything else is returned as it is.

    Raises EvaluationError for values that are too large, too deep or hold themselves.
    """
    if value.__class__ in SCALARS:
        return value
    return _copied(value, [ELEMENTS], 0)


def _copied(value: Any, left: list[int], depth: int) -> Any:
    kind_of = value.__class__
    if kind_of is dict:
        _enter(len(value), left, depth)
        return {
            key: item if item.__class__ in SCALARS else _copied(item, left, depth + 1)
            for key, item in value.items()
        }
    if kind_of is list or kind_of is tuple or kind_of is set:
        _enter(len(value), left, depth)
        return kind_of(
            [
                item if item.__class__ in SCALARS else _copied(item, left, depth + 1)
                for item in value
            ]
        )
    return value


def weigh(value: Any, limit: int, depth: int = 0) -> int:
    """Elements in `value` at all levels, texts by their length; stops soon after `limit`."""
    kind_of = value.__class__
    if kind_of is str:
        return text_weight(len(value))
    if kind_of is dict:
        total = len(value)
        value = [*value.keys(), *value.values()] if total <= limit else ()
    elif kind_of is list or kind_of is tuple or kind_of is set or kind_of is frozenset:
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
