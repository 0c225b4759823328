"""Compile and evaluate a text in one go, for tests."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.expressions import (
    EvaluationError,
    Expression,
    ExpressionError,
    compile_expression,
    compile_template,
    prepare,
)


def value_of(expression: Expression | str, /, **names: Any) -> Any:
    """The value of `expression` with `names`; shared state is in `values` and `flags`."""
    made = compile_expression(expression) if isinstance(expression, str) else expression
    reads = [names[root][name] for root, name in made.reads]
    prepare(names)
    before = dict(names)
    try:
        return made.evaluate(names, reads)
    finally:
        assert before == names


def filled(template: Any, /, **names: Any) -> Any:
    """The value of a template with `names`."""
    return value_of(compile_template(template), **names)


def refusal(text: str) -> tuple[str, int]:
    """Why and where the bare expression `text` is refused."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert "\n" not in str(caught.value)
    return caught.value.message, caught.value.offset


def failure(expression: Expression | str, /, **names: Any) -> str:
    """Why the evaluation of `expression` fails."""
    with pytest.raises(EvaluationError) as caught:
        value_of(expression, **names)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)
