"""Plain data and copies."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import pytest

from scenarios.expressions import EvaluationError, copied, plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (math.inf, math.inf),
        ("x", "x"),
        ((1, (2,)), [1, [2]]),
        (range(3), [0, 1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        ({"a": (1,), 2: {"b": set()}}, {"a": [1], 2: {"b": []}}),
    ],
)
def test_plain(value: Any, expected: Any) -> None:
    """Values become null, booleans, numbers, text, lists and mappings."""
    found = plain(value)
    assert (expected, type(expected)) == (found, type(found))


def test_plain_is_a_copy() -> None:
    """Nothing is shared with the value that was given."""
    inner = [1]
    value = [inner, {"a": inner}]
    found = plain(value)
    inner.append(2)
    assert found == [[1], {"a": [1]}]


def shared(levels: int) -> Any:
    """A small value that would be enormous if it were written out."""
    value: Any = [1]
    for _ in range(levels):
        value = [value, value]
    return value


def looped() -> Any:
    """A list that holds itself."""
    value: list[Any] = []
    value.append({"a": value})
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "an object is not plain data; null, booleans, numbers, text"),
        ([b"x"], "a bytes is not plain data"),
        ([1j], "a complex is not plain data"),
        (OrderedDict(), "an OrderedDict is not plain data"),
        (iter([]), "a list_iterator is not plain data"),
        ({1, "a"}, "a set whose elements have no common order"),
        ({(1, 2): 3}, "a tuple cannot be a key in plain data"),
        ({None: 3}, "None cannot be a key in plain data"),
        ("x" * 1_000_001, "a text of 1,000,001 characters is over 1,000,000"),
        (["x" * 1_000_000] * 17, "a value is over 1,000,000 elements"),
        ([None] * 1_000_001, "a value is over 1,000,000 elements"),
        (10**4200, "an integer is longer than 4,200 digits"),
        ([-(10**4200)], "an integer is longer than 4,200 digits"),
        ({10**4200: 1}, "an integer is longer than 4,200 digits"),
        (looped(), "a value is nested deeper than 100 levels"),
        (shared(60), "a value is over 1,000,000 elements"),
    ],
    ids=lambda value: str(type(value)) if not isinstance(value, str) else value[:20],
)
def test_not_plain(value: Any, message: str) -> None:
    """What is not plain, or too large, is refused in one sentence."""
    with pytest.raises(EvaluationError, match=message):
        plain(value)


def test_copied() -> None:
    """Exact containers are copied at all levels, anything else is the same object."""
    live, view = object(), OrderedDict(a=[1])
    value: list[Any] = [{"a": [1]}, (live, [2]), {3}, view]
    found = copied(value)
    assert value == found
    assert found[0] is not value[0] and found[0]["a"] is not value[0]["a"]
    assert found[1][0] is live and found[1][1] is not value[1][1]
    assert found[2] is not value[2] and found[3] is view
    assert copied(live) is live
    assert copied("x") == "x"


@pytest.mark.parametrize("value", [looped(), shared(60), [None] * 1_000_001])
def test_copied_refuses(value: Any) -> None:
    """A value that holds itself or is too large is refused, not followed for ever."""
    with pytest.raises(EvaluationError):
        copied(value)
