import pytest

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
