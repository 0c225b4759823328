import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.wire import plain

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    """Types included: a tuple compares with tuples only."""
    back = plain.load(plain.dump(value))
    assert back == value
    assert repr(back) == repr(value)


def test_numbers_at_the_edges() -> None:
    """Beyond what decimal text or JSON can say."""
    number = 10**10_000
    assert plain.load(plain.dump(number)) == number
    assert plain.load(plain.dump(-number)) == -number
    assert math.isnan(plain.load(plain.dump(math.nan)))
    assert plain.load(plain.dump(-math.inf)) == -math.inf


@pytest.mark.parametrize("value", [object(), {1, 2}, [print], type("Text", (str,), {})("x")])
def test_what_is_not_plain_is_refused(value: object) -> None:
    """The hub could not compare it without running its code."""
    with pytest.raises(TypeError, match="plain data"):
        plain.dump(value)


def test_nesting_has_an_end() -> None:
    """On both sides, and as an error that is caught."""
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TypeError, match="deep"):
        plain.dump(value)
    with pytest.raises(ValueError, match="not an item"):
        plain.load(b"[" * 100_000 + b"]" * 100_000)


@given(st.binary() | st.sampled_from([b'{"t":1}', b'{"d":[1]}', b'{"i":"z"}', b'{"x":1}', b"{}"]))
def test_hostile_bytes_are_a_value_error(data: bytes) -> None:
    """Nothing else escapes, and nothing runs."""
    with contextlib.suppress(ValueError):
        plain.load(data)
