"""Words for values, durations and counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import wording


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext é 日", "plain\ttext é 日"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x9b2J\u202etxt", "\\x9b2J\\u202etxt"),
        ("\udcff", "\\udcff"),
    ],
)
def test_visible_shows_what_acts_on_a_terminal(text: str, expected: str) -> None:
    """Controls become escapes, all other text stays."""
    assert wording.visible(text) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0.0 ms"),
        (0.0004, "0.4 ms"),
        (0.25, "250 ms"),
        (0.9999, "1.00 s"),
        (1.024, "1.02 s"),
        (59.999, "1 min 0 s"),
        (125.2, "2 min 5 s"),
    ],
)
def test_duration_picks_its_unit(seconds: float, expected: str) -> None:
    """Every duration has at most four digits that matter."""
    assert wording.duration(seconds) == expected


def test_value_is_one_short_line() -> None:
    """Data is JSON; large data is cut, and a thing that is no data is still shown."""
    assert wording.value({"a": [1, None, "x\n"]}) == '{"a": [1, null, "x\\n"]}'
    assert len(wording.value(list(range(10**6)), 40)) == 40
    assert len(wording.value("x" * 10**6, 40)) == 40
    assert wording.value({n: n for n in range(1000)}, 20).endswith("...")
    assert wording.value(object()).startswith('"<object')


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_value_never_acts_on_a_terminal(data: object) -> None:
    """Whatever the data, its text has no control character and is not too long."""
    text = wording.value(data)
    assert wording.visible(text) == text
    assert len(text) <= wording.WIDTH


def test_count_knows_the_plural() -> None:
    """One is singular, none and many are plural."""
    assert [wording.count(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
