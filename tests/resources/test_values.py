from __future__ import annotations

from typing import Any

import pytest

from playing import Play
from scenarios.resources.values import Value


def test_reads_and_writes() -> None:
    """What was written last is read."""
    play = Play(Value(5))
    assert play("a", "read") == 5
    assert play("a", "write", [1]) is True
    assert play("b", "read") == [1]
    assert play.machine.statistics() == {"value": [1]}


def test_an_update_is_one_step() -> None:
    """From old to new, answered with both; one that fails changes nothing."""
    play = Play(Value(5))
    assert play("a", "update", lambda old: old + 1) == (5, 6)

    def fails(old: Any) -> Any:
        raise ArithmeticError(old)

    with pytest.raises(ArithmeticError):
        play("a", "update", fails)
    assert play("a", "read_version") == (1, 6)


def test_a_swap_meets_every_other_change() -> None:
    """A write of the same value is a change as well."""
    play = Play(Value(5))
    version, content = play("a", "read_version")
    play("b", "write", 5)
    assert play("a", "swap", (version, content + 1)) is False
    version, content = play("a", "read_version")
    assert play("a", "swap", (version, content + 1)) is True
    assert play("a", "read") == 6
    assert play("a", "swap", (version, 0)) is False
