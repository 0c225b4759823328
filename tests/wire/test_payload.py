import datetime
import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.wire import payload


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"x" * payload.LARGE,
        b"\x80" * payload.LARGE,
        bytearray(payload.LARGE),
        "",
        "ü" * payload.LARGE,
        "\ud800" * payload.LARGE,
        {"a": [1, (2.5, b"x" * payload.LARGE)]},
    ],
)
def test_a_value_comes_back_with_its_type(value: object) -> None:
    """Whichever way it went."""
    data = b"".join(payload.dump(value))
    for source in (data, memoryview(data)):
        back = payload.load(source)
        assert back == value
        assert type(back) is type(value)


def test_a_class_of_its_own_is_pickled() -> None:
    """A kind of text is no plain text."""
    value = Word("x" * payload.LARGE)
    back = payload.load(b"".join(payload.dump(value)))
    assert type(back) is Word


class Word(str):
    """A kind of text."""


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers() | st.text())
    ),
)
read: list[str] = []


def note(text: str) -> str:
    """Called where an object is read."""
    read.append(text)
    return text


class Noted:
    """Tells that it was read."""

    def __reduce__(self) -> Any:
        return note, ("here",)


@given(PLAIN)
def test_plain_data_is_read_safely(value: object) -> None:
    """Whatever bytes are in it, also those by which a pickle names things."""
    data = b"".join(payload.dump([value, "\x82\x93", b"\x83\x84\x93"]))
    for source in (data, memoryview(data)):
        assert payload.load_safely(source) == [value, "\x82\x93", b"\x83\x84\x93"]


@pytest.mark.parametrize(
    "value", [Noted(), [1, {"a": Noted()}], OrderedDict(), datetime.date(2026, 1, 1), pickle.loads]
)
def test_an_object_is_named_and_not_read(value: object) -> None:
    """Its code does not run; `load` runs it."""
    data = b"".join(payload.dump(value))
    for source in (data, memoryview(data)):
        with pytest.raises(payload.Named):
            payload.load_safely(source)
    assert read == []
    payload.load(b"".join(payload.dump(Noted())))
    assert read == ["here"]
    read.clear()
