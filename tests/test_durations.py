"""Durations, in files and as they come up while a worker runs."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.compiling import Resolver, compile_steps
from scenarios.durations import seconds_of
from scenarios.expressions import compile_template
from scenarios.program import Frame, advance
from scenarios.scenario import Step


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(0, 0.0), (1.5, 1.5), ("250ms", 0.25), ("1m30s", 90.0), ("2h", 7200.0), ("5us", 5e-6)],
)
def test_a_duration_is_seconds(value: Any, seconds: float) -> None:
    """Numbers are seconds, texts have units, which may follow each other."""
    assert seconds_of(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [-1, True, None, "", "5", "5 s", "s", "1.s", [1], float("inf")])
def test_what_is_no_duration(value: Any) -> None:
    """Negative numbers, booleans, texts without a unit and everything else are none."""
    assert seconds_of(value) is None


@pytest.mark.parametrize(("text", "seconds"), [("${t}", 0.01), ("${n}ms", 0.02), ("${n}", 20.0)])
def test_a_sleep_that_is_known_only_at_run_time(text: str, seconds: float) -> None:
    """A worker that computes its pause may compute a text with a unit."""
    step = Step("sleep", {"sleep": compile_template(text), "min": None, "max": None}, 1, 1)
    names: dict[str, Any] = {"t": "10ms", "n": 20}
    program = compile_steps([step], {}, Resolver(names))
    frame = Frame(program, names)
    operation = advance(frame)
    assert operation is not None and operation.name == "sleep"
    assert frame.argument == pytest.approx(seconds)
